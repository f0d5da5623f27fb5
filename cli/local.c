/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo local add | list | show | set | remove */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "next.h"
#include "noun.h"
#include "sigillo/view.h"
#include "verbs.h"

#define LOCALS "/admin/v1/locals"

static void say_local(struct cli *c, const json_t *local)
{
    const char *socket = json_string_value(json_object_get(local, "socket"));
    char domains[1024];

    (void)c;
    printf("name          %s\nuid           %s\nclient id     %s\nsubscription  %s\ndomains       "
           "%s\nsocket        ",
           cli_member(local, "name", 0), cli_member(local, "uid", 1),
           cli_member(local, "client_id", 4), cli_member(local, "subscription", 2),
           cli_column_list(local, "domains", domains, sizeof(domains)));
    cli_put(stdout, socket == NULL ? "none: set local.socket in the configuration" : socket);
    putchar('\n');
}

static void say_added(struct cli *c, const json_t *local)
{
    const char *name = cli_member(local, "name", 0);

    say_local(c, local);
    cli_next_head(c);
    cli_next("lets it send as this address and no other",
             "sigillo sender add ADDRESS --identity local:%s", name);
    cli_next("says whether it may send as an address, and why",
             "sigillo policy test --identity local:%s --sender ADDRESS", name);
}

/* As --uid gives it, or that of the --user on this machine. false: said. */
static bool take_uid(const struct cli *c, json_int_t *uid)
{
    const char *number = cli_text(c, "--uid"), *user = cli_text(c, "--user");
    const struct passwd *who;
    uint64_t value = 0;

    if ((number == NULL) == (user == NULL)) {
        (void)cli_error(CLI_USAGE, "--uid", "give one of --uid and --user");
        return false;
    }
    if (number != NULL && !sgl_view_u64(sgl_view_cstr(number), UINT32_MAX - 1, &value)) {
        (void)cli_error(CLI_USAGE, "--uid", "a number from 0 to 4294967294 is wanted");
        return false;
    }
    who = user == NULL ? NULL : getpwnam(user);
    if (user != NULL && who == NULL) {
        (void)cli_error(CLI_USAGE, "--user", "there is no such user on this machine");
        return false;
    }
    *uid = who == NULL ? (json_int_t)value : (json_int_t)who->pw_uid;
    return true;
}

static int local_add_run(struct cli *c)
{
    json_int_t uid;
    json_t *body;

    if (cli_text(c, "--domain") == NULL)
        return cli_error(
            CLI_USAGE, "--domain",
            "name at least one domain that it may send as, or * for all of the subscription");
    if (!take_uid(c, &uid))
        return CLI_USAGE;
    body = json_pack("{s:s, s:I, s:o}", "name", c->argument[0], "uid", uid, "domains",
                     cli_noun_domains(c));
    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    cli_noun_subscription(c, body);
    return cli_noun_add(c, LOCALS, body, say_added);
}

static const struct cli_option local_add_options[] = {
    {"--uid", "NUMBER", "as which its processes run", false},
    {"--user", "NAME", "the same, by the name that the user has on this machine", false},
    {"--domain", "DOMAIN", "it may send as addresses of this domain; * for all of the subscription",
     true},
    {"--subscription", "NAME", "whose it is (default: default)", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_local_add = {
    "local add",
    "NAME",
    "lets the processes of a user of the server's machine send",
    local_add_options,
    1,
    1,
    local_add_run,
    "They need no secret: they connect to the socket (local.socket), and the kernel says who they\n"
    "are."};

static int local_list_run(struct cli *c)
{
    static const struct cli_column column[] = {
        {"NAME", "name", NULL},
        {"UID", "uid", NULL},
        {"SUBSCRIPTION", "subscription", NULL},
        {"DOMAINS", "domains", cli_column_list},
        {"ADDED", "created_at", cli_column_time},
    };

    return cli_noun_list(c, LOCALS, "locals", column, 5);
}
const struct cli_verb verb_local_list = {
    "local list", "", "lists the local processes that may send", NULL, 0, 0, local_list_run, NULL};

static int local_show_run(struct cli *c)
{
    char *path = cli_path(LOCALS "/", c->argument[0], "");
    json_t *local;
    int status = cli_call(c, "GET", path, NULL, &local);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(local);
    say_local(c, local);
    json_decref(local);
    return CLI_YES;
}
const struct cli_verb verb_local_show = {
    "local show",   "NAME", "shows one of them, and where it connects", NULL, 1, 1,
    local_show_run, NULL};

static int local_set_run(struct cli *c)
{
    json_t *body;

    if (cli_text(c, "--domain") == NULL && cli_text(c, "--profile") == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "say what changes: --domain or --profile");
    body = json_object();
    if (cli_text(c, "--domain") != NULL)
        json_object_set_new(body, "domains", cli_noun_domains(c));
    if (!cli_noun_profile(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_noun_set(c, LOCALS "/", body, say_local);
}

static const struct cli_option local_set_options[] = {
    {"--domain", "DOMAIN",
     "it may send as addresses of this domain, and of no others than are named; * for all", true},
    {"--profile", "NAME", "limits of its own, beside its subscription's; none: only those", false},
    {NULL, NULL, NULL, false},
};
const struct cli_verb verb_local_set = {
    "local set",   "NAME", "changes its domains or its limits", local_set_options, 1, 1,
    local_set_run, NULL};

static int local_remove_run(struct cli *c)
{
    return cli_noun_remove(c, LOCALS "/", "is removed; its processes send nothing more");
}
const struct cli_verb verb_local_remove = {"local remove",   "NAME", "removes it", NULL, 1, 1,
                                           local_remove_run, NULL};
