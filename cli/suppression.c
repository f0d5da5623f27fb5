/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo suppression add | list | remove | import | export */
#include <stdlib.h>
#include <string.h>

#include "noun.h"
#include "verbs.h"

#define SUPPRESSIONS     "/admin/v1/suppressions"
#define IMPORT_MAX       (64u * 1024u * 1024u)
#define ADDRESSES_A_TIME 500
#define PAGE             1000
#define PATH_MAX_LEN     4096u

/* ---- what is given with an address ---- */

static void add_text(const struct cli *c, json_t *body, const char *option, const char *member)
{
    const char *text = cli_text(c, option);

    if (text != NULL)
        json_object_set_new(body, member, json_string(text));
}

static json_t *body_new(const struct cli *c)
{
    json_t *body = json_object();

    cli_noun_subscription(c, body);
    add_text(c, body, "--domain", "domain");
    add_text(c, body, "--reason", "reason");
    add_text(c, body, "--reply", "reply");
    add_text(c, body, "--expires", "expires_at");
    return body;
}

/* ---- add ---- */

static void say_added(const struct cli *c, const json_t *answer)
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
    {"--reason", "WORD", "hard-bounce, complaint, unsubscribe or manual (default)", false},        \
        {"--reply", "TEXT", "the answer that caused it", false},                                   \
    {                                                                                              \
        "--expires", "TIME", "until then: RFC 3339 (default: for ever)", false                     \
    }

static const struct cli_option add_options[] = {WHOSE, WHY, {NULL, NULL, NULL, false}};
const struct cli_verb verb_suppression_add = {
    "suppression add", "ADDRESS...", "stops sending to addresses", add_options, 1, 1000,
    add_run,           NULL};

/* ---- list, export ---- */

static json_t *get_page(struct cli *c, const char *after, int max, int *status)
{
    struct sgl_buf path = SGL_BUF_INIT(PATH_MAX_LEN);
    const char *subscription = cli_text(c, "--subscription"), *domain = cli_text(c, "--domain");
    char *part;
    json_t *answer = NULL;

    sgl_buf_addf(&path, SUPPRESSIONS "?max=%d", max);
    if (subscription != NULL) {
        part = cli_path("&subscription=", subscription, "");
        sgl_buf_add_cstr(&path, part);
        free(part);
    }
    if (domain != NULL) {
        part = cli_path("&domain=", domain, "");
        sgl_buf_add_cstr(&path, part);
        free(part);
    }
    if (after != NULL) {
        part = cli_path("&after=", after, "");
        sgl_buf_add_cstr(&path, part);
        free(part);
    }
    if (sgl_cstr(&path) == NULL)
        *status = cli_error(CLI_USAGE, "--domain", "this is too long");
    else
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
    if (status == CLI_YES)
        cli_table_print(c, &t, stdout);
    cli_table_done(&t);
    return status;
}

static const struct cli_option list_options[] = {WHOSE, {NULL, NULL, NULL, false}};
const struct cli_verb verb_suppression_list = {
    "suppression list", "",  "lists the addresses that are not sent to", list_options, 0, 0,
    list_run,           NULL};

/* A field of CSV: in quotes when it has a comma, a quote or a line end. [RFC 4180 s2] */
static void put_csv(const char *text, const char *end)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        printf("%s%s", text, end);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    printf("\"%s", end);
}

static void print_csv(void *ctx, const json_t *list)
{
    const json_t *s;
    size_t at;

    (void)ctx;
    json_array_foreach(list, at, s)
    {
        put_csv(cli_member(s, "address", 0), ",");
        put_csv(cli_member(s, "reason", 0), ",");
        put_csv(cli_member(s, "expires_at", 0), ",");
        put_csv(cli_member(s, "reply", 0), "\n");
    }
}

