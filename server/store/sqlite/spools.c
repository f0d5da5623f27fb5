/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads that write large bodies to files, so that neither the writer nor a loop waits for them. */
#include <stdlib.h>

#include "sigillo/banned.h"
#include "sqlite_internal.h"

#define THREADS 3u

static enum store_result write_file(struct store *store, struct store_accept *a)
{
    enum store_result r = spool_write(store->spool, a->message->id, a->body);

    if (r == STORE_NOT_FOUND) /* a folder of ours has gone */
        r = STORE_IO;
    a->header_len = a->body->header_len;
    a->spooled = r == STORE_OK;
    return r;
}

/* Of those that go together each large one; what was written goes again when one fails. */
static enum store_result write_files(struct store *store, struct store_accept *a)
{
    enum store_result r = STORE_OK;

    for (struct store_accept *one = a; one != NULL && r == STORE_OK; one = one->with)
        if (!one->spooled && one->body->len >= store->config.inline_max)
            r = write_file(store, one);
    if (r != STORE_OK)
        spools_forget(store, a);
    return r;
}

void spools_forget(struct store *store, struct store_accept *a)
{
    for (; a != NULL; a = a->with)
        if (a->spooled) {
            a->spooled = a->staged = false;
            spools_remove(store, a->message->id);
        }
}

static void write_body(struct store *store, struct store_op *op)
{
    struct store_accept *a = (struct store_accept *)(void *)op;

    if (op->kind == STORE_STAGE) {
        op->result = write_file(store, a);
        a->staged = a->spooled;
        ops_complete(op);
    } else {
        op->result = write_files(store, a);
        if (op->result == STORE_OK)
            writer_enqueue(store, op);
        else
            ops_complete(op);
    }
    pthread_mutex_lock(&store->lock);
    store->spooling--;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->more);
}

static void remove_files(struct store *store, struct vector *ids)
{
    for (size_t i = 0; i < ids->count; i++)
        spool_remove(store->spool, ((uint64_t *)ids->item)[i]);
    vector_done(ids);
}

static void *spool_main(void *arg)
{
    struct store *store = arg;
    struct spool_pool *p = &store->spools;

    thread_quiet("store-spool");
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct store_op *op = p->head;
        struct vector remove = p->remove;

        if (op == NULL && remove.count == 0) {
            if (p->stop)
                break;
            pthread_cond_wait(&p->more, &p->lock);
            continue;
        }
        if (op != NULL) {
            p->head = op->next;
            if (p->head == NULL)
                p->tail = &p->head;
            op->next = NULL;
        }
        p->remove = (struct vector){.size = sizeof(uint64_t)};
        pthread_mutex_unlock(&p->lock);
        if (op != NULL)
            write_body(store, op);
        remove_files(store, &remove);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

bool spools_start(struct store *store)
{
    struct spool_pool *p = &store->spools;

    p->tail = &p->head;
    p->remove.size = sizeof(uint64_t);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    while (p->threads < THREADS) {
        if (pthread_create(&p->thread[p->threads], NULL, spool_main, store) != 0)
            return false;
        p->threads++;
    }
    return true;
}

void spools_submit(struct store *store, struct store_op *op)
{
    struct spool_pool *p = &store->spools;

    op->next = NULL;
    pthread_mutex_lock(&p->lock);
    *p->tail = op;
    p->tail = &op->next;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->more);
}

void spools_remove(struct store *store, uint64_t id)
{
    struct spool_pool *p = &store->spools;
    uint64_t *item;

    pthread_mutex_lock(&p->lock);
    item = vector_add(&p->remove);
    if (item != NULL)
        *item = id; /* else the sweep at the next start finds it */
    pthread_mutex_unlock(&p->lock);
    pthread_cond_signal(&p->more);
}

/* Ends the threads after what waits is done. */
void spools_stop(struct store *store)
{
    struct spool_pool *p = &store->spools;

    if (p->threads == 0)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_broadcast(&p->more);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    p->threads = 0;
    vector_done(&p->remove);
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
}
