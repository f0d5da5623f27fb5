/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo credential add | list | set | remove */
#include <stdlib.h>

#include "about.h"
#include "next.h"
#include "noun.h"
#include "password.h"
#include "verbs.h"

#define CREDENTIALS "/admin/v1/credentials"

static void say_login(const json_t *answer)
{
    const char *password = cli_member(answer, "password", 1);

    fputs("user      ", stdout);
    cli_put(stdout, cli_member(answer, "name", 0));
    putchar('\n');
    if (password[0] != '\0')
        printf("password  %s\n\nThe password is shown this once; only its hash is kept.\n",
               password);
}

static void say_added(struct cli *c, const json_t *answer)
{
    const char *name = json_string_value(json_object_get(answer, "name"));
    json_t *domains = cli_noun_domains(c);
    char identity[400], from[600], word[600], sender[700];
    struct cli_about about = {.identity = identity, .user = name, .domains = domains};

    say_login(answer);
    putchar('\n');
    snprintf(identity, sizeof(identity), "credential:%s", name);
    cli_about_print(c, &about);
    cli_about_from(&about, from, sizeof(from));
    if (cli_next_word(identity, word, sizeof(word)) &&
        cli_next_word(from, sender, sizeof(sender))) {
        cli_next_head(c);
        (void)cli_about_try(c, &about);
        cli_next("lets it send as this address and no other", "sigillo sender add %s --identity %s",
                 sender, word);
        cli_next("says whether it may send as an address, and why",
                 "sigillo policy test --identity %s --sender %s", word, sender);
    }
    json_decref(domains);
}

static int credential_add_run(struct cli *c)
{
    json_t *body = json_pack("{s:s, s:o}", "name", c->argument[0], "domains", cli_noun_domains(c));

    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    if (cli_text(c, "--domain") == NULL) {
        json_decref(body);
        return cli_error(
            CLI_USAGE, "--domain",
            "name at least one domain that it may send as, or * for all of the subscription");
    }
    cli_noun_subscription(c, body);
    if (cli_flag(c, "--password-stdin") && !cli_password_read(body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_noun_add(c, CREDENTIALS, body, say_added);
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
    static const struct cli_column column[] = {{"USER", "name", NULL},
                                               {"SUBSCRIPTION", "subscription", NULL},
                                               {"DOMAINS", "domains", cli_column_list},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, CREDENTIALS, "credentials", column, 4);
}
const struct cli_verb verb_credential_list = {
    "credential list", "", "lists the SMTP credentials", NULL, 0, 0, credential_list_run, NULL};

/* ---- set ---- */

static void say_set(struct cli *c, const json_t *answer)
{
    const char *password = cli_member(answer, "password", 1);

    if (password[0] != '\0') {
        say_login(answer);
        return;
    }
    cli_put(stdout, c->argument[0]);
    puts(" is changed");
}

static int credential_set_run(struct cli *c)
{
    bool given = cli_flag(c, "--password-stdin"), made = cli_flag(c, "--new-password");
    json_t *body;

    if (given && made)
        return cli_error(CLI_USAGE, "--new-password",
                         "either a password is made, or --password-stdin gives it");
    if (!given && !made && cli_text(c, "--domain") == NULL && cli_text(c, "--profile") == NULL)
        return cli_error(
            CLI_USAGE, c->argument[0],
            "say what changes: --domain, --profile, --password-stdin or --new-password");
    body = json_object();
    if (cli_text(c, "--domain") != NULL)
        json_object_set_new(body, "domains", cli_noun_domains(c));
    if (made)
        json_object_set_new(body, "new_password", json_true());
    if (!cli_noun_profile(c, body) || (given && !cli_password_read(body))) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_noun_set(c, CREDENTIALS "/", body, say_set);
}

static const struct cli_option credential_set_options[] = {
    {"--domain", "DOMAIN",
     "it may send as addresses of this domain, and of no others than are named; * for all", true},
    {"--password-stdin", NULL, "read a new password from standard input", false},
    {"--new-password", NULL, "make a new password", false},
    {"--profile", "NAME", "limits of its own, beside its subscription's; none: only those", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_credential_set = {
    "credential set",       "USER", "changes the domains or the password of an SMTP credential",
    credential_set_options, 1,      1,
    credential_set_run,     NULL};

/* ---- remove ---- */

static int credential_remove_run(struct cli *c)
{
    return cli_noun_remove(c, CREDENTIALS "/", "is removed");
}
const struct cli_verb verb_credential_remove = {
    "credential remove",   "USER", "removes an SMTP credential", NULL, 1, 1,
    credential_remove_run, NULL};
