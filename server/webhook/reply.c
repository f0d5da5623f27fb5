/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where does the original begin?  Programs quote it in one of these ways, each of which has to reach to the end of the text:
 *
 *   lines with ">", and above them one or two lines that say who wrote ("On Monday, Anna wrote:")
 *   a line of hyphens with "Original Message" in it, or one of underscores, above "From:" and other fields
 *   these fields alone: "From:", then "Sent:" or "Date:", and "Subject:"
 */
#include "reply.h"

#include "sigillo/ascii.h"
#include "sigillo/banned.h"

#define FIELD_LINES 8 /* in which the fields of an original stand */

struct line {
    size_t from, end; /* end: behind its LF */
    sgl_view text;    /* trimmed */
};

static bool next_line(sgl_view text, size_t from, struct line *out)
{
    size_t len;

    if (from >= text.len)
        return false;
    len = sgl_view_find(sgl_view_from(text, from), '\n');
    out->from = from;
    out->end = from + len < text.len ? from + len + 1 : text.len;
    out->text = sgl_view_trim(sgl_view_sub(text, from, len));
    return true;
}

static bool is_quoted(sgl_view line)
{
    return sgl_view_starts(line, SGL_LIT(">"));
}

/* ---- fields of an original ---- */

static bool is_field(sgl_view line, const char *name)
{
    return sgl_view_starts_nocase(line, sgl_view_cstr(name)) && sgl_view_find(line, ':') < line.len;
}

/* "From:" stands at `from`; do the others follow? */
static bool has_fields(sgl_view text, size_t from)
{
    bool date = false, subject = false;
    struct line line;

    for (int n = 0; n < FIELD_LINES && next_line(text, from, &line); n++, from = line.end) {
        if (n == 0 && !is_field(line.text, "From:") && !is_field(line.text, "*From:*"))
            return false;
        date = date || is_field(line.text, "Sent:") || is_field(line.text, "Date:") ||
               is_field(line.text, "*Sent:*") || is_field(line.text, "*Date:*");
        subject = subject || is_field(line.text, "Subject:") || is_field(line.text, "*Subject:*");
    }
    return date && subject;
}

static bool is_rule(sgl_view line)
{
    size_t at = 0;

    while (at < line.len && line.ptr[at] == '_')
        at++;
    return at >= 10 && at == line.len;
}

/* "-----Original Message-----" */
static bool is_announced(sgl_view line)
{
    sgl_view word = line;

    while (word.len > 0 && (word.ptr[0] == '-' || word.ptr[0] == ' '))
        word = sgl_view_from(word, 1);
    return sgl_view_starts(line, SGL_LIT("--")) && sgl_view_ends(line, SGL_LIT("--")) &&
           sgl_view_starts_nocase(word, SGL_LIT("Original Message"));
}

static bool begins_original(sgl_view text, const struct line *line)
{
    struct line below;
    size_t from = line->end;

    if (is_announced(line->text) || has_fields(text, line->from))
        return true;
    if (!is_rule(line->text))
        return false;
    while (next_line(text, from, &below) && below.text.len == 0)
        from = below.end;
    return has_fields(text, from);
}

/* ---- quoted lines ---- */

/* Where the quoted lines begin that reach to the end; text.len: there are none. */
static size_t find_quoted_end(sgl_view text)
{
    size_t begins = text.len, from = 0;
    struct line line;

    for (; next_line(text, from, &line); from = line.end) {
        if (is_quoted(line.text))
            begins = begins == text.len ? line.from : begins;
        else if (line.text.len > 0)
            begins = text.len;
    }
    return begins;
}

/* The last line above `end` that is not blank; false: there is none. */
static bool line_above(sgl_view text, size_t end, struct line *out)
{
    size_t stop = end, begin;

    while (stop > 0) {
        begin = stop - 1;
        while (begin > 0 && text.ptr[begin - 1] != '\n')
            begin--;
        if (next_line(text, begin, out) && out->text.len > 0)
            return true;
        stop = begin;
    }
    return false;
}

/* "On Mon, 23 Nov 2026 at 10:00, Anna <anna@example.org>" / "wrote:" has no language that we know all of: it ends in a colon, and has an address or a digit in it. */
static bool names_author(sgl_view text)
{
    bool digit = false;

    for (size_t i = 0; i < text.len; i++)
        digit = digit || sgl_ascii_is_digit(text.ptr[i]) || text.ptr[i] == '@';
    return digit && sgl_view_ends(text, SGL_LIT(":"));
}

static size_t above_author(sgl_view text, size_t quoted)
{
    struct line last, before;

    if (quoted == text.len || !line_above(text, quoted, &last) ||
        !sgl_view_ends(last.text, SGL_LIT(":")))
        return quoted;
    if (names_author(last.text))
        return last.from;
    /* in two lines, one right above the other */
    if (line_above(text, last.from, &before) && before.end == last.from &&
        names_author(sgl_view_trim(sgl_view_sub(text, before.from, last.end - before.from))))
        return before.from;
    return quoted;
}

sgl_view reply_of(sgl_view text)
{
    size_t end = above_author(text, find_quoted_end(text)), from = 0;
    struct line line;

    for (; from < end && next_line(text, from, &line); from = line.end)
        if (begins_original(text, &line)) {
            end = line.from;
            break;
        }
    text = sgl_view_sub(text, 0, end);
    while (text.len > 0 && sgl_view_trim(sgl_view_from(text, text.len - 1)).len == 0)
        text.len--;
    return text;
}
