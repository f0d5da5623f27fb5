/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/param.h"

#include "charset_internal.h"
#include "lex_internal.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

/* token of RFC 2045 s5.1: ASCII without blanks, controls and tspecials. */
static bool token_byte(uint8_t c)
{
    return sgl_ascii_is_visible(c) && memchr("()<>@,;:\\\"/[]?=", c, 15) == NULL;
}

bool sgl_token_ok(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!token_byte(v.ptr[i]))
            return false;
    return v.len > 0;
}

bool sgl_media_type_ok(sgl_view v)
{
    size_t slash = sgl_view_find(v, '/');

    return sgl_token_ok(sgl_view_sub(v, 0, slash)) && sgl_token_ok(sgl_view_from(v, slash + 1)) &&
           slash + 1 < v.len;
}

/* ---- reading ---- */

/* One parameter as it was written. */
struct piece {
    sgl_view name; /* lower case, without "*", number, "*" */
    sgl_view raw;  /* unquoted, not decoded */
    uint64_t number;
    bool numbered, extended;
};

struct reading {
    struct sgl_lex lx;
    struct sgl_arena *arena;
    struct piece piece[SGL_LIMIT_PARAMS];
    size_t pieces;
};

static enum sgl_status lower(struct sgl_arena *arena, sgl_view v, sgl_view *out)
{
    uint8_t *bytes = sgl_arena_alloc(arena, v.len);

    if (bytes == NULL)
        return arena->status;
    for (size_t i = 0; i < v.len; i++)
        bytes[i] = sgl_ascii_lower(v.ptr[i]);
    *out = sgl_view_of(bytes, v.len);
    return SGL_OK;
}

static sgl_view run_of(struct sgl_lex *lx, bool (*fits)(uint8_t c))
{
    size_t start = lx->pos;

    while (!sgl_lex_end(lx) && fits(lx->in.ptr[lx->pos]))
        lx->pos++;
    return sgl_view_sub(lx->in, start, lx->pos - start);
}

static bool type_byte(uint8_t c)
{
    return token_byte(c) || c == '/';
}

/* Values that should have been quoted are common: "=" and "/" are let in, and what follows a blank is stepped over. */
static bool loose_byte(uint8_t c)
{
    return c >= 0x80 || (sgl_ascii_is_visible(c) && c != ';' && c != '"' && c != '(');
}

/* "name", "name*", "name*0", "name*0*" [RFC 2231 s3, s4] */
static bool split_name(sgl_view name, struct piece *p)
{
    size_t star = sgl_view_find(name, '*');
    sgl_view rest = sgl_view_from(name, star + 1);

    p->name = sgl_view_sub(name, 0, star);
    if (star == name.len)
        return true;
    if (p->name.len == 0)
        return false;
    p->extended = rest.len == 0 || rest.ptr[rest.len - 1] == '*';
    if (rest.len == 0)
        return true;
    p->numbered = true;
    if (p->extended)
        rest.len--;
    return sgl_view_u64(rest, SGL_LIMIT_PARAMS, &p->number);
}

static enum sgl_status one_param(struct reading *r)
{
    struct piece p = {.number = 0};
    sgl_view name = run_of(&r->lx, token_byte), lowered = {0};

    if (name.len == 0)
        return sgl_lex_fail(&r->lx, "parameter has no name", "RFC 2045 s5.1");
    SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    if (!sgl_lex_eat(&r->lx, '='))
        return sgl_lex_fail(&r->lx, "parameter has no value", "RFC 2045 s5.1");
    SGL_TRY(sgl_lex_skip_cfws(&r->lx));
    SGL_TRY(lower(r->arena, name, &lowered));
    if (!split_name(lowered, &p))
        return sgl_lex_fail(&r->lx, "parameter name is not one of RFC 2231", "RFC 2231 s3");
    if (sgl_lex_peek(&r->lx) == '"') {
        SGL_TRY(sgl_lex_quoted_text(&r->lx, r->arena, &p.raw));
    } else {
        p.raw = run_of(&r->lx, loose_byte);
    }
    if (r->pieces == SGL_LIMIT_PARAMS) {
        sgl_diag_set(r->lx.diag, "too many parameters", NULL, r->lx.in, r->lx.pos);
        return SGL_E_LIMIT;
    }
    r->piece[r->pieces++] = p;
    return sgl_lex_skip_cfws(&r->lx);
}

/* "utf-8'en'" is cut off the first extended piece. */
static enum sgl_charset cut_charset(sgl_view *raw)
{
    size_t first = sgl_view_find(*raw, '\'');
    sgl_view rest = sgl_view_from(*raw, first + 1);
    size_t second = sgl_view_find(rest, '\'');
    enum sgl_charset charset;

    if (first == raw->len || second == rest.len)
        return SGL_CHARSET_UTF8;
    charset = sgl_charset_find(sgl_view_sub(*raw, 0, first));
    *raw = sgl_view_from(rest, second + 1);
    return charset;
}

