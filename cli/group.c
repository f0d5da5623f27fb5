/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo group add | list | show | set | remove */
#include <stdlib.h>
#include <string.h>

#include "next.h"
#include "noun.h"
#include "verbs.h"

#define GROUPS      "/admin/v1/groups"
#define MEMBERS_MAX (4u * 1024u * 1024u)

/* ---- members ---- */

/* One a line; what begins with # is none. false: said. */
static bool add_lines(json_t *list, const char *path)
{
    struct sgl_buf text = SGL_BUF_INIT(MEMBERS_MAX);
    bool fine = cli_read_file("--members", path, MEMBERS_MAX, &text);
    sgl_view rest = sgl_buf_view(&text);

    while (fine && rest.len > 0) {
        sgl_view line = sgl_view_trim(sgl_view_split(rest, '\n', &rest));

        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        fine = json_array_append_new(list, json_stringn((const char *)line.ptr, line.len)) == 0;
        if (!fine)
            cli_error(CLI_USAGE, "--members", "%s has a line that is not UTF-8", path);
    }
    sgl_buf_done(&text);
    return fine;
}

static bool add_values(const struct cli *c, json_t *list, const char *option)
{
    const char *value;

    for (size_t i = 0; (value = cli_nth(c, option, i)) != NULL; i++)
        if (json_array_append_new(list, json_string(value)) != 0) {
            cli_error(CLI_USAGE, option, "this is not UTF-8");
            return false;
        }
    return true;
}

/* As `member` of the body: every value of the option, and the lines of a file (NULL: none). false: said. */
static bool put_members(const struct cli *c, json_t *body, const char *member, const char *option,
                        const char *file)
{
    json_t *list = json_array();

    json_object_set_new(body, member, list);
    return add_values(c, list, option) && (file == NULL || add_lines(list, file));
}

static bool put_description(const struct cli *c, json_t *body)
{
    const char *text = cli_text(c, "--description");

    if (text == NULL || json_object_set_new(body, "description", json_string(text)) == 0)
        return true;
    cli_error(CLI_USAGE, "--description", "this is not UTF-8");
    return false;
}

static void say_size(struct cli *c, const json_t *answer)
{
    const char *size = cli_member(answer, "size", 1);

    (void)c;
    printf("group %s has %s member%s\n", cli_member(answer, "name", 0), size,
           strcmp(size, "1") == 0 ? "" : "s");
}

static void say_added(struct cli *c, const json_t *answer)
{
    char name[400];

    say_size(c, answer);
    if (!cli_next_word(cli_member(answer, "name", 0), name, sizeof(name)))
        return;
    cli_next_head(c);
    cli_next("lets an application send as its members and as nobody else; --identity is for others",
             "sigillo policy add --app app1 --allow --senders %s", name);
}

/* ---- add, set ---- */

static int add_run(struct cli *c)
{
    json_t *body = json_pack("{s:s}", "name", c->argument[0]);

    if (body == NULL)
        return cli_error(CLI_USAGE, c->argument[0], "this is not UTF-8");
    if (!put_members(c, body, "members", "--member", cli_text(c, "--members")) ||
        !put_description(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    cli_noun_subscription(c, body);
    return cli_noun_add(c, GROUPS, body, say_added);
}

#define DESCRIPTION                                                                                \
    {                                                                                              \
        "--description", "TEXT", "what it is for", false                                           \
    }
#define WHOSE                                                                                      \
    {                                                                                              \
        "--subscription", "NAME", "whose it is (default: default)", false                          \
    }

static const struct cli_option add_options[] = {
    {"--member", "ADDRESS", "an address, or *@DOMAIN for all of a domain", true},
    {"--members", "FILE", "members from a file, one a line", false},
    DESCRIPTION,
    WHOSE,
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_group_add = {
    "group add",
    "NAME",
    "names a group of addresses",
    add_options,
    1,
    1,
    add_run,
    "A group says nothing by itself: a policy allows or denies an identity to send as its "
    "members, see \"sigillo policy add --help\"."};

static char *path_of(const struct cli *c)
{
    return cli_noun_path(c, GROUPS "/", "?subscription=", cli_text(c, "--subscription"));
}

static int set_run(struct cli *c)
{
    const char *file = cli_text(c, "--members");
    bool some = cli_text(c, "--member") != NULL || cli_text(c, "--drop") != NULL;
    json_t *body;

    if (file != NULL && some)
        return cli_error(CLI_USAGE, "--members",
                         "either a file has all members, or some are added and dropped");
    if (file == NULL && !some && cli_text(c, "--description") == NULL)
        return cli_error(CLI_USAGE, c->argument[0],
                         "say what changes: --member, --drop, --members or --description");
    body = json_object();
    if ((file != NULL && !put_members(c, body, "members", "--member", file)) ||
        (some && (!put_members(c, body, "add", "--member", NULL) ||
                  !put_members(c, body, "drop", "--drop", NULL))) ||
        !put_description(c, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_noun_set_at(c, path_of(c), body, say_size);
}
static const struct cli_option set_options[] = {
    {"--member", "ADDRESS", "one more", true},
    {"--drop", "ADDRESS", "one less", true},
    {"--members", "FILE", "these and no others, one a line", false},
    DESCRIPTION,
    WHOSE,
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_group_set = {
    "group set", "NAME", "changes the members of a group", set_options, 1, 1, set_run, NULL};

/* ---- list, show, remove ---- */

static int list_run(struct cli *c)
{
    static const struct cli_column column[] = {{"GROUP", "name", NULL},
                                               {"SUBSCRIPTION", "subscription", NULL},
                                               {"MEMBERS", "size", NULL},
                                               {"DESCRIPTION", "description", NULL},
                                               {"ADDED", "created_at", cli_column_time}};

    return cli_noun_list(c, GROUPS, "groups", column, 5);
}
const struct cli_verb verb_group_list = {"group list", "",  "lists the groups", NULL, 0, 0,
                                         list_run,     NULL};

static int show_run(struct cli *c)
{
    char *path = path_of(c);
    json_t *answer;
    const json_t *member;
    size_t at;
    int status = cli_call(c, "GET", path, NULL, &answer);

    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    json_array_foreach(json_object_get(answer, "members"), at, member)
    {
        cli_put(stdout, json_string_value(member));
        putchar('\n');
    }
    json_decref(answer);
    return CLI_YES;
}
static const struct cli_option whose_options[] = {WHOSE, {NULL, NULL, NULL, false}};
const struct cli_verb verb_group_show = {
    "group show", "NAME", "prints the members of a group, one a line", whose_options, 1, 1,
    show_run,     NULL};

static int remove_run(struct cli *c)
{
    return cli_noun_remove_at(c, path_of(c), "is removed");
}
const struct cli_verb verb_group_remove = {
    "group remove", "NAME", "removes a group", whose_options, 1, 1, remove_run, NULL};
