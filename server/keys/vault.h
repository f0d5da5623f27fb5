/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keys process knows and does: a request in, a reply out; no socket.  Shared by the signing threads.
 *
 * A sealed text is version (1), nonce (24), ciphertext and tag of XChaCha20-Poly1305 under the master key.  Its associated data is
 * what kind of secret it is, and the context: a sealed private key cannot be opened as a secret, nor under another name, and the key of an HMAC
 * cannot be opened at all.
 */
#ifndef SERVER_KEYS_VAULT_H
#define SERVER_KEYS_VAULT_H

#include "held.h"
#include "wire.h"

/* A handle is a number from 1 to this, chosen by the client, so that it survives this process. */
#define VAULT_HANDLE_MAX HELD_HANDLE_MAX

struct vault;

/* NULL when memory ends or a library cannot start. */
struct vault *vault_new(const uint8_t master[32]);
void vault_free(struct vault *vault); /* wipes; NULL accepted */

/* Where a reply's bytes stand until it is sent. */
struct vault_space {
    uint8_t small[KEYS_SMALL_MAX];
    uint8_t large[KEYS_DATA_MAX];
};

/* Any thread. reply points into space. */
void vault_answer(struct vault *vault, const struct keys_frame *request, struct vault_space *space,
                  struct keys_frame *reply);

#endif
