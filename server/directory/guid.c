/* SPDX-License-Identifier: Apache-2.0 */
#include "guid.h"

#include <sodium.h>

#include "sigillo/ascii.h"

#define SIZE 16

static bool is_dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

/* [RFC 9562 s4.1 s4.2]: the version and the variant have places of their own. */
static void put(uint8_t bytes[SIZE], unsigned version, char out[GUID_TEXT_SIZE])
{
    char hex[SIZE * 2 + 1];
    size_t from = 0;

    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    sodium_bin2hex(hex, sizeof(hex), bytes, SIZE);
    for (size_t i = 0; i < GUID_TEXT_SIZE - 1; i++)
        out[i] = is_dash_at(i) ? '-' : hex[from++];
    out[GUID_TEXT_SIZE - 1] = '\0';
}

void guid_random(char out[GUID_TEXT_SIZE])
{
    uint8_t bytes[SIZE];

    randombytes_buf(bytes, sizeof(bytes));
    put(bytes, 4, out);
}

void guid_of(sgl_view text, char out[GUID_TEXT_SIZE])
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, text.ptr, text.len);
    put(hash, 8, out);
}

bool guid_take(sgl_view text, char out[GUID_TEXT_SIZE])
{
    if (text.len != GUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = sgl_ascii_lower(text.ptr[i]);

        if (is_dash_at(i) ? c != '-' : !sgl_ascii_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
    }
    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)sgl_ascii_lower(text.ptr[i]);
    out[text.len] = '\0';
    return true;
}