static const struct piece *find_piece(const struct reading *r, sgl_view name, bool numbered,
                                      bool extended, uint64_t number)
{
    for (size_t i = 0; i < r->pieces; i++) {
        const struct piece *p = &r->piece[i];

        if (sgl_view_eq(p->name, name) && p->numbered == numbered && p->number == number &&
            (numbered || p->extended == extended))
            return p;
    }
    return NULL;
}

/* name*0, name*1 ... until one is missing. */
static enum sgl_status join_numbered(struct reading *r, sgl_view name, sgl_view *out)
{
    enum sgl_charset charset = SGL_CHARSET_UTF8;
    uint8_t *joined, *decoded;
    size_t len = 0;

    joined = sgl_arena_alloc(r->arena, r->lx.in.len);
    decoded = sgl_arena_alloc_n(r->arena, r->lx.in.len, 3);
    if (joined == NULL || decoded == NULL)
        return r->arena->status;
    for (uint64_t n = 0;; n++) {
        const struct piece *p = find_piece(r, name, true, false, n);
        sgl_view raw;

        if (p == NULL)
            break;
        raw = p->raw;
        if (n == 0 && p->extended)
            charset = cut_charset(&raw);
        if (p->extended) {
            len += sgl_lex_unescape(raw, '%', joined + len);
        } else if (raw.len > 0) {
            memcpy(joined + len, raw.ptr, raw.len);
            len += raw.len;
        }
    }
    *out = sgl_view_of(decoded, sgl_charset_to_utf8(charset, sgl_view_of(joined, len), decoded));
    return SGL_OK;
}

static enum sgl_status decode_single(struct reading *r, const struct piece *p, sgl_view *out)
{
    enum sgl_charset charset = SGL_CHARSET_UTF8;
    sgl_view raw = p->raw;
    uint8_t *plain = sgl_arena_alloc(r->arena, raw.len),
            *decoded = sgl_arena_alloc_n(r->arena, raw.len, 3);

    if (plain == NULL || decoded == NULL)
        return r->arena->status;
    if (p->extended) {
        charset = cut_charset(&raw);
        raw = sgl_view_of(plain, sgl_lex_unescape(raw, '%', plain));
    }
    *out = sgl_view_of(decoded, sgl_charset_to_utf8(charset, raw, decoded));
    return SGL_OK;
}

/* The value of one name from all its pieces: numbered, then extended, then plain. [RFC 2231 s3, s4] */
static enum sgl_status resolve(struct reading *r, sgl_view name, sgl_view *out)
{
    const struct piece *p;

    if (find_piece(r, name, true, false, 0) != NULL)
        return join_numbered(r, name, out);
    p = find_piece(r, name, false, true, 0);
    if (p == NULL)
        p = find_piece(r, name, false, false, 0);
    if (p == NULL) { /* numbers without a zero: nothing to begin with */
        *out = SGL_LIT("");
        return SGL_OK;
    }
    return decode_single(r, p, out);
}

static enum sgl_status resolve_all(struct reading *r, struct sgl_param_value *v)
{
    v->param = SGL_NEW_N(r->arena, r->pieces, struct sgl_param);
    if (v->param == NULL)
        return r->arena->status;
    for (size_t i = 0; i < r->pieces; i++) {
        struct sgl_param made = {.name = r->piece[i].name};

        if (sgl_param_get(v, made.name).ptr != NULL)
            continue;
        SGL_TRY(resolve(r, made.name, &made.value));
        v->param[v->count++] = made;
    }
    return SGL_OK;
}

enum sgl_status sgl_param_parse(sgl_view value, struct sgl_arena *arena,
                                struct sgl_param_value *out, struct sgl_diag *diag)
{
    struct reading r = {.lx = {value, 0, diag}, .arena = arena};
    struct sgl_param_value v = {.count = 0};
    sgl_view token;

    SGL_TRY(sgl_lex_skip_cfws(&r.lx));
    token = run_of(&r.lx, type_byte);
    if (token.len == 0)
        return sgl_lex_fail(&r.lx, "value does not begin with a token", "RFC 2045 s5.1");
    SGL_TRY(lower(arena, token, &v.token));
    SGL_TRY(sgl_lex_skip_cfws(&r.lx));
    while (!sgl_lex_end(&r.lx)) {
        if (!sgl_lex_eat(&r.lx, ';')) {
            r.lx.pos++;
            continue;
        }
        SGL_TRY(sgl_lex_skip_cfws(&r.lx));
        if (!sgl_lex_end(&r.lx) && sgl_lex_peek(&r.lx) != ';')
            SGL_TRY(one_param(&r));
    }
    SGL_TRY(resolve_all(&r, &v));
    *out = v;
    return SGL_OK;
}

sgl_view sgl_param_get(const struct sgl_param_value *v, sgl_view name)
{
    for (size_t i = 0; i < v->count; i++)
        if (sgl_view_eq_nocase(v->param[i].name, name))
            return v->param[i].value;
    return (sgl_view){0};
}
