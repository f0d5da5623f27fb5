/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of one kind, on its way from memory to the store. */
#include <sodium.h>

#include "internal.h"

void counting_add(struct counting *c, struct tally_count *count)
{
    unsigned delay = atomic_load_explicit(&c->reports->delay_s[c->kind->id], memory_order_relaxed);
    uint64_t lost;

    count->day = clock_now_s() / DAY_S;
    count->due_at = (count->day + 1) * DAY_S + 1 + (int64_t)randombytes_uniform(delay + 1);
    pthread_mutex_lock(&c->lock);
    lost = c->tally.lost;
    tally_add(&c->tally, count);
    lost = c->tally.lost - lost;
    pthread_mutex_unlock(&c->lock);
    metric_add(c->kind->counted, 1);
    metric_add(c->kind->lost, (int64_t)lost);
}

static void flushed(struct store_op *op)
{
    struct count_op *flush = (struct count_op *)(void *)op;
    struct counting *c =
        (struct counting *)(void *)((char *)flush - offsetof(struct counting, flush));

    if (op->result != STORE_OK) {
        pthread_mutex_lock(&c->lock);
        tally_return(&c->tally, flush->rows);
        pthread_mutex_unlock(&c->lock);
    }
    tally_taken(flush->rows, flush->array);
    c->flushing = false;
    reports_flushed(c->reports);
}

/* false: there is nothing, or no memory. */
static bool take(struct counting *c, struct count_op *into, struct loop *loop,
                 void (*done)(struct store_op *op))
{
    size_t n = 0;

    pthread_mutex_lock(&c->lock);
    into->array = tally_take(&c->tally, &into->rows, &n);
    pthread_mutex_unlock(&c->lock);
    if (into->array == NULL)
        return false;
    if (c->kind->count == STORE_TLSRPT)
        into->is.tls = (struct tlsrpt_op){.count = into->array, .counts = n};
    else
        into->is.dmarc = (struct dmarc_count_op){.count = into->array, .counts = n};
    into->is.op = (struct store_op){.kind = c->kind->count, .loop = loop, .done = done};
    return true;
}

bool counting_flush(struct counting *c)
{
    if (c->flushing)
        return true;
    c->flushing = take(c, &c->flush, c->reports->parts.loop, flushed);
    if (c->flushing)
        store_submit(c->reports->parts.store, &c->flush.is.op);
    return c->flushing;
}

static void last_flushed(struct store_op *op)
{
    (void)op; /* what it did not take is lost with the process */
}

/* A flush that is under way is the store's already. */
void counting_end(struct counting *c)
{
    if (take(c, &c->last, NULL, last_flushed))
        store_submit(c->reports->parts.store, &c->last.is.op);
}

bool counting_init(struct counting *c, struct reports *r, const struct kind *kind)
{
    c->reports = r;
    c->kind = kind;
    c->tally.form = kind->tally;
    metrics_register(kind->counted);
    metrics_register(kind->lost);
    for (int i = 0; i < 3; i++)
        metrics_register(&kind->made[i]);
    return pthread_mutex_init(&c->lock, NULL) == 0;
}

void counting_done(struct counting *c)
{
    if (c->flushing)
        tally_taken(c->flush.rows, c->flush.array);
    if (c->last.array != NULL)
        tally_taken(c->last.rows, c->last.array);
    tally_done(&c->tally);
    pthread_mutex_destroy(&c->lock);
}
