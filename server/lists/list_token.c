/* SPDX-License-Identifier: Apache-2.0 */
#include "list_token.h"

#include <sodium.h>
#include <string.h>

#define BASE64      sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define NUMBER_SIZE 4
#define NONCE_SIZE  crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE    crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_SIZE   (NUMBER_SIZE + NONCE_SIZE)
#define TIME_SIZE   8
#define BYTES_MAX   (LIST_TOKEN_TEXT / 4 * 3)
#define PLAIN_MAX   (BYTES_MAX - HEAD_SIZE - TAG_SIZE)

static const uint8_t purpose[] = "sigillo unsubscribe 1";

static void put_number(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static uint64_t get_number(const uint8_t *from, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | from[i];
    return value;
}

static void put_short(struct sgl_buf *out, sgl_view v)
{
    if (v.len > UINT8_MAX)
        out->status = SGL_E_LIMIT;
    sgl_buf_add_byte(out, (uint8_t)v.len);
    sgl_buf_add(out, v);
}

void list_token_put(const struct list_key *key, const struct list_token *token, struct sgl_buf *out)
{
    struct sgl_buf plain = SGL_BUF_INIT(PLAIN_MAX);
    uint8_t made[TIME_SIZE], bytes[BYTES_MAX];
    char text[LIST_TOKEN_TEXT + 1];
    unsigned long long sealed = 0;

    put_number(made, (uint64_t)token->made_at, sizeof(made));
    sgl_buf_add(&plain, sgl_view_of(made, sizeof(made)));
    put_short(&plain, token->subscription);
    put_short(&plain, token->list);
    sgl_buf_add(&plain, token->address);
    if (plain.status == SGL_OK) {
        put_number(bytes, key->number, NUMBER_SIZE);
        randombytes_buf(bytes + NUMBER_SIZE, NONCE_SIZE);
        crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + HEAD_SIZE, &sealed, plain.data,
                                                   plain.len, purpose, sizeof(purpose), NULL,
                                                   bytes + NUMBER_SIZE, key->secret);
        sodium_bin2base64(text, sizeof(text), bytes, HEAD_SIZE + (size_t)sealed, BASE64);
        sgl_buf_add_cstr(out, text);
    } else {
        out->status = plain.status;
    }
    sgl_buf_done(&plain);
}

/* ---- the way back ---- */

static bool get_short(sgl_view *rest, sgl_view *out)
{
    size_t len = rest->len == 0 ? 0 : rest->ptr[0];

    if (rest->len < 1 + len)
        return false;
    *out = sgl_view_sub(*rest, 1, len);
    *rest = sgl_view_from(*rest, 1 + len);
    return true;
}

static bool read_plain(sgl_view plain, struct list_token *out)
{
    if (plain.len < TIME_SIZE)
        return false;
    out->made_at = (int64_t)get_number(plain.ptr, TIME_SIZE);
    plain = sgl_view_from(plain, TIME_SIZE);
    if (!get_short(&plain, &out->subscription) || !get_short(&plain, &out->list))
        return false;
    out->address = plain;
    return plain.len > 0;
}

static const struct list_key *key_of(const struct list_key *key, size_t keys, uint64_t number)
{
    for (size_t i = 0; i < keys; i++)
        if (key[i].number == number)
            return &key[i];
    return NULL;
}

enum list_token_fault list_token_open(const struct list_key *key, size_t keys, sgl_view text,
                                      int64_t now, struct sgl_arena *arena, struct list_token *out)
{
    uint8_t bytes[BYTES_MAX], *plain;
    unsigned long long plain_len = 0;
    const struct list_key *made_by;
    struct list_token token;
    size_t len = 0;

    if (text.len > LIST_TOKEN_TEXT ||
        sodium_base642bin(bytes, sizeof(bytes), (const char *)text.ptr, text.len, NULL, &len, NULL,
                          BASE64) != 0 ||
        len < HEAD_SIZE + TAG_SIZE)
        return LIST_TOKEN_FORGED;
    made_by = key_of(key, keys, get_number(bytes, NUMBER_SIZE));
    if (made_by == NULL)
        return LIST_TOKEN_FORGED;
    plain = sgl_arena_alloc(arena, len);
    if (plain == NULL)
        return LIST_TOKEN_NO_MEMORY;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &plain_len, NULL, bytes + HEAD_SIZE,
                                                   len - HEAD_SIZE, purpose, sizeof(purpose),
                                                   bytes + NUMBER_SIZE, made_by->secret) != 0 ||
        !read_plain(sgl_view_of(plain, (size_t)plain_len), &token))
        return LIST_TOKEN_FORGED;
    if (token.made_at + LIST_TOKEN_VALID_S <= now)
        return LIST_TOKEN_EXPIRED;
    *out = token;
    return LIST_TOKEN_FINE;
}
