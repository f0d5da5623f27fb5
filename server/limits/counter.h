/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was charged in the last minute, hour and day: rolling windows, exact at their edges.
 *
 * A charge made at t counts in a window of length w while now < t + w.  Charges are kept by their moment, oldest first, with a running sum for every window, so that
 * adding and asking cost nothing that grows with the past.
 *
 * Memory has a bound: COUNTER_ENTRIES_MAX moments.  Charges of the same millisecond are one entry, without error.  Only when more distinct moments than that lie within a
 * day, neighbours are merged: of those less than a minute old within 1/512 of a minute, less than an hour old within 1/512 of an hour, older ones within 1/512 of a day.  What is
 * merged counts from its later moment, so that it frees late by 1/512 of the window at most, and never early: the error is never in the client's favour.
 *
 * Time is an argument and never runs back here: an earlier one counts as the latest seen.  Not thread-safe; limits.h is.
 */
#ifndef SERVER_LIMITS_COUNTER_H
#define SERVER_LIMITS_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../config/config_limit.h"

struct limit_charge {
    uint64_t n[LIMIT_WHATS];
};

#define COUNTER_ENTRIES_MAX 2048u
#define COUNTER_GRID        512

struct counter_entry {
    int64_t at_ms;
    struct limit_charge charge;
};
struct counter {
    struct counter_entry *entry;
    size_t room, end;         /* entries are at [in[LIMIT_DAY], end) */
    size_t in[LIMIT_WINDOWS]; /* the first one that the window still has */
    struct limit_charge sum[LIMIT_WINDOWS];
    int64_t now_ms;
};

int64_t counter_window_ms(enum limit_window w);
void counter_done(struct counter *c); /* zeroed: a counter without charges */
/* The time that counts: `now_ms`, or a later one seen before. What has left the windows is forgotten. */
int64_t counter_advance(struct counter *c, int64_t now_ms);
/* Charges at counter_advance(now_ms), which is returned. false: no memory for the first entry; nothing is charged. With entries there, a charge always finds a place. */
bool counter_add(struct counter *c, int64_t now_ms, const struct limit_charge *charge,
                 int64_t *at_ms);
/* Takes back what was charged at `at_ms`. What has left the day is not looked for. */
void counter_give_back(struct counter *c, int64_t at_ms, const struct limit_charge *charge);
/* When `want` more fits under `max`, no more being charged: the earliest such time, `now` if it does now; -1: never, it is more than max. */
int64_t counter_frees_ms(const struct counter *c, enum limit_window w, enum limit_what what,
                         uint64_t want, uint64_t max);

#endif
