/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct work *first, **end;
    unsigned waiting, waiting_max;
    bool closing;
    unsigned threads;
    char name[16];
    pthread_t thread[];
};

static void give_back(struct loop_task *task)
{
    struct work *w = (struct work *)((char *)task - offsetof(struct work, task));

    w->done(w);
}

/* The next piece of work, or NULL when the pool closes and nothing waits. */
static struct work *next_work(struct workers *pool)
{
    struct work *w;

    pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->closing)
        pthread_cond_wait(&pool->more, &pool->lock);
    w = pool->first;
    if (w != NULL) {
        pool->first = w->next;
        if (pool->first == NULL)
            pool->end = &pool->first;
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return w;
}

static void *worker_main(void *arg)
{
    struct workers *pool = arg;
    struct work *w;

    pthread_setname_np(pthread_self(), pool->name);
    while ((w = next_work(pool)) != NULL) {
        w->work(w);
        w->task.run = give_back;
        loop_post(w->loop, &w->task);
    }
    return NULL;
}

struct workers *workers_new(const char *name, unsigned threads, unsigned queue_max)
{
    struct workers *pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
    sigset_t all, before;

    if (pool == NULL)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    pool->end = &pool->first;
    pool->waiting_max = queue_max;
    strncat(pool->name, name, sizeof(pool->name) - 1);
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->threads < threads &&
           pthread_create(&pool->thread[pool->threads], NULL, worker_main, pool) == 0)
        pool->threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->threads == threads)
        return pool;
    workers_free(pool);
    return NULL;
}

unsigned workers_threads(const struct workers *pool)
{
    return pool->threads;
}

bool workers_submit(struct workers *pool, struct work *w)
{
    bool taken;

    pthread_mutex_lock(&pool->lock);
    taken = pool->waiting < pool->waiting_max && !pool->closing;
    if (taken) {
        w->next = NULL;
        *pool->end = w;
        pool->end = &w->next;
        pool->waiting++;
        pthread_cond_signal(&pool->more);
    }
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

void workers_free(struct workers *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->more);
    free(pool);
}
