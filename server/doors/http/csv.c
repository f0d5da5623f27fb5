/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

#include "sigillo/banned.h"

void csv_init(struct csv *c, void *text, size_t len)
{
    *c = (struct csv){.text = text, .len = len, .next_line = 1};
    if (sgl_view_starts(sgl_view_of(text, len), SGL_LIT("\xef\xbb\xbf")))
        c->off = 3;
}

static enum csv_step fault(struct csv *c, const char *why)
{
    c->fault = why;
    c->off = c->len;
    return CSV_FAULT;
}

/* The length of a line end at off: 1, 2, or 0 when there is none. */
static size_t line_end(const struct csv *c, size_t off)
{
    if (off < c->len && c->text[off] == '\n')
        return 1;
    return c->len - off >= 2 && c->text[off] == '\r' && c->text[off + 1] == '\n' ? 2 : 0;
}

static bool keep(struct csv *c, size_t start, size_t len)
{
    if (len > CSV_FIELD_MAX || c->fields == CSV_FIELDS_MAX)
        return false;
    c->field[c->fields++] = sgl_view_of(c->text + start, len);
    return true;
}

/* Behind the opening quote. The field moves forward over each quote that is taken out. [RFC 4180 s2, rules 5 to 7] */
static enum csv_step read_quoted(struct csv *c)
{
    size_t start = c->off, to = start;

    for (;; c->off++) {
        if (c->off >= c->len)
            return fault(c, "the quote is not closed");
        if (c->text[c->off] == '\0')
            return fault(c, "there is a NUL");
        if (c->text[c->off] == '"' && (c->off + 1 >= c->len || c->text[c->off + 1] != '"'))
            break;
        c->off += c->text[c->off] == '"';
        c->next_line += c->text[c->off] == '\n';
        c->text[to++] = c->text[c->off];
    }
    c->off++;
    return keep(c, start, to - start)
               ? CSV_RECORD
               : fault(c, "a field has at most 4096 bytes, and a line at most 16 fields");
}

static enum csv_step read_plain(struct csv *c)
{
    size_t start = c->off;

    for (; c->off < c->len && c->text[c->off] != ',' && line_end(c, c->off) == 0; c->off++) {
        if (c->text[c->off] == '\0')
            return fault(c, "there is a NUL");
        if (c->text[c->off] == '"')
            return fault(c, "a field with a quote in it stands in quotes");
        if (c->text[c->off] == '\r')
            return fault(c, "there is a CR that ends no line");
    }
    return keep(c, start, c->off - start)
               ? CSV_RECORD
               : fault(c, "a field has at most 4096 bytes, and a line at most 16 fields");
}

/* The rest of the record, field by field; off is where a field begins. */
static enum csv_step read_record(struct csv *c)
{
    for (;;) {
        bool quoted = c->off < c->len && c->text[c->off] == '"';
        enum csv_step step;
        size_t end;

        c->off += quoted;
        step = quoted ? read_quoted(c) : read_plain(c);
        if (step != CSV_RECORD || c->off >= c->len)
            return step;
        end = line_end(c, c->off);
        if (end > 0) {
            c->off += end;
            c->next_line++;
            return CSV_RECORD;
        }
        if (c->text[c->off] != ',')
            return fault(c, "behind a closing quote there is a comma or the end of the line");
        c->off++;
    }
}

/* Over an empty line or a comment; false: here is a record, or the end. */
static bool skip_line(struct csv *c)
{
    sgl_view rest = sgl_view_of(c->text + c->off, c->len - c->off);
    size_t end = line_end(c, c->off);

    if (end == 0 && sgl_view_starts(rest, SGL_LIT("#"))) {
        end = sgl_view_find(rest, '\n');
        end += end < rest.len;
    }
    c->off += end;
    c->next_line += end > 0;
    return end > 0;
}

enum csv_step csv_next(struct csv *c)
{
    c->fields = 0;
    c->fault = NULL;
    while (c->off < c->len && skip_line(c))
        ;
    c->line = c->next_line;
    return c->off >= c->len ? CSV_END : read_record(c);
}

static bool needs_quotes(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] == ',' || v.ptr[i] == '"' || v.ptr[i] == '\r' || v.ptr[i] == '\n')
            return true;
    return sgl_view_starts(v, SGL_LIT("#")) || sgl_view_starts(v, SGL_LIT("\xef\xbb\xbf"));
}

void csv_put(struct sgl_buf *out, sgl_view field, char end)
{
    bool quoted = needs_quotes(field);

    if (quoted)
        sgl_buf_add_byte(out, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (field.ptr[i] == '"')
            sgl_buf_add_byte(out, '"');
        sgl_buf_add_byte(out, field.ptr[i]);
    }
    if (quoted)
        sgl_buf_add_byte(out, '"');
    sgl_buf_add_byte(out, (uint8_t)end);
}
