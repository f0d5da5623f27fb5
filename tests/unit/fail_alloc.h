/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes each allocation fail once.  The test links with dep_fail_alloc, includes this header in its one file, and runs
 *
 *     for (size_t n = 1; fail_alloc_round(n); n++)
 *         { ... work that must end in success or in SGL_E_NOMEM, without a leak ... }
 *
 * In round n the n-th allocation after the call fails; the loop ends when a round had fewer than n of them.
 * Allocations of other threads count, too; a test that has some calls fail_alloc_this_thread() before it starts them, and then only its own do.
 */
#ifndef TESTS_UNIT_FAIL_ALLOC_H
#define TESTS_UNIT_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static struct {
    size_t seen;    /* allocations since the round began */
    size_t fail_at; /* 0: never */
    bool failed;    /* this round's failure has happened */
    bool paused;    /* allocations are neither counted nor made to fail */
} fail_alloc;

static bool fail_alloc_one_thread;
static _Thread_local bool fail_alloc_mine;

static inline void fail_alloc_this_thread(void)
{
    fail_alloc_one_thread = fail_alloc_mine = true;
}

static inline bool fail_alloc_now(void)
{
    if (fail_alloc_one_thread && !fail_alloc_mine)
        return false;
    if (fail_alloc.fail_at == 0 || fail_alloc.paused || ++fail_alloc.seen != fail_alloc.fail_at)
        return false;
    fail_alloc.failed = true;
    return true;
}

/* Starts round n (from 1). False when the round before had no failure left to make: done, and off again. */
static inline bool fail_alloc_round(size_t n)
{
    bool more = n == 1 || fail_alloc.failed;

    fail_alloc.seen = 0;
    fail_alloc.failed = fail_alloc.paused = false;
    fail_alloc.fail_at = more ? n : 0;
    return more;
}

/* Did this round's failure happen yet? */
static inline bool fail_alloc_hit(void)
{
    return fail_alloc.failed;
}

/* For what a round needs but does not test: allocations do not count until fail_alloc_on(), or the next round. */
static inline void fail_alloc_off(void)
{
    fail_alloc.paused = true;
}

static inline void fail_alloc_on(void)
{
    fail_alloc.paused = false;
}

void *__wrap_malloc(size_t size)
{
    return fail_alloc_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fail_alloc_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fail_alloc_now() ? NULL : __real_realloc(old, size);
}

#endif
