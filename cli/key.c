/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo key add | list | show | set | rotate | remove */
#include <stdlib.h>
#include <string.h>

#include "about.h"
#include "next.h"
#include "noun.h"
#include "verbs.h"

#define KEYS "/admin/v1/keys"

/* The secret in its forms: for a bearer, for who signs, for programs for SendGrid. */
static void say_secret(const json_t *answer)
{
    printf(
        "id                 %s\nkey                %s\nconnection string  %s\n"
        "SendGrid key       %s\n\nAll are the same secret, shown this once: it is kept sealed.\n",
        cli_member(answer, "id", 0), cli_member(answer, "key", 1),
        cli_member(answer, "connection_string", 2), cli_member(answer, "sendgrid_key", 3));
}

static void say_added(struct cli *c, const json_t *answer)
{
    json_t *domains = cli_noun_domains(c);
    char identity[200], from[600];
    struct cli_about about = {.identity = identity, .domains = domains};

    say_secret(answer);
    snprintf(identity, sizeof(identity), "key:%s", cli_member(answer, "id", 0));
    if (json_array_size(domains) > 0) { /* else it only opens the admin API */
        putchar('\n');
        cli_about_print(c, &about);
        cli_about_from(&about, from, sizeof(from));
        cli_next_head(c);
        (void)cli_about_try(c, &about);
        cli_next("lets it send as this address and no other", "sigillo sender add %s --identity %s",
                 from, identity);
        cli_next("says whether it may send as an address, and why",
                 "sigillo policy test --identity %s --sender %s", identity, from);
    }
    json_decref(domains);
}

/* Every --scope, into a body; false: no UTF-8, which was said. */
static bool put_scopes(const struct cli *c, json_t *body)
{
    json_t *list = json_array();
    const char *scope;

    for (size_t i = 0; (scope = cli_nth(c, "--scope", i)) != NULL; i++)
        if (json_array_append_new(list, json_string(scope)) != 0) {
            json_decref(list);
            (void)cli_error(CLI_USAGE, "--scope", "this is not UTF-8");
            return false;
        }
    if (json_array_size(list) > 0)
        json_object_set_new(body, "scopes", list);
    else
        json_decref(list);
    return true;
}

