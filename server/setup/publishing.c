/* SPDX-License-Identifier: Apache-2.0 */
#include "publishing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setup_internal.h"

#define THREADS     2
#define WAITING_MAX 64
#define MEMORY_MAX  (1024u * 1024u)

struct publishing *publishing_new(struct setup *s, const char *name)
{
    struct publishing *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->setup = s;
    p->config = config_ref(s->config);
    sgl_arena_init(&p->arena, MEMORY_MAX);
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->next = s->publishings;
    p->prev = &s->publishings;
    if (p->next != NULL)
        p->next->prev = &p->next;
    s->publishings = p;
    return p;
}

static void unlink_it(struct publishing *p)
{
    if (p->prev == NULL)
        return;
    *p->prev = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    p->prev = NULL;
}

void publishing_free(struct publishing *p)
{
    if (p == NULL)
        return;
    unlink_it(p);
    config_unref(p->config);
    sgl_arena_done(&p->arena);
    free(p);
}

void publishings_cut(struct setup *s)
{
    workers_free(s->updaters);
    s->updaters = NULL;
    while (s->publishings != NULL)
        publishing_free(s->publishings);
}

static void finish(struct loop_task *task)
{
    struct publishing *p =
        (struct publishing *)(void *)((char *)task - offsetof(struct publishing, later));

    unlink_it(p); /* from here on it is the receiver's, on whatever thread */
    p->done(p, p->ctx);
}

static void end(struct publishing *p, enum update_result result, const char *why)
{
    p->result = result;
    p->why = why;
    p->later.run = finish;
    loop_post(p->setup->parts.loop, &p->later);
}

/* All that is for the zone of the first one that has not been sent. false: all were. */
static bool gather(struct publishing *p)
{
    const struct config_update *to = NULL;
    size_t n = 0;

    for (size_t i = 0; i < p->plan.items; i++) {
        const struct publish_item *item = &p->plan.item[i];

        if (p->sent[i] || (to != NULL && item->to != to))
            continue;
        to = item->to;
        p->sent[i] = true;
        p->batch[n++] = item->change;
    }
    p->update = (struct update){.to = to, .change = p->batch, .changes = n};
    return n > 0;
}

static void work(struct work *w)
{
    update_run(
        &((struct publishing *)(void *)((char *)w - offsetof(struct publishing, work)))->update);
}

static void send_next(struct publishing *p);

static void worked(struct work *w)
{
    struct publishing *p =
        (struct publishing *)(void *)((char *)w - offsetof(struct publishing, work));

    p->changed += p->update.changed;
    if (p->update.result != UPDATE_DONE)
        end(p, p->update.result, p->update.why);
    else
        send_next(p);
}

static void send_next(struct publishing *p)
{
    struct setup *s = p->setup;

    if (!gather(p)) {
        end(p, UPDATE_DONE, "");
        return;
    }
    if (s->updaters == NULL)
        s->updaters = workers_new("dns-update", THREADS, WAITING_MAX);
    p->work = (struct work){.work = work, .done = worked, .loop = s->parts.loop};
    if (s->updaters == NULL || !workers_submit(s->updaters, &p->work))
        end(p, UPDATE_FAILED, "Too many updates of DNS are waiting.");
}

void publishing_start(struct publishing *p)
{
    p->batch = SGL_NEW_N(&p->arena, p->plan.items + 1, struct update_change);
    p->sent = SGL_NEW_N(&p->arena, p->plan.items + 1, bool);
    if (p->batch == NULL || p->sent == NULL)
        end(p, UPDATE_FAILED, "There is no memory left for an update of DNS.");
    else
        send_next(p);
}
