/* SPDX-License-Identifier: Apache-2.0 */
/* sigillo bounce parse */
#include <string.h>

#include "sigillo/bounce.h"
#include "sigillo/limits.h"
#include "verbs.h"

#define FILES_MAX   1000
#define MESSAGE_MAX ((size_t)64 << 20)
#define SHOWN_MAX   400

static json_t *told(sgl_view text)
{
    return text.len == 0 ? json_null() : cli_json_text(text);
}

static json_t *word(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *rcpt_json(const char *file, const struct sgl_bounce *b,
                         const struct sgl_bounce_rcpt *r)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "file",
                     cli_json_text(sgl_view_cstr(file)), "recipient", told(r->recipient), "action",
                     sgl_bounce_action_name(r->action), "status", told(r->status), "code",
                     r->code == 0 ? json_null() : json_integer(r->code), "class",
                     sgl_bounce_class_name(r->class_), "reason", word(r->cause), "diagnostic",
                     told(r->diagnostic), "final_recipient", told(r->final), "remote_mta",
                     told(r->remote_mta), "reporting_mta", told(b->reporting_mta), "message_id",
                     told(b->message_id), "form", b->form);
}

/* ---- for people ---- */

static void add_cell(struct cli_table *table, sgl_view text)
{
    sgl_auto(sgl_buf) cell = SGL_BUF_INIT(4 * SHOWN_MAX + 16);

    sgl_buf_add_escaped(&cell, text, SHOWN_MAX);
    cli_table_add(table, text.len == 0 ? "-" : sgl_cstr(&cell));
}

static void print_bounce(const struct cli *c, const struct sgl_bounce *b)
{
    static const char *const head[] = {"RECIPIENT", "ACTION", "STATUS", "CLASS", "REASON"};
    struct cli_table table;

    cli_table_init(&table, sizeof head / sizeof head[0], head);
    for (size_t i = 0; i < b->rcpts; i++) {
        const struct sgl_bounce_rcpt *r = &b->rcpt[i];

        add_cell(&table, r->recipient);
        cli_table_add(&table, sgl_bounce_action_name(r->action));
        add_cell(&table, r->status);
        cli_table_add(&table, sgl_bounce_class_name(r->class_));
        add_cell(&table, sgl_view_cstr(r->cause));
    }
    cli_table_print(c, &table, stdout);
    cli_table_done(&table);
    for (size_t i = 0; i < b->rcpts; i++)
        if (b->rcpt[i].diagnostic.len > 0) {
            putchar('\n');
            cli_put_view(stdout, b->rcpt[i].recipient, SHOWN_MAX);
            fputs(": ", stdout);
            cli_put_view(stdout, b->rcpt[i].diagnostic, SHOWN_MAX);
            putchar('\n');
        }
    if (b->more)
        printf("\nMore recipients follow in the message; the first %d are shown.\n",
               SGL_LIMIT_BOUNCE_RCPTS);
}

/* ---- the verb ---- */

static int show(const struct cli *c, const char *file, const struct sgl_bounce *b, json_t *all)
{
    for (size_t i = 0; c->json && i < b->rcpts; i++)
        json_array_append_new(all, rcpt_json(file, b, &b->rcpt[i]));
    if (!c->json && b->kind != SGL_BOUNCE_NONE)
        print_bounce(c, b);
    if (b->kind == SGL_BOUNCE_NONE)
        return cli_error(CLI_NO, file,
                         "it reports nothing: no bounce, no complaint, no automatic "
                         "reply");
    return CLI_YES;
}

static int show_file(const struct cli *c, const char *path, json_t *all)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_LIMIT_BOUNCE_MEMORY);
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(MESSAGE_MAX);
    const char *file = path == NULL || strcmp(path, "-") == 0 ? "standard input" : path;
    struct sgl_bounce b;

    if (!cli_read_file(file, path, MESSAGE_MAX, &bytes))
        return CLI_USAGE;
    switch (sgl_bounce_parse(sgl_buf_view(&bytes), &arena, &b)) {
    case SGL_OK:
        break;
    case SGL_E_SYNTAX:
        return cli_error(CLI_USAGE, file, "it is not a message");
    case SGL_E_LIMIT:
        return cli_error(CLI_USAGE, file, "it has too many parts, or too deep ones");
    case SGL_E_NOMEM:
    case SGL_E_MISUSE:
    case SGL_MORE:
    case SGL_NEED_DNS:
        return cli_error(CLI_USAGE, file, "out of memory");
    }
    if (b.kind == SGL_BOUNCE_NONE && b.header.count == 0 && bytes.len == 0)
        return cli_error(CLI_USAGE, file, "it is empty");
    return show(c, file, &b, all);
}

static int bounce_parse_run(struct cli *c)
{
    json_t *all = json_array();
    int worst = CLI_YES;

    for (size_t i = 0; i < c->arguments || i == 0; i++) {
        const char *path = i < c->arguments ? c->argument[i] : NULL;
        int status;

        if (!c->json && c->arguments > 1)
            printf("%s%s%s%s\n", i > 0 ? "\n" : "", cli_bold(c), path, cli_plain(c));
        status = show_file(c, path, all);
        if (status > worst)
            worst = status;
    }
    if (c->json)
        (void)cli_print_json(all);
    else
        json_decref(all);
    return worst;
}

const struct cli_verb verb_bounce_parse = {
    .name = "bounce parse",
    .arguments = "[FILE...]",
    .summary = "says what bounces, complaints and automatic replies mean",
    .arguments_max = FILES_MAX,
    .run = bounce_parse_run,
    .more = "FILE is a message; without FILE, or with -, standard input is read.\nCLASS is hard "
            "(the address will never work), soft, full (the mailbox), block (who sent it), policy "
            "(what was sent), auto-reply, complaint, delivered or unknown.\nExit status 1: a file "
            "reports nothing; 2: a file could not be read. The others are shown.",
    .needs = CLI_OFFLINE};
