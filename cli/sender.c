/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo sender add | list | remove */
#include <stdlib.h>

#include "access.h"
#include "next.h"
#include "noun.h"
#include "verbs.h"

#define SENDERS "/admin/v1/senders"

bool cli_identity(const struct cli *c, char out[CLI_IDENTITY_MAX])
{
    const char *app = cli_text(c, "--app"), *identity = cli_text(c, "--identity");
    int n;

    if (app != NULL && identity != NULL) {
        cli_error(CLI_USAGE, "--identity", "either --app or --identity is given");
        return false;
    }
    n = snprintf(out, CLI_IDENTITY_MAX, "%s%s", app == NULL ? "" : "app:",
                 app != NULL        ? app
                 : identity != NULL ? identity
                                    : "");
    if (n >= 0 && n < CLI_IDENTITY_MAX)
        return true;
    cli_error(CLI_USAGE, app != NULL ? "--app" : "--identity", "this is too long");
    return false;
}

/* ---- add ---- */

static void say_added(struct cli *c, const json_t *answer)
{
    const char *identity = cli_member(answer, "identity", 1);
    char who[CLI_IDENTITY_MAX + 8], address[1200];

    cli_put(stdout, cli_member(answer, "address", 0));
    if (identity[0] != '\0')
        printf(" is a sender of %s, which sends as its senders only from now on\n", identity);
    else
        puts(" is a sender of its domain, as which only its senders are sent as from now on");
    if (!cli_next_word(cli_member(answer, "address", 0), address, sizeof(address)) ||
        !cli_next_word(identity, who, sizeof(who)))
        return;
    cli_next_head(c);
    if (identity[0] != '\0')
        cli_next("says whether it may send as an address, and why",
                 "sigillo policy test --identity %s --sender %s", who, address);
    else
        cli_next("all senders", "sigillo sender list");
}

static int add_run(struct cli *c)
{
    char identity[CLI_IDENTITY_MAX];
    json_t *body;

    if (!cli_identity(c, identity))
        return CLI_USAGE;
    body = json_pack("{s:s}", "address", c->argument[0]);
    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    if (identity[0] != '\0' && json_object_set_new(body, "identity", json_string(identity)) != 0) {
        json_decref(body);
        return cli_error(CLI_USAGE, "--identity", "this is not UTF-8");
    }
    cli_noun_subscription(c, body);
    return cli_noun_add(c, SENDERS, body, say_added);
}

static const struct cli_option add_options[] = {
    CLI_IDENTITY_OPTIONS,
    {"--subscription", "NAME", "whose the domain is (default: whose it is)", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_sender_add = {
    "sender add",
    "ADDRESS",
    "lists an address that may be sent as; *@DOMAIN for all of a domain",
    add_options,
    1,
    1,
    add_run,
    "Without --app or --identity, the address is one of its domain: while a domain has senders, "
    "nobody sends as another address of it. With one of them, the address is one of that identity: "
    "while it has senders, it sends as no other address.\n\n"
    "A policy can allow an address beyond that, or deny it: see \"sigillo policy add --help\"."};

/* ---- list, remove ---- */

static int list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"ADDRESS", "address", NULL},
                                               {"IDENTITY", "identity", NULL},
                                               {"SUBSCRIPTION", "subscription", NULL},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, SENDERS, "senders", column, 4);
}
const struct cli_verb verb_sender_list = {"sender list", "",  "lists the senders", NULL, 0, 0,
                                          list_run,      NULL};

static int remove_run(struct cli *c)
{
    char identity[CLI_IDENTITY_MAX];

    if (!cli_identity(c, identity))
        return CLI_USAGE;
    return cli_noun_remove_at(
        c, cli_noun_path(c, SENDERS "/", "?identity=", identity[0] == '\0' ? NULL : identity),
        "is a sender no more");
}
static const struct cli_option remove_options[] = {CLI_IDENTITY_OPTIONS, {NULL, NULL, NULL, false}};
const struct cli_verb verb_sender_remove = {
    "sender remove", "ADDRESS", "takes an address from the senders", remove_options, 1, 1,
    remove_run,      NULL};
