/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a field.  Whatever a value holds, it cannot end its place: it stands bare only when all of it is a token or an address; else it is quoted,
 * and what may not even stand in quotes becomes "?".
 */
#include <stdio.h>

#include "sigillo/authres.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

#define LINE_WIDTH 78 /* [RFC 5322 s2.1.1] */
#define NAME       "Authentication-Results:"

/* ---- what is what -------------------------------------------------------------------------------------------------- */

static bool is_keyword(sgl_view v)
{
    if (v.len == 0 || v.len > SGL_LIMIT_AUTHRES_KEYWORD || v.ptr[v.len - 1] == '-')
        return false;
    for (size_t i = 0; i < v.len; i++) {
        if (!sgl_ascii_is_alnum(v.ptr[i]) && v.ptr[i] != '-')
            return false;
    }
    return true;
}

/* token of RFC 2045 s5.1 */
static bool is_token(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.ptr[i];

        if (!sgl_ascii_is_visible(c) || memchr("()<>@,;:\\\"/[]?=", c, 15) != NULL)
            return false;
    }
    return v.len > 0;
}

/* Text of one or more parts with single dots between them. */
static bool is_dotted(sgl_view v, bool (*allowed)(uint8_t c))
{
    bool dot = true;

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '.' && dot)
            return false;
        dot = v.ptr[i] == '.';
        if (!dot && !allowed(v.ptr[i]))
            return false;
    }
    return !dot;
}

static bool is_host_byte(uint8_t c)
{
    return sgl_ascii_is_alnum(c) || c == '-' || c == '_';
}

/* atext without "\\": RFC 5322 s3.2.3, US-ASCII. */
static bool is_atext(uint8_t c)
{
    return sgl_ascii_is_visible(c) && memchr("()<>@,;:\\\".[]", c, 13) == NULL;
}

/* [[local-part] "@"] domain-name: where is its "@"? v.len when this is no such thing. [RFC 8601 s2.2] */
static size_t address_at(sgl_view v)
{
    size_t at = v.len;

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '@')
            at = i;
    }
    if (at == v.len || !is_dotted(sgl_view_from(v, at + 1), is_host_byte))
        return v.len;
    return at;
}

/* ---- words --------------------------------------------------------------------------------------------------------- */

/* What goes to the line as one word: no fold inside of it. */
struct word {
    uint8_t bytes[2 * SGL_LIMIT_AUTHRES_VALUE + 2 * SGL_LIMIT_AUTHRES_KEYWORD + 32];
    size_t len;
};

static void add_byte(struct word *w, uint8_t c)
{
    if (w->len < sizeof w->bytes) /* always: the limits add up to less */
        w->bytes[w->len++] = c;
}

static void add(struct word *w, sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        add_byte(w, v.ptr[i]);
}

static void add_keyword(struct word *w, sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        add_byte(w, sgl_ascii_lower(v.ptr[i])); /* compared without case, written in lower case */
}

static void add_quoted(struct word *w, sgl_view v)
{
    add_byte(w, '"');
    for (size_t i = 0; i < v.len;) {
        uint32_t code;
        size_t len = sgl_utf8_next(v, i, &code);

        if (len == 0 || sgl_ascii_is_control(v.ptr[i])) {
            add_byte(w, '?');
            i++;
            continue;
        }
        if (v.ptr[i] == '"' || v.ptr[i] == '\\')
            add_byte(w, '\\');
        add(w, sgl_view_sub(v, i, len));
        i += len;
    }
    add_byte(w, '"');
}

/* A cut value ends in dots, so that no part of a name or address is taken for the whole. */
static void add_cut(struct word *w, sgl_view v)
{
    uint8_t bytes[SGL_LIMIT_AUTHRES_VALUE];
    size_t keep = sizeof bytes - 3;

    while (keep > 0 && (v.ptr[keep] & 0xc0) == 0x80)
        keep--;
    memcpy(bytes, v.ptr, keep);
    memcpy(bytes + keep, "...", 3);
    add_quoted(w, sgl_view_of(bytes, keep + 3));
}

