/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sigillo/banned.h"

#define LOOK_AT 16 /* whoever is new takes the place of the least telling of so many */

bool seen_init(struct seen_set *k, size_t max)
{
    *k = (struct seen_set){.max = max, .half_life_s = 86400};
    k->last_changed = &k->first_changed;
    randombytes_buf(k->key, sizeof(k->key));
    k->line = calloc(SEEN_LINES, sizeof(struct seen *));
    return k->line != NULL;
}

void seen_done(struct seen_set *k)
{
    struct seen *e;

    while ((e = seen_take_changed(k)) != NULL)
        if (e->gone)
            free(e);
    for (size_t i = 0; k->line != NULL && i < SEEN_LINES; i++)
        while ((e = k->line[i]) != NULL) {
            k->line[i] = e->next;
            free(e);
        }
    free(k->line);
    k->line = NULL;
}

static struct seen **line_of(const struct seen_set *k, sgl_view name)
{
    uint8_t bytes[crypto_shorthash_BYTES];
    uint64_t hash;

    crypto_shorthash(bytes, name.ptr, name.len, k->key);
    memcpy(&hash, bytes, sizeof(hash));
    return &k->line[hash & (SEEN_LINES - 1)];
}

struct seen *seen_find(const struct seen_set *k, uint8_t kind, sgl_view name)
{
    struct seen *e = *line_of(k, name);

    while (e != NULL && !(e->kind == kind && sgl_view_eq(sgl_view_cstr(e->name), name)))
        e = e->next;
    return e;
}

void seen_age(const struct seen_set *k, struct seen *e, int64_t now)
{
    if (now <= e->at)
        return;
    score_decay(&e->counts, now - e->at, k->half_life_s);
    e->at = now;
}

/* ---- what is to be written ---- */

void seen_changed(struct seen_set *k, struct seen *e)
{
    if (e->waits)
        return;
    e->waits = true;
    e->changed = NULL;
    e->changed_link = k->last_changed;
    *k->last_changed = e;
    k->last_changed = &e->changed;
}

static void waits_no_more(struct seen_set *k, struct seen *e)
{
    *e->changed_link = e->changed;
    if (e->changed != NULL)
        e->changed->changed_link = e->changed_link;
    else
        k->last_changed = e->changed_link;
    e->changed = NULL;
    e->waits = false;
}

struct seen *seen_take_changed(struct seen_set *k)
{
    struct seen *e = k->first_changed;

    if (e == NULL)
        return NULL;
    waits_no_more(k, e);
    if (e->gone)
        k->gone--;
    return e;
}

/* ---- room ---- */

void seen_remove(struct seen_set *k, struct seen *e)
{
    struct seen **at = line_of(k, sgl_view_cstr(e->name));

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    e->next = NULL;
    k->used--;
    if (e->waits)
        waits_no_more(k, e);
    if (!e->stored || k->gone >= SEEN_GONE_MAX) {
        free(e);
        return;
    }
    e->gone = true;
    k->gone++;
    seen_changed(k, e);
}

void seen_tidy(struct seen_set *k, size_t from, size_t to, int64_t now)
{
    for (size_t i = from; i < to && i < SEEN_LINES; i++)
        for (struct seen *e = k->line[i], *next; e != NULL; e = next) {
            next = e->next;
            seen_age(k, e, now);
            if (score_telling(&e->counts) < SEEN_WORTH)
                seen_remove(k, e);
        }
}

static void make_room(struct seen_set *k, int64_t now)
{
    struct seen *least = NULL;

    for (size_t seen = 0, lines = 0; seen < LOOK_AT && lines < SEEN_LINES; lines++) {
        for (struct seen *e = k->line[k->hand]; e != NULL; e = e->next, seen++) {
            seen_age(k, e, now);
            if (least == NULL || score_telling(&e->counts) < score_telling(&least->counts))
                least = e;
        }
        k->hand = (k->hand + 1) & (SEEN_LINES - 1);
    }
    if (least != NULL)
        seen_remove(k, least);
}

struct seen *seen_add(struct seen_set *k, uint8_t kind, sgl_view name, int64_t now)
{
    struct seen *e = calloc(1, sizeof(*e) + name.len + 1), **line;

    if (e == NULL)
        return NULL;
    if (k->used >= k->max)
        make_room(k, now);
    memcpy(e->name, name.ptr, name.len);
    e->kind = kind;
    e->at = now;
    line = line_of(k, name);
    e->next = *line;
    *line = e;
    k->used++;
    return e;
}
