/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo suppression add | list | remove | import | export */
#include <stdlib.h>
#include <string.h>

#include "next.h"
#include "noun.h"
#include "verbs.h"

#define SUPPRESSIONS "/admin/v1/suppressions"
#define IMPORT_MAX   (64u * 1024u * 1024u)
#define PAGE         1000
#define PATH_MAX_LEN 4096u

/* ---- what is given with an address ---- */

static void add_text(const struct cli *c, json_t *body, const char *option, const char *member)
{
    const char *text = cli_text(c, option);

    if (text != NULL)
        json_object_set_new(body, member, json_string(text));
}

/* "true", "false", or "" when it is not said. */
static const char *cased(const struct cli *c)
{
    if (cli_flag(c, "--case-sensitive"))
        return "true";
    return cli_flag(c, "--any-case") ? "false" : "";
}

static json_t *body_new(const struct cli *c)
{
    json_t *body = json_object();

    cli_noun_subscription(c, body);
    add_text(c, body, "--domain", "domain");
    add_text(c, body, "--reason", "reason");
    add_text(c, body, "--reply", "reply");
    add_text(c, body, "--expires", "expires_at");
    if (cased(c)[0] != '\0')
        json_object_set_new(body, "case_sensitive", json_boolean(strcmp(cased(c), "true") == 0));
    return body;
}

/* ---- add ---- */

static void say_added(struct cli *c, const json_t *answer)
{
    (void)c;
    printf("%s added, %s known already\n", cli_member(answer, "added", 0),
           cli_member(answer, "known", 1));
}

static int add_run(struct cli *c)
{
    json_t *body = body_new(c), *list = json_array();

    for (size_t i = 0; i < c->arguments; i++)
        if (json_array_append_new(list, json_string(c->argument[i])) != 0) {
            json_decref(list);
            json_decref(body);
            return cli_error(CLI_USAGE, c->argument[i], "this is not UTF-8");
        }
    json_object_set_new(body, "addresses", list);
    return cli_noun_add(c, SUPPRESSIONS, body, say_added);
}

#define WHOSE                                                                                      \
    {"--subscription", "NAME", "whose list it is (default: default)", false},                      \
    {                                                                                              \
        "--domain", "DOMAIN", "only for mail from this domain (default: all mail)", false          \
    }
#define WHY                                                                                        \
    {"--reason", "WORD",                                                                           \
     "hard-bounce, invalid, complaint, unsubscribe, blocked or manual (default)", false},          \
        {"--reply", "TEXT", "the answer that caused it", false},                                   \
        {"--expires", "TIME", "until then: RFC 3339 (default: for ever)", false},                  \
        {"--case-sensitive", NULL, "of this spelling of the local part only", false},              \
    {                                                                                              \
        "--any-case", NULL, "of any spelling (default: as configured)", false                      \
    }

static const struct cli_option add_options[] = {WHOSE, WHY, {NULL, NULL, NULL, false}};
const struct cli_verb verb_suppression_add = {
    "suppression add", "ADDRESS...", "stops sending to addresses", add_options, 1, 1000,
    add_run,           NULL};

/* ---- list, export ---- */

/* Puts "&name=value" behind a path that has its "?"; nothing for NULL or "". */
static void add_query(struct sgl_buf *path, const char *name, const char *value)
{
    char *part;

    if (value == NULL || value[0] == '\0')
        return;
    part = cli_path("", value, "");
    sgl_buf_addf(path, "&%s=%s", name, part);
    free(part);
}

static const char *path_text(struct sgl_buf *path)
{
    const char *text = sgl_cstr(path);

    if (text == NULL)
        cli_error(CLI_USAGE, "options", "these are too long");
    return text;
}

static json_t *get_page(struct cli *c, const char *after, int max, int *status)
{
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    json_t *answer = NULL;

    *status = CLI_USAGE;
    sgl_buf_addf(&path, SUPPRESSIONS "?max=%d", max);
    add_query(&path, "subscription", cli_text(c, "--subscription"));
    add_query(&path, "domain", cli_text(c, "--domain"));
    add_query(&path, "after", after);
    if (path_text(&path) != NULL)
        *status = cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    return answer;
}

/* Calls each() for every page, until there is none. */
static int each_page(struct cli *c, void (*each)(void *ctx, const json_t *list), void *ctx)
{
    char *after = NULL;
    int status;

    for (;;) {
        json_t *answer = get_page(c, after, PAGE, &status);
        const char *next = json_string_value(json_object_get(answer, "next"));

        free(after);
        if (status != CLI_YES)
            return status;
        each(ctx, json_object_get(answer, "suppressions"));
        after = next == NULL ? NULL : strdup(next);
        json_decref(answer);
        if (after == NULL)
            return CLI_YES;
    }
}

