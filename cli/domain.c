/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo domain add | list | show | remove */
#include <stdlib.h>

#include "domain.h"
#include "noun.h"
#include "verbs.h"

/* ---- add ---- */

static void say_added(const struct cli *c, const json_t *answer)
{
    printf("%s is added. Publish these records, then it can be believed:\n\n",
           cli_member(answer, "name", 0));
    domain_print_records(c, json_object_get(answer, "records"));
    printf("\nAgain at any time: sigillo domain records %s [--zone | --nsupdate | --json]\n",
           cli_member(answer, "name", 0));
}

static int add_run(struct cli *c)
{
    json_t *body = json_pack("{s:s}", "name", c->argument[0]);

    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    cli_noun_subscription(c, body);
    if (cli_flag(c, "--ed25519"))
        json_object_set_new(body, "ed25519", json_true());
    return cli_noun_add(c, DOMAINS, body, say_added);
}

static const struct cli_option add_options[] = {
    {"--subscription", "NAME", "whose domain it is (default: default)", false},
    {"--ed25519", NULL, "a second selector with an Ed25519 key: each message is signed with both",
     false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_domain_add = {
    "domain add", "DOMAIN", "adds a domain, makes its DKIM key, prints the records to publish",
    add_options,  1,        1,
    add_run,      NULL};

/* ---- list, show, remove ---- */

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

static int list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"DOMAIN", "name", NULL},
                                               {"SUBSCRIPTION", "subscription", NULL},
                                               {"SELECTORS", "selectors", selectors_text},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, DOMAINS, "domains", column, 4);
}
const struct cli_verb verb_domain_list = {"domain list", "",  "lists the domains", NULL, 0, 0,
                                          list_run,      NULL};

static int show_run(struct cli *c)
{
    char *path = cli_path(DOMAINS "/", c->argument[0], "");
    json_t *answer;
    int status = cli_call(c, "GET", path, NULL, &answer);
    const json_t *s;
    size_t at;

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    printf("%s%s%s\n  subscription  %s\n  added         %s\n", cli_bold(c),
           cli_member(answer, "name", 0), cli_plain(c), cli_member(answer, "subscription", 1),
           cli_time(answer, "created_at", 2));
    json_array_foreach(json_object_get(answer, "selectors"), at, s) printf(
        "  selector      %s  %s  %s%s\n", cli_member(s, "name", 0), cli_member(s, "algorithm", 1),
        json_is_true(json_object_get(s, "active")) ? "signs" : "does not sign",
        json_is_true(json_object_get(s, "loaded")) ? "" : ", its key is not loaded");
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_domain_show = {
    "domain show", "DOMAIN", "shows a domain and its selectors", NULL, 1, 1, show_run, NULL};

static int remove_run(struct cli *c)
{
    return cli_noun_remove(c, DOMAINS "/", "is removed, and its keys with it");
}
const struct cli_verb verb_domain_remove = {
    "domain remove", "DOMAIN", "removes a domain and its keys", NULL, 1, 1, remove_run, NULL};
