/* SPDX-License-Identifier: Apache-2.0 */
#include "jwks.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "memory.h"

#define URLSAFE      sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define HALF         32   /* of a point of P-256 */
#define MODULUS_MIN  256  /* bytes: [RFC 7518 s3.3] wants 2048 bits */
#define MODULUS_MAX  1024 /* larger ones only cost time */
#define EXPONENT_MAX 4
#define ID_MAX       256
#define RS256        "RS256"
#define PS256        "PS256"
#define ES256        "ES256"

/* ---- one key ---- */

static bool take_bytes(const json_t *json, const char *member, uint8_t *out, size_t size,
                       size_t *len)
{
    const json_t *value = json_object_get(json, member);

    return json_is_string(value) &&
           sodium_base642bin(out, size, json_string_value(value), json_string_length(value), NULL,
                             len, NULL, URLSAFE) == 0;
}

/* Of odd modulus and exponent, and of a size that is neither weak nor a burden. */
static cjose_jwk_t *rsa_of(const json_t *json)
{
    uint8_t n[MODULUS_MAX], e[EXPONENT_MAX];
    cjose_jwk_rsa_keyspec spec = {.n = n, .e = e};
    cjose_err err;

    if (!take_bytes(json, "n", n, sizeof(n), &spec.nlen) ||
        !take_bytes(json, "e", e, sizeof(e), &spec.elen) || spec.nlen < MODULUS_MIN || n[0] == 0 ||
        (n[spec.nlen - 1] & 1) == 0 || spec.elen == 0 || (e[spec.elen - 1] & 1) == 0 ||
        (spec.elen == 1 && e[0] < 3))
        return NULL;
    return cjose_jwk_create_RSA_spec(&spec, &err);
}

static cjose_jwk_t *ec_of(const json_t *json)
{
    const char *curve = json_string_value(json_object_get(json, "crv"));
    uint8_t x[HALF], y[HALF];
    cjose_jwk_ec_keyspec spec = {.crv = CJOSE_JWK_EC_P_256, .x = x, .y = y};
    cjose_err err;

    if (curve == NULL || strcmp(curve, "P-256") != 0 ||
        !take_bytes(json, "x", x, sizeof(x), &spec.xlen) ||
        !take_bytes(json, "y", y, sizeof(y), &spec.ylen) || spec.xlen != HALF || spec.ylen != HALF)
        return NULL;
    return cjose_jwk_create_EC_spec(&spec, &err);
}

/* For signatures, as far as it says what it is for  [RFC 7517 s4.2 s4.3]. */
static bool is_for_signatures(const json_t *json)
{
    const json_t *use = json_object_get(json, "use"), *ops = json_object_get(json, "key_ops"), *op;
    const char *word = json_string_value(use);
    size_t at;

    if (use != NULL && (word == NULL || strcmp(word, "sig") != 0))
        return false;
    json_array_foreach(ops, at, op)
    {
        if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
            return true;
    }
    return ops == NULL;
}

/* false: it is for none of ours, or for one that its kind cannot do. */
static bool take_algorithm(const json_t *json, const char *kind, const char **out)
{
    const json_t *value = json_object_get(json, "alg");
    const char *name = json_string_value(value);
    bool rsa = strcmp(kind, "RSA") == 0;

    *out = rsa ? NULL : ES256;
    if (value == NULL)
        return true;
    if (name == NULL || !jwks_algorithm_ok(name) || (strcmp(name, ES256) == 0) == rsa)
        return false;
    if (rsa)
        *out = strcmp(name, RS256) == 0 ? RS256 : PS256;
    return true;
}

/* NULL: memory has ended, which is noted. */
static char *id_of(const json_t *json)
{
    size_t size = json_string_length(json) + 1;
    char *id = malloc(size);

    if (id == NULL)
        memory_note();
    else
        memcpy(id, json == NULL ? "" : json_string_value(json), size);
    return id;
}

/* false: it is none that we can use, or memory has ended. */
static bool key_read(const json_t *json, struct jwks_key *out)
{
    const char *kind = json_string_value(json_object_get(json, "kty"));
    const json_t *id = json_object_get(json, "kid");
    struct jwks_key k = {0};

    if (kind == NULL || (strcmp(kind, "RSA") != 0 && strcmp(kind, "EC") != 0) ||
        !is_for_signatures(json) || !take_algorithm(json, kind, &k.algorithm) ||
        (id != NULL && (!json_is_string(id) || json_string_length(id) > ID_MAX)))
        return false;
    k.id = id_of(id);
    if (k.id != NULL)
        k.jwk = strcmp(kind, "RSA") == 0 ? rsa_of(json) : ec_of(json);
    if (k.jwk == NULL) {
        free(k.id);
        return false;
    }
    *out = k;
    return true;
}

