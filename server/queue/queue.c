/* SPDX-License-Identifier: Apache-2.0 */
/* The queue's life: what comes into memory, what is handed out, the clock, the end. */
#include <stdlib.h>
#include <sys/random.h>

#include "queue_internal.h"
#include "sigillo/banned.h"

#define LEASE_DEFAULT_S 600
#define TRAIL_EVERY_S   3600
#define TRAIL_MAX       500
#define EXTEND_MAX      500u

int64_t queue_now(const struct queue *q)
{
    return q->config.now_s != NULL ? q->config.now_s(q->config.now_ctx) : clock_now_s();
}

uint32_t queue_random(const struct queue *q)
{
    uint32_t r = 0;

    if (q->config.random != NULL)
        return q->config.random();
    if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
        r = UINT32_MAX / 2;
    return r;
}

/* ---- the clock ---- */

static void wake_waiting(struct queue *q, int64_t now)
{
    struct qjob *due = NULL;

    for (struct qjob *j = q->waiting, *next; j != NULL; j = next) {
        next = j->next;
        /* Further away than anything is put: the clock was set back. */
        if (j->due > now && j->due <= now + 2 * KEEP_S)
            continue;
        job_leave(j);
        j->place = OUT; /* nobody's, until it stands in line */
        j->next = due;
        due = j;
    }
    for (struct qjob *next; due != NULL; due = next) {
        next = due->next;
        due->next = NULL;
        line_up(due);
    }
}

struct extension {
    struct store_release op; /* first */
    struct queue *q;
    uint64_t ids[2 * EXTEND_MAX];
};

static void extended(struct store_op *op)
{
    struct extension *e = (struct extension *)(void *)op;
    struct queue *q = e->q;

    q->extending--;
    q->lease_refused = op->result != STORE_OK;
    if (q->lease_refused) { /* all of it anew, at the next turn */
        for (struct qjob *j = q->all; j != NULL; j = j->all_next)
            j->lease_until = 0;
        q->extended_at = 0;
    }
    free(e);
    queue_check_drained(q);
}

static void send_extension(struct queue *q, struct extension *e)
{
    if (e->op.rcpts == 0) {
        free(e);
        return;
    }
    e->op.op = (struct store_op){.kind = STORE_EXTEND, .loop = q->loop, .done = extended};
    e->op.rcpt = e->ids;
    e->op.fence = e->ids + EXTEND_MAX;
    e->op.lease_until = queue_now(q) + q->config.lease_s;
    e->q = q;
    q->extending++;
    store_submit(q->store, &e->op.op);
}

/* What is still in memory at half of its lease gets a new one. */
void queue_extend_leases(struct queue *q, int64_t now)
{
    int64_t lease = q->config.lease_s;
    struct extension *e = NULL;

    if (now - q->extended_at < lease / 4 && now >= q->extended_at)
        return;
    q->extended_at = now;
    for (struct qjob *j = q->all; j != NULL; j = j->all_next) {
        if (j->lease_until >= now + lease / 2 && j->lease_until <= now + lease)
            continue;
        for (size_t i = 0; i < j->job.rcpts; i++) {
            if (e == NULL && (e = calloc(1, sizeof(*e))) == NULL)
                return;
            e->ids[e->op.rcpts] = j->rcpt[i]->id;
            e->ids[EXTEND_MAX + e->op.rcpts++] = j->rcpt[i]->fence;
            if (e->op.rcpts == EXTEND_MAX) {
                send_extension(q, e);
                e = NULL;
            }
        }
        j->lease_until = now + lease;
    }
    if (e != NULL)
        send_extension(q, e);
    if (q->extending == 0)
        q->lease_refused = false; /* those whom it was refused for have left */
}

static void trail_expired(struct store_op *op)
{
    struct store_expire_trail *e = (struct store_expire_trail *)(void *)op;
    struct queue *q = (struct queue *)(void *)((char *)e - offsetof(struct queue, trail));

    q->expiring_trail = false;
    if (op->result == STORE_OK && e->removed == e->max)
        q->trail_at = 0; /* more of it at the next turn */
    queue_check_drained(q);
}

/* The time before which things have been kept for long enough; 0: for ever. */
static int64_t kept_ms(int64_t now, uint32_t keep_s)
{
    return keep_s == 0 ? 0 : (now - (int64_t)keep_s) * 1000;
}

static void expire_trail(struct queue *q, int64_t now)
{
    if ((q->config.keep_trail_s == 0 && q->config.keep_audit_s == 0) || q->expiring_trail ||
        (now - q->trail_at < TRAIL_EVERY_S && now >= q->trail_at))
        return;
    q->trail_at = now;
    q->expiring_trail = true;
    q->trail = (struct store_expire_trail){
        .op = {.kind = STORE_EXPIRE_TRAIL, .loop = q->loop, .done = trail_expired},
        .before_ms = kept_ms(now, q->config.keep_trail_s),
        .audit_before_ms = kept_ms(now, q->config.keep_audit_s),
        .max = TRAIL_MAX};
    store_submit(q->store, &q->trail.op);
}

