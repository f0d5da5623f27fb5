/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on P-256, as JSON Web Signatures want it  [RFC 7518 s3.4]: a public key is its uncompressed point, a signature the numbers r and s, 32 bytes each.
 * libcrypto wants DER for the latter.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "crypto_internal.h"

#define HALF    32
#define DER_MAX 80 /* two INTEGERs of 33 bytes in a SEQUENCE take 72 */

bool sgl_p256_is(const EVP_PKEY *pkey)
{
    char group[32] = "";
    size_t len;

    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, &len) == 1 &&
           sgl_view_eq(sgl_view_cstr(group), SGL_LIT("prime256v1"));
}

EVP_PKEY *sgl_p256_generate(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

bool sgl_p256_point(EVP_PKEY *pkey, uint8_t out[SGL_P256_POINT_SIZE])
{
    size_t len = 0;

    return EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out,
                                           SGL_P256_POINT_SIZE, &len) == 1 &&
           len == SGL_P256_POINT_SIZE && out[0] == POINT_CONVERSION_UNCOMPRESSED;
}

/* libcrypto looks whether the point is on the curve: one that is not would be no key. */
EVP_PKEY *sgl_p256_from_point(sgl_view point)
{
    char group[] = "P-256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.ptr,
                                          point.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* ---- signatures ---- */

static bool sign_der(EVP_PKEY *pkey, const uint8_t *digest, uint8_t der[DER_MAX], size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_sign(ctx, der, len, digest, SGL_SHA256_SIZE) == 1;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

bool sgl_p256_sign(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *out, size_t *len)
{
    uint8_t der[DER_MAX];
    const unsigned char *at = der;
    size_t der_len = sizeof der;
    ECDSA_SIG *sig = NULL;
    bool good;

    if (sign_der(pkey, digest, der, &der_len))
        sig = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, HALF) == HALF &&
           BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + HALF, HALF) == HALF;
    ECDSA_SIG_free(sig);
    *len = SGL_P256_SIGNATURE_SIZE;
    return good;
}

/* 0: no memory */
static int der_of(sgl_view signature, unsigned char **der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.ptr, HALF, NULL);
    BIGNUM *s = BN_bin2bn(signature.ptr + HALF, HALF, NULL);
    int len = 0;

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* they are the signature's now */
        len = i2d_ECDSA_SIG(sig, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len < 0 ? 0 : len;
}

enum sgl_status sgl_p256_verify(EVP_PKEY *pkey, const uint8_t *digest, sgl_view signature,
                                bool *valid)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    unsigned char *der = NULL;
    int len = der_of(signature, &der);
    bool able = ctx != NULL && len > 0 && EVP_PKEY_verify_init(ctx) == 1;

    if (able)
        *valid = EVP_PKEY_verify(ctx, der, (size_t)len, digest, SGL_SHA256_SIZE) == 1;
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(ctx);
    return able ? SGL_OK : SGL_E_NOMEM;
}
