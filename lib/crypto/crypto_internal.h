/* SPDX-License-Identifier: Apache-2.0 */
/* For lib/crypto only. */
#ifndef LIB_CRYPTO_CRYPTO_INTERNAL_H
#define LIB_CRYPTO_CRYPTO_INTERNAL_H

#include <openssl/evp.h>
#include <stdatomic.h>

#include "sigillo/crypto.h"

/*
 * What libcrypto looks up by name, looked up once: a fetch costs about a microsecond and takes a lock.
 * The library context is the process's default one, so that its configuration (FIPS, engines) holds here too.
 */
struct sgl_crypto {
    EVP_MD *sha256;
    EVP_MAC *hmac;
    EVP_KDF *pbkdf2;
    /* A context that is ready to build RSA public keys, or NULL: taken out and put back as in struct sgl_public_key. */
    _Atomic(EVP_PKEY_CTX *) builder;
    struct sgl_crypto *self;
};

struct sgl_private_key {
    EVP_PKEY *pkey;
    enum sgl_key_type type;
    unsigned bits;
};

struct sgl_public_key {
    EVP_PKEY *pkey;
    enum sgl_key_type type;
    unsigned bits;
    /*
     * RSA: a context that is ready to verify with this key, or NULL.  Making one costs a fifth of a verification.  Whoever verifies takes it out and puts it
     * back, so that threads which share a key never share a context; `self` reaches it through a pointer to const.
     */
    _Atomic(EVP_PKEY_CTX *) spare;
    struct sgl_public_key *self;
};

/* Modulus and exponent inside an RSA public key; views into the input, big-endian, without leading zeros. */
struct sgl_rsa_numbers {
    sgl_view modulus, exponent;
};

/* SubjectPublicKeyInfo or RSAPublicKey; the whole input must be the one structure. false: it is neither. */
bool sgl_der_rsa_public(sgl_view der, struct sgl_rsa_numbers *out);

#endif