/* ---- the set ---- */

struct jwks *jwks_ref(struct jwks *set)
{
    if (set != NULL)
        atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void jwks_unref(struct jwks *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->keys; i++) {
        free(set->key[i].id);
        cjose_jwk_release(set->key[i].jwk);
    }
    free(set);
}

/* Only the whole of it: a good token may be signed by the very key that there was no memory for. */
struct jwks *jwks_read(sgl_view text)
{
    const json_t *list, *item;
    struct jwks *set = NULL;
    json_t *json;
    size_t at;

    memory_begin();
    json = text.len == 0 || text.len > JWKS_SIZE_MAX
               ? NULL
               : json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    list = json_object_get(json, "keys");
    if (json_array_size(list) > 0 && json_array_size(list) <= JWKS_KEYS_MAX)
        set = calloc(1, sizeof(*set));
    if (set != NULL) {
        atomic_init(&set->refs, 1);
        json_array_foreach(list, at, item)
        {
            if (key_read(item, &set->key[set->keys]))
                set->keys++;
        }
    }
    json_decref(json);
    if (set != NULL && set->keys > 0 && !memory_ended())
        return set;
    jwks_unref(set);
    return NULL;
}

bool jwks_has(const struct jwks *set, const char *id)
{
    for (size_t i = 0; i < set->keys; i++)
        if (strcmp(set->key[i].id, id) == 0)
            return true;
    return false;
}

/* ---- a token ---- */

bool jwks_algorithm_ok(const char *algorithm)
{
    return strcmp(algorithm, RS256) == 0 || strcmp(algorithm, PS256) == 0 ||
           strcmp(algorithm, ES256) == 0;
}

/* [RFC 8725 s3.1]: the key says which algorithm may be; a token cannot talk it into another kind. */
static bool is_for(const struct jwks_key *k, const struct jwt *j)
{
    if (strcmp(k->id, j->key_id) != 0)
        return false;
    return k->algorithm != NULL ? strcmp(k->algorithm, j->algorithm) == 0
                                : strcmp(j->algorithm, ES256) != 0;
}

enum token_fault jwks_check(const struct jwks *set, const struct jwt *j)
{
    enum token_fault fault = TOKEN_KEY;

    if (!jwks_algorithm_ok(j->algorithm))
        return TOKEN_ALGORITHM;
    for (size_t i = 0; i < set->keys && fault != TOKEN_FINE && fault != TOKEN_UNAVAILABLE; i++)
        if (is_for(&set->key[i], j))
            fault = jwt_check_signature(j, set->key[i].jwk, j->algorithm);
    return fault;
}

/* ---- metadata ---- */

/* Printable ASCII that begins with https:// and does not name a user. */
static bool is_address(sgl_view url)
{
    sgl_view https = SGL_LIT("https://"), rest, host;

    if (url.len >= JWKS_URL_MAX || !sgl_view_starts(url, https))
        return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] > '~' || url.ptr[i] == '\\' || url.ptr[i] == '#')
            return false;
    host = sgl_view_split(sgl_view_from(url, https.len), '/', &rest);
    return host.len > 0 && sgl_view_find(host, '@') == host.len;
}

static sgl_view text_of(const json_t *json, const char *member)
{
    const json_t *value = json_object_get(json, member);

    return json_is_string(value) ? sgl_view_of(json_string_value(value), json_string_length(value))
                                 : SGL_LIT("");
}

bool jwks_metadata_read(sgl_view text, sgl_view issuer, char out[JWKS_URL_MAX])
{
    json_t *json = text.len == 0 || text.len > JWKS_SIZE_MAX
                       ? NULL
                       : json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    sgl_view url = text_of(json, "jwks_uri");
    /* [OpenID Connect Discovery s4.3]: exactly the one that it was asked of */
    bool good = issuer.len > 0 && sgl_view_eq(text_of(json, "issuer"), issuer) && is_address(url);

    if (good) {
        memcpy(out, url.ptr, url.len);
        out[url.len] = '\0';
    }
    json_decref(json);
    return good;
}
