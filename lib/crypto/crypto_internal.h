/* SPDX-License-Identifier: Apache-2.0 */
/* For lib/crypto only. */
#ifndef LIB_CRYPTO_CRYPTO_INTERNAL_H
#define LIB_CRYPTO_CRYPTO_INTERNAL_H

#include <openssl/bn.h>
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
    /* Memory for the numbers of a verification, or NULL: who needs it takes it out and puts it back, so that threads never share it. */
    _Atomic(BN_CTX *) scratch;
    struct sgl_crypto *self;
};

struct sgl_private_key {
    EVP_PKEY *pkey;
    enum sgl_key_type type;
    unsigned bits;
};

/* ---- rsa.c ---- */

/* An RSA public key, ready to verify with. It never changes, so threads may share it. */
struct sgl_rsa {
    BIGNUM *modulus, *exponent;
    BN_MONT_CTX *mont;
    size_t size; /* of the modulus and of a signature, in bytes */
};

struct sgl_public_key {
    enum sgl_key_type type;
    unsigned bits;
    struct sgl_rsa rsa; /* SGL_KEY_RSA */
    EVP_PKEY *pkey;     /* SGL_KEY_ED25519, SGL_KEY_P256 */
};

/* Modulus and exponent inside an RSA public key; views into the input, big-endian, without leading zeros. */
struct sgl_rsa_numbers {
    sgl_view modulus, exponent;
};

/* SubjectPublicKeyInfo or RSAPublicKey; the whole input must be the one structure. false: it is neither. */
bool sgl_der_rsa_public(sgl_view der, struct sgl_rsa_numbers *out);

/* Of a private key, in the order of RFC 8017 A.1.2: n, e, d, p, q, dP, dQ, qInv. */
#define SGL_RSA_PRIVATE_NUMBERS 8
struct sgl_rsa_private_numbers {
    sgl_view number[SGL_RSA_PRIVATE_NUMBERS];
};

/* PrivateKeyInfo without attributes, or RSAPrivateKey of two primes; the whole input must be the one structure. false: it is neither. */
bool sgl_der_rsa_private(sgl_view der, struct sgl_rsa_private_numbers *out);

/* The modulus is odd and of SGL_RSA_BITS_MIN bits at least. false: no memory. */
bool sgl_rsa_init(struct sgl_rsa *rsa, const struct sgl_crypto *crypto,
                  const struct sgl_rsa_numbers *numbers);
void sgl_rsa_done(struct sgl_rsa *rsa);
/* signature.len is rsa->size. SGL_OK, SGL_E_NOMEM. */
enum sgl_status sgl_rsa_verify(const struct sgl_crypto *crypto, const struct sgl_rsa *rsa,
                               const uint8_t digest[SGL_SHA256_SIZE], sgl_view signature,
                               bool *valid) SGL_MUST_USE;

/* ---- p256.c ---- */

bool sgl_p256_is(const EVP_PKEY *pkey);
EVP_PKEY *sgl_p256_generate(void);
EVP_PKEY *sgl_p256_from_point(sgl_view point); /* NULL: it is not on the curve, or no memory */
bool sgl_p256_point(EVP_PKEY *pkey, uint8_t out[SGL_P256_POINT_SIZE]);
bool sgl_p256_sign(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *out, size_t *len);
/* signature.len is SGL_P256_SIGNATURE_SIZE. SGL_OK, SGL_E_NOMEM. */
enum sgl_status sgl_p256_verify(EVP_PKEY *pkey, const uint8_t *digest, sgl_view signature,
                                bool *valid) SGL_MUST_USE;

#endif
