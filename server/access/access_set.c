/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear steps, at most half full; a removal moves later entries of its run back, so that there are no tombstones. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "sigillo/ascii.h"

#define SLOTS_FIRST 4
#define TEXT_FIRST  32

void access_set_init(struct access_set *s)
{
    *s = (struct access_set){0};
    randombytes_buf(s->key, sizeof(s->key));
}

void access_set_done(struct access_set *s)
{
    free(s->text);
    free(s->slot);
    *s = (struct access_set){0};
}

/* Upper and lower case letters have the same. */
static uint64_t hash_of(const struct access_set *s, const char *text, size_t len)
{
    uint8_t lower[ACCESS_TEXT_MAX], bytes[crypto_shorthash_BYTES];
    uint64_t hash;

    for (size_t i = 0; i < len; i++)
        lower[i] = sgl_ascii_lower((uint8_t)text[i]);
    crypto_shorthash(bytes, lower, len, s->key);
    memcpy(&hash, bytes, sizeof(hash));
    return hash;
}

static const char *text_at(const struct access_set *s, size_t slot)
{
    return s->text + s->slot[slot] - 1;
}

static size_t home_of(const struct access_set *s, const char *text)
{
    return (size_t)hash_of(s, text, strlen(text)) & (s->slots - 1);
}

/* Domains are lower case in both; only the local part has a case of its own. */
static bool same(const char *member, const char *text, size_t len, bool exact)
{
    sgl_view a = sgl_view_cstr(member), b = sgl_view_of(text, len);

    return exact ? sgl_view_eq(a, b) : sgl_view_eq_nocase(a, b);
}

/* The slot of the text, or the free one where it belongs. There are slots. */
static size_t place_of(const struct access_set *s, const char *text, size_t len, bool exact)
{
    size_t at = (size_t)hash_of(s, text, len) & (s->slots - 1);

    while (s->slot[at] != 0 && !same(text_at(s, at), text, len, exact))
        at = (at + 1) & (s->slots - 1);
    return at;
}

static const char *find(const struct access_set *s, const char *text, size_t len, bool exact)
{
    size_t at;

    if (s->used == 0)
        return NULL;
    at = place_of(s, text, len, exact);
    return s->slot[at] == 0 ? NULL : text_at(s, at);
}

const char *access_set_find_same(const struct access_set *s, const struct access_address *a,
                                 bool exact)
{
    return find(s, a->text, a->len, exact);
}

const char *access_set_find(const struct access_set *s, const struct access_address *a, bool exact)
{
    const char *found = access_set_find_same(s, a, exact);

    if (found != NULL || s->wholes == 0)
        return found;
    return find(s, a->text + a->at, a->len - a->at, true);
}

/* ---- changes ---- */

/* Where the text at `off` belongs; it is not there yet, and there is room. */
static void put_slot(struct access_set *s, size_t off)
{
    size_t at = home_of(s, s->text + off);

    while (s->slot[at] != 0)
        at = (at + 1) & (s->slots - 1);
    s->slot[at] = (uint32_t)off + 1;
}

static bool grow_slots(struct access_set *s)
{
    size_t slots = s->slots == 0 ? SLOTS_FIRST : s->slots * 2;
    uint32_t *bigger = calloc(slots, sizeof(*bigger)), *old = s->slot;
    size_t olds = s->slots;

    if (bigger == NULL)
        return false;
    s->slot = bigger;
    s->slots = slots;
    for (size_t i = 0; i < olds; i++)
        if (old[i] != 0)
            put_slot(s, old[i] - 1);
    free(old);
    return true;
}

/* Without the holes, when they are the greater part; else with more room. */
static bool make_room(struct access_set *s, size_t more)
{
    size_t kept = s->text_len - s->holes, room = TEXT_FIRST;
    char *text;

    while (room < kept + more || (s->holes <= kept && room <= s->text_room))
        room *= 2;
    text = room > UINT32_MAX / 2 ? NULL : malloc(room);
    if (text == NULL)
        return false;
    s->text_room = room;
    room = 0;
    if (s->slots > 0)
        memset(s->slot, 0, s->slots * sizeof(*s->slot));
    for (const char *m = access_set_next(s, NULL); m != NULL; m = access_set_next(s, m)) {
        memcpy(text + room, m, strlen(m) + 1);
        room += strlen(m) + 1;
    }
    free(s->text);
    s->text = text;
    s->text_len = room;
    s->holes = 0;
    for (const char *m = access_set_next(s, NULL); m != NULL; m = access_set_next(s, m))
        put_slot(s, (size_t)(m - s->text));
    return true;
}

bool access_set_add(struct access_set *s, const struct access_address *a)
{
    if (access_set_find_same(s, a, true) != NULL)
        return true;
    if (s->used * 2 >= s->slots && !grow_slots(s))
        return false;
    if (s->text_room - s->text_len < a->len + 1 && !make_room(s, a->len + 1))
        return false;
    memcpy(s->text + s->text_len, a->text, a->len + 1);
    put_slot(s, s->text_len);
    s->text_len += a->len + 1;
    s->used++;
    s->wholes += a->at == 0;
    return true;
}

bool access_set_remove(struct access_set *s, const struct access_address *a)
{
    size_t mask = s->slots - 1, hole, at;

    if (access_set_find_same(s, a, true) == NULL)
        return false;
    hole = place_of(s, a->text, a->len, true);
    memset(s->text + s->slot[hole] - 1, 0, a->len);
    s->slot[hole] = 0;
    for (at = (hole + 1) & mask; s->slot[at] != 0; at = (at + 1) & mask) {
        size_t home = home_of(s, text_at(s, at));

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        s->slot[hole] = s->slot[at];
        s->slot[at] = 0;
        hole = at;
    }
    s->holes += a->len + 1;
    s->used--;
    s->wholes -= a->at == 0;
    return true;
}

const char *access_set_next(const struct access_set *s, const char *before)
{
    size_t off = before == NULL ? 0 : (size_t)(before - s->text) + strlen(before) + 1;

    while (off < s->text_len && s->text[off] == '\0')
        off++;
    return off < s->text_len ? s->text + off : NULL;
}

bool access_set_copy(struct access_set *to, const struct access_set *from)
{
    struct access_set copy = *from;

    if (from->used == 0)
        return true;
    copy.text = malloc(copy.text_room);
    copy.slot = malloc(copy.slots * sizeof(*copy.slot));
    if (copy.text == NULL || copy.slot == NULL) {
        free(copy.text);
        free(copy.slot);
        return false;
    }
    memcpy(copy.text, from->text, copy.text_len);
    memcpy(copy.slot, from->slot, copy.slots * sizeof(*copy.slot));
    access_set_done(to);
    *to = copy;
    return true;
}