static void add_value(struct word *w, sgl_view v)
{
    size_t at = address_at(v);

    if (v.len > SGL_LIMIT_AUTHRES_VALUE) {
        add_cut(w, v);
    } else if (is_token(v)) {
        add(w, v);
    } else if (at == v.len) {
        add_quoted(w, v);
    } else { /* an email identity keeps its "@" outside of quotes  [RFC 8601 s2.2] */
        sgl_view local = sgl_view_sub(v, 0, at);

        if (local.len == 0 || is_dotted(local, is_atext))
            add(w, local);
        else
            add_quoted(w, local);
        add(w, sgl_view_from(v, at));
    }
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

struct line {
    struct sgl_buf *out;
    size_t column; /* of the last line */
    bool folds;    /* else all goes on one line */
};

/* The word behind a blank, or on a line of its own where it does not fit or a result begins. */
static void put_word(struct line *line, const struct word *w, bool first_of_result)
{
    if (line->folds && (first_of_result || line->column + 1 + w->len > LINE_WIDTH)) {
        sgl_buf_add(line->out, SGL_LIT("\r\n"));
        line->column = 0;
    }
    if (line->column > 0 || line->folds)
        sgl_buf_add_byte(line->out, ' ');
    sgl_buf_add(line->out, sgl_view_of(w->bytes, w->len));
    line->column += 1 + w->len;
}

static void put_result(struct line *line, const struct sgl_authres_result *result, bool last)
{
    struct word w = {.len = 0};
    size_t left = result->properties + (result->reason.ptr != NULL ? 1 : 0);

    add_keyword(&w, result->method);
    if (result->version != 1) {
        char digits[16];

        add_byte(&w, '/');
        add(&w,
            sgl_view_of(digits, (size_t)snprintf(digits, sizeof digits, "%u", result->version)));
    }
    add_byte(&w, '=');
    add_keyword(&w, result->result);
    if (left == 0 && !last)
        add_byte(&w, ';');
    put_word(line, &w, true);
    if (result->reason.ptr != NULL) {
        w.len = 0;
        add(&w, SGL_LIT("reason="));
        add_value(&w, result->reason);
        if (--left == 0 && !last)
            add_byte(&w, ';');
        put_word(line, &w, false);
    }
    for (size_t i = 0; i < result->properties; i++) {
        const struct sgl_authres_property *p = &result->property[i];

        w.len = 0;
        add_keyword(&w, p->ptype);
        add_byte(&w, '.');
        add_keyword(&w, p->property);
        add_byte(&w, '=');
        add_value(&w, p->value);
        if (--left == 0 && !last)
            add_byte(&w, ';');
        put_word(line, &w, false);
    }
}

static void put_results(struct line *line, const struct sgl_authres *ar)
{
    struct word none = {.len = 0};

    add(&none, SGL_LIT("none"));
    if (ar->results == 0) /* never "method=none" for "nothing was tried"  [RFC 8601 s2.2] */
        put_word(line, &none, false);
    for (size_t i = 0; i < ar->results; i++)
        put_result(line, &ar->result[i], i + 1 == ar->results);
}

/* ---- the door ------------------------------------------------------------------------------------------------------ */

static bool names_ok(const struct sgl_authres *ar)
{
    for (size_t i = 0; i < ar->results; i++) {
        const struct sgl_authres_result *result = &ar->result[i];

        if (!is_keyword(result->method) || !is_keyword(result->result))
            return false;
        for (size_t p = 0; p < result->properties; p++) {
            if (!is_keyword(result->property[p].ptype) || !is_keyword(result->property[p].property))
                return false;
        }
    }
    return true;
}

/* Our own name: nothing in it may need mending. */
static bool id_ok(sgl_view id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (sgl_ascii_is_control(id.ptr[i]))
            return false;
    }
    return id.len > 0 && id.len <= SGL_LIMIT_AUTHRES_VALUE && sgl_utf8_valid(id);
}

enum sgl_status sgl_authres_put(const struct sgl_authres *ar, struct sgl_buf *out)
{
    struct word id = {.len = 0};
    struct line line = {out, sizeof NAME - 1, true};
    size_t start = out->len;

    if (!id_ok(ar->authserv_id) || !names_ok(ar))
        return SGL_E_SYNTAX;
    if (is_token(ar->authserv_id))
        add(&id, ar->authserv_id);
    else
        add_quoted(&id, ar->authserv_id);
    add_byte(&id, ';');
    sgl_buf_add(out, SGL_LIT(NAME));
    put_word(&line, &id, false);
    put_results(&line, ar);
    sgl_buf_add(out, SGL_LIT("\r\n"));
    if (out->status != SGL_OK) { /* no half of a field */
        enum sgl_status why = out->status;

        sgl_buf_truncate(out, start);
        out->status = why;
    }
    return out->status;
}

enum sgl_status sgl_authres_put_results(const struct sgl_authres *ar, struct sgl_buf *out)
{
    struct line line = {out, 0, false};

    if (!names_ok(ar))
        return SGL_E_SYNTAX;
    put_results(&line, ar);
    return out->status;
}
