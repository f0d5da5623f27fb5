/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a field in two passes over the same code: the first one counts, the second one fills memory of exactly that size.
 *
 * Where the grammar of RFC 8601 s2.2 and common practice differ, what cannot be misread is let through: one ";" at the end, signs such as "/" or ":"
 * in a value without quotes, and "name=value" without a ptype, which is passed over.  All else that is not in the grammar refuses the field.
 */
#include "authres_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

struct reader {
    sgl_view in;
    size_t pos; /* <= in.len */
    struct sgl_arena *arena;
    struct sgl_authres_result *result; /* NULL: the pass that counts */
    struct sgl_authres_property *property;
    size_t results, properties;
    struct sgl_diag *diag;
};

/* ---- words --------------------------------------------------------------------------------------------------------- */

static enum sgl_status fail(const struct reader *r, const char *what, const char *rule)
{
    sgl_diag_set(r->diag, what, rule, r->in, r->pos);
    return SGL_E_SYNTAX;
}

static enum sgl_status too_much(const struct reader *r, const char *what)
{
    sgl_diag_set(r->diag, what, NULL, r->in, r->pos);
    return SGL_E_LIMIT;
}

/* The byte at the cursor, or -1 at the end. */
static int peek(const struct reader *r)
{
    return r->pos < r->in.len ? r->in.ptr[r->pos] : -1;
}

static bool eat(struct reader *r, uint8_t byte)
{
    if (peek(r) != byte)
        return false;
    r->pos++;
    return true;
}

static bool is_forbidden(int c)
{
    return c >= 0 && sgl_ascii_is_control((uint8_t)c) && !sgl_ascii_is_fws((uint8_t)c);
}

/* One comment, the cursor on its "(". Depth is a number: a field of nothing but "(" costs no stack. */
static enum sgl_status skip_comment(struct reader *r)
{
    unsigned depth = 0;

    for (; r->pos < r->in.len; r->pos++) {
        int c = peek(r);

        if (is_forbidden(c))
            return fail(r, "control character in a comment", "RFC 5322 s3.2.2");
        if (c == '\\') {
            r->pos++;
            if (is_forbidden(peek(r)))
                return fail(r, "control character in a comment", "RFC 5322 s3.2.1");
        } else if (c == '(' && ++depth > SGL_LIMIT_COMMENT_DEPTH) {
            return too_much(r, "comments are nested too deeply");
        } else if (c == ')' && --depth == 0) {
            r->pos++;
            return SGL_OK;
        }
    }
    r->pos = r->in.len;
    return fail(r, "comment is not closed", "RFC 5322 s3.2.2");
}

/* CFWS is legal between any two words of this field. [RFC 8601 s2.2] */
static enum sgl_status skip_cfws(struct reader *r)
{
    for (;;) {
        while (r->pos < r->in.len && sgl_ascii_is_fws(r->in.ptr[r->pos]))
            r->pos++;
        if (peek(r) != '(')
            return SGL_OK;
        SGL_TRY(skip_comment(r));
    }
}

/* The same bytes in lower case; a copy only where there is something to change. The pass that counts changes nothing. */
static enum sgl_status lower(const struct reader *r, sgl_view v, sgl_view *out)
{
    uint8_t *copy;
    bool same = true;

    for (size_t i = 0; i < v.len; i++)
        same = same && !sgl_ascii_is_upper(v.ptr[i]);
    if (same || r->result == NULL) {
        *out = v;
        return SGL_OK;
    }
    copy = sgl_arena_alloc(r->arena, v.len);
    if (copy == NULL)
        return r->arena->status;
    for (size_t i = 0; i < v.len; i++)
        copy[i] = sgl_ascii_lower(v.ptr[i]);
    *out = sgl_view_of(copy, v.len);
    return SGL_OK;
}

/* Letters, digits and hyphens, the last one no hyphen. [RFC 8601 s2.2, RFC 5321 s4.1.2] */
static enum sgl_status keyword(struct reader *r, const char *missing, sgl_view *out)
{
    size_t start = r->pos;

    while (r->pos < r->in.len &&
           (sgl_ascii_is_alnum(r->in.ptr[r->pos]) || r->in.ptr[r->pos] == '-'))
        r->pos++;
    if (r->pos == start || r->in.ptr[r->pos - 1] == '-')
        return fail(r, missing, "RFC 8601 s2.2");
    if (r->pos - start > SGL_LIMIT_AUTHRES_KEYWORD)
        return too_much(r, "keyword is too long");
    return lower(r, sgl_view_sub(r->in, start, r->pos - start), out);
}

