/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "crypto_internal.h"

#define ED25519_SIZE  32
#define IMPORT_MAX    16384 /* an RSA-4096 key in PEM is 3.3 KiB */
#define GENERATED_MIN 2048  /* [RFC 8301 s3.2]: signers SHOULD use at least this */

static enum sgl_status keep(EVP_PKEY *pkey, enum sgl_key_type type, struct sgl_private_key **out)
{
    struct sgl_private_key *key = pkey == NULL ? NULL : calloc(1, sizeof *key);

    ERR_clear_error();
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return SGL_E_NOMEM;
    }
    key->pkey = pkey;
    key->type = type;
    key->bits = type == SGL_KEY_RSA ? (unsigned)EVP_PKEY_get_bits(pkey) : 256;
    *out = key;
    return SGL_OK;
}

enum sgl_status sgl_private_key_generate(const struct sgl_crypto *crypto, enum sgl_key_type type,
                                         unsigned bits, struct sgl_private_key **out)
{
    (void)crypto;
    switch (type) {
    case SGL_KEY_RSA:
        if (bits < GENERATED_MIN || bits > SGL_RSA_BITS_MAX || bits % 8 != 0)
            return SGL_E_MISUSE;
        return keep(EVP_RSA_gen(bits), type, out);
    case SGL_KEY_ED25519:
        return keep(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), type, out);
    case SGL_KEY_P256:
        return keep(sgl_p256_generate(), type, out);
    }
    return SGL_E_MISUSE;
}

enum sgl_status sgl_private_key_from_seed(const struct sgl_crypto *crypto, sgl_view seed,
                                          struct sgl_private_key **out)
{
    (void)crypto;
    if (seed.len != ED25519_SIZE)
        return SGL_E_SYNTAX;
    return keep(EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed.ptr, seed.len),
                SGL_KEY_ED25519, out);
}

/* An encrypted PEM asks for its password here: there is none, and nobody is at a terminal. */
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

/* libcrypto wants numbers in the order of the machine. false: too large. */
static bool to_native(sgl_view number, uint8_t out[SGL_RSA_BITS_MAX / 8])
{
    if (number.len > SGL_RSA_BITS_MAX / 8)
        return false;
    for (size_t i = 0; i < number.len; i++)
        out[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? number.len - 1 - i : i] = number.ptr[i];
    return true;
}

/* NULL: it cannot be made. */
static EVP_PKEY *rsa_of(const struct sgl_rsa_private_numbers *numbers)
{
    static const char *const name[SGL_RSA_PRIVATE_NUMBERS] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    uint8_t native[SGL_RSA_PRIVATE_NUMBERS][SGL_RSA_BITS_MAX / 8];
    OSSL_PARAM param[SGL_RSA_PRIVATE_NUMBERS + 1];
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    bool fits = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1;

    for (size_t i = 0; i < SGL_RSA_PRIVATE_NUMBERS; i++) {
        fits = to_native(numbers->number[i], native[i]) && fits;
        param[i] = OSSL_PARAM_construct_BN(name[i], native[i], numbers->number[i].len);
    }
    param[SGL_RSA_PRIVATE_NUMBERS] = OSSL_PARAM_construct_end();
    if (fits && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, param) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OPENSSL_cleanse(native, sizeof native);
    return pkey;
}

static EVP_PKEY *decode(sgl_view bytes)
{
    const unsigned char *der = bytes.ptr;
    struct sgl_rsa_private_numbers numbers;
    BIO *bio;
    EVP_PKEY *pkey;

    if (sgl_der_rsa_private(bytes, &numbers) && (pkey = rsa_of(&numbers)) != NULL)
        return pkey;
    if (bytes.ptr[0] == 0x30) {
        pkey = d2i_AutoPrivateKey(NULL, &der, (long)bytes.len);
        if (pkey != NULL && der != bytes.ptr + bytes.len) {
            EVP_PKEY_free(pkey);
            return NULL;
        }
        return pkey;
    }
    bio = BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
    if (bio == NULL)
        return NULL;
    pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    return pkey;
}

/* NULL: it is no key, or too large to be one. */
static EVP_PKEY *read_key(sgl_view pem_or_der)
{
    EVP_PKEY *pkey = pem_or_der.len == 0 || pem_or_der.len > IMPORT_MAX ? NULL : decode(pem_or_der);

    ERR_clear_error();
    return pkey;
}

enum sgl_status sgl_private_key_import(const struct sgl_crypto *crypto, sgl_view pem_or_der,
                                       struct sgl_private_key **out)
{
    EVP_PKEY *pkey = read_key(pem_or_der);