static void add_rows(void *ctx, const json_t *list)
{
    const json_t *s;
    size_t at;

    json_array_foreach(list, at, s)
    {
        cli_table_add(ctx, cli_member(s, "address", 0));
        cli_table_add(ctx, cli_member(s, "subscription", 0));
        cli_table_add(ctx, cli_member(s, "domain", 0));
        cli_table_add(ctx, cli_member(s, "reason", 0));
        cli_table_add(ctx, cli_time(s, "created_at", 0));
        cli_table_add(ctx, cli_time(s, "expires_at", 0));
        cli_table_add(ctx, cli_member(s, "reply", 0));
    }
}

static void add_all(void *ctx, const json_t *list)
{
    json_array_extend(ctx, (json_t *)(uintptr_t)list);
}

static int list_run(struct cli *c)
{
    static const char *const head[] = {"ADDRESS", "SUBSCRIPTION", "DOMAIN", "REASON",
                                       "SINCE",   "UNTIL",        "REPLY"};
    struct cli_table t;
    json_t *all;
    int status;

    if (c->json) {
        all = json_array();
        status = each_page(c, add_all, all);
        if (status == CLI_YES)
            return cli_print_json(json_pack("{s:o}", "suppressions", all));
        json_decref(all);
        return status;
    }
    cli_table_init(&t, 7, head);
    status = each_page(c, add_rows, &t);
    if (status == CLI_YES && t.cells == t.columns)
        (void)cli_next_first(c, "suppressions");
    else if (status == CLI_YES)
        cli_table_print(c, &t, stdout);
    cli_table_done(&t);
    return status;
}

static const struct cli_option list_options[] = {WHOSE, {NULL, NULL, NULL, false}};
const struct cli_verb verb_suppression_list = {
    "suppression list", "",  "lists the addresses that are not sent to", list_options, 0, 0,
    list_run,           NULL};

static int export_run(struct cli *c)
{
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    int status = CLI_USAGE;

    if (c->json)
        return list_run(c);
    sgl_buf_addf(&path, SUPPRESSIONS "/export?");
    add_query(&path, "subscription", cli_text(c, "--subscription"));
    add_query(&path, "domain", cli_text(c, "--domain"));
    if (path_text(&path) != NULL)
        status = cli_call_to(c, sgl_cstr(&path), stdout);
    sgl_buf_done(&path);
    return status;
}
const struct cli_verb verb_suppression_export = {
    "suppression export", "",  "prints the addresses that are not sent to as CSV",
    list_options,         0,   0,
    export_run,           NULL};

/* ---- remove ---- */

static int remove_run(struct cli *c)
{
    const char *domain = cli_text(c, "--domain"), *subscription = cli_text(c, "--subscription");
    char *suffix = cli_path("?domain=", domain == NULL ? "" : domain, "&subscription=");
    char *whole = cli_path(suffix, subscription == NULL ? "" : subscription, "");
    char *path = cli_path(SUPPRESSIONS "/", c->argument[0], whole);

    free(suffix);
    free(whole);
    return cli_noun_remove_at(c, path, "is sent to again");
}
const struct cli_verb verb_suppression_remove = {
    "suppression remove", "ADDRESS", "sends to an address again", list_options, 1, 1,
    remove_run,           NULL};

/* ---- import ---- */

static int import_run(struct cli *c)
{
    struct sgl_buf text = SGL_BUF_INIT(IMPORT_MAX), path = SGL_BUF_INIT(PATH_MAX_LEN);
    json_t *answer = NULL;
    int status = CLI_USAGE;

    sgl_buf_addf(&path, SUPPRESSIONS "/import?");
    add_query(&path, "subscription", cli_text(c, "--subscription"));
    add_query(&path, "domain", cli_text(c, "--domain"));
    add_query(&path, "reason", cli_text(c, "--reason"));
    add_query(&path, "reply", cli_text(c, "--reply"));
    add_query(&path, "expires_at", cli_text(c, "--expires"));
    add_query(&path, "case_sensitive", cased(c));
    if (path_text(&path) != NULL &&
        cli_read_file("FILE", c->arguments > 0 ? c->argument[0] : NULL, IMPORT_MAX, &text))
        status =
            cli_call_bytes(c, "POST", sgl_cstr(&path), "text/csv", sgl_buf_view(&text), &answer);
    sgl_buf_done(&text);
    sgl_buf_done(&path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    say_added(c, answer);
    json_decref(answer);
    return CLI_YES;
}

static const struct cli_option import_options[] = {WHOSE, WHY, {NULL, NULL, NULL, false}};
const struct cli_verb verb_suppression_import = {
    "suppression import",
    "[FILE]",
    "stops sending to the addresses of a file, one a line, or CSV; to all of them or none",
    import_options,
    0,
    1,
    import_run,
    NULL};