/* What may stand in a value without quotes: more than a token, nothing that begins or ends something else. */
static bool is_loose(uint8_t c)
{
    if (c >= 0x80)
        return true;
    if (!sgl_ascii_is_visible(c))
        return false;
    switch (c) {
    case '(':
    case ')':
    case ';':
    case '"':
    case '\\':
    case ',':
    case '<':
    case '>':
        return false;
    default:
        return true;
    }
}

static sgl_view loose(struct reader *r)
{
    size_t start = r->pos;

    while (r->pos < r->in.len && is_loose(r->in.ptr[r->pos]))
        r->pos++;
    return sgl_view_sub(r->in, start, r->pos - start);
}

/* The cursor on the opening quote; *raw is what stands between the quotes, *plain: there is nothing to take out of it. */
static enum sgl_status quoted(struct reader *r, sgl_view *raw, bool *plain)
{
    size_t start = ++r->pos;

    *plain = true;
    for (; r->pos < r->in.len; r->pos++) {
        int c = peek(r);

        if (c == '"') {
            *raw = sgl_view_sub(r->in, start, r->pos - start);
            r->pos++;
            return SGL_OK;
        }
        *plain = *plain && c != '\\' && c != '\r' && c != '\n';
        if (c == '\\') {
            r->pos++;
            c = peek(r);
            if (c == '\r' || c == '\n')
                return fail(r, "a backslash stands before a line end", "RFC 5322 s3.2.1");
        }
        if (is_forbidden(c))
            return fail(r, "control character in a quoted string", "RFC 5322 s3.2.4");
    }
    r->pos = r->in.len;
    return fail(r, "quoted string is not closed", "RFC 5322 s3.2.4");
}

/* raw without backslashes and line ends, then tail. */
static enum sgl_status unquote(const struct reader *r, sgl_view raw, sgl_view tail, sgl_view *out)
{
    uint8_t *copy = sgl_arena_alloc(r->arena, raw.len + tail.len);
    size_t len = 0;

    if (copy == NULL)
        return r->arena->status;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] == '\r' || raw.ptr[i] == '\n')
            continue;
        if (raw.ptr[i] == '\\')
            i++;
        copy[len++] = raw.ptr[i];
    }
    if (tail.len > 0)
        memcpy(copy + len, tail.ptr, tail.len);
    *out = sgl_view_of(copy, len + tail.len);
    return SGL_OK;
}

/* Behind the last "@" of a value stands a domain, or an address literal, and nothing that only looks like one. */
static bool domain_ok(sgl_view v)
{
    size_t i = v.len;

    while (i > 0 && v.ptr[i - 1] != '@')
        i--;
    if (i == 0)
        return true; /* no address */
    if (i == v.len)
        return false;
    for (; i < v.len; i++) {
        uint8_t c = v.ptr[i];

        if (c < 0x80 && !sgl_ascii_is_alnum(c) && memchr("-_.[]:", c, 6) == NULL)
            return false;
    }
    return true;
}

/* value / [[local-part] "@"] domain-name, without its quotes. [RFC 8601 s2.2] */
static enum sgl_status value(struct reader *r, sgl_view *out)
{
    sgl_view raw, tail = {NULL, 0};
    bool plain;

    SGL_TRY(skip_cfws(r));
    if (peek(r) != '"') {
        *out = loose(r);
        if (out->len == 0)
            return fail(r, "value is missing", "RFC 8601 s2.2");
        return domain_ok(*out) ? SGL_OK : fail(r, "address has no domain", "RFC 8601 s2.2");
    }
    SGL_TRY(quoted(r, &raw, &plain));
    if (peek(r) == '@') { /* a local part in quotes */
        tail = loose(r);
        if (!domain_ok(tail))
            return fail(r, "address has no domain", "RFC 8601 s2.2");
    }
    if (r->result == NULL || (plain && tail.len == 0)) {
        *out = raw;
        return SGL_OK;
    }
    return unquote(r, raw, tail, out);
}

/* ---- the field ----------------------------------------------------------------------------------------------------- */

