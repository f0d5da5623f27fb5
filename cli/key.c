/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo key add | list | set | remove */
#include "about.h"
#include "next.h"
#include "noun.h"
#include "verbs.h"

#define KEYS "/admin/v1/keys"

static void say_added(struct cli *c, const json_t *answer)
{
    json_t *domains = cli_noun_domains(c);
    char identity[200], from[600];
    struct cli_about about = {.identity = identity, .domains = domains};

    printf("id   %s\nkey  %s\n\nThe key is shown this once; only its hash is kept.\n",
           cli_member(answer, "id", 0), cli_member(answer, "key", 1));
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

static int key_add_run(struct cli *c)
{
    const char *label = cli_text(c, "--label"), *role = cli_text(c, "--role");
    json_t *body;

    if (cli_text(c, "--domain") == NULL && !cli_flag(c, "--admin") && role == NULL)
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
    return cli_noun_add(c, KEYS, body, say_added);
}

static const struct cli_option key_add_options[] = {
    {"--domain", "DOMAIN", "it may send as addresses of this domain; * for all of the subscription",
     true},
    {"--label", "TEXT", "what it is for, shown in lists", false},
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
        {"ADDED", "created_at", cli_column_time},
    };

    return cli_noun_list(c, KEYS, "keys", column, 6);
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

    if (label == NULL && cli_text(c, "--domain") == NULL && cli_text(c, "--profile") == NULL)
        return cli_error(CLI_USAGE, c->argument[0],
                         "say what changes: --domain, --label or --profile");
    body = json_object();
    if (cli_text(c, "--domain") != NULL)
        json_object_set_new(body, "domains", cli_noun_domains(c));
    if (label != NULL && json_object_set_new(body, "label", json_string(label)) != 0) {
        json_decref(body);
        return cli_error(CLI_USAGE, "--label", "this is not UTF-8");
    }
    if (!cli_noun_profile(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_noun_set(c, KEYS "/", body, say_set);
}

static const struct cli_option key_set_options[] = {
    {"--domain", "DOMAIN",
     "it may send as addresses of this domain, and of no others than are named; * for all", true},
    {"--label", "TEXT", "what it is for, shown in lists", false},
    {"--profile", "NAME", "limits of its own, beside its subscription's; none: only those", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_key_set = {
    "key set",   "ID", "changes the domains or the label of an access key", key_set_options, 1, 1,
    key_set_run, NULL};

static int key_remove_run(struct cli *c)
{
    return cli_noun_remove(c, KEYS "/", "is removed");
}
const struct cli_verb verb_key_remove = {"key remove",   "ID", "removes an access key", NULL, 1, 1,
                                         key_remove_run, NULL};
