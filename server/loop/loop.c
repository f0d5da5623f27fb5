/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posting: a stack that any thread pushes to and the loop empties as a whole (then turns round).  Only the push onto an empty stack rings the bell; the bell is an eventfd
 * watched edge-triggered, so that nobody has to read it.  From the loop's own thread no bell is needed: the event is made active directly.
 */
#include "loop.h"

#include <assert.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop_internal.h"

struct loop {
    struct event_base *base;
    _Atomic(struct loop_task *) posted; /* newest first */
    _Atomic bool stopping;
    _Atomic bool running;
    int bell;
    struct event bell_event;
    struct event later_event;
    struct loop_later later; /* heads of rings: what waits for the end of the turn, */
    struct loop_later now;   /* and what of it is running */
    pthread_t thread;
    bool started;
    char name[16];
    struct loop_scratch scratch;
};

static _Thread_local const struct loop *current;

static struct loop_task *take_posted(struct loop *loop)
{
    struct loop_task *task = atomic_exchange_explicit(&loop->posted, NULL, memory_order_acquire);
    struct loop_task *in_order = NULL;

    while (task != NULL) {
        struct loop_task *next = task->next;
        task->next = in_order;
        in_order = task;
        task = next;
    }
    return in_order;
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void)fd;
    (void)what;
    for (struct loop_task *task = take_posted(loop); task != NULL;) {
        struct loop_task *next = task->next;
        task->run(task);
        task = next;
    }
    if (atomic_load(&loop->stopping))
        event_base_loopexit(loop->base, NULL);
}

static void ring_init(struct loop_later *head)
{
    head->next = head->prev = head;
}

/* All of `from` go behind what is in `to`. */
static void ring_move(struct loop_later *to, struct loop_later *from)
{
    if (from->next == from)
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    ring_init(from);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void)fd;
    (void)what;
    ring_move(&loop->now, &loop->later);
    while (loop->now.next != &loop->now) {
        struct loop_later *later = loop->now.next;
        loop_later_cancel(later);
        later->run(later);
    }
}

static bool open_base(struct loop *loop)
{
    struct event_config *config = event_config_new();

    if (config == NULL)
        return false;
    /* One thread only touches the base; what comes from others comes by the bell. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    return loop->base != NULL;
}

struct loop *loop_new(const char *name)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return NULL;
    ring_init(&loop->later);
    ring_init(&loop->now);
    strncat(loop->name, name, sizeof(loop->name) - 1);
    loop->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->bell < 0 || !open_base(loop)) {
        loop_free(loop);
        return NULL;
    }
    event_assign(&loop->bell_event, loop->base, loop->bell, EV_READ | EV_PERSIST | EV_ET, on_bell,
                 loop);
    event_assign(&loop->later_event, loop->base, -1, 0, on_later, loop);
    if (event_add(&loop->bell_event, NULL) != 0) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_run(struct loop *loop)
{
    const struct loop *outer = current;

    current = loop;
    atomic_store(&loop->running, true);
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    atomic_store(&loop->stopping, false);
    atomic_store(&loop->running, false);
    current = outer;
}

static void *thread_main(void *arg)
{
    struct loop *loop = arg;

    pthread_setname_np(pthread_self(), loop->name);
    loop_run(loop);
    return NULL;
}

bool loop_start(struct loop *loop)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&loop->running, true);
    failed = pthread_create(&loop->thread, NULL, thread_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    loop->started = failed == 0;
    if (failed != 0)
        atomic_store(&loop->running, false);
    return failed == 0;
}

static void ring_bell(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t n = write(loop->bell, &one, sizeof(one));

    (void)n; /* it cannot fail for a lack of room within the life of a process */
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    ring_bell(loop);
}

void loop_join(struct loop *loop)
{
    if (!loop->started)
        return;
    pthread_join(loop->thread, NULL);
    loop->started = false;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->base != NULL) {
        if (event_initialized(&loop->bell_event))
            event_del(&loop->bell_event);
        if (event_initialized(&loop->later_event))
            event_del(&loop->later_event);
        event_base_free(loop->base);
    }
    if (loop->bell >= 0)
        close(loop->bell);
    free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

struct loop_scratch *loop_scratch(struct loop *loop)
{
    return &loop->scratch;
}

bool loop_is_current(const struct loop *loop)
{
    return current == loop || !atomic_load_explicit(&loop->running, memory_order_relaxed);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    struct loop_task *head = atomic_load_explicit(&loop->posted, memory_order_relaxed);

    do
        task->next = head;
    while (!atomic_compare_exchange_weak_explicit(&loop->posted, &head, task, memory_order_release,
                                                  memory_order_relaxed));
    if (head != NULL)
        return; /* whoever came first has rung */
    if (current == loop)
        event_active(&loop->bell_event, EV_READ, 0);
    else
        ring_bell(loop);
}

void loop_later(struct loop *loop, struct loop_later *later)
{
    assert(loop_is_current(loop));
    if (later->next != NULL)
        return;
    if (loop->later.next == &loop->later)
        event_active(&loop->later_event, EV_TIMEOUT, 0);
    later->next = &loop->later;
    later->prev = loop->later.prev;
    later->prev->next = later;
    loop->later.prev = later;
}

void loop_later_cancel(struct loop_later *later)
{
    if (later->next == NULL)
        return;
    later->prev->next = later->next;
    later->next->prev = later->prev;
    later->next = later->prev = NULL;
}
