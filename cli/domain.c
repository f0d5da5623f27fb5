/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain add | list | remove */
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "next.h"
#include "noun.h"
#include "verbs.h"

/* ---- add ---- */

static void say_added(struct cli *c, const json_t *answer)
{
    const char *name = cli_member(answer, "name", 7);
    bool managed = strcmp(cli_member(answer, "kind", 1), "managed") == 0;

    printf("%s is added", name);
    if (cli_member(answer, "unicode", 2)[0] != '\0') {
        printf(" (");
        cli_put(stdout, cli_member(answer, "unicode", 2));
        putchar(')');
    }
    printf(managed ? ", and may send at once: for tests, 5 messages a minute and 10 an hour. The "
                     "zone's owner publishes:\n\n"
                   : ". Publish these records at whoever hosts its DNS:\n\n");
    domain_print_records(c, json_object_get(answer, "records"));
    cli_next_head(c);
    if (managed) {
        cli_next("shows the records again, also as a zone file or as a script",
                 "sigillo domain records %s --zone", name);
        domain_next(name);
        return;
    }
    cli_next("when they are published: looks for them at the domain's own name servers, until all "
             "that is required is there",
             "sigillo domain verify %s --wait", name);
    cli_next("shows the records again, as lines of a zone file; --nsupdate: as a script",
             "sigillo domain records %s --zone", name);
}

static int add_run(struct cli *c)
{
    json_t *body = json_pack("{s:s}", "name", c->argument[0]);

    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    cli_noun_subscription(c, body);
    if (cli_flag(c, "--ed25519"))
        json_object_set_new(body, "ed25519", json_true());
    if (cli_flag(c, "--managed"))
        json_object_set_new(body, "kind", json_string("managed"));
    if (cli_text(c, "--return-path") != NULL)
        json_object_set_new(body, "return_path", json_string(cli_text(c, "--return-path")));
    return cli_noun_add(c, DOMAINS, body, say_added);
}

static const struct cli_option add_options[] = {
    {"--subscription", "NAME", "whose domain it is (default: default)", false},
    {"--ed25519", NULL, "a second selector with an Ed25519 key: each message is signed with both",
     false},
    {"--managed", NULL, "DOMAIN is one label below the operator's own zone: for tests, at once",
     false},
    {"--return-path", "LABEL", "subdomain for bounces (default: bounces; \"\": none)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_add = {
    "domain add", "DOMAIN", "adds a domain, makes its DKIM key, prints the records to publish",
    add_options,  1,        1,
    add_run,      NULL};

/* ---- list, remove ---- */

static const char *selectors_text(const json_t *domain, const char *member, char *out, size_t size)
{
    const json_t *s;
    size_t at, len = 0;

    out[0] = '\0';
    json_array_foreach(json_object_get(domain, member), at, s)
    {
        int n = snprintf(out + len, size - len, "%s%s (%s)", len == 0 ? "" : ", ",
                         cli_member(s, "name", 6), cli_member(s, "algorithm", 7));

        if (n < 0 || (size_t)n >= size - len)
            break;
        len += (size_t)n;
    }
    return out;
}

static const char *may_send_text(const json_t *domain, const char *member, char *out, size_t size)
{
    (void)out;
    (void)size;
    return json_is_true(json_object_get(domain, member)) ? "yes" : "no";
}

static int list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"DOMAIN", "name", NULL},
                                               {"SUBSCRIPTION", "subscription", NULL},
                                               {"KIND", "kind", NULL},
                                               {"MAY SEND", "may_send", may_send_text},
                                               {"SELECTORS", "selectors", selectors_text},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, DOMAINS, "domains", column, 6);
}
const struct cli_verb verb_domain_list = {"domain list", "",  "lists the domains", NULL, 0, 0,
                                          list_run,      NULL};

static int say_withdrawn(struct cli *c)
{
    json_t *answer;
    char *path = cli_path(DOMAINS "/", c->argument[0], "?withdraw=true");
    int status = cli_call(c, "DELETE", path, NULL, &answer);
    const char *problem;

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    problem = cli_member(answer, "problem", 0);
    printf("%s is removed, and its keys with it", cli_member(answer, "name", 1));
    if (problem[0] == '\0')
        printf("; %s of its records were withdrawn", cli_member(answer, "withdrawn", 2));
    putchar('\n');
    status = problem[0] == '\0' ? CLI_YES
                                : cli_error(CLI_NO, cli_member(answer, "name", 1),
                                            "its records are still published: %s", problem);
    json_decref(answer);
    return status;
}

static int remove_run(struct cli *c)
{
    if (cli_flag(c, "--withdraw"))
        return say_withdrawn(c);
    return cli_noun_remove(c, DOMAINS "/", "is removed, and its keys with it");
}
static const struct cli_option remove_options[] = {
    {"--withdraw", NULL, "its records, too, where the server published them itself", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_remove = {
    "domain remove", "DOMAIN", "removes a domain and its keys", remove_options, 1, 1,
    remove_run,      NULL};
