/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo report audit */
#include <string.h>

#include "cli.h"
#include "verbs.h"

#define PAGE         1000
#define PATH_MAX_LEN 4096u

static const char *const columns[] = {"at",     "actor",        "peer",   "action",
                                      "object", "subscription", "result", "detail"};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* NULL: *status says why. */
static json_t *get_page(struct cli *c, json_int_t after, int *status)
{
    static const char *const filters[][2] = {{"--by", "by"},
                                             {"--object", "object"},
                                             {"--action", "action"},
                                             {"--subscription", "subscription"}};
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    const char *since = cli_text(c, "--since");
    json_t *answer = NULL;

    sgl_buf_addf(&path, "/admin/v1/audit?max=%d", PAGE);
    cli_add_query(&path, "since", since == NULL ? "30d" : since);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        cli_add_query(&path, filters[i][1], cli_text(c, filters[i][0]));
    if (after != 0)
        sgl_buf_addf(&path, "&after=%lld", (long long)after);
    if (sgl_cstr(&path) == NULL)
        *status = cli_error(CLI_USAGE, "report audit", "the options are too long");
    else
        *status = cli_call(c, "GET", sgl_cstr(&path), NULL, &answer);
    sgl_buf_done(&path);
    return answer;
}

/* ---- as a table, as CSV [RFC 4180], as one document ---- */

static void put_field(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void put_csv(const json_t *line)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *text = json_string_value(json_object_get(line, columns[i]));

        fputs(i == 0 ? "" : ",", stdout);
        put_field(text == NULL ? "" : text);
    }
    fputs("\r\n", stdout);
}

static void add_row(struct cli_table *t, const json_t *line)
{
    const char *who = cli_member(line, "actor", 0), *peer = cli_member(line, "peer", 1);
    char from[400];

    snprintf(from, sizeof(from), "%.180s%s%.180s", who, peer[0] == '\0' ? "" : " ", peer);
    cli_table_add(t, cli_time(line, "at", 2));
    cli_table_add(t, from);
    cli_table_add(t, cli_member(line, "action", 3));
    cli_table_add(t, cli_member(line, "object", 4));
    cli_table_add(t, cli_member(line, "result", 5));
    cli_table_add(t, cli_member(line, "detail", 6));
}

struct audit_out {
    bool csv;
    json_t *all; /* of --json */
    struct cli_table table;
};

static void take_page(const struct cli *c, struct audit_out *o, const json_t *page)
{
    const json_t *line;
    size_t at;

    json_array_foreach(json_object_get(page, "audit"), at, line)
    {
        if (c->json)
            json_array_append(o->all, (json_t *)(uintptr_t)line);
        else if (o->csv)
            put_csv(line);
        else
            add_row(&o->table, line);
    }
}

/* Calls take_page() for every page, until there is none. */
static int each_page(struct cli *c, struct audit_out *o)
{
    json_int_t after = 0;
    int status;

    do {
        json_t *page = get_page(c, after, &status);

        if (status != CLI_YES)
            return status;
        take_page(c, o, page);
        after = json_integer_value(json_object_get(page, "next"));
        json_decref(page);
    } while (after != 0);
    return CLI_YES;
}

static int report_audit_run(struct cli *c)
{
    static const char *const head[] = {"WHEN", "WHO", "ACTION", "OBJECT", "RESULT", "DETAIL"};
    struct audit_out o = {.csv = cli_flag(c, "--csv"), .all = json_array()};
    int status;

    if (o.csv && c->json) {
        json_decref(o.all);
        return cli_error(CLI_USAGE, "--csv", "either this or --json");
    }
    cli_table_init(&o.table, 6, head);
    for (size_t i = 0; o.csv && i < COLUMNS; i++)
        printf("%s%s", columns[i], i + 1 < COLUMNS ? "," : "\r\n");
    status = each_page(c, &o);
    if (status == CLI_YES && c->json) {
        json_incref(o.all);
        status = cli_print_json(json_pack("{s:o}", "audit", o.all));
    } else if (status == CLI_YES && !o.csv) {
        cli_table_print(c, &o.table, stdout);
    }
    json_decref(o.all);
    cli_table_done(&o.table);
    return status;
}

static const struct cli_option audit_options[] = {
    {"--since", "TIME", "RFC 3339, or a span before now: 90s, 15m, 2h, 3d (default 30d)", false},
    {"--by", "WHO", "only what he did: key:ID, local:uid=0, or only key, system", false},
    {"--object", "NAME", "only what was done to it: domain:example.org, or only its name", false},
    {"--action", "WORDS", "only this: 'domain add', 'queue hold'", false},
    {"--subscription", "NAME", "only what is of this tenant", false},
    {"--csv", NULL, "comma-separated values instead of a table", false},
    {NULL, NULL, NULL, false}};
const struct cli_verb verb_report_audit = {
    "report audit",
    "",
    "tells who changed what, when, from where",
    audit_options,
    0,
    0,
    report_audit_run,
    "Newest first. What was refused is there, too, with the reason as its result. Lines are never "
    "changed; they go after audit.keep of the configuration (400 days)."};
