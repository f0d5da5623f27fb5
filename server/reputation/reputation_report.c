/* SPDX-License-Identifier: Apache-2.0 */
/* For people: the worst of a kind, or one of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reputation_internal.h"
#include "sigillo/banned.h"

#define LINES_AT_ONCE 1024 /* then others have their turn with the lock */

static void put_line(struct reputation *r, const struct seen *e, struct reputation_line *out)
{
    snprintf(out->name, sizeof(out->name), "%s", e->name);
    out->counts = e->counts;
    out->last_s = e->last + (r->clock.wall - r->clock.time);
    out->opinion = reputation_opinion_of(r, e);
}

/* The worst first; of those the ones of whom more is known; then by name, so that nothing is left to chance. */
static bool is_before(const struct reputation_line *a, const struct reputation_line *b)
{
    double x = score_telling(&a->counts), y = score_telling(&b->counts);

    if (a->opinion.score != b->opinion.score)
        return a->opinion.score < b->opinion.score;
    if (x < y || x > y)
        return x > y;
    return strcmp(a->name, b->name) < 0;
}

/* Where a line belongs among the first ones; SIZE_MAX: behind all that are wanted. */
static size_t place_of(const struct reputation_line *line, const struct reputation_line *out,
                       size_t count, size_t max)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_before(line, &out[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    return low < max ? low : SIZE_MAX;
}

static size_t insert(const struct reputation_line *line, struct reputation_line *out, size_t count,
                     size_t max)
{
    size_t at = place_of(line, out, count, max);

    if (at == SIZE_MAX)
        return count;
    if (count == max)
        count--;
    memmove(&out[at + 1], &out[at], (count - at) * sizeof(*out));
    out[at] = *line;
    return count + 1;
}

size_t reputation_top(struct reputation *r, enum reputation_kind kind, size_t max, int64_t now_s,
                      struct reputation_line *out)
{
    struct reputation_line line;
    size_t count = 0;

    for (size_t from = 0; max > 0 && from < SEEN_LINES; from += LINES_AT_ONCE) {
        int64_t now;

        pthread_mutex_lock(&r->lock);
        now = score_clock(&r->clock, now_s);
        for (size_t i = from; i < from + LINES_AT_ONCE; i++)
            for (struct seen *e = r->seen.line[i]; e != NULL; e = e->next) {
                if (e->kind != kind)
                    continue;
                seen_age(&r->seen, e, now);
                put_line(r, e, &line);
                count = insert(&line, out, count, max);
            }
        pthread_mutex_unlock(&r->lock);
    }
    return count;
}

bool reputation_find(struct reputation *r, sgl_view text, int64_t now_s, enum reputation_kind *kind,
                     struct reputation_line *out)
{
    char name[REPUTATION_NAME_SIZE];
    struct seen *e = NULL;

    if (!name_read(text, kind, name))
        return false;
    pthread_mutex_lock(&r->lock);
    e = reputation_seen(r, *kind, name, score_clock(&r->clock, now_s));
    if (e != NULL)
        put_line(r, e, out);
    pthread_mutex_unlock(&r->lock);
    return e != NULL;
}
