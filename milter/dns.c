/* SPDX-License-Identifier: Apache-2.0 */
#include "dns.h"

#include <pthread.h>
#include <stddef.h>

/* On the stack of the thread that waits: the loop lets go of it before it is woken. */
struct question {
    struct loop_task task;
    struct resolver_fill fill;
    struct milter_dns *d;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool over;
};

static void on_filled(struct resolver_fill *fill)
{
    struct question *q =
        (struct question *)(void *)((char *)fill - offsetof(struct question, fill));

    pthread_mutex_lock(&q->lock);
    q->over = true;
    pthread_cond_signal(&q->answered);
    pthread_mutex_unlock(&q->lock);
}

static void on_loop(struct loop_task *task)
{
    struct question *q =
        (struct question *)(void *)((char *)task - offsetof(struct question, task));

    resolver_fill(q->d->resolver, &q->fill);
}

size_t milter_dns_fill(struct milter_dns *d, struct sgl_dns *dns, uint64_t timeout_ms)
{
    struct question q = {.task.run = on_loop, .d = d};

    q.fill = (struct resolver_fill){.dns = dns, .timeout_ms = timeout_ms, .done = on_filled};
    pthread_mutex_init(&q.lock, NULL);
    pthread_cond_init(&q.answered, NULL);
    loop_post(d->loop, &q.task);
    pthread_mutex_lock(&q.lock);
    while (!q.over)
        pthread_cond_wait(&q.answered, &q.lock);
    pthread_mutex_unlock(&q.lock);
    pthread_cond_destroy(&q.answered);
    pthread_mutex_destroy(&q.lock);
    return q.fill.failed;
}
