/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again: pure functions of the schedule, the number of attempts, the time and a random number. */
#ifndef SERVER_QUEUE_RETRY_H
#define SERVER_QUEUE_RETRY_H

#include <stddef.h>
#include <stdint.h>

struct retry_schedule {
    const uint32_t *wait_s; /* after attempt 1, 2, ...; the last repeats */
    size_t waits;
    uint32_t jitter_percent; /* at most 100 */
};

/* The step of the schedule after so many attempts: 1 to waits. */
size_t retry_step(const struct retry_schedule *s, uint32_t attempts);
/* Seconds to wait after attempt number `attempts` (1 is the first), moved by up to jitter_percent either way; at least 1. */
uint32_t retry_wait_s(const struct retry_schedule *s, uint32_t attempts, uint32_t random);
/*
 * The time of the next attempt: by the schedule, not before `not_before` (0: no wish), and not after expires_at, when a last attempt is made.  Whoever expires has been tried at the end.
 */
int64_t retry_next_at(int64_t now, uint32_t wait_s, int64_t not_before, int64_t expires_at);

#endif
