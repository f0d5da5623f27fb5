/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of our keys signs, which are published, when a new one is made and an old one goes: a function of the time.
 *
 *   made -> published, a day -> signs, a month -> published, a day -> gone
 */
#ifndef SERVER_TOKENS_RING_H
#define SERVER_TOKENS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_MAX      8
#define RING_DAY_S    86400
#define RING_AHEAD_S  RING_DAY_S /* published before it signs: who keeps our key set asks again */
#define RING_MONTH_S  (30 * RING_DAY_S) /* then a new one is made */
#define RING_BEHIND_S RING_DAY_S        /* published after it signed: longer than a token lives */
#define RING_NONE     SIZE_MAX

struct ring_key {
    int64_t made_at;
    bool usable; /* it can sign: the keys process has it */
};

/* All of these want the keys in the order in which they were made. */
size_t ring_signer(const struct ring_key *key, size_t keys, int64_t now); /* RING_NONE: none can */
bool ring_wants_new(const struct ring_key *key, size_t keys, int64_t now);
size_t ring_over(const struct ring_key *key, size_t keys,
                 int64_t now); /* one that goes, or RING_NONE */

#endif
