/* SPDX-License-Identifier: Apache-2.0 */
#include "lex_internal.h"

#include "sigillo/limits.h"

#include "sigillo/banned.h"

enum sgl_status sgl_lex_fail(const struct sgl_lex *lx, const char *what, const char *rule)
{
    sgl_diag_set(lx->diag, what, rule, lx->in, lx->pos);
    return SGL_E_SYNTAX;
}

bool sgl_lex_is_atext(uint8_t c)
{
    if (c >= 0x80 || sgl_ascii_is_alnum(c))
        return true;
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '/':
    case '=':
    case '?':
    case '^':
    case '_':
    case '`':
    case '{':
    case '|':
    case '}':
    case '~':
        return true;
    default:
        return false;
    }
}

/* A CR without its LF: never part of a fold. */
static bool at_bare_cr(const struct sgl_lex *lx)
{
    return sgl_lex_peek(lx) == '\r' &&
           (lx->in.len - lx->pos < 2 || lx->in.ptr[lx->pos + 1] != '\n');
}

/* Blanks and line ends; LF alone counts as one, for mail that was read from a file. */
static void skip_fws(struct sgl_lex *lx)
{
    while (!sgl_lex_end(lx) && sgl_ascii_is_fws(lx->in.ptr[lx->pos]) && !at_bare_cr(lx))
        lx->pos++;
}

/* One comment, the cursor on its "(". Depth is counted, not recursed. [RFC 5322 s3.2.2] */
static enum sgl_status skip_comment(struct sgl_lex *lx)
{
    size_t depth = 0, start = lx->pos;

    for (; !sgl_lex_end(lx); lx->pos++) {
        uint8_t c = lx->in.ptr[lx->pos];

        if (at_bare_cr(lx))
            return sgl_lex_fail(lx, "CR without LF in a comment", "RFC 5322 s3.2.2");
        if (c == '\\' && lx->in.len - lx->pos > 1) {
            lx->pos++;
        } else if (c == '(') {
            if (++depth > SGL_LIMIT_COMMENT_DEPTH) {
                sgl_diag_set(lx->diag, "comments are nested too deeply", NULL, lx->in, lx->pos);
                return SGL_E_LIMIT;
            }
        } else if (c == ')' && --depth == 0) {
            lx->pos++;
            return SGL_OK;
        }
    }
    lx->pos = start;
    return sgl_lex_fail(lx, "comment is not closed", "RFC 5322 s3.2.2");
}

enum sgl_status sgl_lex_skip_cfws(struct sgl_lex *lx)
{
    for (;;) {
        skip_fws(lx);
        if (sgl_lex_peek(lx) != '(')
            return SGL_OK;
        SGL_TRY(skip_comment(lx));
    }
}

sgl_view sgl_lex_atom(struct sgl_lex *lx)
{
    size_t start = lx->pos;

    while (!sgl_lex_end(lx) && sgl_lex_is_atext(lx->in.ptr[lx->pos]))
        lx->pos++;
    return sgl_view_sub(lx->in, start, lx->pos - start);
}

enum sgl_status sgl_lex_quoted(struct sgl_lex *lx, sgl_view *raw)
{
    size_t start = ++lx->pos;

    for (; !sgl_lex_end(lx); lx->pos++) {
        uint8_t c = lx->in.ptr[lx->pos];

        if (c == '"') {
            *raw = sgl_view_sub(lx->in, start, lx->pos - start);
            lx->pos++;
            return SGL_OK;
        }
        if (c == '\\') {
            lx->pos++;
            if (sgl_lex_end(lx))
                break;
            c = lx->in.ptr[lx->pos];
            if (c == '\r' || c == '\n')
                return sgl_lex_fail(lx, "a backslash stands before a line end", "RFC 5322 s3.2.1");
        }
        if ((sgl_ascii_is_control(c) && !sgl_ascii_is_fws(c)) || at_bare_cr(lx))
            return sgl_lex_fail(lx, "control character in a quoted string", "RFC 5322 s3.2.4");
    }
    lx->pos = start - 1;
    return sgl_lex_fail(lx, "quoted string is not closed", "RFC 5322 s3.2.4");
}

size_t sgl_lex_unquote(sgl_view raw, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] == '\r' || raw.ptr[i] == '\n')
            continue;
        if (raw.ptr[i] == '\\' && raw.len - i > 1)
            i++;
        out[n++] = raw.ptr[i];
    }
    return n;
}

enum sgl_status sgl_lex_quoted_text(struct sgl_lex *lx, struct sgl_arena *arena, sgl_view *text)
{
    sgl_view raw;
    uint8_t *bytes;

    SGL_TRY(sgl_lex_quoted(lx, &raw));
    bytes = sgl_arena_alloc(arena, raw.len);
    if (bytes == NULL)
        return arena->status;
    *text = sgl_view_of(bytes, sgl_lex_unquote(raw, bytes));
    return SGL_OK;
}

size_t sgl_lex_unescape(sgl_view raw, uint8_t mark, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < raw.len; i++) {
        int high = -1, low = -1;

        if (raw.ptr[i] == mark && raw.len - i > 2) {
            high = sgl_ascii_hex_value(raw.ptr[i + 1]);
            low = sgl_ascii_hex_value(raw.ptr[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            out[n++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = raw.ptr[i];
        }
    }
    return n;
}
