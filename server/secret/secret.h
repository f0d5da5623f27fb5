/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret of the server for one purpose: 32 random bytes that are made once, and stand in the store only as the keys process has sealed them.  With it something is signed that
 * comes back, in weeks or years.
 */
#ifndef SERVER_SECRET_SECRET_H
#define SERVER_SECRET_SECRET_H

#include "../keys/keys.h"
#include "../store/store.h"

#define SECRET_SIZE 32

struct secret;

/* Before the loop runs: reads it at once; opens it by and by, or makes it. kind: of its noun, "forward-key", a literal. NULL: why has one sentence. */
struct secret *secret_new(struct loop *loop, struct store *store, struct keys *keys,
                          const char *kind, char *why, size_t why_size);
void secret_free(struct secret *s); /* after its loop has ended; NULL accepted */
/* Any thread; the caller wipes it. false: it is not open yet. */
bool secret_get(struct secret *s, uint8_t out[SECRET_SIZE]);
/* It is there, and cannot be opened: it never will be. Any thread. */
bool secret_is_lost(struct secret *s);

#endif
