/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes take turns, in the order in which they came.  A name, a uid, a subscription's place for one account more: that it is free is looked up in the tables, and stays true until
 * the change stands in them, since no other change comes between.  Two changes at once would both be told that it is free.
 */
#include "directory_change.h"

void turns_init(struct directory *d)
{
    pthread_mutex_init(&d->turn_lock, NULL);
    d->turn_last = &d->turn_first;
}

/* Nobody hears of those that still wait: their loops have ended. */
void turns_done(struct directory *d)
{
    struct change *g;

    while ((g = d->turn_first) != NULL) {
        d->turn_first = g->next;
        change_free(g);
    }
    pthread_mutex_destroy(&d->turn_lock);
}

bool turn_take(struct change *g)
{
    struct directory *d = g->d;
    bool first;

    pthread_mutex_lock(&d->turn_lock);
    first = !d->turn_taken;
    d->turn_taken = true;
    if (!first) {
        *d->turn_last = g;
        d->turn_last = &g->next;
    }
    pthread_mutex_unlock(&d->turn_lock);
    return first;
}

static void begin(struct loop_task *task)
{
    struct directory_change *c =
        (struct directory_change *)(void *)((char *)task - offsetof(struct directory_change, task));

    change_begin(c->private_);
}

void turn_pass(struct change *g)
{
    struct directory *d = g->d;
    struct change *next;

    pthread_mutex_lock(&d->turn_lock);
    next = d->turn_first;
    if (next == NULL) {
        d->turn_taken = false;
    } else {
        d->turn_first = next->next;
        if (d->turn_first == NULL)
            d->turn_last = &d->turn_first;
    }
    pthread_mutex_unlock(&d->turn_lock);
    if (next == NULL)
        return;
    next->c->task.run = begin;
    loop_post(next->c->loop, &next->c->task);
}
