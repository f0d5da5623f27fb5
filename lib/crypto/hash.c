/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto_internal.h"

void sgl_hash_init(struct sgl_hash *hash, const struct sgl_crypto *crypto)
{
    EVP_MD_CTX *state = EVP_MD_CTX_new();

    hash->state = state;
    hash->crypto = crypto;
    hash->status = SGL_OK;
    if (state == NULL || EVP_DigestInit_ex2(state, crypto->sha256, NULL) != 1)
        hash->status = SGL_E_NOMEM;
}

void sgl_hash_done(struct sgl_hash *hash)
{
    EVP_MD_CTX_free(hash->state);
    hash->state = NULL;
}

void sgl_hash_add(struct sgl_hash *hash, sgl_view bytes)
{
    if (hash->status == SGL_OK && bytes.len > 0 &&
        EVP_DigestUpdate(hash->state, bytes.ptr, bytes.len) != 1)
        hash->status = SGL_E_NOMEM;
}

enum sgl_status sgl_hash_final(struct sgl_hash *hash, uint8_t out[SGL_SHA256_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    SGL_TRY(hash->status);
    if (EVP_DigestFinal_ex(hash->state, digest, NULL) != 1 ||
        EVP_DigestInit_ex2(hash->state, NULL, NULL) != 1) {
        hash->status = SGL_E_NOMEM;
        return SGL_E_NOMEM;
    }
    memcpy(out, digest, SGL_SHA256_SIZE);
    return SGL_OK;
}

void sgl_hash_copy(struct sgl_hash *to, const struct sgl_hash *from)
{
    if (to->status != SGL_OK || from->status != SGL_OK ||
        EVP_MD_CTX_copy_ex(to->state, from->state) != 1)
        to->status = SGL_E_NOMEM;
}

enum sgl_status sgl_sha256(const struct sgl_crypto *crypto, sgl_view bytes,
                           uint8_t out[SGL_SHA256_SIZE])
{
    sgl_auto(sgl_hash) hash = {0};

    sgl_hash_init(&hash, crypto);
    sgl_hash_add(&hash, bytes);
    return sgl_hash_final(&hash, out);
}

enum sgl_status sgl_hmac_sha256(const struct sgl_crypto *crypto, sgl_view key, sgl_view bytes,
                                uint8_t out[SGL_SHA256_SIZE])
{
    /* An empty key must still be a pointer, or libcrypto takes it for "keep the key set before". */
    static const uint8_t no_key[1];
    char name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto->hmac);
    uint8_t digest[SGL_SHA256_SIZE];
    size_t len = 0;
    bool good = mac != NULL &&
                EVP_MAC_init(mac, key.len == 0 ? no_key : key.ptr, key.len, params) == 1 &&
                (bytes.len == 0 || EVP_MAC_update(mac, bytes.ptr, bytes.len) == 1) &&
                EVP_MAC_final(mac, digest, &len, sizeof digest) == 1 && len == sizeof digest;

    EVP_MAC_CTX_free(mac);
    if (!good)
        return SGL_E_NOMEM;
    memcpy(out, digest, sizeof digest);
    return SGL_OK;
}

enum sgl_status sgl_pbkdf2_sha256(const struct sgl_crypto *crypto, sgl_view password, sgl_view salt,
                                  unsigned iterations, uint8_t out[SGL_SHA256_SIZE])
{
    static const uint8_t nothing[1];
    char name[] = "SHA256";
    int unchecked =
        1; /* libcrypto's own minimum of 1000 rounds is a policy; ours is the caller's */
    uint8_t key[SGL_SHA256_SIZE];
    OSSL_PARAM params[6];
    EVP_KDF_CTX *kdf = NULL;
    bool good;

    if (iterations == 0)
        return SGL_E_MISUSE;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
    params[1] = OSSL_PARAM_construct_octet_string(
        OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)(password.len ? password.ptr : nothing),
        password.len);
    params[2] = OSSL_PARAM_construct_octet_string(
        OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)(salt.len ? salt.ptr : nothing), salt.len);
    params[3] = OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &iterations);
    params[4] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &unchecked);
    params[5] = OSSL_PARAM_construct_end();
    kdf = EVP_KDF_CTX_new(crypto->pbkdf2);
    good = kdf != NULL && EVP_KDF_derive(kdf, key, sizeof key, params) == 1;
    EVP_KDF_CTX_free(kdf);
    if (good)
        memcpy(out, key, sizeof key);
    sgl_wipe(key, sizeof key);
    return good ? SGL_OK : SGL_E_NOMEM;
}
