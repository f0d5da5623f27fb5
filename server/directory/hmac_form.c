/* SPDX-License-Identifier: Apache-2.0 */
#include "hmac_form.h"

#include <sodium.h>

#include "hmac.h"
#include "sigillo/ascii.h"
#include "sigillo/date.h"

#define BASE64_LEN 44 /* of 32 bytes, with the sign that fills it */

bool hmac_base64_parse(sgl_view value, uint8_t out[HMAC_SIZE])
{
    size_t len = 0;

    return value.len == BASE64_LEN &&
           sodium_base642bin(out, HMAC_SIZE, (const char *)value.ptr, value.len, NULL, &len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == HMAC_SIZE;
}

/* ---- Authorization ---- */

static const sgl_view scheme = SGL_LIT_INIT("HMAC-SHA256 ");

bool hmac_is_meant(sgl_view authorization)
{
    return authorization.len >= scheme.len &&
           sgl_view_eq_nocase(sgl_view_sub(authorization, 0, scheme.len), scheme);
}

bool hmac_authorization_parse(sgl_view value, uint8_t signature[HMAC_SIZE])
{
    unsigned headers = 0, signatures = 0;
    uint8_t found[HMAC_SIZE];
    sgl_view rest;

    if (!hmac_is_meant(value))
        return false;
    rest = sgl_view_from(value, scheme.len);
    while (headers + signatures < 2) {
        sgl_view text, member = sgl_view_split(rest, '&', &rest);
        sgl_view name = sgl_view_split(member, '=', &text);

        if (sgl_view_eq(name, SGL_LIT("SignedHeaders")) &&
            sgl_view_eq_nocase(text, SGL_LIT("x-ms-date;host;x-ms-content-sha256")))
            headers++;
        else if (sgl_view_eq(name, SGL_LIT("Signature")) && hmac_base64_parse(text, found))
            signatures++;
        else
            return false;
    }
    if (headers != 1 || rest.ptr != NULL)
        return false;
    memcpy(signature, found, HMAC_SIZE);
    return true;
}

/* ---- x-ms-date ---- */

bool hmac_date_parse(sgl_view value, int64_t *time)
{
    static const char shape[] = "aaa, 00 aaa 0000 00:00:00 GMT";
    struct sgl_date date;

    if (value.len != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        bool fits = shape[i] == 'a'   ? sgl_ascii_is_alpha(c)
                    : shape[i] == '0' ? sgl_ascii_is_digit(c)
                                      : c == (uint8_t)shape[i];

        if (!fits)
            return false;
    }
    if (sgl_date_parse(value, &date, NULL) != SGL_OK)
        return false;
    *time = date.time;
    return true;
}

/* ---- what is signed ---- */

/* Something without blanks and controls: none of it can be taken for what follows. */
static bool is_word(sgl_view v, size_t max)
{
    if (v.ptr == NULL || v.len == 0 || v.len > max)
        return false;
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] <= ' ' || v.ptr[i] == 0x7f)
            return false;
    return true;
}

bool hmac_text_put(const struct hmac_text *t, struct sgl_buf *out)
{
    if (!is_word(t->method, 16) || !is_word(t->target, HMAC_TARGET_MAX) ||
        !is_word(t->host, HMAC_HOST_MAX) || t->date.ptr == NULL || t->content_sha256.ptr == NULL)
        return false;
    sgl_buf_add(out, t->method);
    sgl_buf_add_byte(out, '\n');
    sgl_buf_add(out, t->target);
    sgl_buf_add_byte(out, '\n');
    sgl_buf_add(out, t->date);
    sgl_buf_add_byte(out, ';');
    sgl_buf_add(out, t->host);
    sgl_buf_add_byte(out, ';');
    sgl_buf_add(out, t->content_sha256);
    return true;
}
