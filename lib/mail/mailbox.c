/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes and paths of the envelope: RFC 5321 s4.1.2, nothing more. */
#include "mailbox_internal.h"

#include "sigillo/limits.h"

#include "sigillo/banned.h"

/* Where the atoms and dots of a local part or a domain end. */
static sgl_view dotted(struct sgl_lex *lx)
{
    size_t start = lx->pos;

    while (!sgl_lex_end(lx) &&
           (sgl_lex_is_atext(lx->in.ptr[lx->pos]) || lx->in.ptr[lx->pos] == '.'))
        lx->pos++;
    return sgl_view_sub(lx->in, start, lx->pos - start);
}

/* A quoted string of the envelope has no folds: SP is its only blank. */
static enum sgl_status quoted_local(struct sgl_lex *lx, struct sgl_arena *arena, sgl_view *out)
{
    size_t start = lx->pos;
    sgl_view raw;
    uint8_t *bytes;

    SGL_TRY(sgl_lex_quoted(lx, &raw));
    for (size_t i = 0; i < raw.len; i++) {
        if (sgl_ascii_is_control(raw.ptr[i]) ||
            (raw.ptr[i] >= 0x80 && i > 0 && raw.ptr[i - 1] == '\\')) {
            lx->pos = start;
            return sgl_lex_fail(lx, "character that a quoted local part cannot hold there",
                                "RFC 5321 s4.1.2");
        }
    }
    if (lx->pos - start > SGL_LIMIT_LOCAL_PART) {
        sgl_diag_set(lx->diag, "local part is longer than 64 bytes", "RFC 5321 s4.5.3.1.1", lx->in,
                     start);
        return SGL_E_LIMIT;
    }
    bytes = sgl_arena_alloc(arena, raw.len);
    if (bytes == NULL)
        return arena->status;
    *out = sgl_view_of(bytes, sgl_lex_unquote(raw, bytes));
    return SGL_OK;
}

static enum sgl_status local_part(struct sgl_lex *lx, struct sgl_arena *arena, sgl_view *out)
{
    if (sgl_lex_peek(lx) == '"')
        return quoted_local(lx, arena, out);
    *out = dotted(lx);
    if (out->len == 0)
        return sgl_lex_fail(lx, "address has no local part", "RFC 5321 s4.1.2");
    if (!sgl_is_dot_atom(*out))
        return sgl_lex_fail(lx, "local part begins or ends with a dot, or has two in a row",
                            "RFC 5321 s4.1.2");
    return SGL_OK;
}

static enum sgl_status domain_part(struct sgl_lex *lx, struct sgl_addr_parts *parts)
{
    parts->domain_off = lx->pos;
    if (sgl_lex_peek(lx) == '[') {
        size_t close = sgl_view_find(sgl_view_from(lx->in, lx->pos), ']');

        if (close == lx->in.len - lx->pos)
            return sgl_lex_fail(lx, "address literal is not closed", "RFC 5321 s4.1.3");
        parts->domain = sgl_view_sub(lx->in, lx->pos, close + 1);
        parts->literal = true;
        lx->pos += close + 1;
        return SGL_OK;
    }
    parts->domain = dotted(lx);
    return SGL_OK;
}

enum sgl_status sgl_mailbox_parse(sgl_view text, struct sgl_arena *arena, struct sgl_mailbox *out,
                                  struct sgl_diag *diag)
{
    struct sgl_lex lx = {text, 0, diag};
    struct sgl_addr_parts parts = {0};

    SGL_TRY(local_part(&lx, arena, &parts.local));
    if (!sgl_lex_eat(&lx, '@'))
        return sgl_lex_fail(
            &lx, sgl_lex_end(&lx) ? "address has no @" : "character that an address cannot hold",
            "RFC 5321 s4.1.2");
    SGL_TRY(domain_part(&lx, &parts));
    if (!sgl_lex_end(&lx))
        return sgl_lex_fail(&lx, "character that a domain cannot hold", "RFC 5321 s4.1.2");
    return sgl_mailbox_make(&parts, &lx, arena, out);
}

/* "@one,@two:" is read and dropped. [RFC 5321 appendix C] */
static enum sgl_status source_route(struct sgl_lex *lx)
{
    if (sgl_lex_peek(lx) != '@')
        return SGL_OK;
    while (sgl_lex_eat(lx, '@')) {
        struct sgl_addr_parts hop = {0};

        SGL_TRY(domain_part(lx, &hop));
        if (hop.domain.len == 0)
            return sgl_lex_fail(lx, "source route has an empty hop", "RFC 5321 appendix C");
        if (sgl_lex_eat(lx, ':'))
            return SGL_OK;
        if (!sgl_lex_eat(lx, ','))
            break;
    }
    return sgl_lex_fail(lx, "source route is not ended by a colon", "RFC 5321 appendix C");
}

static enum sgl_status path_inside(struct sgl_lex *lx, struct sgl_arena *arena,
                                   struct sgl_path *path)
{
    struct sgl_addr_parts parts = {0};

    if (sgl_lex_peek(lx) == '>') {
        path->kind = SGL_PATH_NULL;
        return SGL_OK;
    }
    SGL_TRY(source_route(lx));
    parts.local_off = lx->pos;
    SGL_TRY(local_part(lx, arena, &parts.local));
    if (sgl_lex_peek(lx) == '>' && sgl_view_eq_nocase(parts.local, SGL_LIT("postmaster"))) {
        path->kind = SGL_PATH_POSTMASTER;
        return SGL_OK;
    }
    if (!sgl_lex_eat(lx, '@'))
        return sgl_lex_fail(lx,
                            sgl_lex_peek(lx) == '>' ? "address has no @"
                                                    : "character that an address cannot hold",
                            "RFC 5321 s4.1.2");
    SGL_TRY(domain_part(lx, &parts));
    if (sgl_lex_peek(lx) != '>')
        return sgl_lex_fail(
            lx, sgl_lex_end(lx) ? "path has no >" : "character that a domain cannot hold",
            "RFC 5321 s4.1.2");
    return sgl_mailbox_make(&parts, lx, arena, &path->mailbox);
}

enum sgl_status sgl_path_parse(sgl_view text, struct sgl_arena *arena, struct sgl_path *out,
                               struct sgl_diag *diag)
{
    struct sgl_lex lx = {text, 0, diag};
    struct sgl_path path = {.kind = SGL_PATH_MAILBOX};

    if (!sgl_lex_eat(&lx, '<'))
        return sgl_lex_fail(&lx, "path does not begin with <", "RFC 5321 s4.1.2");
    SGL_TRY(path_inside(&lx, arena, &path));
    if (!sgl_lex_eat(&lx, '>'))
        return sgl_lex_fail(&lx, "path has no >", "RFC 5321 s4.1.2");
    path.used = lx.pos;
    *out = path;
    return SGL_OK;
}
