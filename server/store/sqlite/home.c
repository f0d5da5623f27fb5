/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in the writer goes home: operations to the loops that sent them, and to the queue what a hand changed under it. */
#include <stdlib.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define LOOPS_MAX 64u

static void run_done(struct loop_task *task)
{
    struct store_op *op =
        (struct store_op *)(void *)((char *)task - offsetof(struct store_op, task));

    while (op != NULL) {
        struct store_op *next = op->next;

        op->done(op);
        op = next;
    }
}

void ops_complete(struct store_op *list)
{
    struct {
        struct loop *loop;
        struct store_op *first, *last;
    } home[LOOPS_MAX];
    size_t homes = 0;

    while (list != NULL) {
        struct store_op *op = list;
        size_t i = 0;

        list = op->next;
        op->next = NULL;
        if (op->loop == NULL) {
            op->done(op);
            continue;
        }
        while (i < homes && home[i].loop != op->loop)
            i++;
        if (i < homes) {
            home[i].last->next = op;
            home[i].last = op;
        } else if (homes < LOOPS_MAX) {
            home[homes].loop = op->loop;
            home[homes].first = home[homes].last = op;
            homes++;
        } else {
            op->task.run = run_done;
            loop_post(op->loop, &op->task);
        }
    }
    for (size_t i = 0; i < homes; i++) {
        home[i].first->task.run = run_done;
        loop_post(home[i].loop, &home[i].first->task);
    }
}

/* ---- the watch ---- */

struct watch_call {
    struct loop_task task;
    struct store_watch watch;
    enum store_control_verb verb;
    size_t rcpts;
    uint64_t rcpt[];
};

static void run_watch(struct loop_task *task)
{
    struct watch_call *call = (struct watch_call *)(void *)task;

    call->watch.changed(call->watch.ctx, call->verb, call->rcpt, call->rcpts);
    free(call);
}

static void tell_watch(struct store *store, const struct watched *w, size_t rcpts)
{
    struct watch_call *call = malloc(sizeof(*call) + rcpts * sizeof(uint64_t));

    if (call == NULL)
        return; /* the outcome will meet the changed row */
    pthread_mutex_lock(&store->watch_lock);
    call->watch = store->watch;
    pthread_mutex_unlock(&store->watch_lock);
    if (call->watch.changed == NULL) {
        free(call);
        return;
    }
    call->task.run = run_watch;
    call->verb = w->verb;
    call->rcpts = rcpts;
    for (size_t i = 0; i < rcpts; i++)
        call->rcpt[i] = w[i].rcpt;
    loop_post(call->watch.loop, &call->task);
}

void tell_watched(struct store *store)
{
    const struct watched *w = store->pending.watched.item;
    size_t count = store->pending.watched.count;

    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && w[end].verb == w[i].verb;)
            end++;
        tell_watch(store, &w[i], end - i);
    }
}

void store_set_watch(struct store *store, const struct store_watch *watch)
{
    pthread_mutex_lock(&store->watch_lock);
    store->watch = *watch;
    pthread_mutex_unlock(&store->watch_lock);
}
