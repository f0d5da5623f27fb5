/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo route add | list | show | set | remove | test: where mail goes that arrives */
#include <stdlib.h>
#include <string.h>

#include "next.h"
#include "noun.h"
#include "verbs.h"

#define ROUTES "/admin/v1/routes"

/* ---- what becomes of the mail ---- */

static const struct {
    const char *option, *action;
} carried[] = {
    {"--lmtp", "lmtp"},
    {"--smtp", "smtp"},
    {"--webhook", "webhook"},
    {"--forward", "forward"},
};
#define CARRIED (sizeof(carried) / sizeof(carried[0]))

/* The one option that was given; NULL: none, or several, which was said (*several). */
static const char *action_option(const struct cli *c, bool *several)
{
    const char *found = cli_text(c, "--handle") == NULL ? NULL : "--handle";

    *several = false;
    for (size_t i = 0; i < CARRIED; i++) {
        if (cli_text(c, carried[i].option) == NULL)
            continue;
        *several = *several || found != NULL;
        found = carried[i].option;
    }
    if (*several)
        (void)cli_error(CLI_USAGE, found,
                        "one of --lmtp, --smtp, --webhook, --forward, --handle is meant");
    return *several ? NULL : found;
}

static const char *action_of(const struct cli *c, const char *option)
{
    for (size_t i = 0; i < CARRIED; i++)
        if (strcmp(carried[i].option, option) == 0)
            return carried[i].action;
    return cli_text(c, "--handle");
}

/* false: said. */
static bool put_action(const struct cli *c, json_t *body, const char *option)
{
    const char *value;
    json_t *target = json_array();

    json_object_set_new(body, "target", target);
    for (size_t i = 0; strcmp(option, "--handle") != 0 && (value = cli_nth(c, option, i)) != NULL;
         i++)
        if (json_array_append_new(target, json_string(value)) != 0) {
            (void)cli_error(CLI_USAGE, option, "this is not UTF-8");
            return false;
        }
    if (json_object_set_new(body, "action", json_string(action_of(c, option))) == 0)
        return true;
    (void)cli_error(CLI_USAGE, option, "this is not UTF-8");
    return false;
}

static bool put_rest(const struct cli *c, json_t *body)
{
    const char *junk = cli_text(c, "--junk");

    if (junk != NULL &&
        json_object_set_new(body, "junk", json_string(strcmp(junk, "none") == 0 ? "" : junk)) !=
            0) {
        (void)cli_error(CLI_USAGE, "--junk", "this is not UTF-8");
        return false;
    }
    if (cli_flag(c, "--ask"))
        json_object_set_new(body, "ask", json_true());
    return true;
}

/* ---- said ---- */

static void put_targets(const json_t *route)
{
    const json_t *item;
    size_t at;

    json_array_foreach(json_object_get(route, "target"), at, item)
    {
        putchar(' ');
        cli_put(stdout, json_string_value(item));
    }
}

static void say_route(struct cli *c, const json_t *answer)
{
    const char *secret = cli_member(answer, "secret", 1);

    (void)c;
    cli_put(stdout, cli_member(answer, "pattern", 0));
    printf(": %s", cli_member(answer, "action", 2));
    put_targets(answer);
    putchar('\n');
    if (secret[0] != '\0')
        printf("secret  %s\n        signs the requests; it is shown this once\n", secret);
}

static void say_added(struct cli *c, const json_t *answer)
{
    const char *pattern = cli_member(answer, "pattern", 0);
    char address[400], word[420];

    say_route(c, answer);
    snprintf(address, sizeof(address), "%s%s", pattern[0] == '@' ? "someone" : "", pattern);
    if (!cli_next_word(address, word, sizeof(word)))
        return;
    cli_next_head(c);
    cli_next("says which route takes an address", "sigillo route test %s", word);
}

/* ---- add, set ---- */

#define ACTION_OPTIONS                                                                             \
    {"--lmtp", "SERVER", "to a mail store by LMTP: HOST[:PORT] (24) or unix:PATH", false},         \
        {"--smtp", "SERVER", "to a mail server by SMTP: HOST[:PORT] (25)", false},                 \
        {"--webhook", "URL", "to a program, https://", false},                                     \
        {"--forward", "ADDRESS", "to another address; up to 20 times", true},                      \
    {                                                                                              \
        "--handle", "WHAT", "bounces, complaints, reports, trap or discard", false                 \
    }

