/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include <sodium.h>
#include <stdlib.h>

#include "sigillo/crypto.h"

#define SEAL_VERSION 1
#define NONCE        crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG          crypto_aead_xchacha20poly1305_ietf_ABYTES
_Static_assert(1 + NONCE + TAG == KEYS_SEAL_EXTRA, "keys.h says how much longer a sealed text is");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32, "size of the master key");

/* First byte of the associated data. */
enum kind { KIND_KEY = 'K', KIND_SECRET = 'S', KIND_MAC = 'M' };

struct vault {
    struct sgl_crypto *crypto;
    uint8_t *master; /* in guarded, locked memory */
    struct held_keys *held;
};

struct vault *vault_new(const uint8_t master[32])
{
    struct vault *vault = calloc(1, sizeof *vault);

    if (vault == NULL)
        return NULL;
    if (sodium_init() < 0 || (vault->crypto = sgl_crypto_new()) == NULL ||
        (vault->held = held_new(HELD_WARM)) == NULL ||
        (vault->master = sodium_malloc(32)) == NULL) {
        vault_free(vault);
        return NULL;
    }
    memcpy(vault->master, master, 32);
    (void)sodium_mprotect_readonly(vault->master);
    return vault;
}

void vault_free(struct vault *vault)
{
    if (vault == NULL)
        return;
    held_free(vault->held);
    sgl_crypto_free(vault->crypto);
    sodium_free(vault->master);
    free(vault);
}

/* ---- sealing ------------------------------------------------------------------------------------------------------- */

struct associated {
    uint8_t data[1 + KEYS_SMALL_MAX];
    size_t len;
};

static void associate(struct associated *a, enum kind kind, sgl_view context)
{
    a->data[0] = (uint8_t)kind;
    if (context.len > 0)
        memcpy(a->data + 1, context.ptr, context.len);
    a->len = 1 + context.len;
}

static bool seal(const struct vault *vault, enum kind kind, sgl_view context, sgl_view secret,
                 uint8_t *out, sgl_view *sealed)
{
    struct associated a;
    unsigned long long len = 0;

    if (secret.len > KEYS_DATA_MAX - KEYS_SEAL_EXTRA)
        return false;
    associate(&a, kind, context);
    out[0] = SEAL_VERSION;
    randombytes_buf(out + 1, NONCE); /* 24 random bytes never repeat */
    if (crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + NONCE, &len, secret.ptr, secret.len,
                                                   a.data, a.len, NULL, out + 1,
                                                   vault->master) != 0)
        return false;
    *sealed = sgl_view_of(out, 1 + NONCE + (size_t)len);
    return true;
}

/* out has room for what was sealed. */
static bool unseal(const struct vault *vault, enum kind kind, sgl_view context, sgl_view sealed,
                   uint8_t *out, sgl_view *secret)
{
    struct associated a;
    unsigned long long len = 0;

    if (sealed.len < KEYS_SEAL_EXTRA || sealed.ptr[0] != SEAL_VERSION)
        return false;
    associate(&a, kind, context);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &len, NULL, sealed.ptr + 1 + NONCE,
                                                   sealed.len - 1 - NONCE, a.data, a.len,
                                                   sealed.ptr + 1, vault->master) != 0)
        return false;
    *secret = sgl_view_of(out, (size_t)len);
    return true;
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

static uint8_t algorithm_of(const struct sgl_private_key *key)
{
    if (sgl_private_key_type(key) == SGL_KEY_ED25519)
        return KEYS_ED25519;
    if (sgl_private_key_type(key) == SGL_KEY_P256)
        return KEYS_ES256;
    return sgl_private_key_bits(key) > 3072 ? KEYS_RSA_4096 : KEYS_RSA_2048;
}

static bool put_public(const struct sgl_private_key *key, struct vault_space *space,
                       struct keys_frame *reply)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(sizeof space->small);

    if (sgl_private_key_public(key, &text) != SGL_OK)
        return false;
    memcpy(space->small, text.data, text.len);
    reply->small = sgl_view_of(space->small, text.len);
    reply->algorithm = algorithm_of(key);
    return true;
}

static bool seal_key(struct vault *vault, const struct keys_frame *request,
                     const struct sgl_private_key *key, struct vault_space *space,
                     struct keys_frame *reply)
{
    sgl_auto(sgl_buf) der = SGL_BUF_INIT(KEYS_DATA_MAX);
    bool good;

    /* Grown at once: growing by steps would leave pieces of the key in freed memory. */
    good = sgl_buf_reserve(&der, KEYS_DATA_MAX) == SGL_OK &&
           sgl_private_key_export_der(key, &der) == SGL_OK &&
           seal(vault, KIND_KEY, request->small, sgl_buf_view(&der), space->large, &reply->large);
    if (der.data != NULL)
        sgl_wipe(der.data, der.cap);
    return good;
}

/* A new key: its public half and its sealed form go out, itself under the handle. */
static bool adopt(struct vault *vault, const struct keys_frame *request,
                  struct sgl_private_key *key, struct vault_space *space, struct keys_frame *reply)
{
    if (!put_public(key, space, reply) || !seal_key(vault, request, key, space, reply)) {
        sgl_private_key_free(key);
        return false;
    }
    return held_put(vault->held, request->handle, key);
}

static bool generate(struct vault *vault, const struct keys_frame *request,
                     struct vault_space *space, struct keys_frame *reply)
{
    struct sgl_private_key *key = NULL;
    enum sgl_status status = SGL_E_MISUSE;

