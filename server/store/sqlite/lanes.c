/* SPDX-License-Identifier: Apache-2.0 */
#include "lanes.h"

#include <stdlib.h>
#include <string.h>

#include "sigillo/banned.h"

#define NONE UINT32_MAX

void lanes_init(struct lanes *l)
{
    memset(l, 0, sizeof(*l));
    l->free_first = NONE;
}

void lanes_done(struct lanes *l)
{
    free(l->lane);
    free(l->heap);
    free(l->index);
    lanes_init(l);
}

/* ---- by id ---- */

static uint32_t home(const struct lanes *l, uint64_t id)
{
    return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (l->index_size - 1);
}

static struct lane *find(const struct lanes *l, uint64_t id)
{
    if (l->index_size == 0)
        return NULL;
    for (uint32_t i = home(l, id); l->index[i] != 0; i = (i + 1) & (l->index_size - 1)) {
        if (l->lane[l->index[i] - 1].id == id)
            return &l->lane[l->index[i] - 1];
    }
    return NULL;
}

static void index_put(struct lanes *l, uint32_t place)
{
    uint32_t i = home(l, l->lane[place].id);

    while (l->index[i] != 0)
        i = (i + 1) & (l->index_size - 1);
    l->index[i] = place + 1;
}

/* Removal without tombstones: what was pushed on by the gone entry moves back. */
static void index_remove(struct lanes *l, uint64_t id)
{
    uint32_t mask = l->index_size - 1;
    uint32_t i = home(l, id);

    while (l->lane[l->index[i] - 1].id != id)
        i = (i + 1) & mask;
    for (uint32_t j = (i + 1) & mask; l->index[j] != 0; j = (j + 1) & mask) {
        uint32_t h = home(l, l->lane[l->index[j] - 1].id);

        if (((j - h) & mask) >= ((j - i) & mask)) {
            l->index[i] = l->index[j];
            i = j;
        }
    }
    l->index[i] = 0;
}

static bool grow(struct lanes *l)
{
    uint32_t capacity = l->capacity == 0 ? 64 : l->capacity * 2;
    uint32_t index_size = capacity * 2;
    struct lane *lane;
    uint32_t *heap, *index;

    lane = realloc(l->lane, capacity * sizeof(*lane));
    if (lane == NULL)
        return false;
    l->lane = lane;
    heap = realloc(l->heap, capacity * sizeof(*heap));
    if (heap == NULL)
        return false;
    l->heap = heap;
    index = calloc(index_size, sizeof(*index));
    if (index == NULL)
        return false;
    free(l->index);
    l->index = index;
    l->index_size = index_size;
    l->capacity = capacity;
    for (uint32_t i = 0; i < l->lanes; i++) {
        if (l->lane[i].id != 0)
            index_put(l, i);
    }
    return true;
}

static struct lane *find_or_make(struct lanes *l, uint64_t id)
{
    struct lane *lane = find(l, id);
    uint32_t place;

    if (lane != NULL)
        return lane;
    if (l->free_first != NONE) {
        place = l->free_first;
        l->free_first = l->lane[place].out;
    } else {
        if (l->lanes == l->capacity && !grow(l))
            return NULL;
        place = l->lanes++;
    }
    lane = &l->lane[place];
    memset(lane, 0, sizeof(*lane));
    lane->id = id;
    index_put(l, place);
    l->used++;
    return lane;
}

static void drop_if_idle(struct lanes *l, struct lane *lane)
{
    if (lane->heap != 0 || lane->parked || lane->out > 0)
        return;
    index_remove(l, lane->id);
    lane->id = 0; /* as long as it is free, `out` is the next free one */
    lane->out = l->free_first;
    l->free_first = (uint32_t)(lane - l->lane);
    l->used--;
}

/* ---- by time ---- */

