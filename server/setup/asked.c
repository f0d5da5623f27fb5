/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing that somebody asks for: checked first, then done, on the room's loop. */
#include <stdio.h>
#include <stdlib.h>

#include "publishing.h"
#include "request.h"
#include "setup_internal.h"

#define ASKED_FOR_MAX 32

struct asked {
    struct loop_task task; /* first: cast from it */
    struct setup *setup;
    struct setup_publish *to;
};

/* On the caller's loop. */
static void answer(struct loop_task *task)
{
    struct setup_publish *p =
        (struct setup_publish *)(void *)((char *)task - offsetof(struct setup_publish, task));

    p->done(p);
}

static void reply(struct asked *a, enum setup_result result, const char *why)
{
    struct setup_publish *p = a->to;

    a->setup->asked_for--;
    p->result = result;
    p->why = why;
    p->task.run = answer;
    loop_post(p->loop, &p->task);
    free(a);
}

static void fail(struct asked *a, const char *why)
{
    publishing_free(a->to->publishing);
    a->to->publishing = NULL;
    reply(a, SETUP_FAILED, why);
}

static void published(struct publishing *p, void *ctx)
{
    struct asked *a = ctx;

    (void)p;
    if (a->to->verb == SETUP_PUBLISH)
        setup_look_soon(a->setup, a->to->name);
    reply(a, SETUP_CHECKED, "");
}

static void carry_out(struct asked *a)
{
    struct publishing *p = a->to->publishing;

    p->done = published;
    p->ctx = a;
    if (a->to->verb == SETUP_PUBLISH_PLAN)
        p->plan.items = 0; /* nothing is sent; what would be is in `shown` */
    publishing_start(p);
}

/* ---- published ---- */

static void checked(struct verification *v, void *ctx)
{
    struct asked *a = ctx;
    struct publishing *p = a->to->publishing;
    const struct verified *r = verification_result(v);
    struct sgl_setup_request request;
    enum sgl_status status = SGL_OK;

    if (r->result == SETUP_CHECKED)
        status = setup_request(verification_domain(v), p->config, &p->arena, &request);
    if (r->result == SETUP_CHECKED && status == SGL_OK)
        status = publish_missing(verification_seen(v), &request, p->config, a->to->replace,
                                 &p->arena, &p->plan);
    p->shown = p->plan.items;
    if (r->result == SETUP_CHECKED && r->unknown) {
        fail(a, "The zone's name servers do not answer: what stands there is not known.");
    } else if (r->result != SETUP_CHECKED) {
        publishing_free(p);
        a->to->publishing = NULL;
        reply(a, r->result, r->why);
    } else if (status != SGL_OK) {
        fail(a, "there is no memory left for the records");
    } else {
        carry_out(a);
    }
    verification_free(v);
}

/* ---- withdrawn ---- */

static void withdraw(struct asked *a)
{
    struct publishing *p = a->to->publishing;
    struct sgl_setup_request request;
    struct sgl_setup rows;
    enum sgl_status status = setup_request(a->to->domain, p->config, &p->arena, &request);

    if (status == SGL_OK)
        status = sgl_setup_rows(&request, &p->arena, &rows);
    if (status == SGL_OK)
        status = publish_withdrawal(&rows, &request, p->config, &p->arena, &p->plan);
    p->shown = p->plan.items;
    if (status == SGL_OK)
        carry_out(a);
    else
        fail(a, "there is no memory left for the records");
}

/* On the room's loop. */
static void start(struct loop_task *task)
{
    struct asked *a = (struct asked *)(void *)task;
    struct setup *s = a->setup;

    s->asked_for++;
    if (s->asked_for > ASKED_FOR_MAX) {
        reply(a, SETUP_BUSY, "too many checks are running; try again soon");
        return;
    }
    a->to->publishing = publishing_new(s, a->to->name);
    if (a->to->publishing == NULL)
        reply(a, SETUP_FAILED, "there is no memory left");
    else if (a->to->verb == SETUP_WITHDRAW)
        withdraw(a);
    else if (verification_new(s, a->to->name, checked, a) == NULL)
        fail(a, "there is no memory left");
}

void setup_publish(struct setup *s, struct setup_publish *p)
{
    struct asked *a = calloc(1, sizeof(*a));

    p->publishing = NULL;
    if (a == NULL) {
        p->result = SETUP_FAILED;
        p->why = "there is no memory left";
        p->task.run = answer;
        loop_post(p->loop, &p->task);
        return;
    }
    *a = (struct asked){.task = {.run = start}, .setup = s, .to = p};
    loop_post(s->parts.loop, &a->task);
}

/* ---- looked at soon ---- */

struct soon {
    struct loop_task task; /* first: cast from it */
    struct setup *setup;
    char name[256];
};

static void soon(struct loop_task *task)
{
    struct soon *n = (struct soon *)(void *)task;
    struct timeval now = {0, 0};
    struct plan *p = table_find(&n->setup->plans, sgl_view_cstr(n->name));

    if (p != NULL) {
        p->due_ms = 0;
        p->step = p->turn = 0;
    }
    if (n->setup->tick != NULL)
        (void)event_add(n->setup->tick, &now);
    free(n);
}

void setup_look_soon(struct setup *s, const char *name)
{
    struct soon *n = calloc(1, sizeof(*n));

    if (n == NULL)
        return; /* it will be looked at, later */
    n->task.run = soon;
    n->setup = s;
    snprintf(n->name, sizeof(n->name), "%s", name);
    loop_post(s->parts.loop, &n->task);
}
