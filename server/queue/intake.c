/* SPDX-License-Identifier: Apache-2.0 */
/* What comes into memory: messages handed over at acceptance, and claims from the store; never more than there is room for. */
#include <stdlib.h>

#include "queue_internal.h"
#include "sigillo/banned.h"

#define LANE_MAX 300

/* The job of this message that still takes recipients of this destination. */
static struct qjob *job_for(struct envelope *env, struct queue_dest *dest, size_t rcpts_left)
{
    size_t max = env->alone ? 1 : env->q->config.rcpts_per_job;

    if (dest->building != NULL && dest->building->job.rcpts < max)
        return dest->building;
    dest->building = job_new(env, dest, rcpts_left < max ? rcpts_left : max);
    if (dest->building == NULL)
        return NULL;
    dest->building->next = env->made;
    env->made = dest->building;
    return dest->building;
}

static struct queue_dest *dest_of(struct queue *q, const struct store_message *m, size_t i)
{
    const struct queue_delivery *d = &q->delivery;
    char room[LANE_MAX];
    sgl_view lane =
        d->lane == NULL ? m->rcpt[i].domain : d->lane(d->ctx, m, &m->rcpt[i], room, sizeof room);

    return dest_find(q, lane, m);
}

static bool add_rcpt(struct envelope *env, size_t i)
{
    struct store_rcpt *r = &env->m->rcpt[i];
    struct queue_dest *dest = dest_of(env->q, env->m, i);
    struct qjob *j = dest == NULL ? NULL : job_for(env, dest, env->m->rcpts - i);

    if (j == NULL) {
        if (dest != NULL)
            dest_maybe_free(dest);
        return false;
    }
    job_add_rcpt(j, r);
    return true;
}

/* Lining up calls delivery, which may take a job and even finish it at once: nothing is looked at twice. */
static void line_up_all(struct envelope *env, int64_t lease_until, int64_t now)
{
    struct qjob *j = env->made;

    for (struct qjob *next = j; next != NULL; next = next->next)
        next->job.dest->building = NULL;
    env->jobs++; /* a hold: the last job may go while we walk */
    for (struct qjob *next; j != NULL; j = next) {
        next = j->next;
        j->next = NULL;
        j->lease_until = lease_until;
        if (j->rcpt[0]->next_at > now)
            job_wait(j, j->rcpt[0]->next_at);
        else
            line_up(j);
    }
    if (--env->jobs == 0)
        envelope_free(env);
}

void queue_add(struct queue *q, struct envelope *env, int64_t lease_until)
{
    size_t lost = 0;

    env->alone = q->alone.alone != NULL && q->alone.alone(q->alone.ctx, env->m);
    for (size_t i = 0; i < env->m->rcpts; i++) {
        if (env->m->rcpt[i].state != RCPT_QUEUED || !add_rcpt(env, i))
            lost++; /* final or held at birth; or no memory: the claim ends with its lease */
    }
    atomic_fetch_sub(&q->held_rcpts, lost);
    if (env->jobs == 0) {
        envelope_free(env);
        return;
    }
    line_up_all(env, lease_until, queue_now(q));
}

/* ---- offers ---- */

bool queue_room(struct queue *q, size_t rcpts, size_t bytes)
{
    size_t max_rcpts = atomic_load_explicit(&q->max_rcpts, memory_order_relaxed);
    size_t max_bytes = atomic_load_explicit(&q->max_bytes, memory_order_relaxed);

    if (!atomic_load_explicit(&q->open, memory_order_relaxed))
        return false;
    if (atomic_fetch_add(&q->held_rcpts, rcpts) + rcpts <= max_rcpts) {
        if (atomic_fetch_add(&q->held_bytes, bytes) + bytes <= max_bytes)
            return true;
        atomic_fetch_sub(&q->held_bytes, bytes);
    }
    atomic_fetch_sub(&q->held_rcpts, rcpts);
    return false;
}

void queue_unreserve(struct queue *q, size_t rcpts, size_t bytes)
{
    atomic_fetch_sub(&q->held_rcpts, rcpts);
    atomic_fetch_sub(&q->held_bytes, bytes);
}

/* One destination may fill the memory as long as there is plenty of it; then its newest mail waits in the store, and leaves room for others. */
static void relieve(struct queue *q, struct queue_dest *dest)
{
    size_t max = atomic_load_explicit(&q->max_rcpts, memory_order_relaxed);
    struct qjob *j = dest->turn == NULL ? NULL : dest->turn->last;

    if (dest->rcpts <= max / 4 || atomic_load(&q->held_rcpts) <= max / 2 || j == NULL)
        return;
    give_back_job(j);
}

