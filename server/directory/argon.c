/* SPDX-License-Identifier: Apache-2.0 */
/* Argon2id hashes, as bytes.  libsodium reads and writes a text, in which there is always one thread. */
#include <stdio.h>

#include "directory_internal.h"

#define ARGON_HEAD   "$argon2id$v=19$m="
#define ARGON_BASE64 sodium_base64_VARIANT_ORIGINAL_NO_PADDING

static bool take_head(sgl_view *text, sgl_view head)
{
    bool fits = sgl_view_starts(*text, head);

    if (fits)
        *text = sgl_view_from(*text, head.len);
    return fits;
}

static bool take_bytes(sgl_view text, uint8_t *out, size_t size)
{
    size_t len = 0;

    return sodium_base642bin(out, size, (const char *)text.ptr, text.len, NULL, &len, NULL,
                             ARGON_BASE64) == 0 &&
           len == size;
}

bool argon_parse(sgl_view text, struct argon_hash *out)
{
    struct argon_hash a;
    uint64_t memory = 0, passes = 0;
    sgl_view number, salt;

    if (!take_head(&text, SGL_LIT(ARGON_HEAD)))
        return false;
    number = sgl_view_split(text, ',', &text);
    if (!sgl_view_u64(number, UINT32_MAX, &memory) || !take_head(&text, SGL_LIT("t=")))
        return false;
    number = sgl_view_split(text, ',', &text);
    if (!sgl_view_u64(number, UINT32_MAX, &passes) || !take_head(&text, SGL_LIT("p=1$")))
        return false;
    salt = sgl_view_split(text, '$', &text);
    if (!take_bytes(salt, a.salt, sizeof(a.salt)) || !take_bytes(text, a.hash, sizeof(a.hash)))
        return false;
    a.memory_kib = (uint32_t)memory;
    a.passes = (uint32_t)passes;
    *out = a;
    return true;
}

void argon_text(const struct argon_hash *a, char out[ARGON_TEXT_SIZE])
{
    char salt[sodium_base64_ENCODED_LEN(sizeof(a->salt), ARGON_BASE64)];
    char hash[sodium_base64_ENCODED_LEN(sizeof(a->hash), ARGON_BASE64)];

    sodium_bin2base64(salt, sizeof(salt), a->salt, sizeof(a->salt), ARGON_BASE64);
    sodium_bin2base64(hash, sizeof(hash), a->hash, sizeof(a->hash), ARGON_BASE64);
    snprintf(out, ARGON_TEXT_SIZE, ARGON_HEAD "%u,t=%u,p=1$%s$%s", a->memory_kib, a->passes, salt,
             hash);
}
