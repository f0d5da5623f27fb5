/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
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

/* libcrypto takes big numbers in the machine's byte order. */
static bool native(sgl_view number, uint8_t *out, size_t size)
{
    BIGNUM *bn = BN_bin2bn(number.ptr, (int)number.len, NULL);
    bool good = bn != NULL && BN_bn2nativepad(bn, out, (int)size) == (int)size;

    BN_free(bn);
    return good;
}

static EVP_PKEY *build_rsa(const struct sgl_crypto *crypto, const struct sgl_rsa_numbers *rsa)
{
    uint8_t n[SGL_RSA_BITS_MAX / 8], e[EXPONENT_SIZE_MAX];
    OSSL_PARAM params[] = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, rsa->modulus.len),
                           OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, rsa->exponent.len),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *pkey = NULL;

    if (!native(rsa->modulus, n, rsa->modulus.len) || !native(rsa->exponent, e, rsa->exponent.len))
        return NULL;
    ctx = atomic_exchange(&crypto->self->builder, NULL);
    if (ctx == NULL)
        ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(atomic_exchange(&crypto->self->builder, ctx));
    return pkey;
}

static enum sgl_status keep(EVP_PKEY *pkey, enum sgl_key_type type, unsigned bits,
                            struct sgl_public_key **out)
{
    struct sgl_public_key *key = pkey == NULL ? NULL : calloc(1, sizeof *key);

    if (key == NULL) {
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return SGL_E_NOMEM;
    }
    key->pkey = pkey;
    key->type = type;
    key->bits = bits;
    key->self = key;
    *out = key;
    return SGL_OK;
}

enum sgl_status sgl_public_key_parse(const struct sgl_crypto *crypto, enum sgl_key_type type,
                                     sgl_view bytes, struct sgl_public_key **out)
{
    struct sgl_rsa_numbers rsa;

    switch (type) {
    case SGL_KEY_RSA:
        if (!sgl_der_rsa_public(bytes, &rsa) || !usable(&rsa))
            return SGL_E_SYNTAX;
        return keep(build_rsa(crypto, &rsa), type, bits_of(rsa.modulus), out);
    case SGL_KEY_ED25519:
        if (bytes.len != ED25519_SIZE)
            return SGL_E_SYNTAX;
        return keep(EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, bytes.ptr, bytes.len),
                    type, 256, out);
    }
    return SGL_E_MISUSE;
}

void sgl_public_key_free(struct sgl_public_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_CTX_free(atomic_load(&key->spare));
    EVP_PKEY_free(key->pkey);
    free(key);
}

unsigned sgl_public_key_bits(const struct sgl_public_key *key)
{
    return key->bits;
}

static EVP_PKEY_CTX *verifying_context(const struct sgl_crypto *crypto,
                                       const struct sgl_public_key *key)
{
    EVP_PKEY_CTX *ctx = atomic_exchange(&key->self->spare, NULL);

    if (ctx != NULL)
        return ctx;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, crypto->sha256) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* libcrypto recovers the whole encoded block and compares it, so nothing hides behind loose padding. */
static enum sgl_status verify_rsa(const struct sgl_crypto *crypto, const struct sgl_public_key *key,
                                  const uint8_t *digest, sgl_view signature, bool *valid)
{
    EVP_PKEY_CTX *ctx = verifying_context(crypto, key);

    if (ctx == NULL)
        return SGL_E_NOMEM;
    *valid = EVP_PKEY_verify(ctx, signature.ptr, signature.len, digest, SGL_SHA256_SIZE) == 1;
    EVP_PKEY_CTX_free(atomic_exchange(&key->self->spare, ctx));
    return SGL_OK;
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
    size_t want = key->type == SGL_KEY_RSA ? (key->bits + 7) / 8 : ED25519_SIGNATURE_SIZE;
    enum sgl_status status;
    bool good = false;

    if (signature.len != want) {
        *valid = false;
        return SGL_OK;
    }
    status = key->type == SGL_KEY_RSA ? verify_rsa(crypto, key, digest, signature, &good)
                                      : verify_ed25519(key->pkey, digest, signature, &good);
    ERR_clear_error(); /* a bad signature leaves its reasons in the thread's queue */
    if (status == SGL_OK)
        *valid = good;
    return status;
}
