/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key as the store and the world know it.
 *
 *   {"made_at":N,"public":BASE64,"sealed":BASE64}
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "tokens_internal.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define HALF   32

void token_key_free(struct token_key *k)
{
    if (k == NULL)
        return;
    cjose_jwk_release(k->jwk);
    free(k->sealed);
    free(k);
}

static bool make_jwk(struct token_key *k)
{
    cjose_jwk_ec_keyspec spec = {.crv = CJOSE_JWK_EC_P_256,
                                 .x = k->point + 1,
                                 .xlen = HALF,
                                 .y = k->point + 1 + HALF,
                                 .ylen = HALF};
    cjose_err err;

    k->jwk = cjose_jwk_create_EC_spec(&spec, &err);
    return k->jwk != NULL && cjose_jwk_set_kid(k->jwk, k->id, strlen(k->id), &err);
}

void token_key_context(const struct token_key *k, char out[64])
{
    snprintf(out, 64, "token:%s", k->id);
}

json_t *token_key_public(const struct token_key *k)
{
    cjose_err err;
    char *text = cjose_jwk_to_json(k->jwk, false, &err);
    json_t *json = text == NULL ? NULL : json_loads(text, 0, NULL);

    if (text != NULL)
        cjose_get_dealloc()(text);
    if (json == NULL || json_object_set_new(json, "use", json_string("sig")) != 0 ||
        json_object_set_new(json, "alg", json_string(CJOSE_HDR_ALG_ES256)) != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* ---- the noun ---- */

static uint8_t *bytes_of(const json_t *json, const char *member, size_t *len)
{
    const char *text = json_string_value(json_object_get(json, member));
    uint8_t *bytes = text == NULL ? NULL : malloc(KEYS_DATA_MAX);

    if (bytes != NULL &&
        sodium_base642bin(bytes, KEYS_DATA_MAX, text, strlen(text), NULL, len, NULL, BASE64) != 0) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

static bool from_json(struct token_key *k, const json_t *json)
{
    size_t len = 0;
    uint8_t *point = bytes_of(json, "public", &len);
    bool fits = point != NULL && len == POINT_SIZE;

    if (fits)
        memcpy(k->point, point, POINT_SIZE);
    free(point);
    k->made_at = json_integer_value(json_object_get(json, "made_at"));
    k->sealed = bytes_of(json, "sealed", &k->sealed_len);
    return fits && k->sealed != NULL && make_jwk(k);
}

struct token_key *token_key_from_noun(const struct store_noun *noun)
{
    struct token_key *k = calloc(1, sizeof(*k));
    json_t *json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);

    if (k != NULL && guid_take(noun->key, k->id) && from_json(k, json)) {
        k->version = noun->version;
    } else {
        token_key_free(k);
        k = NULL;
    }
    json_decref(json);
    return k;
}

static json_t *base64(const uint8_t *bytes, size_t len)
{
    size_t size = sodium_base64_ENCODED_LEN(len, BASE64);
    char *text = malloc(size);
    json_t *json =
        text == NULL ? NULL : json_string(sodium_bin2base64(text, size, bytes, len, BASE64));

    free(text);
    return json;
}

char *token_key_value(const struct token_key *k)
{
    json_t *json =
        json_pack("{s:I, s:o, s:o}", "made_at", (json_int_t)k->made_at, "public",
                  base64(k->point, sizeof(k->point)), "sealed", base64(k->sealed, k->sealed_len));
    char *text;

    memory_begin();
    text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!memory_ended())
        return text;
    free(text); /* jansson left members out: it would be stored, and never be read again */
    return NULL;
}

bool token_key_take(struct token_key *k, const struct keys_op *op)
{
    if (op->public_len != POINT_SIZE)
        return false;
    memcpy(k->point, op->public_key, POINT_SIZE);
    k->sealed = malloc(op->out_len);
    if (k->sealed == NULL)
        return false;
    memcpy(k->sealed, op->out, op->out_len);
    k->sealed_len = op->out_len;
    k->handle = op->handle;
    return make_jwk(k);
}
