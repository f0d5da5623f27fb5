/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear steps; a removal moves later slots of its run back, so that there are no tombstones. */
#include "suppression_set.h"

#include <sodium.h>
#include <stdlib.h>

#define SLOTS_FIRST 64
#define WORD_BITS   4
#define WORD_MASK   15u

void suppression_set_init(struct suppression_set *s)
{
    s->slot = NULL;
    s->slots = s->used = 0;
    randombytes_buf(s->key, sizeof(s->key));
}

void suppression_set_done(struct suppression_set *s)
{
    free(s->slot);
    s->slot = NULL;
    s->slots = s->used = 0;
}

static struct suppression_slot slot_of(const struct suppression_set *s, sgl_view name)
{
    uint8_t bytes[crypto_shorthash_siphashx24_BYTES];
    struct suppression_slot slot = {0};

    crypto_shorthash_siphashx24(bytes, name.ptr, name.len, s->key);
    memcpy(&slot.hash, bytes, sizeof(slot.hash));
    memcpy(&slot.more, bytes + sizeof(slot.hash), sizeof(slot.more));
    slot.more &= ~WORD_MASK;
    slot.hash += slot.hash == 0; /* 0 is a free slot */
    return slot;
}

/* The place of the slot, or the free one where it belongs. */
static size_t place_of(const struct suppression_set *s, const struct suppression_slot *slot)
{
    size_t mask = s->slots - 1, at = (size_t)slot->hash & mask;

    while (s->slot[at].hash != 0 &&
           (s->slot[at].hash != slot->hash || (s->slot[at].more ^ slot->more) >> WORD_BITS != 0))
        at = (at + 1) & mask;
    return at;
}

static bool grow(struct suppression_set *s)
{
    struct suppression_set bigger = *s;

    bigger.slots = s->slots == 0 ? SLOTS_FIRST : s->slots * 2;
    bigger.slot = calloc(bigger.slots, sizeof(*bigger.slot));
    if (bigger.slot == NULL)
        return false;
    for (size_t i = 0; i < s->slots; i++)
        if (s->slot[i].hash != 0)
            bigger.slot[place_of(&bigger, &s->slot[i])] = s->slot[i];
    free(s->slot);
    *s = bigger;
    return true;
}

static uint32_t seconds_of(int64_t until)
{
    if (until <= 0)
        return 0;
    return until >= (int64_t)UINT32_MAX ? UINT32_MAX : (uint32_t)until;
}

/* What ends beyond 2106 does not end here; its row in the store says when. */
static bool is_over(const struct suppression_slot *slot, int64_t now)
{
    return slot->until != 0 && slot->until != UINT32_MAX && now >= (int64_t)slot->until;
}

bool suppression_set_put(struct suppression_set *s, sgl_view name, unsigned word, int64_t until)
{
    struct suppression_slot slot = slot_of(s, name);
    size_t at;

    if (s->used * 4 >= s->slots * 3 && !grow(s))
        return false;
    at = place_of(s, &slot);
    s->used += s->slot[at].hash == 0;
    slot.more |= word & WORD_MASK;
    slot.until = seconds_of(until);
    s->slot[at] = slot;
    return true;
}

static void remove_at(struct suppression_set *s, size_t hole)
{
    size_t mask = s->slots - 1;

    for (size_t at = (hole + 1) & mask; s->slot[at].hash != 0; at = (at + 1) & mask) {
        size_t home = (size_t)s->slot[at].hash & mask;

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            s->slot[hole] = s->slot[at];
            hole = at;
        }
    }
    s->slot[hole] = (struct suppression_slot){0};
    s->used--;
}

bool suppression_set_remove(struct suppression_set *s, sgl_view name)
{
    struct suppression_slot slot = slot_of(s, name);
    size_t at;

    if (s->slots == 0)
        return false;
    at = place_of(s, &slot);
    if (s->slot[at].hash == 0)
        return false;
    remove_at(s, at);
    return true;
}

size_t suppression_set_expire(struct suppression_set *s, int64_t now)
{
    size_t before = s->used;

    for (size_t at = 0; at < s->slots; at++)
        while (s->slot[at].hash != 0 && is_over(&s->slot[at], now))
            remove_at(s, at); /* another may have moved here */
    return before - s->used;
}

bool suppression_set_has(const struct suppression_set *s, sgl_view name, int64_t now,
                         unsigned *word)
{
    struct suppression_slot slot;
    const struct suppression_slot *found;

    if (s->used == 0)
        return false;
    slot = slot_of(s, name);
    found = &s->slot[place_of(s, &slot)];
    if (found->hash == 0 || is_over(found, now))
        return false;
    *word = found->more & WORD_MASK;
    return true;
}

size_t suppression_set_bytes(const struct suppression_set *s)
{
    return s->slots * sizeof(*s->slot);
}
