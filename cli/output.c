/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: errors, tables, colours, members of answers. Foreign bytes never reach a terminal raw. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "sigillo/date.h"
#include "sigillo/utf8.h"

#define SLOTS     8
#define SLOT_SIZE 2048
#define SHOWN_MAX 4096
#define TEXT_MAX  ((size_t)4 << 20) /* of a document: a whole header, each byte escaped */
#define COLUMNS   80

/* ---- what was given ---- */

const char *cli_nth(const struct cli *c, const char *option, size_t n)
{
    for (size_t i = 0; i < c->givens; i++)
        if (strcmp(c->given[i].option->name, option) == 0 && n-- == 0)
            return c->given[i].value;
    return NULL;
}

const char *cli_text(const struct cli *c, const char *option)
{
    return cli_nth(c, option, 0);
}

bool cli_flag(const struct cli *c, const char *option)
{
    return cli_nth(c, option, 0) != NULL;
}

/* ---- text ---- */

void cli_put_view(FILE *to, sgl_view text, size_t shown_max)
{
    struct sgl_buf out = SGL_BUF_INIT(shown_max * 5);

    sgl_buf_add_escaped(&out, text, shown_max);
    fwrite(out.data, 1, out.len, to);
    sgl_buf_done(&out);
}

void cli_put(FILE *to, const char *text)
{
    cli_put_view(to, sgl_view_cstr(text), SHOWN_MAX);
}

void cli_put_folded(FILE *to, sgl_view text, size_t indent)
{
    size_t room = COLUMNS - indent;

    while (text.len > room) {
        size_t cut = room;

        while (cut > 0 && text.ptr[cut] != ' ')
            cut--;
        if (cut == 0) /* a word that is longer than the line stays whole, to be copied */
            cut = sgl_view_find(text, ' ');
        fprintf(to, "%.*s\n", SGL_FMT(sgl_view_sub(text, 0, cut)));
        text = sgl_view_from(text, cut + 1);
        if (text.len == 0)
            return;
        fprintf(to, "%*s", (int)indent, "");
    }
    fprintf(to, "%.*s\n", SGL_FMT(text));
}

json_t *cli_json_text(sgl_view text)
{
    json_t *string = json_stringn(text.len == 0 ? "" : (const char *)text.ptr, text.len);
    sgl_auto(sgl_buf) escaped = SGL_BUF_INIT(TEXT_MAX);

    if (string != NULL)
        return string;
    sgl_buf_add_escaped(&escaped, text, text.len);
    return escaped.status == SGL_OK ? json_stringn((const char *)escaped.data, escaped.len) : NULL;
}

json_t *cli_json_date(sgl_time time)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(40);

    if (time == 0)
        return json_null();
    sgl_date_put_internet(&text, time);
    return cli_json_text(sgl_buf_view(&text));
}

int cli_error(int status, const char *what, const char *why, ...)
{
    char text[1024];
    va_list args;

    va_start(args, why);
    vsnprintf(text, sizeof(text), why, args);
    va_end(args);
    fflush(stdout);
    fputs("sigillo: ", stderr);
    cli_put(stderr, what);
    fputs(": ", stderr);
    cli_put(stderr, text);
    fputc('\n', stderr);
    return status;
}

int cli_print_json(json_t *json)
{
    if (json == NULL ||
        json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII) != 0) {
        json_decref(json);
        return cli_error(CLI_UNKNOWN, "--json", "the document could not be written");
    }
    fputc('\n', stdout);
    json_decref(json);
    return CLI_YES;
}

static const char *colour(const struct cli *c, const char *code)
{
    return c->colour ? code : "";
}

const char *cli_bold(const struct cli *c)
{
    return colour(c, "\033[1m");
}
const char *cli_dim(const struct cli *c)
{
    return colour(c, "\033[2m");
}
const char *cli_red(const struct cli *c)
{
    return colour(c, "\033[31m");
}
const char *cli_green(const struct cli *c)
{
    return colour(c, "\033[32m");
}
const char *cli_yellow(const struct cli *c)
{
    return colour(c, "\033[33m");
}
const char *cli_plain(const struct cli *c)
{
    return colour(c, "\033[0m");
}

