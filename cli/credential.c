/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo credential add | list | remove, sigillo key add | list | remove, sigillo subscription add | list */
#include <stdlib.h>
#include <string.h>

#include "verbs.h"

#define PASSWORD_FILE_MAX 4096

static json_t *domains_given(const struct cli *c)
{
    json_t *list = json_array();
    const char *domain;

    for (size_t i = 0; (domain = cli_nth(c, "--domain", i)) != NULL; i++)
        json_array_append_new(list, json_string(domain));
    return list;
}

static const char *domains_text(const json_t *identity, char *out, size_t size)
{
    const json_t *d;
    size_t at, len = 0;

    out[0] = '\0';
    json_array_foreach(json_object_get(identity, "domains"), at, d)
    {
        int n = snprintf(out + len, size - len, "%s%s", len == 0 ? "" : " ", json_string_value(d));

        if (n < 0 || (size_t)n >= size - len)
            break;
        len += (size_t)n;
    }
    return out;
}

static void add_subscription(const struct cli *c, json_t *body)
{
    const char *subscription = cli_text(c, "--subscription");

    if (subscription != NULL)
        json_object_set_new(body, "subscription", json_string(subscription));
}

static int remove_noun(struct cli *c, const char *prefix)
{
    char *path = cli_path(prefix, c->argument[0], "");
    json_t *answer;
    int status = cli_call(c, "DELETE", path, NULL, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    cli_put(stdout, c->argument[0]);
    puts(" is removed");
    json_decref(answer);
    return CLI_YES;
}

static int list_nouns(struct cli *c, const char *path, const char *const *head,
                      const char *const *member, size_t columns, const char *name)
{
    struct cli_table t;
    const json_t *n;
    json_t *answer;
    size_t at;
    int status = cli_call(c, "GET", path, NULL, &answer);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    cli_table_init(&t, columns, head);
    json_array_foreach(json_object_get(answer, name), at, n) for (size_t i = 0; i < columns; i++)
    {
        char text[1024];

        if (strcmp(member[i], "domains") == 0)
            cli_table_add(&t, domains_text(n, text, sizeof(text)));
        else
            cli_table_add(&t, strcmp(member[i], "created_at") == 0 ? cli_time(n, member[i], 0)
                                                                   : cli_member(n, member[i], 0));
    }
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
    json_decref(answer);
    return CLI_YES;
}

/* ---- credential ---- */

/* The first line of standard input; false: said. */
static bool read_password(json_t *body)
{
    struct sgl_buf text = SGL_BUF_INIT(PASSWORD_FILE_MAX);
    bool fine = cli_read_file("--password-stdin", "-", PASSWORD_FILE_MAX, &text);
    sgl_view line = sgl_buf_view(&text);

    line = sgl_view_sub(line, 0, sgl_view_find(line, '\n'));
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (fine && line.len == 0) {
        cli_error(CLI_USAGE, "--password-stdin", "standard input has no password");
        fine = false;
    }
    if (fine && json_object_set_new(body, "password",
                                    json_stringn((const char *)line.ptr, line.len)) != 0) {
        cli_error(CLI_USAGE, "--password-stdin", "the password is not UTF-8");
        fine = false;
    }
    sgl_buf_done(&text);
    return fine;
}

static int credential_add_run(struct cli *c)
{
    json_t *body = json_pack("{s:s, s:o}", "name", c->argument[0], "domains", domains_given(c)),
           *answer;
    const char *password;
    int status;

    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    if (cli_text(c, "--domain") == NULL) {
        json_decref(body);
        return cli_error(
            CLI_USAGE, "--domain",
            "name at least one domain that it may send as, or * for all of the subscription");
    }
    add_subscription(c, body);
    if (cli_flag(c, "--password-stdin") && !read_password(body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    status = cli_call(c, "POST", "/admin/v1/credentials", body, &answer);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("user      %s\n", cli_member(answer, "name", 0));
    password = cli_member(answer, "password", 1);
    if (password[0] != '\0')
        printf("password  %s\n\nThe password is shown this once; only its hash is kept.\n",
               password);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option credential_add_options[] = {
    {"--domain", "DOMAIN", "it may send as addresses of this domain; * for all of the subscription",
     true},
    {"--password-stdin", NULL, "read the password from standard input instead of making one",
     false},
    {"--subscription", "NAME", "whose it is (default: default)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_credential_add = {
    "credential add",       "USER", "makes a user name and password for SMTP",
    credential_add_options, 1,      1,
    credential_add_run,     NULL};

static int credential_list_run(struct cli *c)
{
    static const char *const head[] = {"USER", "SUBSCRIPTION", "DOMAINS", "ADDED"};
    static const char *const member[] = {"name", "subscription", "domains", "created_at"};

    return list_nouns(c, "/admin/v1/credentials", head, member, 4, "credentials");
}
const struct cli_verb verb_credential_list = {
    "credential list", "", "lists the SMTP credentials", NULL, 0, 0, credential_list_run, NULL};

static int credential_remove_run(struct cli *c)
{
    return remove_noun(c, "/admin/v1/credentials/");
}
const struct cli_verb verb_credential_remove = {
    "credential remove",   "USER", "removes an SMTP credential", NULL, 1, 1,
    credential_remove_run, NULL};

/* ---- key ---- */

static int key_add_run(struct cli *c)
{
    json_t *body = json_pack("{s:o, s:b}", "domains", domains_given(c), "admin",
                             (int)cli_flag(c, "--admin")),
           *answer;
    const char *label = cli_text(c, "--label");
    int status;

    if (cli_text(c, "--domain") == NULL && !cli_flag(c, "--admin")) {
        json_decref(body);
        return cli_error(
            CLI_USAGE, "--domain",
            "name at least one domain that it may send as, or * for all of the subscription");
    }
    if (label != NULL)
        json_object_set_new(body, "label", json_string(label));
    add_subscription(c, body);
    status = cli_call(c, "POST", "/admin/v1/keys", body, &answer);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("id   %s\nkey  %s\n\nThe key is shown this once; only its hash is kept.\n",
           cli_member(answer, "id", 0), cli_member(answer, "key", 1));
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option key_add_options[] = {
    {"--domain", "DOMAIN", "it may send as addresses of this domain; * for all of the subscription",
     true},
    {"--label", "TEXT", "what it is for, shown in lists", false},
    {"--admin", NULL, "an operator's key: for the admin API over TLS", false},
    {"--subscription", "NAME", "whose it is (default: default)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_key_add = {
    "key add", "", "makes an access key for HTTP", key_add_options, 0, 0, key_add_run, NULL};

static int key_list_run(struct cli *c)
{
    static const char *const head[] = {"ID",      "LABEL",    "SUBSCRIPTION",
                                       "DOMAINS", "OPERATOR", "ADDED"};
    static const char *const member[] = {"id",      "label", "subscription",
                                         "domains", "admin", "created_at"};

    return list_nouns(c, "/admin/v1/keys", head, member, 6, "keys");
}
const struct cli_verb verb_key_list = {"key list",   "",  "lists the access keys", NULL, 0, 0,
                                       key_list_run, NULL};

static int key_remove_run(struct cli *c)
{
    return remove_noun(c, "/admin/v1/keys/");
}
const struct cli_verb verb_key_remove = {"key remove",   "ID", "removes an access key", NULL, 1, 1,
                                         key_remove_run, NULL};

/* ---- subscription ---- */

static int subscription_add_run(struct cli *c)
{
    json_t *body = json_pack("{s:s}", "name", c->argument[0]), *answer;
    int status = body == NULL ? cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8")
                              : cli_call(c, "POST", "/admin/v1/subscriptions", body, &answer);

    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("subscription %s is added\n", cli_member(answer, "name", 0));
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_subscription_add = {
    "subscription add", "NAME", "adds a tenant", NULL, 1, 1, subscription_add_run, NULL};

static int subscription_list_run(struct cli *c)
{
    static const char *const head[] = {"SUBSCRIPTION", "ADDED"};
    static const char *const member[] = {"name", "created_at"};

    return list_nouns(c, "/admin/v1/subscriptions", head, member, 2, "subscriptions");
}
const struct cli_verb verb_subscription_list = {
    "subscription list", "", "lists the tenants", NULL, 0, 0, subscription_list_run, NULL};