/*
 * While bodies fill their share of the memory, nothing can be claimed.  So those of mail that only stands in line go, as the store has them: a destination that takes its time over large
 * messages holds up nobody else's.
 */
static void shed_bodies(struct queue *q)
{
    size_t max = atomic_load_explicit(&q->max_bytes, memory_order_relaxed);

    if (atomic_load(&q->held_bytes) < max)
        return;
    for (struct qjob *j = q->all; j != NULL && atomic_load(&q->held_bytes) > max / 2;
         j = j->all_next) {
        if (j->env->out == 0 && j->env->body != NULL)
            envelope_set_body(j->env, NULL);
    }
}

void queue_run_due(struct queue *q)
{
    int64_t now = queue_now(q);

    if (!q->started || q->released)
        return;
    records_retry(q, now);
    if (q->draining)
        return;
    wake_waiting(q, now);
    queue_extend_leases(q, now);
    expire_trail(q, now);
    shed_bodies(q);
    if (q->next_claim > now + POLL_S)
        q->next_claim = now; /* the clock was set back */
    queue_claim_more(q);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    queue_run_due(ctx);
}

/* ---- for delivery ---- */

struct job *queue_take(struct queue *q, struct queue_dest *dest)
{
    struct qjob *j = NULL;

    while (!q->draining && j == NULL && (j = line_next(dest)) != NULL)
        j = queue_stop_some(q, j);
    if (j == NULL)
        return NULL;
    job_take_out(j);
    return &j->job;
}

struct load {
    struct work work; /* first */
    struct queue *q;
    struct qjob *job;
    struct body *body;
    void (*done)(void *ctx, struct job *job);
    void *ctx;
};

static void load_body(struct work *w)
{
    struct load *load = (struct load *)(void *)w;

    if (store_read_body(load->q->store, load->job->env->m->id, &load->body) != STORE_OK)
        load->body = NULL;
}

static void body_loaded(struct work *w)
{
    struct load *load = (struct load *)(void *)w;
    struct envelope *env = load->job->env;

    if (env->body == NULL && load->body != NULL)
        envelope_set_body(env, load->body);
    else
        body_unref(load->body); /* another job of the message was faster */
    load->job->job.body = env->body;
    load->done(load->ctx, &load->job->job);
    free(load);
}

/* No memory or no worker: the caller is told at once, but not from within its call. */
static void load_failed(struct loop_task *task)
{
    struct work *w = (struct work *)(void *)((char *)task - offsetof(struct work, task));

    body_loaded(w);
}

void queue_load_body(struct queue *q, struct job *job, void (*done)(void *ctx, struct job *job),
                     void *ctx)
{
    struct load *load = calloc(1, sizeof(*load));

    if (load == NULL) {
        done(ctx, job);
        return;
    }
    load->work = (struct work){.work = load_body, .done = body_loaded, .loop = q->loop};
    load->q = q;
    load->job = (struct qjob *)(void *)job;
    load->done = done;
    load->ctx = ctx;
    if (load->job->env->body != NULL || !workers_submit(q->workers, &load->work)) {
        load->work.task.run = load_failed;
        loop_post(q->loop, &load->work.task);
    }
}

/* ---- the end ---- */

void queue_check_drained(struct queue *q)
{
    if (!q->draining || q->released || q->out > 0 || q->records != NULL || q->claiming ||
        q->expiring_trail || q->extending > 0)
        return;
    while (q->all != NULL)
        give_back_job(q->all);
    if (q->giving_back > 0)
        return;
    q->released = true;
    if (q->drained != NULL)
        q->drained(q->drained_ctx);
}

static void run_check(struct loop_task *task)
{
    queue_check_drained((struct queue *)(void *)((char *)task - offsetof(struct queue, check)));
}

void queue_drain(struct queue *q, void (*done)(void *ctx), void *ctx)
{
    q->draining = true;
    q->drained = done;
    q->drained_ctx = ctx;
    atomic_store(&q->open, false);
    q->check.run = run_check;
    loop_post(q->loop, &q->check);
}

void queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    if (q->timer != NULL)
        event_free(q->timer);
    while (q->records != NULL)
        record_free(q->records);
    while (q->all != NULL) {
        q->all->job.dest->refs++; /* goes below, with the rest */
        job_free(q->all);
    }
    dest_free_all(q);
    free(q->retry_s);
    free(q->hostname);
    free(q);
}

