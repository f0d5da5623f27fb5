/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt.h"

#include <sodium.h>
#include <stdlib.h>

#include "memory.h"

#define URLSAFE       sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define SIGNATURE_MAX 1024 /* of RSA-8192 */
#define ES256_SIZE    64

/* ---- read ---- */

/* One part, decoded and parsed: an object, or NULL. */
static json_t *read_object(sgl_view part)
{
    uint8_t bytes[TOKEN_SIZE_MAX];
    size_t len = 0;
    json_t *json;

    if (part.len == 0 || sodium_base642bin(bytes, sizeof(bytes), (const char *)part.ptr, part.len,
                                           NULL, &len, NULL, URLSAFE) != 0)
        return NULL;
    json = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

/* Three parts and no more, the last one a signature in the one way in which it can be written: so a token cannot be changed and stay good. */
static bool split(sgl_view text, sgl_view *header, sgl_view *claims, size_t *signature_len)
{
    uint8_t bytes[SIGNATURE_MAX];
    sgl_view rest, signature;

    *header = sgl_view_split(text, '.', &rest);
    *claims = sgl_view_split(rest, '.', &signature);
    return signature.len > 0 &&
           sodium_base642bin(bytes, sizeof(bytes), (const char *)signature.ptr, signature.len, NULL,
                             signature_len, NULL, URLSAFE) == 0;
}

bool jwt_read(sgl_view text, struct jwt *out)
{
    struct jwt j = {.text = text};
    sgl_view header, claims;

    *out = (struct jwt){0};
    memory_begin();
    if (text.len > TOKEN_SIZE_MAX || !split(text, &header, &claims, &j.signature_len))
        return false;
    j.header = read_object(header);
    j.claims = j.header == NULL ? NULL : read_object(claims);
    j.algorithm = json_string_value(json_object_get(j.header, "alg"));
    j.key_id = json_string_value(json_object_get(j.header, "kid"));
    /* [RFC 7515 s4.1.11]: what must be understood, and is not, makes it invalid */
    if (j.claims == NULL || j.algorithm == NULL || json_object_get(j.header, "crit") != NULL ||
        memory_ended()) {
        jwt_done(&j);
        return false;
    }
    if (j.key_id == NULL)
        j.key_id = "";
    *out = j;
    return true;
}

void jwt_done(struct jwt *j)
{
    json_decref(j->header);
    json_decref(j->claims);
    *j = (struct jwt){0};
}

sgl_view jwt_text(const struct jwt *j, const char *claim)
{
    const json_t *value = json_object_get(j->claims, claim);

    return json_is_string(value) ? sgl_view_of(json_string_value(value), json_string_length(value))
                                 : sgl_view_of(NULL, 0);
}

/* ---- checked ---- */

enum token_fault jwt_check_signature(const struct jwt *j, const cjose_jwk_t *key,
                                     const char *algorithm)
{
    enum token_fault fault = TOKEN_SIGNATURE;
    cjose_err err;
    cjose_jws_t *jws;

    if (strcmp(j->algorithm, algorithm) != 0)
        return TOKEN_ALGORITHM;
    /* [RFC 7518 s3.4]; cjose looks at the first bytes only. That of RSA is as long as its key, and OpenSSL looks. */
    if (strcmp(algorithm, CJOSE_HDR_ALG_ES256) == 0 && j->signature_len != ES256_SIZE)
        return TOKEN_SIGNATURE;
    memory_begin();
    memory_lend_begin();
    jws = cjose_jws_import((const char *)j->text.ptr, j->text.len, &err);
    if (jws != NULL && cjose_jws_verify(jws, key, &err))
        fault = TOKEN_FINE;
    else if (memory_ended())
        fault = TOKEN_UNAVAILABLE;
    cjose_jws_release(jws);
    memory_lend_end();
    return fault;
}

/* A NumericDate [RFC 7519 s2], within what adding to it bears. false: it is there, and is none. */
static bool take_time(const struct jwt *j, const char *claim, int64_t *out)
{
    const json_t *value = json_object_get(j->claims, claim);
    const double far = 1e15;
    double number = json_number_value(value);

    if (value == NULL)
        return true;
    if (!json_is_number(value) || !(number >= 0) || !(number < far))
        return false;
    *out = (int64_t)number;
    return true;
}

enum token_fault jwt_check_times(const struct jwt *j, int64_t now)
{
    int64_t end = -1, begin = 0, made = 0;

    if (!take_time(j, "exp", &end) || !take_time(j, "nbf", &begin) || !take_time(j, "iat", &made) ||
        end < 0)
        return TOKEN_BROKEN;
    if (end + TOKEN_SKEW_S <= now)
        return TOKEN_EXPIRED;
    if (begin - TOKEN_SKEW_S > now || made - TOKEN_SKEW_S > now)
        return TOKEN_EARLY;
    return TOKEN_FINE;
}

/* ---- written ---- */

void jwt_put_base64url(sgl_view bytes, struct sgl_buf *out)
{
    size_t size = sodium_base64_ENCODED_LEN(bytes.len, URLSAFE);
    char *text = malloc(size);

    if (text == NULL) {
        out->status = SGL_E_NOMEM;
        return;
    }
    sodium_bin2base64(text, size, bytes.ptr, bytes.len, URLSAFE);
    sgl_buf_add_cstr(out, text);
    free(text);
}

static void put_json(json_t *json, struct sgl_buf *out)
{
    char *text;

    memory_begin();
    text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL || memory_ended()) /* without memory jansson leaves members out */
        out->status = SGL_E_NOMEM;
    else
        jwt_put_base64url(sgl_view_cstr(text), out);
    free(text);
}

bool jwt_put_signed_part(json_t *header, json_t *claims, struct sgl_buf *out)
{
    put_json(header, out);
    sgl_buf_add_byte(out, '.');
    put_json(claims, out);
    return out->status == SGL_OK;
}
