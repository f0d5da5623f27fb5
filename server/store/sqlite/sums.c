/* SPDX-License-Identifier: Apache-2.0 */
/* Sums that wait for the commit of their group: each is found by its day, its kind and its names. */
#include <stdlib.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

static uint64_t mix(uint64_t h, sgl_view name)
{
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ name.ptr[i]) * UINT64_C(0x100000001b3);
    return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const struct sum_key *k)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)k->day;

    h = (h ^ k->kind) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < SUM_NAMES; i++)
        h = mix(h, k->name[i]);
    return h;
}

struct sum_key sum_key(const struct sum *s)
{
    struct sum_key k = {.day = s->day, .kind = s->kind};
    const char *at = s->text;

    for (size_t i = 0; i < SUM_NAMES; i++) {
        k.name[i] = sgl_view_of(at, s->len[i]);
        at += s->len[i];
    }
    return k;
}

static bool is_it(const struct sum *s, const struct sum_key *k)
{
    struct sum_key own = sum_key(s);

    for (size_t i = 0; i < SUM_NAMES; i++)
        if (!sgl_view_eq(own.name[i], k->name[i]))
            return false;
    return own.day == k->day && own.kind == k->kind;
}

const struct sum *sums_at(const struct sums *sums, size_t i)
{
    return (const void *)((const uint8_t *)sums->all.item + i * sums->all.size);
}

/* NULL: memory has ended. */
static struct sum *add(struct sums *sums, size_t *line, uint64_t hash, const struct sum_key *k)
{
    char *text = malloc(k->name[0].len + k->name[1].len + k->name[2].len + 1), *at = text;
    struct sum *s = text == NULL ? NULL : vector_add(&sums->all);

    if (s == NULL) {
        free(text);
        return NULL;
    }
    for (size_t i = 0; i < SUM_NAMES; i++) {
        if (k->name[i].len > 0)
            memcpy(at, k->name[i].ptr, k->name[i].len);
        at += k->name[i].len;
        s->len[i] = k->name[i].len;
    }
    s->text = text;
    s->hash = hash;
    s->day = k->day;
    s->kind = k->kind;
    s->next = *line;
    *line = sums->all.count;
    return s;
}

struct sum *sums_find(struct sums *sums, const struct sum_key *k)
{
    uint64_t hash = hash_of(k);
    size_t *line = &sums->line[hash % SUM_LINES];

    for (size_t at = *line; at != 0;) {
        struct sum *one = (void *)((uint8_t *)sums->all.item + (at - 1) * sums->all.size);

        if (one->hash == hash && is_it(one, k))
            return one;
        at = one->next;
    }
    return add(sums, line, hash, k);
}

void sums_init(struct sums *sums, size_t size)
{
    sums->all.size = size;
}

void sums_forget(struct sums *sums)
{
    for (size_t i = 0; i < sums->all.count; i++)
        free(sums_at(sums, i)->text);
    if (sums->all.count > 0)
        memset(sums->line, 0, sizeof(sums->line));
    sums->all.count = 0;
}

void sums_done(struct sums *sums)
{
    sums_forget(sums);
    vector_done(&sums->all);
}
