/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event-loop threads.  A loop is one thread around one libevent base.  Other threads hand it work with loop_post();
 * everything else on a loop is called from its own thread only.  Roles: one `outgoing` loop (queue, delivery, resolver),
 * and one `door` loop per core (submission, HTTP).
 */
#ifndef SERVER_LOOP_LOOP_H
#define SERVER_LOOP_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Work for a loop; embedded in the caller's struct, which must live until run() is called. */
struct loop_task {
    struct loop_task *next;
    void (*run)(struct loop_task *task);
};

/* NULL when memory ends. The thread starts with loop_start(). */
struct loop *loop_new(const char *name);
bool loop_start(struct loop *loop);
/* Runs the loop on the calling thread until loop_stop(). */
void loop_run(struct loop *loop);
/* Thread-safe: the loop ends after the callbacks that run now. */
void loop_stop(struct loop *loop);
void loop_join(struct loop *loop);
void loop_free(struct loop *loop);

struct event_base *loop_base(struct loop *loop);
/* Thread-safe, wakes the loop; posts made while it is busy share one wake-up. Tasks run in order of posting, never inside loop_post(). */
void loop_post(struct loop *loop, struct loop_task *task);
bool loop_is_current(
    const struct loop *loop); /* true also while the loop does not run: it is being built */

/* Work for the end of this turn: after the callbacks of everything that is ready now. For the loop's own thread; may be taken back. */
struct loop_later {
    struct loop_later *next, *prev; /* NULL when it is not waiting; zero it at first */
    void (*run)(struct loop_later *later);
};
void loop_later(struct loop *loop, struct loop_later *later); /* harmless when it waits already */
void loop_later_cancel(struct loop_later *later);

/* For any thread. The wall clock is the kernel's coarse one (a few milliseconds). */
int64_t clock_now_s(void);    /* wall clock, Unix seconds */
int64_t clock_now_ms(void);   /* wall clock, Unix milliseconds */
uint64_t clock_mono_ms(void); /* monotonic: for deadlines and durations */
uint64_t clock_mono_us(void);

/* A pool of threads for work that must not stall a loop: password hashes, spool files, reads from the store. */
struct workers;
struct work {
    struct work *next;
    void (*work)(struct work *w); /* on a worker thread */
    void (*done)(struct work *w); /* then on `loop` */
    struct loop *loop;
    struct loop_task task;
};
struct workers *workers_new(const char *name, unsigned threads, unsigned queue_max);
unsigned workers_threads(const struct workers *workers);
/* false when queue_max are waiting: the caller must refuse the work (4xx, 503). */
bool workers_submit(struct workers *workers, struct work *w);
void workers_free(struct workers *workers); /* runs what waits, then joins */

#endif
