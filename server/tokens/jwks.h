/* SPDX-License-Identifier: Apache-2.0 */
/* What an issuer publishes of itself: its metadata [OpenID Connect Discovery s4], and its key set [RFC 7517 s5]. Only public halves of keys that we verify with are taken. */
#ifndef SERVER_TOKENS_JWKS_H
#define SERVER_TOKENS_JWKS_H

#include "jwt.h"

#define JWKS_SIZE_MAX 131072
#define JWKS_KEYS_MAX 64
#define JWKS_URL_MAX  1024

struct jwks_key {
    char *id; /* kid; "": none */
    cjose_jwk_t *jwk;
    const char *algorithm; /* the only one that it is for; NULL: RS256 and PS256 */
};
/* Immutable, counted. */
struct jwks {
    _Atomic unsigned refs;
    size_t keys;
    struct jwks_key key[JWKS_KEYS_MAX];
};
/* NULL: it is none, it has no key for us, or memory has ended. Keys that we cannot use are passed over. */
struct jwks *jwks_read(sgl_view text);
struct jwks *jwks_ref(struct jwks *set);
void jwks_unref(struct jwks *set); /* NULL accepted */
bool jwks_has(const struct jwks *set, const char *id);

/* RS256, PS256 or ES256?  Nothing else is taken from others, none and HMAC least of all. */
bool jwks_algorithm_ok(const char *algorithm);
/* Is it signed by a key of the set?  TOKEN_KEY: none there has its id, or is for its algorithm. */
enum token_fault jwks_check(const struct jwks *set, const struct jwt *j);

/* The address of the key set, which begins with https://; false: it is none, or another issuer's. *out is NUL-terminated. */
bool jwks_metadata_read(sgl_view text, sgl_view issuer, char out[JWKS_URL_MAX]);

#endif
