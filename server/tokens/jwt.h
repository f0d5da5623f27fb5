/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens in their compact form  [RFC 7519, RFC 7515 s7.1]: three parts of base64url, a header, the claims, a signature.  Read strictly; what a token says of its own
 * key (jwk, jku, x5c) is never looked at.
 */
#ifndef SERVER_TOKENS_JWT_H
#define SERVER_TOKENS_JWT_H

#include <cjose/cjose.h>
#include <jansson.h>

#include "sigillo/buf.h"
#include "tokens.h"

struct jwt {
    sgl_view text; /* all of it; borrowed */
    json_t *header, *claims;
    const char *algorithm; /* in the header */
    const char *key_id;    /* in the header; "": none */
    size_t signature_len;  /* bytes */
};
/* false: it is none, it needs what we do not know (crit), or memory has ended (memory.h); *out is empty then. Nothing in it is proven yet. */
bool jwt_read(sgl_view text, struct jwt *out);
void jwt_done(struct jwt *j);

/* Is it signed by this key?  algorithm: the one that the key is for; a token with another one is not, nor is one with none. */
enum token_fault jwt_check_signature(const struct jwt *j, const cjose_jwk_t *key,
                                     const char *algorithm);
/* exp must be there; nbf and iat may; TOKEN_SKEW_S either way  [RFC 7519 s4.1.4 s4.1.5]. */
enum token_fault jwt_check_times(const struct jwt *j, int64_t now);
/* A claim as text; empty when it is absent or no string. */
sgl_view jwt_text(const struct jwt *j, const char *claim);

/* header "." claims, in base64url: what is signed. false: no memory. Takes both references. */
bool jwt_put_signed_part(json_t *header, json_t *claims, struct sgl_buf *out);
void jwt_put_base64url(sgl_view bytes, struct sgl_buf *out);

#endif
