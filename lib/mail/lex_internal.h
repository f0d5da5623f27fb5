/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor over a structured header value, and the grammar that all of them share. [RFC 5322 s3.2, s4.1] */
#ifndef LIB_MAIL_LEX_INTERNAL_H
#define LIB_MAIL_LEX_INTERNAL_H

#include "sigillo/arena.h"
#include "sigillo/ascii.h"
#include "sigillo/diag.h"
#include "sigillo/view.h"

struct sgl_lex {
    sgl_view in;
    size_t pos; /* <= in.len */
    struct sgl_diag *diag;
};

static inline bool sgl_lex_end(const struct sgl_lex *lx)
{
    return lx->pos >= lx->in.len;
}

/* The byte at the cursor, or -1 at the end. */
static inline int sgl_lex_peek(const struct sgl_lex *lx)
{
    return lx->pos < lx->in.len ? lx->in.ptr[lx->pos] : -1;
}

/* Steps over this byte if it is the next one. */
static inline bool sgl_lex_eat(struct sgl_lex *lx, uint8_t byte)
{
    if (sgl_lex_peek(lx) != byte)
        return false;
    lx->pos++;
    return true;
}

/* Notes the reason at the cursor and gives SGL_E_SYNTAX. */
enum sgl_status sgl_lex_fail(const struct sgl_lex *lx, const char *what, const char *rule);

/* atext of RFC 5322 s3.2.3; every byte above 127 counts too [RFC 6532 s3.2], UTF-8 is checked elsewhere. */
bool sgl_lex_is_atext(uint8_t c);

/* Blanks, line ends and comments. SGL_E_SYNTAX: a comment without its end; SGL_E_LIMIT: nested too deeply. */
enum sgl_status sgl_lex_skip_cfws(struct sgl_lex *lx);
/* 1*atext: empty when there is none. */
sgl_view sgl_lex_atom(struct sgl_lex *lx);
/*
 * A quoted string, the cursor on its opening quote: *raw is what stands between the quotes, the cursor goes behind the
 * closing one.  Control characters other than folds are refused.
 */
enum sgl_status sgl_lex_quoted(struct sgl_lex *lx, sgl_view *raw);
/* Takes quotes' backslashes and line ends out of `raw`; `out` has room for raw.len. Returns the length. */
size_t sgl_lex_unquote(sgl_view raw, uint8_t *out);
/* Both: what a quoted string means, in the arena. */
enum sgl_status sgl_lex_quoted_text(struct sgl_lex *lx, struct sgl_arena *arena, sgl_view *text);
/* Takes `mark` with two hex digits behind it for a byte; others stay. `out` has room for raw.len, and may be where raw is. Returns the length. */
size_t sgl_lex_unescape(sgl_view raw, uint8_t mark, uint8_t *out);

#endif
