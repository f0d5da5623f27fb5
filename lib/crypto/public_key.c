/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <stdlib.h>

#include "crypto_internal.h"

#define ED25519_SIZE           32
#define ED25519_SIGNATURE_SIZE 64
#define EXPONENT_SIZE_MAX      4

static unsigned bits_of(sgl_view number)
{
    unsigned top = number.ptr[0], bits = 0;

    while (top != 0) {
        top >>= 1;
        bits++;
    }
    return (unsigned)(number.len - 1) * 8 + bits;
}

/* [RFC 8301 s3.2]: shorter keys never verify.  An even modulus or exponent is no RSA key, and 1 encrypts nothing. */
static bool usable(const struct sgl_rsa_numbers *rsa)
{
    if (rsa->modulus.len > SGL_RSA_BITS_MAX / 8 || rsa->exponent.len > EXPONENT_SIZE_MAX)
        return false;
    if ((rsa->modulus.ptr[rsa->modulus.len - 1] & 1) == 0 ||
        (rsa->exponent.ptr[rsa->exponent.len - 1] & 1) == 0)
        return false;
    if (rsa->exponent.len == 1 && rsa->exponent.ptr[0] == 1)
        return false;
    return bits_of(rsa->modulus) >= SGL_RSA_BITS_MIN;
}

unsigned sgl_rsa_public_bits(sgl_view bytes)
{
    struct sgl_rsa_numbers rsa;

    return sgl_der_rsa_public(bytes, &rsa) ? bits_of(rsa.modulus) : 0;
}

/* bytes are checked already; rsa is what stands in them. */
static bool build(const struct sgl_crypto *crypto, sgl_view bytes,
                  const struct sgl_rsa_numbers *rsa, struct sgl_public_key *key)
{
    switch (key->type) {
    case SGL_KEY_RSA:
        return sgl_rsa_init(&key->rsa, crypto, rsa);
    case SGL_KEY_ED25519:
        key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, bytes.ptr, bytes.len);
        return key->pkey != NULL;
    case SGL_KEY_P256:
        key->pkey = sgl_p256_from_point(bytes);
        return key->pkey != NULL;
    }
    return false;
}

enum sgl_status sgl_public_key_parse(const struct sgl_crypto *crypto, enum sgl_key_type type,
                                     sgl_view bytes, struct sgl_public_key **out)
{
    struct sgl_public_key *key;
    struct sgl_rsa_numbers rsa = {{NULL, 0}, {NULL, 0}};
    unsigned bits = 256;

    if (type != SGL_KEY_RSA && type != SGL_KEY_ED25519 && type != SGL_KEY_P256)
        return SGL_E_MISUSE;
    if ((type == SGL_KEY_ED25519 && bytes.len != ED25519_SIZE) ||
        (type == SGL_KEY_P256 && bytes.len != SGL_P256_POINT_SIZE))
        return SGL_E_SYNTAX;
    if (type == SGL_KEY_RSA) {
        if (!sgl_der_rsa_public(bytes, &rsa) || !usable(&rsa))
            return SGL_E_SYNTAX;
        bits = bits_of(rsa.modulus);
    }
    key = calloc(1, sizeof *key);
    if (key == NULL)
        return SGL_E_NOMEM;
    key->type = type;
    key->bits = bits;
    if (!build(crypto, bytes, &rsa, key)) {
        sgl_public_key_free(key);
        ERR_clear_error();
        /* memory apart, only a point can be wrong by now: off the curve */
        return type == SGL_KEY_P256 ? SGL_E_SYNTAX : SGL_E_NOMEM;
    }
    *out = key;
    return SGL_OK;
}

void sgl_public_key_free(struct sgl_public_key *key)
{
    if (key == NULL)
        return;
    sgl_rsa_done(&key->rsa);
    EVP_PKEY_free(key->pkey);
    free(key);
}

unsigned sgl_public_key_bits(const struct sgl_public_key *key)
{
    return key->bits;
}

/* Of a signature. */
static size_t size_of(const struct sgl_public_key *key)
{
    switch (key->type) {
    case SGL_KEY_RSA:
        return (key->bits + 7) / 8;
    case SGL_KEY_ED25519:
        return ED25519_SIGNATURE_SIZE;
    case SGL_KEY_P256:
        break;
    }
    return SGL_P256_SIGNATURE_SIZE;
}

static enum sgl_status verify_ed25519(EVP_PKEY *pkey, const uint8_t *digest, sgl_view signature,
                                      bool *valid)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum sgl_status status = SGL_E_NOMEM;

    if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1) {
        *valid = EVP_DigestVerify(ctx, signature.ptr, signature.len, digest, SGL_SHA256_SIZE) == 1;
        status = SGL_OK;
    }
    EVP_MD_CTX_free(ctx);
    return status;
}

enum sgl_status sgl_public_key_verify(const struct sgl_crypto *crypto,
                                      const struct sgl_public_key *key,
                                      const uint8_t digest[SGL_SHA256_SIZE], sgl_view signature,
                                      bool *valid)
{
    enum sgl_status status = SGL_E_MISUSE;
    bool good = false;

    if (signature.len != size_of(key)) {
        *valid = false;
        return SGL_OK;
    }
    switch (key->type) {
    case SGL_KEY_RSA:
        status = sgl_rsa_verify(crypto, &key->rsa, digest, signature, &good);
        break;
    case SGL_KEY_ED25519:
        status = verify_ed25519(key->pkey, digest, signature, &good);
        break;
    case SGL_KEY_P256:
        status = sgl_p256_verify(key->pkey, digest, signature, &good);
        break;
    }
    ERR_clear_error(); /* a bad signature leaves its reasons in the thread's queue */
    if (status == SGL_OK)
        *valid = good;
    return status;
}