/* ---- tables ---- */

void cli_table_init(struct cli_table *t, size_t columns, const char *const *head)
{
    *t = (struct cli_table){.columns = columns};
    for (size_t i = 0; i < columns; i++)
        cli_table_add(t, head[i]);
}

static void out_of_memory(void)
{
    exit(cli_error(CLI_UNKNOWN, "memory", "there is none left"));
}

void cli_table_add(struct cli_table *t, const char *cell)
{
    struct sgl_buf safe = SGL_BUF_INIT(SHOWN_MAX * 5);
    const char *text;

    if (t->cells == t->room) {
        t->room = t->room == 0 ? 64 : t->room * 2;
        t->cell = realloc(t->cell, t->room * sizeof(*t->cell));
        if (t->cell == NULL)
            out_of_memory();
    }
    sgl_buf_add_escaped(&safe, sgl_view_cstr(cell), SHOWN_MAX);
    text = safe.len == 0 ? "" : sgl_cstr(&safe);
    t->cell[t->cells] = text == NULL ? NULL : strdup(text);
    if (t->cell[t->cells++] == NULL)
        out_of_memory();
    sgl_buf_done(&safe);
}

/* Characters, which is as near to columns as a table of addresses needs. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void cli_table_print(const struct cli *c, const struct cli_table *t, FILE *to)
{
    for (size_t i = 0; i < t->cells; i++) {
        size_t column = i % t->columns, width = 0;

        for (size_t k = column; k < t->cells; k += t->columns)
            width = width_of(t->cell[k]) > width ? width_of(t->cell[k]) : width;
        if (i == 0)
            fputs(cli_dim(c), to);
        fputs(t->cell[i], to);
        if (column + 1 < t->columns) {
            fprintf(to, "%*s", (int)(width - width_of(t->cell[i]) + 2), "");
            continue;
        }
        if (i + 1 == t->columns)
            fputs(cli_plain(c), to);
        fputc('\n', to);
    }
}

void cli_table_done(struct cli_table *t)
{
    for (size_t i = 0; i < t->cells; i++)
        free(t->cell[i]);
    free(t->cell);
    *t = (struct cli_table){0};
}

/* ---- members of answers ---- */

const char *cli_member(const json_t *object, const char *name, unsigned slot)
{
    static char text[SLOTS][SLOT_SIZE];
    const json_t *value = json_object_get(object, name);
    char *out = text[slot % SLOTS];

    out[0] = '\0';
    if (json_is_string(value))
        snprintf(out, SLOT_SIZE, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(out, SLOT_SIZE, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(out, SLOT_SIZE, "%.2f", json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(out, SLOT_SIZE, "%s", json_is_true(value) ? "yes" : "no");
    return out;
}

const char *cli_time(const json_t *object, const char *name, unsigned slot)
{
    char *text = (char *)(uintptr_t)cli_member(object, name, slot);

    if (strlen(text) >= 19 && text[10] == 'T') {
        text[10] = ' ';
        text[19] = '\0';
    }
    return text;
}

/* ---- files ---- */

bool cli_read_file(const char *option, const char *path, size_t max, struct sgl_buf *out)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    const char *name = standard ? "standard input" : path;
    char block[65536];
    size_t n;

    if (strcmp(option, name) == 0) /* it is named already */
        name = "it";
    if (file == NULL) {
        cli_error(CLI_USAGE, option, "%s cannot be read: %m", name);
        return false;
    }
    out->max = max;
    while ((n = fread(block, 1, sizeof(block), file)) > 0)
        sgl_buf_add(out, sgl_view_of(block, n));
    if (ferror(file))
        cli_error(CLI_USAGE, option, "%s cannot be read: %m", name);
    else if (out->status != SGL_OK)
        cli_error(CLI_USAGE, option, "%s is larger than %zu bytes", name, max);
    else {
        if (!standard)
            fclose(file);
        return true;
    }
    if (!standard)
        fclose(file);
    return false;
}
