/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two configurations, for people.  Their handovers are compared, where each key stands on a line of its own, with its preset when the file has none:
 *
 *   hostname = "mail.example.org"
 *   queue  {
 *   expire = "72h"
 *   }
 *
 * The contents of secret files are compared, and never shown.
 */
#include <string.h>

#include "config_internal.h"
#include "sigillo/ascii.h"

/* The lines from "NAME ... {" to "}"; of the root: those before the first section. */
struct part {
    sgl_view head, lines;
};

static sgl_view next_line(sgl_view *rest)
{
    return sgl_view_split(*rest, '\n', rest);
}

static bool opens(sgl_view line)
{
    return line.len > 0 && line.ptr[line.len - 1] == '{' &&
           sgl_view_find(line, '=') == line.len; /* in values it is escaped */
}

/* false: no more. */
static bool next_part(sgl_view *rest, struct part *out)
{
    sgl_view from = *rest, line = {0};

    if (rest->len == 0)
        return false;
    *out = (struct part){.head = SGL_LIT("")};
    line = next_line(rest);
    if (opens(line)) {
        out->head = line;
        from = *rest;
    } else {
        *rest = from;
    }
    while (rest->len > 0) {
        sgl_view here = *rest;

        line = next_line(rest);
        out->lines = sgl_view_of(from.ptr, (size_t)(here.ptr - from.ptr));
        if (sgl_view_eq(line, SGL_LIT("}")))
            return true;
        if (opens(line)) { /* only the root ends so */
            *rest = here;
            return true;
        }
    }
    out->lines = from;
    return true;
}

static bool find_part(sgl_view text, sgl_view head, struct part *out)
{
    while (next_part(&text, out))
        if (sgl_view_eq(out->head, head))
            return true;
    return false;
}

static sgl_view key_of(sgl_view line)
{
    size_t end = sgl_view_find(line, ' ');

    return sgl_view_sub(line, 0, end);
}

static bool find_key(sgl_view lines, sgl_view key, sgl_view *line)
{
    while (lines.len > 0) {
        *line = next_line(&lines);
        if (sgl_view_eq(key_of(*line), key))
            return true;
    }
    return false;
}

/* ---- in words ---- */

/* Without quotes and escapes. */
static void put_plain(struct sgl_buf *out, sgl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '\\' && text.len - i > 3) {
            sgl_buf_add_byte(out, (uint8_t)(sgl_ascii_hex_value(text.ptr[i + 2]) << 4 |
                                            sgl_ascii_hex_value(text.ptr[i + 3])));
            i += 3;
        } else if (c != '"') {
            sgl_buf_add_byte(out, c);
        }
    }
}

/* `queue  {` is "queue.", `route "a" {` is "route a: ". */
static void put_where(struct sgl_buf *out, size_t start, sgl_view head)
{
    sgl_view name = sgl_view_sub(head, 0, head.len < 2 ? 0 : head.len - 2);
    bool titled = name.len > 0 && name.ptr[name.len - 1] == '"';

    sgl_buf_add_cstr(out, out->len > start ? "; " : "");
    if (!titled && name.len > 0)
        name.len = sgl_view_find(name, ' ');
    put_plain(out, name);
    sgl_buf_add_cstr(out, titled ? ": " : name.len > 0 ? "." : "");
}

static void put_value(struct sgl_buf *out, bool there, sgl_view line)
{
    size_t from = key_of(line).len + 3;

    if (there && from < line.len)
        put_plain(out, sgl_view_from(line, from));
    else
        sgl_buf_add_cstr(out, "none");
}

static bool is_contents(sgl_view key)
{
    sgl_view end = SGL_LIT(CONTENTS);

    return key.len > end.len && sgl_view_eq(sgl_view_from(key, key.len - end.len), end);
}

static void put_key(struct sgl_buf *out, size_t start, sgl_view head, const sgl_view line[2],
                    const bool there[2])
{
    sgl_view key = key_of(there[1] ? line[1] : line[0]);

    if (there[0] && there[1] && sgl_view_eq(line[0], line[1]))
        return;
    put_where(out, start, head);
    if (is_contents(key)) {
        sgl_buf_addf(out, "%.*s has other contents",
                     SGL_FMT(sgl_view_sub(key, 0, key.len - strlen(CONTENTS))));
        return;
    }
    sgl_buf_addf(out, "%.*s ", SGL_FMT(key));
    put_value(out, there[0], line[0]);
    sgl_buf_add_cstr(out, " -> ");
    put_value(out, there[1], line[1]);
}

static void diff_part(struct sgl_buf *out, size_t start, sgl_view head, sgl_view before,
                      sgl_view after)
{
    sgl_view line[2];

    for (sgl_view rest = after; rest.len > 0;) {
        line[1] = next_line(&rest);
        const bool there[2] = {find_key(before, key_of(line[1]), &line[0]), true};

        put_key(out, start, head, line, there);
    }
    for (sgl_view rest = before; rest.len > 0;) {
        line[0] = next_line(&rest);
        if (!find_key(after, key_of(line[0]), &line[1]))
            put_key(out, start, head, line, (const bool[2]){true, false});
    }
}

void config_diff(const struct config *before, const struct config *after, struct sgl_buf *out)
{
    size_t start = out->len;
    struct part part, other;

    for (sgl_view rest = after->handover; next_part(&rest, &part);) {
        if (!find_part(before->handover, part.head, &other)) {
            put_where(out, start, part.head);
            sgl_buf_add_cstr(out, "added");
        } else if (!sgl_view_eq(part.lines, other.lines)) {
            diff_part(out, start, part.head, other.lines, part.lines);
        }
    }
    for (sgl_view rest = before->handover; next_part(&rest, &part);)
        if (!find_part(after->handover, part.head, &other)) {
            put_where(out, start, part.head);
            sgl_buf_add_cstr(out, "removed");
        }
}
