/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations, found by name, and the lines of their subscriptions, which take turns job by job: one subscription's newsletter does not hold up another's invoice. */
#include <stdlib.h>

#include "queue_internal.h"
#include "sigillo/banned.h"

static uint64_t hash_of(sgl_view v)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < v.len; i++)
        h = (h ^ v.ptr[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 29;
}

static void grow_table(struct queue *q)
{
    size_t size = q->table_size == 0 ? 256 : q->table_size * 2;
    struct queue_dest **table = calloc(size, sizeof(struct queue_dest *));

    if (table == NULL)
        return; /* longer chains */
    for (size_t i = 0; i < q->table_size; i++) {
        for (struct queue_dest *d = q->table[i], *next; d != NULL; d = next) {
            next = d->hash_next;
            d->hash_next = table[d->hash & (size - 1)];
            table[d->hash & (size - 1)] = d;
        }
    }
    free(q->table);
    q->table = table;
    q->table_size = size;
}

/* "SUBSCRIPTION/POOL": two subscriptions may have pools of one name. */
static size_t pool_key_len(const struct store_message *m)
{
    return m->pool.len == 0 ? 0 : m->subscription.len + 1 + m->pool.len;
}

static bool is_of_pool(const struct queue_dest *d, const struct store_message *m)
{
    sgl_view key = queue_dest_pool(d);
    size_t mark = m->subscription.len;

    if (key.len != pool_key_len(m))
        return false;
    return key.len == 0 ||
           (sgl_view_eq(sgl_view_sub(key, 0, mark), m->subscription) && key.ptr[mark] == '/' &&
            sgl_view_eq(sgl_view_from(key, mark + 1), m->pool));
}

static void put_pool_key(struct queue_dest *d, const struct store_message *m)
{
    char *to = d->domain + d->domain_len;

    d->pool_len = pool_key_len(m);
    if (d->pool_len == 0)
        return;
    if (m->subscription.len > 0)
        memcpy(to, m->subscription.ptr, m->subscription.len);
    to[m->subscription.len] = '/';
    memcpy(to + m->subscription.len + 1, m->pool.ptr, m->pool.len);
}

/*
 * A report with the null sender shall reach somebody: it needs no server with REQUIRETLS, but goes encrypted, since it has the header of a message that had to be
 * [RFC 8689 s5].
 */
enum dest_tls message_dest_tls(const struct store_message *m)
{
    if (m->tls == MESSAGE_TLS_VERIFIED)
        return DEST_TLS_PROVED;
    if (m->require_tls)
        return m->env_from.len > 0 ? DEST_TLS_PROVED : DEST_TLS_ENCRYPTED;
    return m->tls == MESSAGE_TLS_OPTIONAL ? DEST_TLS_LAX : DEST_TLS_PUBLISHED;
}

struct queue_dest *dest_find(struct queue *q, sgl_view domain, const struct store_message *m)
{
    uint64_t hash =
        hash_of(domain) ^ (m->pool.len > 0 ? hash_of(m->pool) ^ hash_of(m->subscription) << 1 : 0);
    enum dest_tls tls = message_dest_tls(m);
    struct queue_dest *d;

    hash += (uint64_t)tls * UINT64_C(0x9e3779b97f4a7c15);
    if (q->dests >= q->table_size)
        grow_table(q);
    if (q->table_size == 0)
        return NULL;
    for (d = q->table[hash & (q->table_size - 1)]; d != NULL; d = d->hash_next) {
        if (d->hash == hash && d->tls == tls && sgl_view_eq(queue_dest_domain(d), domain) &&
            is_of_pool(d, m))
            return d;
    }
    d = calloc(1, sizeof(*d) + domain.len + pool_key_len(m) + 1);
    if (d == NULL)
        return NULL;
    d->q = q;
    d->hash = hash;
    d->tls = tls;
    d->domain_len = domain.len;
    if (domain.len > 0)
        memcpy(d->domain, domain.ptr, domain.len);
    put_pool_key(d, m);
    d->hash_next = q->table[hash & (q->table_size - 1)];
    q->table[hash & (q->table_size - 1)] = d;
    q->dests++;
    return d;
}

static void dest_free(struct queue_dest *dest)
{
    struct line *first = dest->turn;

    while (first != NULL) {
        struct line *line = first->next;

        first->next = line == first ? NULL : line->next;
        if (line == first)
            first = NULL;
        free(line);
    }
    free(dest);
}

void dest_maybe_free(struct queue_dest *dest)
{
    struct queue *q = dest->q;
    struct queue_dest **at = &q->table[dest->hash & (q->table_size - 1)];

    if (dest->jobs > 0 || dest->refs > 0)
        return;
    while (*at != dest)
        at = &(*at)->hash_next;
    *at = dest->hash_next;
    q->dests--;
    dest_free(dest);
}

void dest_free_all(struct queue *q)
{
    for (size_t i = 0; i < q->table_size; i++) {
        for (struct queue_dest *d = q->table[i], *next; d != NULL; d = next) {
            next = d->hash_next;
            dest_free(d);
        }
    }
    free(q->table);
}

sgl_view queue_dest_domain(const struct queue_dest *dest)
{
    return sgl_view_of(dest->domain, dest->domain_len);
}

sgl_view queue_dest_pool(const struct queue_dest *dest)
{
    return sgl_view_of(dest->domain + dest->domain_len, dest->pool_len);
}

enum dest_tls queue_dest_tls(const struct queue_dest *dest)
{
    return dest->tls;
}

struct queue_dest *queue_dest_ref(struct queue_dest *dest)
{
    dest->refs++;
    return dest;
}

void queue_dest_unref(struct queue_dest *dest)
{
    dest->refs--;
    dest_maybe_free(dest);
}

void **queue_dest_slot(struct queue_dest *dest)
{
    return &dest->slot;
}

bool queue_dest_has_work(const struct queue_dest *dest)
{
    return dest->ready > 0 && !dest->q->draining;
}

struct line *dest_line(struct queue_dest *dest, sgl_view subscription)
{
    struct line *line = dest->turn;

    while (line != NULL) {
        if (sgl_view_eq(line->subscription, subscription))
            return line;
        line = line->next == dest->turn ? NULL : line->next;
    }
    line = calloc(1, sizeof(*line) + subscription.len);
    if (line == NULL)
        return NULL;
    if (subscription.len > 0)
        memcpy(line + 1, subscription.ptr, subscription.len);
    line->subscription = sgl_view_of(line + 1, subscription.len);
    if (dest->turn == NULL) {
        dest->turn = line->next = line;
    } else {
        line->next = dest->turn->next;
        dest->turn->next = line;
    }
    return line;
}

void line_up(struct qjob *j)
{
    struct queue_dest *dest = j->job.dest;
    struct queue *q = dest->q;

    j->place = READY;
    j->next = NULL;
    j->prev = j->line->last;
    if (j->prev != NULL)
        j->prev->next = j;
    else
        j->line->first = j;
    j->line->last = j;
    if (dest->ready++ == 0 && q->delivery.ready != NULL && q->started && !q->draining) {
        queue_dest_ref(dest);
        q->delivery.ready(q->delivery.ctx, dest, queue_dest_domain(dest));
        queue_dest_unref(dest);
    }
}

void line_leave(struct qjob *j)
{
    if (j->prev != NULL)
        j->prev->next = j->next;
    else
        j->line->first = j->next;
    if (j->next != NULL)
        j->next->prev = j->prev;
    else
        j->line->last = j->prev;
    j->prev = j->next = NULL;
    j->job.dest->ready--;
}

struct qjob *line_next(struct queue_dest *dest)
{
    struct line *line = dest->turn;
    struct qjob *j = NULL;

    while (dest->ready > 0 && j == NULL) {
        line = line->next;
        j = line->first;
    }
    if (j == NULL)
        return NULL;
    dest->turn = line;
    line_leave(j);
    return j;
}
