/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lanes have something due, in memory: a heap by time, so that a claim asks the database only about lanes that have work.  The time of a lane is a lower bound: being early costs one
 * look-up, never a message.  Only the writer thread uses it.
 */
#ifndef SERVER_STORE_SQLITE_LANES_H
#define SERVER_STORE_SQLITE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane {
    uint64_t id;
    int64_t due;   /* of the heap or, when parked, of the time it comes back */
    uint32_t seq;  /* first come, first served among equals */
    uint32_t out;  /* recipients that this node has claimed */
    uint32_t heap; /* place + 1; 0: not in the heap */
    bool parked;   /* has work, but as much is out as may be */
};
struct lanes {
    struct lane *lane;
    uint32_t *heap, *index; /* index: open addressing, place in `lane` + 1 */
    uint32_t lanes, capacity, heap_len, index_size, free_first, used, parked, seq;
};

void lanes_init(struct lanes *l);
void lanes_done(struct lanes *l);
/* false: memory ended; the lane is then found again at the next start only. */
bool lanes_wait(struct lanes *l, uint64_t id, int64_t due);
bool lanes_out(struct lanes *l, uint64_t id, int change);
/* Takes the first lane that is due; 0: none. */
uint64_t lanes_pop(struct lanes *l, int64_t now, uint32_t *out);
/* Back when some of it has come home. */
void lanes_park(struct lanes *l, uint64_t id, int64_t due);
/* The bound has changed: all parked ones come back. */
void lanes_unpark(struct lanes *l);
/* INT64_MAX: nothing waits. A parked lane counts as due in a second. */
int64_t lanes_next(const struct lanes *l, int64_t now);

#endif