static enum sgl_status number(struct reader *r, unsigned *out)
{
    size_t start = r->pos;
    uint64_t n;

    while (r->pos < r->in.len && sgl_ascii_is_digit(r->in.ptr[r->pos]))
        r->pos++;
    if (!sgl_view_u64(sgl_view_sub(r->in, start, r->pos - start), 9999, &n))
        return fail(r, "version is no number that is known", "RFC 8601 s2.6");
    *out = (unsigned)n;
    return SGL_OK;
}

/* [CFWS] authserv-id [CFWS version] [CFWS].  The id is a value; "=" in it says that it was forgotten. */
static enum sgl_status read_id(struct reader *r, sgl_view *id)
{
    bool in_quotes, plain;
    sgl_view raw;

    SGL_TRY(skip_cfws(r));
    in_quotes = peek(r) == '"';
    if (in_quotes) {
        SGL_TRY(quoted(r, &raw, &plain));
        SGL_TRY(unquote(r, raw, sgl_view_of(NULL, 0), id));
    } else {
        *id = loose(r);
    }
    if (id->len == 0 || (!in_quotes && sgl_view_find(*id, '=') < id->len))
        return fail(r, "authserv-id is missing", "RFC 8601 s2.5");
    return SGL_OK;
}

/* An unknown version ends the reading. [RFC 8601 s2.6, s5] */
static enum sgl_status read_version(struct reader *r)
{
    unsigned version = 1;
    size_t behind_id = r->pos;

    SGL_TRY(skip_cfws(r));
    if (peek(r) >= 0 && r->pos > behind_id && sgl_ascii_is_digit(r->in.ptr[r->pos])) {
        SGL_TRY(number(r, &version));
        SGL_TRY(skip_cfws(r));
    }
    if (version != 1)
        return fail(r, "version of the field is not known", "RFC 8601 s2.6");
    return SGL_OK;
}

static enum sgl_status add_property(struct reader *r, const struct sgl_authres_property *property,
                                    struct sgl_authres_result *to)
{
    if (r->properties == SGL_LIMIT_AUTHRES_PROPERTIES)
        return too_much(r, "too many properties");
    if (r->property != NULL)
        r->property[r->properties] = *property;
    r->properties++;
    to->properties++;
    return SGL_OK;
}

/* reason=value, ptype.property=value, or a stray name=value. */
static enum sgl_status read_spec(struct reader *r, struct sgl_authres_result *result)
{
    struct sgl_authres_property p;
    sgl_view text;

    SGL_TRY(keyword(r, "property is missing", &p.ptype));
    SGL_TRY(skip_cfws(r));
    if (eat(r, '.')) {
        SGL_TRY(skip_cfws(r));
        SGL_TRY(keyword(r, "property is missing behind its type", &p.property));
        SGL_TRY(skip_cfws(r));
        if (!eat(r, '='))
            return fail(r, "property has no value", "RFC 8601 s2.2");
        SGL_TRY(value(r, &p.value));
        return add_property(r, &p, result);
    }
    if (!eat(r, '='))
        return fail(r, "property has no value", "RFC 8601 s2.2");
    SGL_TRY(value(r, &text));
    if (result->reason.ptr == NULL && result->properties == 0 &&
        sgl_view_eq_nocase(p.ptype, SGL_LIT("reason"))) /* elsewhere it is a stray name */
        result->reason = text;
    return SGL_OK;
}

/* method [ "/" version ] "=" result, and what hangs on it; the cursor on the method. */
static enum sgl_status read_result(struct reader *r)
{
    struct sgl_authres_result result = {.version = 1};

    if (r->property != NULL)
        result.property = r->property + r->properties;
    SGL_TRY(keyword(r, "method is missing", &result.method));
    SGL_TRY(skip_cfws(r));
    if (eat(r, '/')) {
        SGL_TRY(skip_cfws(r));
        SGL_TRY(number(r, &result.version));
        SGL_TRY(skip_cfws(r));
    }
    if (!eat(r, '='))
        return fail(r, "method has no result", "RFC 8601 s2.2");
    SGL_TRY(skip_cfws(r));
    SGL_TRY(keyword(r, "result is missing", &result.result));
    SGL_TRY(skip_cfws(r));
    while (peek(r) >= 0 && peek(r) != ';') {
        SGL_TRY(read_spec(r, &result));
        SGL_TRY(skip_cfws(r));
    }
    if (r->results == SGL_LIMIT_AUTHRES_RESULTS)
        return too_much(r, "too many results");
    if (r->result != NULL)
        r->result[r->results] = result;
    r->results++;
    return SGL_OK;
}

