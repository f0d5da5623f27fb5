/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear steps; at most half full. A removal moves later entries of its run back, so that there are no tombstones. */
#include "table.h"

#include <sodium.h>
#include <stdlib.h>

#define SLOTS_FIRST 64

void table_init(struct table *t)
{
    t->slot = NULL;
    t->slots = t->used = 0;
    randombytes_buf(t->key, sizeof(t->key));
}

void table_done(struct table *t)
{
    free(t->slot);
    t->slot = NULL;
    t->slots = t->used = 0;
}

static uint64_t hash_of(const struct table *t, sgl_view name)
{
    uint64_t hash;
    uint8_t bytes[crypto_shorthash_BYTES];

    crypto_shorthash(bytes, name.ptr, name.len, t->key);
    memcpy(&hash, bytes, sizeof(hash));
    return hash;
}

/* Where a name would stand if all of the table were free. */
static size_t home_of(const struct table *t, sgl_view name)
{
    return (size_t)hash_of(t, name) & (t->slots - 1);
}

/* The slot of the name, or the free one where it belongs. */
static size_t place_of(const struct table *t, sgl_view name)
{
    size_t at = home_of(t, name);

    while (t->slot[at].name != NULL && !sgl_view_eq(sgl_view_cstr(t->slot[at].name), name))
        at = (at + 1) & (t->slots - 1);
    return at;
}

void *table_find(const struct table *t, sgl_view name)
{
    if (t->slots == 0)
        return NULL;
    return t->slot[place_of(t, name)].value;
}

static bool grow(struct table *t)
{
    struct table bigger = *t;

    bigger.slots = t->slots == 0 ? SLOTS_FIRST : t->slots * 2;
    bigger.slot = calloc(bigger.slots, sizeof(*bigger.slot));
    if (bigger.slot == NULL)
        return false;
    for (size_t i = 0; i < t->slots; i++)
        if (t->slot[i].name != NULL)
            bigger.slot[place_of(&bigger, sgl_view_cstr(t->slot[i].name))] = t->slot[i];
    free(t->slot);
    *t = bigger;
    return true;
}

bool table_add(struct table *t, const char *name, void *value)
{
    if (t->used * 2 >= t->slots && !grow(t))
        return false;
    t->slot[place_of(t, sgl_view_cstr(name))] = (struct table_slot){name, value};
    t->used++;
    return true;
}

void *table_remove(struct table *t, sgl_view name)
{
    size_t mask = t->slots - 1, hole, at;
    void *value;

    if (t->slots == 0)
        return NULL;
    hole = place_of(t, name);
    if (t->slot[hole].name == NULL)
        return NULL;
    value = t->slot[hole].value;
    for (at = (hole + 1) & mask; t->slot[at].name != NULL; at = (at + 1) & mask) {
        size_t home = home_of(t, sgl_view_cstr(t->slot[at].name));

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            t->slot[hole] = t->slot[at];
            hole = at;
        }
    }
    t->slot[hole] = (struct table_slot){NULL, NULL};
    t->used--;
    return value;
}

static int by_name(const void *a, const void *b)
{
    const struct table_slot *x = a, *y = b;

    return strcmp(x->name, y->name);
}

void **table_sorted(const struct table *t, size_t *count)
{
    struct table_slot *all = t->used == 0 ? NULL : malloc(t->used * sizeof(*all));
    void **out = t->used == 0 ? NULL : malloc(t->used * sizeof(*out));
    size_t n = 0;

    *count = 0;
    if (all != NULL && out != NULL) {
        for (size_t i = 0; i < t->slots; i++)
            if (t->slot[i].name != NULL)
                all[n++] = t->slot[i];
        qsort(all, n, sizeof(*all), by_name);
        for (size_t i = 0; i < n; i++)
            out[i] = all[i].value;
        *count = n;
    } else {
        free(out);
        out = NULL;
    }
    free(all);
    return out;
}
