/* SPDX-License-Identifier: Apache-2.0 */
#include "sign.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sigillo/banned.h"

static void add(crypto_auth_hmacsha256_state *state, const char *text)
{
    crypto_auth_hmacsha256_update(state, (const unsigned char *)text, strlen(text));
}

void sign_webhook(const uint8_t *secret, size_t secret_len, const char *id, int64_t timestamp,
                  sgl_view body, char out[SIGN_SIZE])
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char when[32];

    snprintf(when, sizeof(when), ".%" PRId64 ".", timestamp);
    crypto_auth_hmacsha256_init(&state, secret, secret_len);
    add(&state, id);
    add(&state, when);
    crypto_auth_hmacsha256_update(&state, body.ptr, body.len);
    crypto_auth_hmacsha256_final(&state, mac);
    memcpy(out, "v1,", 3);
    sodium_bin2base64(out + 3, SIGN_SIZE - 3, mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(&state, sizeof(state));
}
