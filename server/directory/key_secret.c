/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of the two secrets of an access key.
 *
 *   {"sha256":BASE64,"made_at":N,"sealed":BASE64}
 *
 * The hash is enough for a bearer: nobody guesses 256 random bits.  `sealed` is for who signs; only the keys process can use it, and it does not say what it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_internal.h"

#define DAY_S 86400

static const char *const names[KEY_SECRETS] = {"primary", "secondary"};

const char *key_secret_name(size_t which)
{
    return names[which];
}

void key_secret_context(const char *id, size_t which, char out[KEY_CONTEXT_SIZE])
{
    snprintf(out, KEY_CONTEXT_SIZE, "hmac:%.40s:%s", id, names[which]);
}

void key_secret_done(struct key_secret *s)
{
    free(s->sealed);
    sodium_memzero(s, sizeof(*s));
}

void key_secret_make(struct key_secret *s, uint8_t bytes[KEYS_MAC_KEY], int64_t now)
{
    char text[sodium_base64_ENCODED_LEN(KEYS_MAC_KEY, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    key_secret_done(s);
    randombytes_buf(bytes, KEYS_MAC_KEY);
    sodium_bin2base64(text, sizeof(text), bytes, KEYS_MAC_KEY,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    crypto_hash_sha256(s->hash, (const uint8_t *)text, strlen(text));
    sodium_memzero(text, sizeof(text));
    s->made_at = now;
}

bool key_secret_seal(struct key_secret *s, sgl_view sealed)
{
    s->sealed = malloc(KEYS_MAC_SEALED);
    if (s->sealed == NULL)
        return false;
    memcpy(s->sealed, sealed.ptr, KEYS_MAC_SEALED);
    s->signs = true;
    return true;
}

bool key_secret_sealed(const struct key_secret *s, const struct scratch *file,
                       uint8_t out[KEYS_MAC_SEALED])
{
    if (s->sealed == NULL)
        return scratch_get(file, s->sealed_at, out, KEYS_MAC_SEALED);
    memcpy(out, s->sealed, KEYS_MAC_SEALED);
    return true;
}

void key_secret_spill(struct key_secret *s, struct scratch *file)
{
    if (s->sealed == NULL ||
        !scratch_put(file, sgl_view_of(s->sealed, KEYS_MAC_SEALED), &s->sealed_at))
        return;
    free(s->sealed);
    s->sealed = NULL;
}

bool key_secret_copy(struct key_secret *to, const struct key_secret *from)
{
    memcpy(to->hash, from->hash, sizeof(to->hash));
    to->made_at = from->made_at;
    to->signs = from->signs;
    to->sealed = NULL;
    to->sealed_at = from->sealed_at;
    atomic_store(&to->day, atomic_load(&from->day));
    return from->sealed == NULL || key_secret_seal(to, sgl_view_of(from->sealed, KEYS_MAC_SEALED));
}

void key_secret_used(struct key_secret *s, int64_t now)
{
    uint32_t day = (uint32_t)(now / DAY_S);

    if (atomic_load_explicit(&s->day, memory_order_relaxed) != day)
        atomic_store_explicit(&s->day, day, memory_order_relaxed);
}

/* ---- as JSON ---- */

bool key_secret_from_json(struct key_secret *s, const json_t *json)
{
    uint8_t sealed[KEYS_MAC_SEALED];

    s->made_at = json_integer_value(json_object_get(json, "made_at"));
    if (s->made_at <= 0 || !json_base64_exact(json, "sha256", s->hash, sizeof(s->hash)))
        return false;
    if (json_object_get(json, "sealed") == NULL)
        return true;
    return json_base64_exact(json, "sealed", sealed, sizeof(sealed)) &&
           key_secret_seal(s, sgl_view_of(sealed, sizeof(sealed)));
}

json_t *key_secret_to_json(const struct key_secret *s, const struct scratch *file)
{
    json_t *json = json_pack("{s:o, s:I}", "sha256", base64_json(s->hash, sizeof(s->hash)),
                             "made_at", (json_int_t)s->made_at);
    uint8_t sealed[KEYS_MAC_SEALED];

    if (json == NULL || !s->signs)
        return json;
    if (key_secret_sealed(s, file, sealed) &&
        json_object_set_new(json, "sealed", base64_json(sealed, sizeof(sealed))) == 0)
        return json;
    json_decref(json);
    return NULL;
}