static void run_offer(struct loop_task *task)
{
    struct envelope *env = (struct envelope *)(void *)task;
    struct queue *q = env->q;
    struct queue_dest *dest;

    if (q->released) { /* after the drain: the claim goes with this process */
        atomic_fetch_sub(&q->held_rcpts, env->m->rcpts);
        envelope_free(env);
        return;
    }
    dest = env->m->rcpts == 0 ? NULL : dest_of(q, env->m, 0);
    if (dest != NULL)
        queue_dest_ref(dest);
    queue_add(q, env, 0);
    if (dest != NULL) {
        relieve(q, dest);
        queue_dest_unref(dest);
    }
}

void queue_offer(struct queue *q, struct store_message *m, struct body *body)
{
    struct envelope *env = envelope_new(q, m, body);

    if (env == NULL) { /* the lease ends, and the store gives it out again */
        queue_unreserve(q, m->rcpts, body->len);
        store_message_free(m);
        body_unref(body);
        return;
    }
    env->bytes = body->len; /* counted by queue_room() */
    env->task.run = run_offer;
    loop_post(q->loop, &env->task);
}

/* ---- claims ---- */

static void take_claimed(struct queue *q)
{
    size_t rcpts = 0;

    for (size_t i = 0; i < q->claim.messages; i++)
        rcpts += q->claim.message[i]->rcpts;
    atomic_fetch_add(&q->held_rcpts, rcpts);
    for (size_t i = 0; i < q->claim.messages; i++) {
        struct store_message *m = q->claim.message[i];
        struct envelope *env = envelope_new(q, m, NULL);

        if (env == NULL) {
            atomic_fetch_sub(&q->held_rcpts, m->rcpts);
            continue;
        }
        q->claim.message[i] = NULL;
        queue_add(q, env, q->claim.lease_until);
    }
}

static void claimed(struct store_op *op)
{
    struct store_claim *c = (struct store_claim *)(void *)op;
    struct queue *q = (struct queue *)(void *)((char *)c - offsetof(struct queue, claim));
    int64_t now = queue_now(q), next = now + 1;

    atomic_fetch_sub(&q->held_rcpts, q->claim_reserved);
    if (op->result == STORE_OK) {
        next = c->next_due < now + POLL_S ? c->next_due : now + POLL_S;
        if (next <= now && c->messages == 0)
            next = now + 1;
        atomic_fetch_add_explicit(&q->n_claims, 1, memory_order_relaxed);
        take_claimed(q);
    }
    store_claim_done(c);
    q->claiming = false;
    q->next_claim = q->claim_again ? 0 : next;
    q->claim_again = false;
    queue_check_drained(q);
    queue_claim_more(q);
}

void queue_claim_more(struct queue *q)
{
    size_t held = atomic_load(&q->held_rcpts);
    size_t max = atomic_load_explicit(&q->max_rcpts, memory_order_relaxed);
    size_t room = held < max ? max - held : 0;
    int64_t now = queue_now(q);

    if (!q->started || q->draining || q->claiming || now < q->next_claim)
        return;
    /* Not for crumbs: a claim costs a commit. */
    if (room == 0 || (room < CLAIM_MAX && room < max / 4) ||
        atomic_load(&q->held_bytes) >= atomic_load_explicit(&q->max_bytes, memory_order_relaxed))
        return;
    /* First, because to the claim's `now` every lease may be over: the clock can have been set ahead since the last round. */
    queue_extend_leases(q, now);
    if (q->lease_refused && q->all != NULL)
        return;
    room = room < CLAIM_MAX ? room : CLAIM_MAX;
    q->claim = (struct store_claim){.op = {.kind = STORE_CLAIM, .loop = q->loop, .done = claimed},
                                    .now = now,
                                    .lease_until = now + q->config.lease_s,
                                    .max = room,
                                    .lane_max = max / 4 == 0 ? 1 : max / 4};
    q->claiming = true;
    q->claim_reserved = room;
    atomic_fetch_add(&q->held_rcpts, room);
    store_submit(q->store, &q->claim.op);
}

void queue_run_nudge(struct loop_task *task)
{
    struct queue *q = (struct queue *)(void *)((char *)task - offsetof(struct queue, nudge));

    atomic_store(&q->nudged, false);
    q->claim_again = q->claiming;
    q->next_claim = 0;
    queue_claim_more(q);
}

void queue_nudge(struct queue *q)
{
    if (!atomic_exchange(&q->nudged, true))
        loop_post(q->loop, &q->nudge);
}