    if (request->algorithm == KEYS_RSA_2048)
        status = sgl_private_key_generate(vault->crypto, SGL_KEY_RSA, 2048, &key);
    else if (request->algorithm == KEYS_RSA_4096)
        status = sgl_private_key_generate(vault->crypto, SGL_KEY_RSA, 4096, &key);
    else if (request->algorithm == KEYS_ED25519)
        status = sgl_private_key_generate(vault->crypto, SGL_KEY_ED25519, 0, &key);
    else if (request->algorithm == KEYS_ES256)
        status = sgl_private_key_generate(vault->crypto, SGL_KEY_P256, 0, &key);
    return status == SGL_OK && adopt(vault, request, key, space, reply);
}

static bool import(struct vault *vault, const struct keys_frame *request, struct vault_space *space,
                   struct keys_frame *reply)
{
    struct sgl_private_key *key = NULL;

    return sgl_private_key_import(vault->crypto, request->large, &key) == SGL_OK &&
           adopt(vault, request, key, space, reply);
}

/* What was sealed here is a key of any kind; what comes from elsewhere, with KEYS_IMPORT, is one of DKIM. */
static bool import_any(struct vault *vault, sgl_view der, struct sgl_private_key **key)
{
    return sgl_private_key_import(vault->crypto, der, key) == SGL_OK ||
           sgl_private_key_import_p256(vault->crypto, der, key) == SGL_OK;
}

static bool load(struct vault *vault, const struct keys_frame *request, struct vault_space *space,
                 struct keys_frame *reply)
{
    struct sgl_private_key *key = NULL;
    sgl_view der;
    bool good;

    if (!unseal(vault, KIND_KEY, request->small, request->large, space->large, &der))
        return false;
    good = import_any(vault, der, &key);
    sgl_wipe(space->large, sizeof space->large);
    if (!good)
        return false;
    if (!put_public(key, space, reply)) {
        sgl_private_key_free(key);
        return false;
    }
    return held_put(vault->held, request->handle, key);
}

static bool sign(struct vault *vault, const struct keys_frame *request, struct vault_space *space,
                 struct keys_frame *reply)
{
    const struct sgl_private_key *key;
    size_t len = 0;
    bool good;

    if (request->large.len != SGL_SHA256_SIZE)
        return false;
    key = held_take(vault->held, request->handle);
    if (key == NULL)
        return false;
    good =
        sgl_private_key_sign(vault->crypto, key, request->large.ptr, space->large, &len) == SGL_OK;
    held_give(vault->held, request->handle);
    reply->large = sgl_view_of(space->large, len);
    return good;
}

/* ---- the keys of HMACs ---------------------------------------------------------------------------------------------- */

_Static_assert(crypto_auth_hmacsha256_KEYBYTES == KEYS_MAC_KEY, "size of an HMAC's key");

static bool mac_seal(const struct vault *vault, const struct keys_frame *request,
                     struct vault_space *space, struct keys_frame *reply)
{
    return request->large.len == KEYS_MAC_KEY &&
           seal(vault, KIND_MAC, request->small, request->large, space->large, &reply->large);
}

/* The key is opened for this one answer; nothing is kept, so any number of them may be there. */
static bool mac(const struct vault *vault, const struct keys_frame *request,
                struct vault_space *space, struct keys_frame *reply)
{
    uint8_t key[KEYS_MAC_KEY];
    sgl_view sealed, message, opened;

    if (request->large.len < KEYS_MAC_SEALED)
        return false;
    sealed = sgl_view_sub(request->large, 0, KEYS_MAC_SEALED);
    message = sgl_view_from(request->large, KEYS_MAC_SEALED);
    if (!unseal(vault, KIND_MAC, request->small, sealed, key, &opened))
        return false;
    crypto_auth_hmacsha256(space->large, message.ptr, message.len, key);
    sgl_wipe(key, sizeof key);
    reply->large = sgl_view_of(space->large, crypto_auth_hmacsha256_BYTES);
    return true;
}

static bool perform(struct vault *vault, const struct keys_frame *request,
                    struct vault_space *space, struct keys_frame *reply)
{
    switch (request->what) {
    case KEYS_SIGN:
        return sign(vault, request, space, reply);
    case KEYS_GENERATE:
        return generate(vault, request, space, reply);
    case KEYS_LOAD:
        return load(vault, request, space, reply);
    case KEYS_IMPORT:
        return import(vault, request, space, reply);
    case KEYS_SEAL:
        return seal(vault, KIND_SECRET, request->small, request->large, space->large,
                    &reply->large);
    case KEYS_OPEN:
        return unseal(vault, KIND_SECRET, request->small, request->large, space->large,
                      &reply->large);
    case KEYS_PING:
        return true;
    case KEYS_MAC_SEAL:
        return mac_seal(vault, request, space, reply);
    case KEYS_MAC:
        return mac(vault, request, space, reply);
    default: /* a byte from outside, no enum yet */
        return false;
    }
}

void vault_answer(struct vault *vault, const struct keys_frame *request, struct vault_space *space,
                  struct keys_frame *reply)
{
    *reply = (struct keys_frame){.id = request->id, .handle = request->handle, .what = KEYS_OK};
    if (!perform(vault, request, space, reply))
        *reply =
            (struct keys_frame){.id = request->id, .handle = request->handle, .what = KEYS_REFUSED};
}
