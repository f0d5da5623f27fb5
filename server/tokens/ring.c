/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

static bool is_due(const struct ring_key *key, int64_t now)
{
    return key->made_at + RING_AHEAD_S <= now;
}

/* The newest that has been published long enough; without such a one the oldest, so that the first key of all signs at once. */
size_t ring_signer(const struct ring_key *key, size_t keys, int64_t now)
{
    size_t found = RING_NONE;

    for (size_t i = 0; i < keys; i++)
        if (key[i].usable && (found == RING_NONE || is_due(&key[i], now)))
            found = i;
    return found;
}

bool ring_wants_new(const struct ring_key *key, size_t keys, int64_t now)
{
    if (keys == RING_MAX)
        return false;
    for (size_t i = 0; i < keys; i++)
        if (key[i].usable && key[i].made_at + RING_MONTH_S > now)
            return false;
    return true;
}

/* A key whose successor has signed for long enough that no token of its own can live. */
size_t ring_over(const struct ring_key *key, size_t keys, int64_t now)
{
    for (size_t i = 1; i < keys; i++)
        if (key[i].usable && key[i].made_at + RING_AHEAD_S + RING_BEHIND_S <= now)
            return i - 1;
    return RING_NONE;
}