static int export_run(struct cli *c)
{
    if (c->json)
        return list_run(c);
    puts("address,reason,expires_at,reply");
    return each_page(c, print_csv, NULL);
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
    json_t *answer;
    int status = cli_call(c, "DELETE", path, NULL, &answer);

    free(suffix);
    free(whole);
    free(path);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(answer);
    cli_put(stdout, c->argument[0]);
    puts(" is sent to again");
    json_decref(answer);
    return CLI_YES;
}
const struct cli_verb verb_suppression_remove = {
    "suppression remove", "ADDRESS", "sends to an address again", list_options, 1, 1,
    remove_run,           NULL};

/* ---- import ---- */

#define FIELD_MAX 4096u
#define FIELDS    4 /* address, reason, expires_at, reply */

struct import {
    struct cli *c;
    sgl_view rest; /* of the file */
    size_t line;   /* of the record that was read last, from 1 */
    size_t next_line;
    struct sgl_buf field[FIELDS];
    size_t fields;
    json_t *body; /* what is being gathered: one reason, end and reply */
    json_t *own;  /* of these, what the records say themselves */
    long long added, known;
};

/* One field up to its comma or line end. false: quotes that do not end, or bytes behind them. [RFC 4180 s2] */
static bool read_field(struct import *m, struct sgl_buf *out, bool *last)
{
    sgl_view v = m->rest;
    size_t i = 0;
    bool quoted = v.len > 0 && v.ptr[0] == '"';

    if (quoted) {
        for (i = 1; i < v.len; i++) {
            if (v.ptr[i] == '"' && (i + 1 >= v.len || v.ptr[i + 1] != '"'))
                break;
            i += v.ptr[i] == '"';
            m->next_line += v.ptr[i] == '\n';
            sgl_buf_add_byte(out, v.ptr[i]);
        }
        if (i++ >= v.len)
            return false;
    } else {
        while (i < v.len && v.ptr[i] != ',' && v.ptr[i] != '\r' && v.ptr[i] != '\n')
            sgl_buf_add_byte(out, v.ptr[i++]);
    }
    if (i < v.len && v.ptr[i] == '\r' && i + 1 < v.len && v.ptr[i + 1] == '\n')
        i++;
    *last = i >= v.len || v.ptr[i] == '\n';
    if (!*last && v.ptr[i] != ',')
        return false;
    m->next_line += i < v.len && v.ptr[i] == '\n';
    m->rest = sgl_view_from(v, i + 1);
    return out->status == SGL_OK;
}

static bool read_record(struct import *m)
{
    bool last = false;

    m->line = m->next_line;
    for (size_t i = 0; i < FIELDS; i++)
        sgl_buf_reset(&m->field[i]);
    for (m->fields = 0; !last; m->fields++)
        if (m->fields == FIELDS || !read_field(m, &m->field[m->fields], &last))
            return false;
    return true;
}

static int send_gathered(struct import *m)
{
    json_t *answer, *body = m->body;
    int status;

    m->body = NULL;
    if (body == NULL)
        return CLI_YES;
    status = cli_call(m->c, "POST", SUPPRESSIONS, body, &answer);
    if (status != CLI_YES) {
        fprintf(stderr, "sigillo: lines up to %zu: not stored; what came before them is\n",
                m->line);
        return status;
    }
    m->added += json_integer_value(json_object_get(answer, "added"));
    m->known += json_integer_value(json_object_get(answer, "known"));
    json_decref(answer);
    return CLI_YES;
}

/* Does this record go with those that are gathered? They share one reason, end and reply. */
static bool goes_with(const struct import *m)
{
    static const char *const member[FIELDS] = {"", "reason", "expires_at", "reply"};

    for (size_t i = 1; i < FIELDS; i++)
        if (m->field[i].len > 0 || json_object_get(m->own, member[i]) != NULL)
            if (!sgl_view_eq(sgl_view_cstr(json_string_value(json_object_get(m->own, member[i]))),
                             sgl_buf_view(&m->field[i])))
                return false;
    return json_array_size(json_object_get(m->body, "addresses")) < ADDRESSES_A_TIME;
}