/* ";" and "none" and nothing more: no method was tried. [RFC 8601 s2.2] */
static enum sgl_status read_none(struct reader *r, bool *none)
{
    size_t start = r->pos;
    sgl_view word;

    *none = false;
    if (!sgl_view_starts_nocase(sgl_view_from(r->in, r->pos), SGL_LIT("none")))
        return SGL_OK;
    SGL_TRY(keyword(r, "method is missing", &word));
    SGL_TRY(skip_cfws(r));
    if (eat(r, ';'))
        SGL_TRY(skip_cfws(r));
    *none = word.len == 4 && peek(r) < 0;
    if (!*none)
        r->pos = start;
    return SGL_OK;
}

static enum sgl_status read_results(struct reader *r)
{
    bool none;

    r->results = r->properties = 0;
    if (!eat(r, ';'))
        return fail(r, "no \";\" behind the authserv-id", "RFC 8601 s2.2");
    SGL_TRY(skip_cfws(r));
    SGL_TRY(read_none(r, &none));
    if (none)
        return SGL_OK;
    do {
        SGL_TRY(read_result(r));
        if (eat(r, ';'))
            SGL_TRY(skip_cfws(r));
    } while (peek(r) >= 0);
    return SGL_OK;
}

static enum sgl_status read_all(struct reader *r, struct sgl_authres *out)
{
    struct sgl_authres got = {.version = 1};
    size_t start;

    if (r->in.len > SGL_LIMIT_AUTHRES_FIELD)
        return too_much(r, "field is too long");
    SGL_TRY(read_id(r, &got.authserv_id));
    SGL_TRY(read_version(r));
    start = r->pos;
    SGL_TRY(read_results(r));
    if (out == NULL)
        return SGL_OK;
    got.results = r->results;
    r->result = SGL_NEW_N(r->arena, r->results, struct sgl_authres_result);
    r->property = SGL_NEW_N(r->arena, r->properties, struct sgl_authres_property);
    if (r->result == NULL || r->property == NULL)
        return r->arena->status;
    got.result = r->result;
    r->pos = start;
    SGL_TRY(read_results(r));
    *out = got;
    return SGL_OK;
}

enum sgl_status sgl_authres_parse(sgl_view value_text, struct sgl_arena *arena,
                                  struct sgl_authres *out, struct sgl_diag *diag)
{
    struct reader r = {.in = value_text, .arena = arena, .diag = diag};
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    enum sgl_status st = read_all(&r, out);

    if (st != SGL_OK)
        sgl_arena_rewind(arena, mark);
    return st;
}

enum sgl_status sgl_authres_read_id(sgl_view value_text, struct sgl_arena *arena, sgl_view *id)
{
    struct reader r = {.in = value_text, .arena = arena};

    if (value_text.len > SGL_LIMIT_AUTHRES_FIELD)
        return SGL_E_LIMIT;
    return read_id(&r, id);
}

enum sgl_status sgl_authres_check(sgl_view value_text, struct sgl_arena *arena)
{
    struct reader r = {.in = value_text, .arena = arena};

    return read_all(&r, NULL);
}

/* ---- looking things up --------------------------------------------------------------------------------------------- */

/* Of another version than 1 nobody knows what it means. [RFC 8601 s2.6] */
const struct sgl_authres_result *sgl_authres_find(const struct sgl_authres *ar, sgl_view method)
{
    for (size_t i = 0; i < ar->results; i++) {
        const struct sgl_authres_result *result = &ar->result[i];

        if (result->version == 1 && sgl_view_eq_nocase(result->method, method))
            return result;
    }
    return NULL;
}

sgl_view sgl_authres_property(const struct sgl_authres_result *result, sgl_view ptype,
                              sgl_view property)
{
    for (size_t i = 0; i < result->properties; i++) {
        const struct sgl_authres_property *p = &result->property[i];

        if (sgl_view_eq_nocase(p->ptype, ptype) && sgl_view_eq_nocase(p->property, property))
            return p->value;
    }
    return sgl_view_of(NULL, 0);
}