static bool before(const struct lanes *l, uint32_t a, uint32_t b)
{
    const struct lane *x = &l->lane[a], *y = &l->lane[b];

    if (x->due != y->due)
        return x->due < y->due;
    return (int32_t)(x->seq - y->seq) < 0;
}

static void place_at(struct lanes *l, uint32_t at, uint32_t lane)
{
    l->heap[at] = lane;
    l->lane[lane].heap = at + 1;
}

static void sift_up(struct lanes *l, uint32_t at)
{
    uint32_t lane = l->heap[at];

    while (at > 0 && before(l, lane, l->heap[(at - 1) / 2])) {
        place_at(l, at, l->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place_at(l, at, lane);
}

static void sift_down(struct lanes *l, uint32_t at)
{
    uint32_t lane = l->heap[at];

    for (;;) {
        uint32_t child = at * 2 + 1;

        if (child >= l->heap_len)
            break;
        if (child + 1 < l->heap_len && before(l, l->heap[child + 1], l->heap[child]))
            child++;
        if (!before(l, l->heap[child], lane))
            break;
        place_at(l, at, l->heap[child]);
        at = child;
    }
    place_at(l, at, lane);
}

static void push(struct lanes *l, struct lane *lane, int64_t due)
{
    lane->due = due;
    lane->seq = l->seq++;
    l->heap[l->heap_len] = (uint32_t)(lane - l->lane);
    sift_up(l, l->heap_len++);
}

static void pop_first(struct lanes *l)
{
    l->lane[l->heap[0]].heap = 0;
    l->heap_len--;
    if (l->heap_len > 0) {
        l->heap[0] = l->heap[l->heap_len];
        sift_down(l, 0);
    }
}

bool lanes_wait(struct lanes *l, uint64_t id, int64_t due)
{
    struct lane *lane = find_or_make(l, id);

    if (lane == NULL)
        return false;
    if (lane->parked) {
        lane->due = due < lane->due ? due : lane->due;
    } else if (lane->heap == 0) {
        push(l, lane, due);
    } else if (due < lane->due) {
        lane->due = due;
        sift_up(l, lane->heap - 1);
    }
    return true;
}

bool lanes_out(struct lanes *l, uint64_t id, int change)
{
    struct lane *lane = change > 0 ? find_or_make(l, id) : find(l, id);

    if (lane == NULL)
        return change <= 0;
    if (change < 0 && lane->out < (uint32_t)-change)
        lane->out = 0;
    else
        lane->out = (uint32_t)((int64_t)lane->out + change);
    if (change < 0 && lane->parked) {
        lane->parked = false;
        l->parked--;
        push(l, lane, lane->due);
    }
    drop_if_idle(l, lane);
    return true;
}

uint64_t lanes_pop(struct lanes *l, int64_t now, uint32_t *out)
{
    struct lane *lane;
    uint64_t id;

    if (l->heap_len == 0 || l->lane[l->heap[0]].due > now)
        return 0;
    lane = &l->lane[l->heap[0]];
    id = lane->id;
    *out = lane->out;
    pop_first(l);
    drop_if_idle(l, lane);
    return id;
}

void lanes_park(struct lanes *l, uint64_t id, int64_t due)
{
    struct lane *lane = find_or_make(l, id);

    if (lane == NULL || lane->heap != 0 || lane->parked)
        return;
    lane->parked = true;
    lane->due = due;
    l->parked++;
}

void lanes_unpark(struct lanes *l)
{
    for (uint32_t i = 0; i < l->lanes && l->parked > 0; i++) {
        if (l->lane[i].id == 0 || !l->lane[i].parked)
            continue;
        l->lane[i].parked = false;
        l->parked--;
        push(l, &l->lane[i], l->lane[i].due);
    }
}

int64_t lanes_next(const struct lanes *l, int64_t now)
{
    int64_t next = l->heap_len == 0 ? INT64_MAX : l->lane[l->heap[0]].due;

    if (l->parked > 0 && next > now + 1)
        next = now + 1;
    return next;
}
