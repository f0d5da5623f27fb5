/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in an unsubscribe link: whose list, which list, who.  Encrypted and authenticated, so that a link tells its reader nothing and nobody can make one.
 *
 *   base64url( key number, 4 bytes | nonce, 24 | XChaCha20-Poly1305( made at, 8 | length, subscription | length, list | address ) )
 */
#ifndef SERVER_LISTS_LIST_TOKEN_H
#define SERVER_LISTS_LIST_TOKEN_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"

#define LIST_SECRET_SIZE   32
#define LIST_TOKEN_TEXT    1024                       /* characters at most */
#define LIST_TOKEN_VALID_S (2ll * 365 * 24 * 60 * 60) /* receivers want links to work for long */

struct list_key {
    uint32_t number;
    uint8_t secret[LIST_SECRET_SIZE];
};
struct list_token {
    sgl_view subscription, list, address;
    int64_t made_at;
};
enum list_token_fault {
    LIST_TOKEN_FINE,
    LIST_TOKEN_FORGED,
    LIST_TOKEN_EXPIRED,
    LIST_TOKEN_NO_MEMORY
};

/* Appends the text; out->status says when it does not fit. The nonce is random. */
void list_token_put(const struct list_key *key, const struct list_token *token,
                    struct sgl_buf *out);
/* FORGED: made by none of these keys, or changed since. out: set with FINE; views into the arena. */
enum list_token_fault list_token_open(const struct list_key *key, size_t keys, sgl_view text,
                                      int64_t now, struct sgl_arena *arena, struct list_token *out);

#endif
