/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages and complaints of the last day, in cells of half an hour: what is counted at t counts for 24 hours, and half an hour more at most.  The size is fixed.
 *
 * Time is an argument.  One that lies behind counts as the latest seen, unless it lies behind by more than a day: then the clock had been wrong, and counting begins anew.
 */
#ifndef SERVER_GUARD_WINDOW_H
#define SERVER_GUARD_WINDOW_H

#include <stdint.h>

#define WINDOW_CELL_MS INT64_C(1800000)
#define WINDOW_DAY_MS  INT64_C(86400000)
#define WINDOW_CELLS   49 /* of a day, and the one that has begun */

struct window {
    uint32_t messages[WINDOW_CELLS], complaints[WINDOW_CELLS];
    uint64_t messages_sum, complaints_sum;
    int64_t cell; /* the newest: time / WINDOW_CELL_MS */
};

/* Zeroed: nothing was counted. */
void window_advance(struct window *w, int64_t now_ms);
/* Returns the cell that it was counted in. */
int64_t window_add(struct window *w, int64_t now_ms, uint32_t messages, uint32_t complaints);
/* Messages that were counted in that cell did not come after all. */
void window_give_back(struct window *w, int64_t cell, uint32_t messages);
/* The end of the cell of a time: what is stored of it, so that a day's rows are few. */
int64_t window_stored_ms(int64_t now_ms);

#endif
