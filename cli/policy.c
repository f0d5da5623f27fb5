/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo policy add | list | remove | test */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "next.h"
#include "noun.h"
#include "verbs.h"

#define POLICIES "/admin/v1/policies"

/* The identity has to be given. false: said. */
static bool take_identity(const struct cli *c, char out[CLI_IDENTITY_MAX])
{
    if (!cli_identity(c, out))
        return false;
    if (out[0] != '\0')
        return true;
    cli_error(CLI_USAGE, "--identity", "say whom this is about: --app or --identity");
    return false;
}

/* ---- add ---- */

/* A member of the group that is one address, as a word of a shell; empty: none is known. */
static void a_member(const struct cli *c, const char *group, char *out, size_t size)
{
    char *path = cli_noun_path_of("/admin/v1/groups/", group,
                                  "?subscription=", cli_text(c, "--subscription"));
    const json_t *member;
    json_t *answer;
    size_t at;

    out[0] = '\0';
    if (cli_call(c, "GET", path, NULL, &answer) == CLI_YES) {
        json_array_foreach(json_object_get(answer, "members"), at, member)
        {
            if (out[0] == '\0' && strncmp(json_string_value(member), "*@", 2) != 0 &&
                !cli_next_word(json_string_value(member), out, size))
                out[0] = '\0';
        }
        json_decref(answer);
    }
    free(path);
}

static void say_added(struct cli *c, const json_t *answer)
{
    const char *group = cli_text(c, "--senders");
    char identity[CLI_IDENTITY_MAX], who[CLI_IDENTITY_MAX + 8], member[600];

    printf("policy %s is added\n", cli_member(answer, "id", 0));
    if (!cli_identity(c, identity) || strchr(identity, '*') != NULL ||
        !cli_next_word(identity, who, sizeof(who)))
        return;
    a_member(c, group, member, sizeof(member));
    cli_next_head(c);
    cli_next("says whether it may send as an address, and why",
             "sigillo policy test --identity %s --sender %s", who,
             member[0] == '\0' ? "someone@example.org" : member);
}

static int add_run(struct cli *c)
{
    bool allow = cli_flag(c, "--allow"), deny = cli_flag(c, "--deny");
    const char *group = cli_text(c, "--senders");
    char identity[CLI_IDENTITY_MAX];
    json_t *body;

    if (!take_identity(c, identity))
        return CLI_USAGE;
    if (allow == deny)
        return cli_error(CLI_USAGE, "--allow", "either --allow or --deny has to be given");
    if (group == NULL)
        return cli_error(CLI_USAGE, "--senders", "name the group that this is about");
    body =
        json_pack("{s:s, s:s, s:s, s:s*}", "identity", identity, "right", allow ? "allow" : "deny",
                  "group", group, "description", cli_text(c, "--description"));
    if (body == NULL)
        return cli_error(CLI_USAGE, "policy add", "a value is not UTF-8");
    cli_noun_subscription(c, body);
    return cli_noun_add(c, POLICIES, body, say_added);
}

static const struct cli_option add_options[] = {
    CLI_IDENTITY_OPTIONS,
    {"--allow", NULL, "it may send as the members of the group, and as nobody else", false},
    {"--deny", NULL, "it may not send as the members of the group", false},
    {"--senders", "GROUP", "the group", false},
    {"--description", "TEXT", "what it is for", false},
    {"--subscription", "NAME", "whose it is (default: default)", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_policy_add = {
    "policy add",
    "",
    "allows or denies an identity to send as the members of a group",
    add_options,
    0,
    0,
    add_run,
    "What decides, in this order: a policy that denies the address; a policy that allows it; with "
    "policies that allow something else, nothing is left; without any, the identity's own senders, "
    "or any address of its domains when it has none. An address that is allowed need not be of one "
    "of its domains, only of its subscription.\n\n"
    "--app '*' is for all applications, --identity '*' for everybody."};

/* ---- list, remove ---- */

static int list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"POLICY", "id", NULL},
                                               {"IDENTITY", "identity", NULL},
                                               {"RIGHT", "right", NULL},
                                               {"GROUP", "group", NULL},
                                               {"SUBSCRIPTION", "subscription", NULL},
                                               {"DESCRIPTION", "description", NULL},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, POLICIES, "policies", column, 7);
}
const struct cli_verb verb_policy_list = {"policy list", "",  "lists the policies", NULL, 0, 0,
                                          list_run,      NULL};

static int remove_run(struct cli *c)
{
    return cli_noun_remove(c, POLICIES "/", "is removed");
}
const struct cli_verb verb_policy_remove = {"policy remove", "ID", "removes a policy", NULL, 1, 1,
                                            remove_run,      NULL};

/* ---- test ---- */

static void say_decision(const struct cli *c, const json_t *answer, bool granted)
{
    const char *policy = cli_member(answer, "policy", 0), *member = cli_member(answer, "member", 1);

    printf("%s%s%s: ", granted ? cli_green(c) : cli_red(c), granted ? "granted" : "denied",
           cli_plain(c));
    cli_put(stdout, cli_member(answer, "text", 2));
    printf(" (%s)\n", cli_member(answer, "rule", 3));
    if (policy[0] != '\0')
        printf("policy  %s, group %s\n", policy, cli_member(answer, "group", 4));
    if (member[0] != '\0') {
        fputs(policy[0] != '\0' ? "member  " : "sender  ", stdout);
        cli_put(stdout, member);
        putchar('\n');
    }
}

static int test_run(struct cli *c)
{
    const char *sender = cli_text(c, "--sender");
    char identity[CLI_IDENTITY_MAX], *of, *path;
    json_t *answer;
    bool granted;
    int status;

    if (!take_identity(c, identity))
        return CLI_USAGE;
    if (sender == NULL)
        return cli_error(CLI_USAGE, "--sender", "name the address that is asked for");
    of = cli_path("&sender=", sender, "");
    path = cli_path(POLICIES "/test?identity=", identity, of);
    free(of);
    status = cli_call(c, "GET", path, NULL, &answer);
    free(path);
    if (status != CLI_YES)
        return status;
    granted = json_is_true(json_object_get(answer, "granted"));
    if (c->json) {
        (void)cli_print_json(answer);
    } else {
        say_decision(c, answer, granted);
        json_decref(answer);
    }
    return granted ? CLI_YES : CLI_NO;
}
static const struct cli_option test_options[] = {
    CLI_IDENTITY_OPTIONS,
    {"--sender", "ADDRESS", "may it send as this address?", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_policy_test = {
    "policy test",
    "",
    "says whether an identity may send as an address, and by which rule",
    test_options,
    0,
    0,
    test_run,
    "The answer is the one that every door gives, for MAIL FROM, From, Sender and the fields of "
    "the API. Exit status 0: granted, 1: denied."};