static int add_run(struct cli *c)
{
    bool several;
    const char *option = action_option(c, &several);
    json_t *body;

    if (several)
        return CLI_USAGE;
    if (option == NULL)
        return cli_error(CLI_USAGE, c->argument[0],
                         "say where its mail goes: --lmtp, --smtp, --webhook, --forward or "
                         "--handle");
    body = json_pack("{s:s}", "pattern", c->argument[0]);
    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    if (!put_action(c, body, option) || !put_rest(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    cli_noun_subscription(c, body);
    return cli_noun_add(c, ROUTES, body, say_added);
}
static const struct cli_option add_options[] = {
    ACTION_OPTIONS,
    {"--junk", "ADDRESS", "where quarantined mail goes instead", false},
    {"--ask", NULL, "asks the server whether it knows a recipient", false},
    {"--subscription", "NAME", "whose the domain is (default: whose it is)", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_route_add = {
    "route add",
    "PATTERN",
    "says where mail for an address or a domain goes",
    add_options,
    1,
    1,
    add_run,
    "PATTERN is user@example.org, or @example.org for all else of a domain. The route of just the "
    "address comes first, then that of the address without +detail, then that of the domain; mail "
    "that no route takes is refused."};

static int set_run(struct cli *c)
{
    bool several;
    const char *option = action_option(c, &several);
    json_t *body;

    if (several)
        return CLI_USAGE;
    if (cli_flag(c, "--ask") && cli_flag(c, "--no-ask"))
        return cli_error(CLI_USAGE, "--no-ask", "either it asks or it does not");
    body = json_object();
    if ((option != NULL && !put_action(c, body, option)) || !put_rest(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    if (cli_flag(c, "--no-ask"))
        json_object_set_new(body, "ask", json_false());
    if (cli_flag(c, "--new-secret"))
        json_object_set_new(body, "new_secret", json_true());
    if (json_object_size(body) > 0)
        return cli_noun_set(c, ROUTES "/", body, say_route);
    json_decref(body);
    return cli_error(CLI_USAGE, c->argument[0], "say what changes");
}
static const struct cli_option set_options[] = {
    ACTION_OPTIONS,
    {"--junk", "ADDRESS", "where quarantined mail goes instead; none: the same way", false},
    {"--ask", NULL, "asks the server whether it knows a recipient", false},
    {"--no-ask", NULL, "takes any recipient", false},
    {"--new-secret", NULL, "gives a webhook another secret", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_route_set = {"route set", "PATTERN", "changes a route", set_options,
                                        1,           1,         set_run,           NULL};

/* ---- list, show, remove ---- */

static int list_run(struct cli *c)
{
    static const struct cli_column column[] = {
        {"PATTERN", "pattern", NULL}, {"SUBSCRIPTION", "subscription", NULL},
        {"ACTION", "action", NULL},   {"TARGET", "target", cli_column_list},
        {"JUNK", "junk", NULL},       {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, ROUTES, "routes", column, 6);
}
const struct cli_verb verb_route_list = {"route list", "",  "lists the routes", NULL, 0, 0,
                                         list_run,     NULL};

static void put_line(const char *head, const char *text)
{
    if (text[0] == '\0')
        return;
    printf("%-13s ", head);
    cli_put(stdout, text);
    putchar('\n');
}

static void put_route(const json_t *route)
{
    put_line("pattern", cli_member(route, "pattern", 0));
    put_line("id", cli_member(route, "id", 1));
    put_line("subscription", cli_member(route, "subscription", 2));
    put_line("action", cli_member(route, "action", 3));
    if (json_array_size(json_object_get(route, "target")) > 0) {
        printf("%-13s", "target");
        put_targets(route);
        putchar('\n');
    }
    put_line("junk", cli_member(route, "junk", 4));
    if (json_is_true(json_object_get(route, "ask")))
        put_line("ask", "yes");
}

static int show_run(struct cli *c)
{
    char *path = cli_path(ROUTES "/", c->argument[0], "");
    json_t *answer;
    int status = cli_call(c, "GET", path, NULL, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    put_route(answer);
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_route_show = {"route show", "PATTERN", "prints a route", NULL, 1, 1,
                                         show_run,     NULL};

static int remove_run(struct cli *c)
{
    return cli_noun_remove(c, ROUTES "/", "is removed: its mail is refused");
}
const struct cli_verb verb_route_remove = {"route remove", "PATTERN", "removes a route", NULL, 1, 1,
                                           remove_run,     NULL};

/* ---- test ---- */

static int test_run(struct cli *c)
{
    char *path = cli_path(ROUTES "/test?address=", c->argument[0], "");
    json_t *answer;
    int status = cli_call(c, "GET", path, NULL, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    put_route(json_object_get(answer, "route"));
    put_line("why", cli_member(answer, "text", 0));
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_route_test = {
    "route test",
    "ADDRESS",
    "says which route takes an address, and why",
    NULL,
    1,
    1,
    test_run,
    "Exit status 0: a route takes it, 1: none does, and its mail is refused."};
