/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suppressed addresses in memory: a set of keyed hashes, 16 bytes a slot, at most three quarters full.  The addresses themselves, and what is known of them, are in the
 * store.  92 bits of a keyed hash tell two names apart: among 100,000 of them a stranger is mistaken for one in 10^23 look-ups, and nobody outside can look for such a pair.
 */
#ifndef SERVER_DIRECTORY_SUPPRESSION_SET_H
#define SERVER_DIRECTORY_SUPPRESSION_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sigillo/view.h"

struct suppression_slot {
    uint64_t hash;  /* 0: free */
    uint32_t more;  /* 28 bits more of the hash, 4 bits that the caller gave */
    uint32_t until; /* seconds since 1970; 0: for ever */
};
struct suppression_set {
    struct suppression_slot *slot;
    size_t slots, used;
    uint8_t key[16];
};

void suppression_set_init(struct suppression_set *s);
void suppression_set_done(struct suppression_set *s);
/* Adds, or replaces what was said of the name. word: 0 to 15; until: wall seconds, 0: for ever. false when memory ends. */
bool suppression_set_put(struct suppression_set *s, sgl_view name, unsigned word, int64_t until);
bool suppression_set_remove(struct suppression_set *s, sgl_view name); /* false: it was not there */
/* Is it there, and not over at `now`?  *word is what was given with it. */
bool suppression_set_has(const struct suppression_set *s, sgl_view name, int64_t now,
                         unsigned *word);
/* Forgets those that are over; how many. Walks through all slots: some milliseconds for a million. */
size_t suppression_set_expire(struct suppression_set *s, int64_t now);
size_t suppression_set_bytes(const struct suppression_set *s);

#endif
