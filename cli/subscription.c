/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo subscription add | list | show | set, sigillo profile list */
#include <stdlib.h>
#include <string.h>

#include "next.h"
#include "noun.h"
#include "verbs.h"

#define SUBSCRIPTIONS "/admin/v1/subscriptions"

static void say_added(struct cli *c, const json_t *answer)
{
    const char *name = cli_member(answer, "name", 0);

    printf("subscription %s is added\n", name);
    cli_next_head(c);
    cli_next("a domain of its own", "sigillo domain add example.org --subscription %s", name);
    cli_next("a key with which its owner manages it over HTTPS",
             "sigillo key add --role owner --subscription %s --label owner", name);
    cli_next("its limits, and how much of them is used", "sigillo subscription show %s", name);
}

static int subscription_add_run(struct cli *c)
{
    return cli_noun_add(
        c, SUBSCRIPTIONS,
        json_pack("{s:s, s:s*}", "name", c->argument[0], "profile", cli_text(c, "--profile")),
        say_added);
}
static const struct cli_option add_options[] = {
    {"--profile", "NAME", "the limits of what it may send (default: unlimited)", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_subscription_add = {
    "subscription add", "NAME", "adds a tenant", add_options, 1, 1, subscription_add_run, NULL};

static int subscription_list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"SUBSCRIPTION", "name", NULL},
                                               {"PROFILE", "profile", NULL},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, SUBSCRIPTIONS, "subscriptions", column, 3);
}
const struct cli_verb verb_subscription_list = {
    "subscription list", "", "lists the tenants", NULL, 0, 0, subscription_list_run, NULL};

/* ---- limits ---- */

static void say_set(struct cli *c, const json_t *answer)
{
    (void)c;
    printf("subscription %s has the profile %s\n", cli_member(answer, "name", 0),
           cli_member(answer, "profile", 1));
}

static int subscription_set_run(struct cli *c)
{
    const char *profile = cli_text(c, "--profile");

    if (profile == NULL)
        return cli_error(CLI_USAGE, c->argument[0],
                         "say what changes: --profile; \"sigillo profile list\" shows them");
    return cli_noun_set(c, SUBSCRIPTIONS "/", json_pack("{s:s}", "profile", profile), say_set);
}
static const struct cli_option set_options[] = {
    {"--profile", "NAME", "the limits of what it may send", false}, {NULL, NULL, NULL, false}};
const struct cli_verb verb_subscription_set = {
    "subscription set",
    "NAME",
    "gives a tenant other limits",
    set_options,
    1,
    1,
    subscription_set_run,
    "It counts from the next message on; what was sent in the last day counts "
    "against the new limits, too."};

/* "messages/day" */
static const char *limit_name(const json_t *limit, const char *member, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", cli_member(limit, member, 0), cli_member(limit, "window", 1));
    return out;
}

static void print_limits(const struct cli *c, const json_t *list)
{
    static const struct cli_column column[] = {
        {"LIMIT", "what", limit_name}, {"USED", "used", NULL}, {"OF", "max", NULL}};

    cli_column_table(c, list, column, 3);
}

/* "10485760", or "-" where only the server's own bound counts. */
static const char *cap(const json_t *answer, const char *member, unsigned slot)
{
    const char *text = cli_member(answer, member, slot);

    return text[0] == '\0' ? "-" : text;
}

static int subscription_show_run(struct cli *c)
{
    char *path = cli_path(SUBSCRIPTIONS "/", c->argument[0], "");
    const json_t *limits;
    json_t *answer;
    int status = cli_call(c, "GET", path, NULL, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    limits = json_object_get(answer, "limits");
    printf("%s%s%s\n  added                   %s\n", cli_bold(c), cli_member(answer, "name", 0),
           cli_plain(c), cli_time(answer, "created_at", 1));
    printf("  profile                 %s%s\n", cli_member(answer, "profile", 2),
           json_is_false(json_object_get(answer, "profile_known"))
               ? "  (not configured: nothing can be sent)"
               : "");
    printf("  recipients per message  %s\n  message size            %s\n",
           cap(answer, "recipients_per_message", 3), cap(answer, "message_size", 4));
    if (json_array_size(limits) > 0)
        print_limits(c, limits);
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_subscription_show = {
    "subscription show",
    "NAME",
    "shows a tenant's limits, and how much of them is used",
    NULL,
    1,
    1,
    subscription_show_run,
    NULL};

static int profile_list_run(struct cli *c)
{
    static const struct cli_column column[] = {
        {"PROFILE", "name", NULL},
        {"RECIPIENTS", "recipients_per_message", NULL},
        {"SIZE", "message_size", NULL},
        {"LIMITS", "limits", cli_noun_limits},
    };

    return cli_noun_list(c, "/admin/v1/profiles", "profiles", column, 4);
}
const struct cli_verb verb_profile_list = {
    "profile list",
    "",
    "lists the limit profiles",
    NULL,
    0,
    0,
    profile_list_run,
    "RECIPIENTS and SIZE are of one message; empty: only the server's own limits count."};
