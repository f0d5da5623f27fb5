/* SPDX-License-Identifier: Apache-2.0 */
/* The room as a whole, and checks that somebody asks for. */
#include "setup.h"

#include <stdlib.h>

#include "act.h"
#include "alias.h"
#include "look.h"
#include "publishing.h"
#include "setup_internal.h"

#define ASKED_FOR_MAX 32

struct setup *setup_new(const struct setup_parts *parts, struct config *config)
{
    struct setup *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->parts = *parts;
    s->resolver_config = *parts->resolver_config;
    s->config = config_ref(config);
    table_init(&s->plans);
    return s;
}

bool setup_start(struct setup *s)
{
    return plans_start(s);
}

void setup_free(struct setup *s)
{
    if (s == NULL)
        return;
    verifications_cut(s);
    looks_cut(s);
    publishings_cut(s);
    acts_cut(s);
    aliases_cut(s);
    plans_done(s);
    config_unref(s->config);
    free(s);
}

void setup_reconfigure(struct setup *s, struct config *config)
{
    config_unref(s->config);
    s->config = config_ref(config);
}

void setup_stats(struct setup *s, struct setup_stats *out)
{
    out->checks = atomic_load(&s->checks);
    out->unknown = atomic_load(&s->unknown);
}

/* ---- asked for ---- */

struct asked {
    struct loop_task task; /* first: cast from it */
    struct setup *setup;
    struct setup_check *check;
};

/* On the caller's loop. */
static void answer(struct loop_task *task)
{
    struct setup_check *c =
        (struct setup_check *)(void *)((char *)task - offsetof(struct setup_check, task));

    c->done(c);
}

static void answer_later(struct setup_check *c)
{
    c->task.run = answer;
    loop_post(c->loop, &c->task);
}

static void refuse(struct asked *a, enum setup_result result, const char *why)
{
    struct setup_check *c = a->check;

    c->private_ = NULL;
    c->result = result;
    c->why = why;
    free(a);
    answer_later(c);
}

static void checked(struct verification *v, void *ctx)
{
    struct asked *a = ctx;
    struct setup_check *c = a->check;
    const struct verified *r = verification_result(v);

    a->setup->asked_for--;
    plan_after(a->setup, v);
    c->result = r->result;
    c->why = r->why;
    c->unknown = r->unknown;
    c->domain = verification_domain(v);
    c->seen = r->result == SETUP_CHECKED ? verification_seen(v) : NULL;
    c->private_ = v;
    free(a);
    answer_later(c);
}

/* On the room's loop. */
static void start(struct loop_task *task)
{
    struct asked *a = (struct asked *)(void *)task;
    struct setup *s = a->setup;

    if (s->asked_for >= ASKED_FOR_MAX) {
        refuse(a, SETUP_BUSY, "too many checks are running; try again soon");
        return;
    }
    s->asked_for++;
    if (verification_new(s, a->check->name, checked, a) != NULL)
        return;
    s->asked_for--;
    refuse(a, SETUP_FAILED, "there is no memory left");
}

void setup_verify(struct setup *s, struct setup_check *c)
{
    struct asked *a = calloc(1, sizeof(*a));

    c->private_ = NULL;
    c->domain = NULL;
    c->seen = NULL;
    c->unknown = true;
    if (a == NULL) {
        c->result = SETUP_FAILED;
        c->why = "there is no memory left";
        answer_later(c);
        return;
    }
    *a = (struct asked){.task = {.run = start}, .setup = s, .check = c};
    loop_post(s->parts.loop, &a->task);
}

void setup_check_done(struct setup_check *c)
{
    verification_free(c->private_);
    c->private_ = NULL;
    c->domain = NULL;
    c->seen = NULL;
}