/* What the command line gave, and what the record says beside it. NULL: not UTF-8. */
static json_t *body_of_record(struct import *m)
{
    static const char *const member[FIELDS] = {"", "reason", "expires_at", "reply"};
    json_t *body = body_new(m->c);

    json_decref(m->own);
    m->own = json_object();
    for (size_t i = 1; i < FIELDS; i++) {
        sgl_view v = sgl_buf_view(&m->field[i]);
        json_t *text = v.len == 0 ? NULL : json_stringn((const char *)v.ptr, v.len);

        if (v.len == 0)
            continue;
        if (text == NULL) {
            json_decref(body);
            return NULL;
        }
        json_object_set(body, member[i], text);
        json_object_set_new(m->own, member[i], text);
    }
    json_object_set_new(body, "addresses", json_array());
    return body;
}

static int gather(struct import *m)
{
    sgl_view address = sgl_buf_view(&m->field[0]);
    int status = m->body == NULL || goes_with(m) ? CLI_YES : send_gathered(m);
    char where[32];

    if (status != CLI_YES)
        return status;
    if (m->body == NULL)
        m->body = body_of_record(m);
    if (m->body != NULL &&
        json_array_append_new(json_object_get(m->body, "addresses"),
                              json_stringn((const char *)address.ptr, address.len)) == 0)
        return CLI_YES;
    snprintf(where, sizeof(where), "line %zu", m->line);
    return cli_error(CLI_USAGE, where, "this is not UTF-8");
}

/* A line without anything, a comment, or the names of the columns. */
static bool says_nothing(const struct import *m)
{
    sgl_view address = sgl_buf_view(&m->field[0]);

    return (address.len == 0 && m->fields == 1) || sgl_view_starts(address, SGL_LIT("#")) ||
           (m->line == 1 && sgl_view_eq_nocase(address, SGL_LIT("address")));
}

static int import_all(struct import *m)
{
    char where[32];
    int status = CLI_YES;

    while (status == CLI_YES && m->rest.len > 0) {
        if (!read_record(m)) {
            snprintf(where, sizeof(where), "line %zu", m->line);
            return cli_error(CLI_USAGE, where,
                             "a line is ADDRESS[,REASON[,UNTIL[,REPLY]]], as export prints it");
        }
        if (!says_nothing(m))
            status = gather(m);
    }
    return status == CLI_YES ? send_gathered(m) : status;
}

static int import_run(struct cli *c)
{
    struct sgl_buf text = SGL_BUF_INIT(IMPORT_MAX);
    struct import m = {.c = c, .next_line = 1};
    int status = CLI_USAGE;

    for (size_t i = 0; i < FIELDS; i++)
        sgl_buf_init(&m.field[i], FIELD_MAX);
    if (cli_read_file("FILE", c->arguments > 0 ? c->argument[0] : NULL, IMPORT_MAX, &text)) {
        m.rest = sgl_buf_view(&text);
        status = import_all(&m);
    }
    for (size_t i = 0; i < FIELDS; i++)
        sgl_buf_done(&m.field[i]);
    json_decref(m.body);
    json_decref(m.own);
    sgl_buf_done(&text);
    if (status != CLI_YES)
        return status;
    if (c->json)
        return cli_print_json(
            json_pack("{s:I, s:I}", "added", (json_int_t)m.added, "known", (json_int_t)m.known));
    printf("%lld added, %lld known already\n", m.added, m.known);
    return CLI_YES;
}

static const struct cli_option import_options[] = {WHOSE, WHY, {NULL, NULL, NULL, false}};
const struct cli_verb verb_suppression_import = {
    "suppression import", "[FILE]", "stops sending to the addresses of a file, one a line, or CSV",
    import_options,       0,        1,
    import_run,           NULL};
