/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that were loaded or made, as they are sealed: a new keys process gets them all again. */
#ifndef SERVER_KEYS_KNOWN_H
#define SERVER_KEYS_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../loop/scratch.h"
#include "keys.h"

/* A key to be loaded again; its handle is its place in the list, counted from 1. */
struct known {
    uint8_t *
        bytes; /* sealed, context; NULL: they stand in the file, or its handle was reserved and it never came to be */
    uint64_t at;
    uint32_t sealed_len, context_len; /* both 0: it never came to be */
};
struct known_keys {
    struct known *key;
    size_t count, size;
    struct scratch *file; /* NULL: they stay in memory */
};
#define KNOWN_BYTES_MAX (KEYS_DATA_MAX + KEYS_CONTEXT_MAX)

/* Reserves the next handle: 0 when memory ends. */
uint64_t known_reserve(struct known_keys *k);
/* Copies what a reserved handle stands for; false when memory ends. */
bool known_keep(struct known_keys *k, uint64_t handle, sgl_view sealed, sgl_view context);
bool known_is(const struct known_keys *k, uint64_t handle); /* has it come to be? */
/* Views of `space`, or of the list; false: it cannot be read. */
bool known_get(const struct known_keys *k, uint64_t handle, uint8_t space[KNOWN_BYTES_MAX],
               sgl_view *sealed, sgl_view *context);
void known_done(struct known_keys *k);

#endif