/* ---- the beginning ---- */

static bool set_config(struct queue *q, const struct queue_config *config)
{
    uint32_t *retry_s = malloc((config->retries + 1) * sizeof(uint32_t));
    char *hostname = malloc(config->hostname.len + 1);

    if (retry_s == NULL || hostname == NULL) {
        free(retry_s);
        free(hostname);
        return false;
    }
    for (size_t i = 0; i < config->retries; i++)
        retry_s[i] = config->retry_s[i];
    if (config->hostname.len > 0)
        memcpy(hostname, config->hostname.ptr, config->hostname.len);
    free(q->retry_s);
    free(q->hostname);
    q->config = *config;
    q->config.retry_s = q->retry_s = retry_s;
    q->hostname = hostname;
    q->config.hostname = sgl_view_of(hostname, config->hostname.len);
    if (q->config.lease_s == 0)
        q->config.lease_s = LEASE_DEFAULT_S;
    if (q->config.rcpts_per_job == 0)
        q->config.rcpts_per_job = 100;
    if (q->config.expire_s == 0)
        q->config.expire_s = 72 * 3600;
    atomic_store(&q->max_rcpts, config->memory_recipients == 0 ? 50000 : config->memory_recipients);
    atomic_store(&q->max_bytes,
                 config->memory_bytes == 0 ? (size_t)64 << 20 : config->memory_bytes);
    return true;
}

struct reconfigure {
    struct loop_task task; /* first */
    struct queue *q;
    struct queue_config config;
    char *hostname;
    uint32_t retry_s[];
};

static void run_reconfigure(struct loop_task *task)
{
    struct reconfigure *r = (struct reconfigure *)(void *)task;

    set_config(r->q, &r->config);
    free(r->hostname);
    free(r);
}

void queue_reconfigure(struct queue *q, const struct queue_config *config)
{
    struct reconfigure *r = malloc(sizeof(*r) + config->retries * sizeof(uint32_t));
    char *hostname = malloc(config->hostname.len + 1);

    if (r == NULL || hostname == NULL) { /* the old one stays */
        free(r);
        free(hostname);
        return;
    }
    r->task.run = run_reconfigure;
    r->q = q;
    r->config = *config;
    for (size_t i = 0; i < config->retries; i++)
        r->retry_s[i] = config->retry_s[i];
    r->config.retry_s = r->retry_s;
    if (config->hostname.len > 0)
        memcpy(hostname, config->hostname.ptr, config->hostname.len);
    r->hostname = hostname;
    r->config.hostname = sgl_view_of(hostname, config->hostname.len);
    loop_post(q->loop, &r->task);
}

struct queue *queue_new(struct loop *loop, struct store *store, struct workers *workers,
                        const struct queue_config *config)
{
    struct queue *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->loop = loop;
    q->store = store;
    q->workers = workers;
    q->nudge.run = queue_run_nudge;
    q->timer = event_new(loop_base(loop), -1, EV_PERSIST, on_timer, q);
    if (q->timer == NULL || !set_config(q, config)) {
        queue_free(q);
        return NULL;
    }
    return q;
}

void queue_set_delivery(struct queue *q, const struct queue_delivery *d)
{
    q->delivery = *d;
}

void queue_set_signer(struct queue *q, const struct queue_signer *signer)
{
    q->signer = *signer;
}

static void run_start(struct loop_task *task)
{
    struct queue *q = (struct queue *)(void *)((char *)task - offsetof(struct queue, check));
    struct store_watch watch = {.loop = q->loop, .ctx = q, .changed = queue_hand_changed};
    struct timeval second = {1, 0};

    q->started = true;
    q->extended_at = queue_now(q);
    store_set_watch(q->store, &watch);
    event_add(q->timer, &second);
    atomic_store(&q->open, true);
    queue_claim_more(q);
}

void queue_start(struct queue *q)
{
    q->check.run = run_start;
    loop_post(q->loop, &q->check);
}

void queue_stats(struct queue *q, struct queue_stats *out)
{
    out->in_memory = atomic_load_explicit(&q->n_in_memory, memory_order_relaxed);
    out->out = atomic_load_explicit(&q->n_out, memory_order_relaxed);
    out->delivered = atomic_load_explicit(&q->n_delivered, memory_order_relaxed);
    out->deferred = atomic_load_explicit(&q->n_deferred, memory_order_relaxed);
    out->failed = atomic_load_explicit(&q->n_failed, memory_order_relaxed);
    out->expired = atomic_load_explicit(&q->n_expired, memory_order_relaxed);
    out->claims = atomic_load_explicit(&q->n_claims, memory_order_relaxed);
    out->bounces = atomic_load_explicit(&q->n_bounces, memory_order_relaxed);
}
