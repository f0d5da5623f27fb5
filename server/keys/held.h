/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that may sign, by handle.  An RSA key that has signed holds more than twice its memory: the numbers that its next signature needs, which take as long to make
 * as half a signature.  Only those that signed last keep them.
 *
 *   cold -> warm, on its way to sign -> cold, when too many others have signed since
 */
#ifndef SERVER_KEYS_HELD_H
#define SERVER_KEYS_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "sigillo/crypto.h"

/* Keys that may be held; a handle is a number from 1 to this. */
#define HELD_HANDLE_MAX 262144
#define HELD_WARM       4096 /* 12 MiB more than if they were cold */

struct held_keys;

struct held_keys *held_new(size_t warm_max); /* NULL: no memory */
void held_free(struct held_keys *h);         /* NULL accepted */

/* The rest on any thread. */

/* Takes the key; false: there is one under that handle, or there is no such handle, and the key is freed. */
bool held_put(struct held_keys *h, uint64_t handle, struct sgl_private_key *key);
/* To sign with, until it is given back; NULL: there is none. Several may have the same one. */
const struct sgl_private_key *held_take(struct held_keys *h, uint64_t handle);
void held_give(struct held_keys *h, uint64_t handle);

#endif
