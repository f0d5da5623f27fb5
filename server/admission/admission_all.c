/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several messages of one request, or none:
 *
 *   each: checked .. signed, built (admission.c) -> ready: an envelope, and its bytes in memory or in a file
 *   all:  one operation of the store -> answered, handed to the queue
 */
#include <assert.h>
#include <stdlib.h>

#include "admission_internal.h"

#define HELD_MAX ((size_t)8 << 20) /* bytes of one request's messages in memory */

struct admission_all {
    struct admission *a;
    struct loop *loop;
    struct admit *first, **tail;
    size_t held;
    uint64_t stored_us;
    struct admission_answer answer;
    void (*done)(void *ctx, const struct admission_answer *answer);
    void *ctx;
};

struct admission_all *admission_all_new(struct admission *a, struct loop *loop)
{
    struct admission_all *all = calloc(1, sizeof(*all));

    if (all == NULL)
        return NULL;
    all->a = a;
    all->loop = loop;
    all->tail = &all->first;
    return all;
}

void admission_all_free(struct admission_all *all)
{
    if (all == NULL)
        return;
    for (struct admit *m = all->first, *next; m != NULL; m = next) {
        next = m->next;
        store_unstage(all->a->store, &m->accept);
        admit_free(m);
    }
    free(all);
}

void admission_all_add(struct admission_all *all, struct submission *s)
{
    assert(s->idempotency_key.len == 0 && s->loop == all->loop);
    s->all = all;
    admission_submit(all->a, s);
}

/* ---- one is ready ---- */

static void join(struct admit *m)
{
    struct admission_all *all = m->all;
    struct submission *s = m->s;

    m->s = NULL;
    *all->tail = m;
    all->tail = &m->next;
    s->private_ = NULL;
    answer_set(&s->answer, 250, "2.0.0", 202, "accepted", "");
    atomic_fetch_sub_explicit(&all->a->busy, 1, memory_order_relaxed);
    s->done(s, &s->answer);
}

static void staged(struct store_op *op)
{
    struct admit *m = (struct admit *)(void *)((char *)op - offsetof(struct admit, accept));

    if (op->result != STORE_OK) {
        answer_store(&m->s->answer, op->result);
        store_message_free(m->message);
        m->message = &m->s->message;
        admit_finish(m->s);
        return;
    }
    body_unref(m->body);
    m->body = m->accept.body = NULL;
    join(m);
}

void all_ready(struct admit *m)
{
    struct admission_all *all = m->all;
    struct submission *s = m->s;
    struct store_message *own = store_message_dup(&s->message);
    sgl_view domain = m->charges.domain_name;

    if (domain.len > 0)
        m->charged_domain = strndup((const char *)domain.ptr, domain.len);
    if (own == NULL || (domain.len > 0 && m->charged_domain == NULL)) {
        store_message_free(own);
        (void)refuse_memory(&s->answer);
        admit_finish(s);
        return;
    }
    m->message = own;
    sgl_buf_done(&m->header);
    signing_free(m->signing);
    m->signing = NULL;
    if (domain.len > 0)
        m->charges.domain_name = sgl_view_cstr(m->charged_domain);
    admit_fill(m, all->loop, staged);
    if (m->body->len <= HELD_MAX - all->held) {
        all->held += m->body->len;
        join(m);
        return;
    }
    m->accept.op.kind = STORE_STAGE;
    store_submit(all->a->store, &m->accept.op);
}

/* ---- all of them ---- */

static void stored(struct store_op *op)
{
    struct admit *first = (struct admit *)(void *)((char *)op - offsetof(struct admit, accept));
    struct admission_all *all = first->all;
    struct admission *a = all->a;
    uint64_t us = clock_mono_us() - all->stored_us, count = 0;
    bool nudge = false;

    for (struct admit *m = first; m != NULL; m = m->next, count++)
        nudge |= op->result == STORE_OK && admit_stored(m, us);
    if (nudge)
        queue_nudge(a->queue);
    if (op->result == STORE_OK)
        answer_set(&all->answer, 250, "2.0.0", 202, "accepted", "");
    else
        answer_store(&all->answer, op->result);
    atomic_fetch_add_explicit(op->result == STORE_OK ? &a->accepted : &a->unavailable, count,
                              memory_order_relaxed);
    atomic_fetch_sub_explicit(&a->busy, 1, memory_order_relaxed);
    all->done(all->ctx, &all->answer);
}

void admission_all_commit(struct admission_all *all,
                          void (*done)(void *ctx, const struct admission_answer *answer), void *ctx)
{
    struct admit *first = all->first;

    assert(first != NULL);
    all->done = done;
    all->ctx = ctx;
    all->stored_us = clock_mono_us();
    for (struct admit *m = first; m != NULL; m = m->next) {
        m->accept.with = m->next == NULL ? NULL : &m->next->accept;
        if (m->body != NULL)
            admit_claim(m);
    }
    first->accept.op.kind = STORE_ACCEPT;
    first->accept.op.done = stored;
    atomic_fetch_add_explicit(&all->a->busy, 1, memory_order_relaxed);
    store_submit(all->a->store, &first->accept.op);
}
