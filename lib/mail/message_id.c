/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/message_id.h"

#include "lex_internal.h"
#include "sigillo/limits.h"

#include "sigillo/banned.h"

/* Crockford's alphabet in lower case: no letter that is taken for a digit. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static void put_base32(struct sgl_buf *buf, const uint8_t *bytes, size_t len)
{
    unsigned bits = 0, held = 0;

    for (size_t i = 0; i < len; i++) {
        held = (held << 8 | bytes[i]) & 0xfffu;
        for (bits += 8; bits >= 5; bits -= 5)
            sgl_buf_add_byte(buf, (uint8_t)alphabet[held >> (bits - 5) & 31u]);
    }
    if (bits > 0)
        sgl_buf_add_byte(buf, (uint8_t)alphabet[held << (5 - bits) & 31u]);
}

static bool domain_ok(sgl_view domain)
{
    if (domain.len == 0 || domain.len > SGL_LIMIT_DOMAIN)
        return false;
    for (size_t i = 0; i < domain.len; i++) {
        uint8_t c = domain.ptr[i];

        if (!sgl_ascii_is_alnum(c) && c != '-' && c != '.')
            return false;
    }
    return domain.ptr[0] != '.' && domain.ptr[domain.len - 1] != '.' &&
           sgl_view_find_view(domain, SGL_LIT("..")) == domain.len;
}

void sgl_message_id_put(struct sgl_buf *buf, sgl_time time, const uint8_t random[16],
                        sgl_view domain)
{
    uint8_t when[5];

    if (!domain_ok(domain)) {
        if (buf->status == SGL_OK)
            buf->status = SGL_E_SYNTAX;
        return;
    }
    for (int i = 0; i < 5; i++)
        when[i] = (uint8_t)((uint64_t)time >> (32 - 8 * i));
    sgl_buf_add_byte(buf, '<');
    put_base32(buf, when, sizeof when);
    sgl_buf_add_byte(buf, '.');
    put_base32(buf, random, 16);
    sgl_buf_add_byte(buf, '@');
    sgl_buf_add(buf, domain);
    sgl_buf_add_byte(buf, '>');
}

/*
 * What stands between the brackets is looked at for what could harm, not for dots: many senders write two in a row, and
 * an identifier only has to be the same everywhere.
 */
static enum sgl_status msg_id(struct sgl_lex *lx, sgl_view *out)
{
    size_t start = lx->pos;
    bool at = false;

    if (!sgl_lex_eat(lx, '<'))
        return sgl_lex_fail(lx, "message identifier does not begin with <", "RFC 5322 s3.6.4");
    for (; !sgl_lex_end(lx); lx->pos++) {
        uint8_t c = lx->in.ptr[lx->pos];

        if (c == '>')
            break;
        if (c == '<' || sgl_ascii_is_control(c) || c == ' ')
            return sgl_lex_fail(lx, "character that a message identifier cannot hold",
                                "RFC 5322 s3.6.4");
        at |= c == '@' && lx->pos > start + 1;
    }
    if (sgl_lex_end(lx))
        return sgl_lex_fail(lx, "message identifier has no >", "RFC 5322 s3.6.4");
    if (!at || lx->in.ptr[lx->pos - 1] == '@')
        return sgl_lex_fail(lx, "message identifier is not left@right", "RFC 5322 s3.6.4");
    lx->pos++;
    *out = sgl_view_sub(lx->in, start, lx->pos - start);
    if (out->len > SGL_LIMIT_MESSAGE_ID) {
        sgl_diag_set(lx->diag, "message identifier is too long", "RFC 5322 s2.1.1", lx->in, start);
        return SGL_E_LIMIT;
    }
    return SGL_OK;
}

enum sgl_status sgl_message_id_parse(sgl_view value, sgl_view *out, struct sgl_diag *diag)
{
    struct sgl_lex lx = {value, 0, diag};
    sgl_view id;

    SGL_TRY(sgl_lex_skip_cfws(&lx));
    SGL_TRY(msg_id(&lx, &id));
    SGL_TRY(sgl_lex_skip_cfws(&lx));
    if (!sgl_lex_end(&lx))
        return sgl_lex_fail(&lx, "something follows the message identifier", "RFC 5322 s3.6.4");
    *out = id;
    return SGL_OK;
}

enum sgl_status sgl_message_id_next(sgl_view value, sgl_view *out, sgl_view *rest,
                                    struct sgl_diag *diag)
{
    struct sgl_lex lx = {value, 0, diag};
    sgl_view id = {0};

    /* Old In-Reply-To fields hold phrases, and some lists have commas: what is no identifier is stepped over. [RFC 5322 s4.5.4] */
    for (;;) {
        SGL_TRY(sgl_lex_skip_cfws(&lx));
        if (sgl_lex_end(&lx)) {
            *out = id;
            *rest = sgl_view_from(value, value.len);
            return SGL_OK;
        }
        if (sgl_lex_peek(&lx) == '<')
            break;
        if (sgl_lex_peek(&lx) == '"')
            SGL_TRY(sgl_lex_quoted(&lx, &id));
        else
            lx.pos++;
        id = (sgl_view){0};
    }
    SGL_TRY(msg_id(&lx, &id));
    *out = id;
    *rest = sgl_view_from(value, lx.pos);
    return SGL_OK;
}
