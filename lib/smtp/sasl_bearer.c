/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XOAUTH2 and OAUTHBEARER, the server's side: messages taken apart, refusals put together.  Nothing here looks into a token.  [RFC 7628]
 * States: START -> (empty challenge) -> START -> TAKEN (the caller looks at the token) -> REFUSED -> OVER.
 */
#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/sasl.h"
#include "sigillo/smtp_command.h"
#include "sigillo/utf8.h"
#include "smtp_internal.h"

enum { START, TAKEN, REFUSED, OVER };

#define SEPARATOR 0x01

void sgl_sasl_bearer_init(struct sgl_sasl_bearer *b, unsigned mechanism)
{
    *b = (struct sgl_sasl_bearer){.user = SGL_BUF_INIT(SGL_LIMIT_SASL_FIELD),
                                  .xoauth2 = mechanism == SGL_SASL_XOAUTH2};
}

void sgl_sasl_bearer_done(struct sgl_sasl_bearer *b)
{
    sgl_buf_done(&b->user);
    b->token = (sgl_view){0};
    b->state = OVER;
}

/* What goes into logs and look-ups: UTF-8 without control characters. */
static bool user_ok(sgl_view user)
{
    for (size_t i = 0; i < user.len; i++) {
        if (sgl_ascii_is_control(user.ptr[i]))
            return false;
    }
    return sgl_utf8_valid(user);
}

/* "Bearer TOKEN"; nothing at all is a question for where tokens come from.  [RFC 6750 s2.1, RFC 7628 s3.1] */
static bool take_authorization(sgl_view value, sgl_view *token)
{
    sgl_view rest, scheme = sgl_view_split(value, ' ', &rest);

    if (value.len == 0) {
        *token = value;
        return true;
    }
    rest = sgl_view_trim(rest);
    for (size_t i = 0; i < rest.len; i++) {
        if (!sgl_ascii_is_visible(rest.ptr[i]))
            return false;
    }
    *token = rest;
    return rest.len > 0 && sgl_view_eq_nocase(scheme, SGL_LIT("Bearer"));
}

static bool key_ok(sgl_view key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (!sgl_ascii_is_alpha(key.ptr[i]))
            return false;
    }
    return key.len > 0;
}

struct pairs {
    sgl_view user, authorization; /* ptr NULL: not there */
};

/* *(key "=" value %x01) %x01, and nothing behind; others than the two are passed over.  [RFC 7628 s3.1] */
static bool take_pairs(sgl_view text, struct pairs *out)
{
    for (;;) {
        sgl_view value, pair = sgl_view_split(text, SEPARATOR, &text), key;
        sgl_view *kept = NULL;

        if (text.ptr == NULL)
            return false; /* what ends without a separator was cut off */
        if (pair.len == 0)
            return text.len == 0;
        key = sgl_view_split(pair, '=', &value);
        if (value.ptr == NULL || !key_ok(key))
            return false;
        if (sgl_view_eq_nocase(key, SGL_LIT("auth")))
            kept = &out->authorization;
        else if (sgl_view_eq_nocase(key, SGL_LIT("user")))
            kept = &out->user;
        if (kept != NULL && kept->ptr != NULL)
            return false; /* which of the two would count? */
        if (kept != NULL)
            *kept = value;
    }
}

/* "n,a=USER," %x01: no channel binding, which is not offered.  [RFC 5801 s4] */
static bool take_gs2(sgl_view header, struct sgl_buf *user)
{
    sgl_view rest, flag = sgl_view_split(header, ',', &rest),
                   name = sgl_view_split(rest, ',', &rest);

    if (!sgl_view_eq(flag, SGL_LIT("n")) && !sgl_view_eq(flag, SGL_LIT("y")))
        return false;
    if (rest.ptr == NULL || rest.len != 0)
        return false;
    if (name.len == 0)
        return true;
    return sgl_view_starts(name, SGL_LIT("a=")) &&
           sgl_saslname_decode(sgl_view_from(name, 2), user);
}

static bool take_oauthbearer(struct sgl_sasl_bearer *b, sgl_view message)
{
    sgl_view rest, header = sgl_view_split(message, SEPARATOR, &rest);
    struct pairs pairs = {0};

    return rest.ptr != NULL && take_gs2(header, &b->user) && take_pairs(rest, &pairs) &&
           pairs.authorization.ptr != NULL && take_authorization(pairs.authorization, &b->token);
}

static bool take_xoauth2(struct sgl_sasl_bearer *b, sgl_view message)
{
    struct pairs pairs = {0};

    if (!take_pairs(message, &pairs) || pairs.user.len == 0 || pairs.authorization.ptr == NULL)
        return false;
    sgl_buf_add(&b->user, pairs.user);
    return take_authorization(pairs.authorization, &b->token);
}

static enum sgl_sasl_step take(struct sgl_sasl_bearer *b, sgl_view message)
{
    bool taken = message.len <= SGL_LIMIT_SASL_MESSAGE &&
                 sgl_view_find(message, '\0') == message.len &&
                 (b->xoauth2 ? take_xoauth2(b, message) : take_oauthbearer(b, message));

    b->state = OVER;
    if (b->user.status == SGL_E_NOMEM)
        return SGL_SASL_NOMEM;
    if (!taken || b->user.status != SGL_OK || !user_ok(sgl_buf_view(&b->user)))
        return SGL_SASL_BROKEN;
    b->state = TAKEN;
    return SGL_SASL_CHECK;
}

/* The client says that it has read why: one %x01 by the RFC, nothing by custom of XOAUTH2.  [RFC 7628 s3.2.3] */
static enum sgl_sasl_step heard(struct sgl_sasl_bearer *b, sgl_view response)
{
    b->state = OVER;
    if (response.len == 0 || (response.len == 1 && response.ptr[0] == SEPARATOR))
        return SGL_SASL_REFUSED;
    return SGL_SASL_BROKEN;
}

enum sgl_sasl_step sgl_sasl_bearer_step(struct sgl_sasl_bearer *b, bool has_response,
                                        sgl_view response)
{
    switch (b->state) {
    case START:
        return has_response ? take(b, response) : SGL_SASL_CHALLENGE;
    case REFUSED:
        return heard(b, response);
    default:
        return SGL_SASL_BROKEN;
    }
}

/* ---- refused ---- */

static void put_string(struct sgl_buf *out, const char *name, sgl_view value)
{
    sgl_buf_addf(out, ",\"%s\":\"", name);
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];

        if (c == '"' || c == '\\')
            sgl_buf_add_byte(out, '\\');
        sgl_buf_add_byte(out, sgl_ascii_is_control(c) ? ' ' : c);
    }
    sgl_buf_add_byte(out, '"');
}

enum sgl_sasl_step sgl_sasl_bearer_refuse(struct sgl_sasl_bearer *b, sgl_view scope,
                                          sgl_view configuration, struct sgl_buf *out)
{
    if (b->state != TAKEN)
        return SGL_SASL_BROKEN;
    b->state = REFUSED;
    if (b->xoauth2)
        sgl_buf_add(out, SGL_LIT("{\"status\":\"401\",\"schemes\":\"Bearer\""));
    else
        sgl_buf_add(out, SGL_LIT("{\"status\":\"invalid_token\"")); /* [RFC 7628 s3.2.2] */
    if (scope.len > 0)
        put_string(out, "scope", scope);
    if (!b->xoauth2 && configuration.len > 0)
        put_string(out, "openid-configuration", configuration);
    sgl_buf_add_byte(out, '}');
    return out->status == SGL_OK ? SGL_SASL_CHALLENGE : SGL_SASL_NOMEM;
}
