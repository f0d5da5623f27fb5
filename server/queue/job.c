/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of jobs and of the messages behind them, and giving claims back. */
#include <stdlib.h>

#include "queue_internal.h"
#include "sigillo/banned.h"

struct envelope *envelope_new(struct queue *q, struct store_message *m, struct body *body)
{
    struct envelope *env = calloc(1, sizeof(*env));

    if (env == NULL)
        return NULL;
    env->q = q;
    env->m = m;
    env->body = body;
    return env;
}

void envelope_set_body(struct envelope *env, struct body *body)
{
    struct queue *q = env->q;

    body_unref(env->body);
    atomic_fetch_sub(&q->held_bytes, env->bytes);
    env->body = body;
    env->bytes = body == NULL ? 0 : body->len;
    atomic_fetch_add(&q->held_bytes, env->bytes);
}

void envelope_free(struct envelope *env)
{
    atomic_fetch_sub(&env->q->held_bytes, env->bytes);
    body_unref(env->body);
    store_message_free(env->m);
    free(env);
}

struct qjob *job_new(struct envelope *env, struct queue_dest *dest, size_t rcpts_max)
{
    struct queue *q = env->q;
    struct line *line = dest_line(dest, env->m->subscription);
    struct qjob *j = line == NULL ? NULL : calloc(1, sizeof(*j) + rcpts_max * sizeof(j->rcpt[0]));

    if (j == NULL)
        return NULL;
    j->env = env;
    j->line = line;
    j->job.message = env->m;
    j->job.rcpt = j->rcpt;
    j->job.dest = dest;
    j->all_next = q->all;
    if (q->all != NULL)
        q->all->all_prev = j;
    q->all = j;
    env->jobs++;
    dest->jobs++;
    atomic_fetch_add_explicit(&q->n_in_memory, 1, memory_order_relaxed);
    return j;
}

void job_add_rcpt(struct qjob *j, struct store_rcpt *r)
{
    j->rcpt[j->job.rcpts++] = r;
    j->job.dest->rcpts++;
}

static void forget_rcpts(struct qjob *j, size_t rcpts)
{
    j->job.dest->rcpts -= rcpts;
    atomic_fetch_sub(&j->env->q->held_rcpts, rcpts);
}

void job_wait(struct qjob *j, int64_t due)
{
    struct queue *q = j->env->q;

    j->place = WAITING;
    j->due = due;
    j->prev = NULL;
    j->next = q->waiting;
    if (q->waiting != NULL)
        q->waiting->prev = j;
    q->waiting = j;
}

void job_leave(struct qjob *j)
{
    if (j->place == READY) {
        line_leave(j);
    } else if (j->place == WAITING) {
        if (j->prev != NULL)
            j->prev->next = j->next;
        else
            j->env->q->waiting = j->next;
        if (j->next != NULL)
            j->next->prev = j->prev;
        j->prev = j->next = NULL;
    }
}

void job_take_out(struct qjob *j)
{
    struct queue *q = j->env->q;

    j->place = OUT;
    j->job.body = j->env->body;
    j->job.taken_ms = clock_now_ms();
    j->env->out++;
    q->out++;
    atomic_fetch_add_explicit(&q->n_out, 1, memory_order_relaxed);
}

void job_free(struct qjob *j)
{
    struct queue *q = j->env->q;
    struct queue_dest *dest = j->job.dest;

    job_leave(j);
    forget_rcpts(j, j->job.rcpts);
    if (j->all_prev != NULL)
        j->all_prev->all_next = j->all_next;
    else
        q->all = j->all_next;
    if (j->all_next != NULL)
        j->all_next->all_prev = j->all_prev;
    if (--j->env->jobs == 0)
        envelope_free(j->env);
    free(j->note);
    free(j);
    atomic_fetch_sub_explicit(&q->n_in_memory, 1, memory_order_relaxed);
    dest->jobs--;
    dest_maybe_free(dest);
}

void job_shrink(struct qjob *j, const bool *keep)
{
    size_t kept = 0;

    for (size_t i = 0; i < j->job.rcpts; i++) {
        if (keep[i])
            j->rcpt[kept++] = j->rcpt[i];
    }
    forget_rcpts(j, j->job.rcpts - kept);
    j->job.rcpts = kept;
}

/* ---- giving back ---- */

struct give_back {
    struct store_release op; /* first */
    struct queue *q;
    uint64_t ids[];
};

static void given_back(struct store_op *op)
{
    struct give_back *g = (struct give_back *)(void *)op;
    struct queue *q = g->q;

    /* Refused (disk full): the lease ends by itself, or with this process. */
    free(g);
    q->giving_back--;
    queue_check_drained(q);
    if (!q->draining) {
        q->next_claim = 0;
        queue_claim_more(q);
    }
}

void give_back_rcpts(struct queue *q, const uint64_t *rcpt, const uint64_t *fence, size_t rcpts)
{
    struct give_back *g = malloc(sizeof(*g) + 2 * rcpts * sizeof(uint64_t));

    if (g == NULL)
        return;
    memset(g, 0, sizeof(*g));
    memcpy(g->ids, rcpt, rcpts * sizeof(*rcpt));
    memcpy(g->ids + rcpts, fence, rcpts * sizeof(*fence));
    g->q = q;
    g->op =
        (struct store_release){.op = {.kind = STORE_RELEASE, .loop = q->loop, .done = given_back},
                               .rcpt = g->ids,
                               .fence = g->ids + rcpts,
                               .rcpts = rcpts};
    q->giving_back++;
    store_submit(q->store, &g->op.op);
}

void give_back_job(struct qjob *j)
{
    enum { AT_ONCE = 128 };
    uint64_t rcpt[AT_ONCE], fence[AT_ONCE];
    size_t n = 0;

    for (size_t i = 0; i < j->job.rcpts; i++) {
        rcpt[n] = j->rcpt[i]->id;
        fence[n++] = j->rcpt[i]->fence;
        if (n == AT_ONCE || i + 1 == j->job.rcpts) {
            give_back_rcpts(j->env->q, rcpt, fence, n);
            n = 0;
        }
    }
    job_free(j);
}