static int key_add_run(struct cli *c)
{
    const char *label = cli_text(c, "--label"), *role = cli_text(c, "--role");
    json_t *body;

    if (cli_text(c, "--domain") == NULL && !cli_flag(c, "--admin") && role == NULL &&
        cli_text(c, "--scope") == NULL)
        return cli_error(
            CLI_USAGE, "--domain",
            "name at least one domain that it may send as, or * for all of the subscription");
    if (cli_flag(c, "--admin") && role != NULL)
        return cli_error(CLI_USAGE, "--admin", "this is --role operator; give one of them");
    body = json_pack("{s:o, s:b}", "domains", cli_noun_domains(c), "admin",
                     (int)cli_flag(c, "--admin"));
    if (label != NULL)
        json_object_set_new(body, "label", json_string(label));
    if (role != NULL)
        json_object_set_new(body, "role", json_string(role));
    cli_noun_subscription(c, body);
    if (!put_scopes(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_noun_add(c, KEYS, body, say_added);
}

static const struct cli_option key_add_options[] = {
    {"--domain", "DOMAIN", "it may send as addresses of this domain; * for all of the subscription",
     true},
    {"--label", "TEXT", "what it is for, shown in lists", false},
    {"--scope", "SCOPE", "it is good for this only, as mail.send; may be repeated", true},
    {"--role", "ROLE",
     "what it may do with the admin API over TLS: reader or owner of its subscription, operator",
     false},
    {"--admin", NULL, "the same as --role operator", false},
    {"--subscription", "NAME", "whose it is (default: default)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_key_add = {
    "key add", "", "makes an access key for HTTP", key_add_options, 0, 0, key_add_run, NULL};

static int key_list_run(struct cli *c)
{
    static const struct cli_column column[] = {
        {"ID", "id", NULL},
        {"LABEL", "label", NULL},
        {"SUBSCRIPTION", "subscription", NULL},
        {"DOMAINS", "domains", cli_column_list},
        {"ROLE", "role", NULL},
        {"SCOPES", "scopes", cli_column_list},
        {"ADDED", "created_at", cli_column_time},
    };

    return cli_noun_list(c, KEYS, "keys", column, 7);
}
const struct cli_verb verb_key_list = {"key list",   "",  "lists the access keys", NULL, 0, 0,
                                       key_list_run, NULL};

static void say_set(struct cli *c, const json_t *answer)
{
    (void)answer;
    cli_put(stdout, c->argument[0]);
    puts(" is changed");
}

static int key_set_run(struct cli *c)
{
    const char *label = cli_text(c, "--label");
    json_t *body;

    if (label == NULL && cli_text(c, "--domain") == NULL && cli_text(c, "--profile") == NULL &&
        cli_text(c, "--scope") == NULL)
        return cli_error(CLI_USAGE, c->argument[0],
                         "say what changes: --domain, --label, --scope or --profile");
    body = json_object();
    if (cli_text(c, "--domain") != NULL)
        json_object_set_new(body, "domains", cli_noun_domains(c));
    if (label != NULL && json_object_set_new(body, "label", json_string(label)) != 0) {
        json_decref(body);
        return cli_error(CLI_USAGE, "--label", "this is not UTF-8");
    }
    if (!cli_noun_profile(c, body) || !put_scopes(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_noun_set(c, KEYS "/", body, say_set);
}

static const struct cli_option key_set_options[] = {
    {"--domain", "DOMAIN",
     "it may send as addresses of this domain, and of no others than are named; * for all", true},
    {"--label", "TEXT", "what it is for, shown in lists", false},
    {"--scope", "SCOPE", "it is good for this, and for nothing else than is named", true},
    {"--profile", "NAME", "limits of its own, beside its subscription's; none: only those", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_key_set = {
    "key set",       "ID", "changes the domains, the label or the scopes of an access key",
    key_set_options, 1,    1,
    key_set_run,     NULL};

/* ---- its secrets ---- */

static void add_secret(struct cli_table *t, const json_t *key, const char *name)
{
    const json_t *secret = json_object_get(key, name);

    cli_table_add(t, name);
    if (json_is_null(secret)) {
        cli_table_add(t, "not made yet");
        cli_table_add(t, "");
        cli_table_add(t, "");
        return;
    }
    cli_table_add(t, cli_time(secret, "created_at", 0));
    cli_table_add(t,
                  json_is_true(json_object_get(secret, "signs")) ? "bearer, signature" : "bearer");
    cli_table_add(t, json_is_string(json_object_get(secret, "used_on"))
                         ? cli_member(secret, "used_on", 1)
                         : "not since the server started");
}

static int key_show_run(struct cli *c)
{
    static const char *const head[] = {"SECRET", "MADE", "FOR", "LAST USED"};
    char *path = cli_path(KEYS "/", c->argument[0], "");
    struct cli_table t;
    char domains[1024], scopes[4096];
    json_t *key;
    int status = cli_call(c, "GET", path, NULL, &key);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(key);
    printf("id            %s\nsubscription  %s\ndomains       %s\nrole          %s\nscopes        "
           "%s\nendpoint      %s\nlabel         ",
           cli_member(key, "id", 0), cli_member(key, "subscription", 1),
           cli_column_list(key, "domains", domains, sizeof(domains)), cli_member(key, "role", 2),
           json_is_array(json_object_get(key, "scopes"))
               ? cli_column_list(key, "scopes", scopes, sizeof(scopes))
               : "not listed: what the role gives, and sending",
           cli_member(key, "endpoint", 3));
    cli_put(stdout, cli_member(key, "label", 0));
    puts("\n");
    cli_table_init(&t, 4, head);
    add_secret(&t, key, "primary");
    add_secret(&t, key, "secondary");
    cli_table_print(c, &t, stdout);
    cli_table_done(&t);
    json_decref(key);
    return CLI_YES;
}
const struct cli_verb verb_key_show = {
    "key show",   "ID", "shows an access key, and when its secrets were made and used", NULL, 1, 1,
    key_show_run, NULL};

static void say_rotated(struct cli *c, const json_t *answer)
{
    const char *which = json_string_value(json_object_get(answer, "which"));
    const char *other = which != NULL && strcmp(which, "primary") == 0 ? "secondary" : "primary";

    say_secret(answer);
    if (which == NULL || !json_is_object(json_object_get(answer, other)))
        return;
    printf("It is the %s secret; the %s one goes on working.\n", which, other);
    cli_next_head(c);
    cli_next("says whether the other one is still in use", "sigillo key show %s",
             cli_member(answer, "id", 1));
    cli_next("replaces that one, too, which ends its use", "sigillo key rotate %s --which %s",
             cli_member(answer, "id", 1), other);
}

static int key_rotate_run(struct cli *c)
{
    const char *which = cli_text(c, "--which");
    json_t *body = json_object();

    if (json_object_set_new(body, "rotate", json_string(which == NULL ? "older" : which)) != 0) {
        json_decref(body);
        return cli_error(CLI_USAGE, "--which", "primary or secondary is wanted");
    }
    return cli_noun_set(c, KEYS "/", body, say_rotated);
}

static const struct cli_option key_rotate_options[] = {
    {"--which", "SECRET",
     "primary or secondary (default: the one that is not there yet, else the older one)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_key_rotate = {
    "key rotate",
    "ID",
    "makes one of the two secrets of an access key anew",
    key_rotate_options,
    1,
    1,
    key_rotate_run,
    "The other one stays: bring the new one to the programs, then rotate again."};

static int key_remove_run(struct cli *c)
{
    return cli_noun_remove(c, KEYS "/", "is removed");
}
const struct cli_verb verb_key_remove = {"key remove",   "ID", "removes an access key", NULL, 1, 1,
                                         key_remove_run, NULL};
