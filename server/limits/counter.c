/* SPDX-License-Identifier: Apache-2.0 */
#include "counter.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 8u

int64_t counter_window_ms(enum limit_window w)
{
    static const int64_t ms[LIMIT_WINDOWS] = {60000, 3600000, 86400000};

    return ms[w];
}

void counter_done(struct counter *c)
{
    free(c->entry);
    *c = (struct counter){0};
}

static void add_charge(struct limit_charge *to, const struct limit_charge *charge)
{
    for (size_t i = 0; i < LIMIT_WHATS; i++)
        to->n[i] += charge->n[i];
}

static void take_charge(struct limit_charge *from, const struct limit_charge *charge)
{
    for (size_t i = 0; i < LIMIT_WHATS; i++)
        from->n[i] -= charge->n[i] < from->n[i] ? charge->n[i] : from->n[i];
}

int64_t counter_advance(struct counter *c, int64_t now_ms)
{
    if (now_ms < c->now_ms)
        return c->now_ms;
    c->now_ms = now_ms;
    for (size_t w = 0; w < LIMIT_WINDOWS; w++) {
        int64_t edge = now_ms - counter_window_ms((enum limit_window)w);

        while (c->in[w] < c->end && c->entry[c->in[w]].at_ms <= edge)
            take_charge(&c->sum[w], &c->entry[c->in[w]++].charge);
    }
    return now_ms;
}

/* ---- room for one more ---- */

/* Which windows an entry is still in, as the shortest of them. */
static enum limit_window shortest(const struct counter *c, int64_t at_ms)
{
    if (at_ms > c->now_ms - counter_window_ms(LIMIT_MINUTE))
        return LIMIT_MINUTE;
    return at_ms > c->now_ms - counter_window_ms(LIMIT_HOUR) ? LIMIT_HOUR : LIMIT_DAY;
}

static bool may_merge(const struct counter *c, int64_t a, int64_t b)
{
    enum limit_window w = shortest(c, a);
    int64_t cell = counter_window_ms(w) / COUNTER_GRID;

    return w == shortest(c, b) && a / cell == b / cell;
}

/* Neighbours that are in the same windows and near each other become one, at the later moment: no sum changes. */
static void merge_neighbours(struct counter *c)
{
    size_t out = 0;

    for (size_t i = c->in[LIMIT_DAY]; i < c->end; i++) {
        struct counter_entry *e = &c->entry[i];

        if (out > 0 && may_merge(c, c->entry[out - 1].at_ms, e->at_ms)) {
            c->entry[out - 1].at_ms = e->at_ms;
            add_charge(&c->entry[out - 1].charge, &e->charge);
        } else {
            c->entry[out++] = *e;
        }
    }
    c->end = out;
    for (size_t w = 0; w < LIMIT_WINDOWS; w++) {
        int64_t edge = c->now_ms - counter_window_ms((enum limit_window)w);

        for (c->in[w] = 0; c->in[w] < out && c->entry[c->in[w]].at_ms <= edge;)
            c->in[w]++;
    }
}

static void move_to_front(struct counter *c)
{
    size_t gone = c->in[LIMIT_DAY];

    memmove(c->entry, c->entry + gone, (c->end - gone) * sizeof(*c->entry));
    c->end -= gone;
    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        c->in[w] -= gone;
}

static bool grow(struct counter *c)
{
    size_t room = c->room == 0 ? ROOM_FIRST : c->room * 2;
    struct counter_entry *more =
        room > COUNTER_ENTRIES_MAX ? NULL : realloc(c->entry, room * sizeof(*more));

    if (more == NULL)
        return false;
    c->entry = more;
    c->room = room;
    return true;
}

/* What is gone is used first, when it is at least a half: moving then costs less than what has been added since. */
static bool make_room(struct counter *c)
{
    if (c->end < c->room)
        return true;
    if (c->room > 0 && c->in[LIMIT_DAY] >= c->room / 2) {
        move_to_front(c);
        return true;
    }
    if (grow(c))
        return true;
    if (c->room == 0)
        return false;
    merge_neighbours(c);
    return c->end < c->room;
}

/* ---- charges ---- */

static void charge_sums(struct counter *c, const struct limit_charge *charge)
{
    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        add_charge(&c->sum[w], charge);
}

/* Without memory for another entry the last one takes it in: what it holds counts from now on again, which is late and not early. */
static void add_to_last(struct counter *c, const struct limit_charge *charge)
{
    struct counter_entry *last = &c->entry[c->end - 1];

    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        if (c->in[w] == c->end) {
            c->in[w]--;
            add_charge(&c->sum[w], &last->charge);
        }
    last->at_ms = c->now_ms;
    add_charge(&last->charge, charge);
}

bool counter_add(struct counter *c, int64_t now_ms, const struct limit_charge *charge,
                 int64_t *at_ms)
{
    int64_t at = counter_advance(c, now_ms);

    if (c->end > c->in[LIMIT_DAY] && c->entry[c->end - 1].at_ms == at) {
        add_charge(&c->entry[c->end - 1].charge, charge);
    } else if (make_room(c)) {
        c->entry[c->end++] = (struct counter_entry){at, *charge};
    } else if (c->end > 0) {
        add_to_last(c, charge);
    } else {
        return false;
    }
    charge_sums(c, charge);
    *at_ms = at;
    return true;
}

/* The first entry at or after the moment: entries are merged into later ones only. */
static size_t find(const struct counter *c, int64_t at_ms)
{
    size_t low = c->in[LIMIT_DAY], high = c->end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c->entry[middle].at_ms < at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void counter_give_back(struct counter *c, int64_t at_ms, const struct limit_charge *charge)
{
    size_t at = find(c, at_ms);

    if (at == c->end || at_ms <= c->now_ms - counter_window_ms(LIMIT_DAY))
        return;
    take_charge(&c->entry[at].charge, charge);
    for (size_t w = 0; w < LIMIT_WINDOWS; w++)
        if (at >= c->in[w])
            take_charge(&c->sum[w], charge);
}

int64_t counter_frees_ms(const struct counter *c, enum limit_window w, enum limit_what what,
                         uint64_t want, uint64_t max)
{
    uint64_t sum = c->sum[w].n[what];
    size_t i = c->in[w];

    if (want > max)
        return -1;
    if (sum <= max - want)
        return c->now_ms;
    while (i < c->end && sum > max - want)
        sum -= c->entry[i++].charge.n[what];
    return c->entry[i - 1].at_ms + counter_window_ms(w);
}