    (void)crypto;
    if (pkey != NULL && EVP_PKEY_is_a(pkey, "ED25519"))
        return keep(pkey, SGL_KEY_ED25519, out);
    if (pkey != NULL && EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= SGL_RSA_BITS_MIN &&
        EVP_PKEY_get_bits(pkey) <= SGL_RSA_BITS_MAX)
        return keep(pkey, SGL_KEY_RSA, out);
    EVP_PKEY_free(pkey);
    return SGL_E_SYNTAX;
}

enum sgl_status sgl_private_key_import_p256(const struct sgl_crypto *crypto, sgl_view pem_or_der,
                                            struct sgl_private_key **out)
{
    EVP_PKEY *pkey = read_key(pem_or_der);

    (void)crypto;
    if (pkey != NULL && sgl_p256_is(pkey))
        return keep(pkey, SGL_KEY_P256, out);
    EVP_PKEY_free(pkey);
    return SGL_E_SYNTAX;
}

enum sgl_status sgl_private_key_export_der(const struct sgl_private_key *key, struct sgl_buf *out)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    unsigned char *der = NULL;
    int len = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    PKCS8_PRIV_KEY_INFO_free(info);
    if (len <= 0)
        return SGL_E_NOMEM;
    sgl_buf_add(out, sgl_view_of(der, (size_t)len));
    OPENSSL_clear_free(der, (size_t)len);
    return out->status;
}

enum sgl_status sgl_private_key_export_pem(const struct sgl_private_key *key, struct sgl_buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    long len;

    if (bio == NULL || PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return SGL_E_NOMEM;
    }
    len = BIO_get_mem_data(bio, &text);
    sgl_buf_add(out, sgl_view_of(text, (size_t)len));
    BIO_free(bio);
    return out->status;
}

enum sgl_status sgl_private_key_dup(const struct sgl_private_key *key, struct sgl_private_key **out)
{
    return keep(EVP_PKEY_dup(key->pkey), key->type, out);
}

void sgl_private_key_free(struct sgl_private_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

enum sgl_key_type sgl_private_key_type(const struct sgl_private_key *key)
{
    return key->type;
}

unsigned sgl_private_key_bits(const struct sgl_private_key *key)
{
    return key->bits;
}

static enum sgl_status put_point(const struct sgl_private_key *key, struct sgl_buf *out)
{
    uint8_t point[SGL_P256_POINT_SIZE];

    if (!sgl_p256_point(key->pkey, point))
        return SGL_E_NOMEM;
    sgl_buf_add(out, sgl_view_of(point, sizeof point));
    return out->status;
}

enum sgl_status sgl_private_key_public(const struct sgl_private_key *key, struct sgl_buf *out)
{
    uint8_t raw[ED25519_SIZE];
    size_t raw_len = sizeof raw;
    unsigned char *der = NULL;
    int len;

    if (key->type == SGL_KEY_P256)
        return put_point(key, out);
    if (key->type == SGL_KEY_ED25519) {
        if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) != 1)
            return SGL_E_NOMEM;
        sgl_buf_add(out, sgl_view_of(raw, raw_len));
        return out->status;
    }
    len = i2d_PUBKEY(key->pkey, &der);
    if (len <= 0)
        return SGL_E_NOMEM;
    sgl_buf_add(out, sgl_view_of(der, (size_t)len));
    OPENSSL_free(der);
    return out->status;
}

static bool sign_rsa(const struct sgl_crypto *crypto, EVP_PKEY *pkey, const uint8_t *digest,
                     uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, crypto->sha256) == 1 &&
                EVP_PKEY_sign(ctx, out, len, digest, SGL_SHA256_SIZE) == 1;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool sign_ed25519(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *out, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL &&
                EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
                EVP_DigestSign(ctx, out, len, digest, SGL_SHA256_SIZE) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

enum sgl_status sgl_private_key_sign(const struct sgl_crypto *crypto,
                                     const struct sgl_private_key *key,
                                     const uint8_t digest[SGL_SHA256_SIZE], uint8_t *out,
                                     size_t *out_len)
{
    size_t len = SGL_SIGNATURE_MAX;
    bool good = false;

    switch (key->type) {
    case SGL_KEY_RSA:
        good = sign_rsa(crypto, key->pkey, digest, out, &len);
        break;
    case SGL_KEY_ED25519:
        good = sign_ed25519(key->pkey, digest, out, &len);
        break;
    case SGL_KEY_P256:
        good = sgl_p256_sign(key->pkey, digest, out, &len);
        break;
    }

    if (!good) {
        ERR_clear_error();
        return SGL_E_NOMEM;
    }
    *out_len = len;
    return SGL_OK;
}
