/* SPDX-License-Identifier: Apache-2.0 */
/* The sites that are known: found by what their hosts and demands make of them, kept while they have somebody; and the line of those that want a connection. */
#include <stdlib.h>
#include <string.h>

#include "../loop/loop.h"
#include "internal.h"

#define SITE_START       5
#define SITE_REST_MS     30000
#define SITE_REST_MAX_MS 600000

static uint32_t hash_of(sgl_view key)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ key.ptr[i]) * 16777619u;
    return h;
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    site_pump(ctx);
}

unsigned site_places_max(const struct delivery *d, const struct plan *plan)
{
    if (plan->route != NULL && plan->route->concurrency > 0)
        return plan->route->concurrency;
    return d->config->delivery.connections_per_site > 0 ? d->config->delivery.connections_per_site
                                                        : 1;
}

static struct site *site_new(struct delivery *d, const struct plan *plan, sgl_view pool,
                             uint32_t hash)
{
    struct site *site = calloc(1, sizeof *site);
    struct site_limits limits = {.start = SITE_START,
                                 .max = site_places_max(d, plan),
                                 .rest_ms = SITE_REST_MS,
                                 .rest_max_ms = SITE_REST_MAX_MS};

    if (site == NULL)
        return NULL;
    if (plan->route != NULL && plan->route->host != NULL)
        limits.start = limits.max; /* our own smart host: no need to feel the way */
    *site = (struct site){.delivery = d,
                          .hash = hash,
                          .key_len = plan->site_key.len,
                          .pool_len = pool.len,
                          .key = malloc(plan->site_key.len + pool.len + 1)};
    site->wake = evtimer_new(loop_base(d->loop), on_wake, site);
    if (site->key == NULL || site->wake == NULL) {
        free(site->key);
        if (site->wake != NULL)
            event_free(site->wake);
        free(site);
        return NULL;
    }
    memcpy(site->key, plan->site_key.ptr, plan->site_key.len);
    if (pool.len > 0)
        memcpy(site->key + site->key_len, pool.ptr, pool.len);
    site->key[site->key_len + pool.len] = '\0';
    site_pace_init(&site->pace, &limits);
    site->next_hash = d->bucket[hash % SITE_BUCKETS];
    d->bucket[hash % SITE_BUCKETS] = site;
    d->stats.sites++;
    return site;
}

sgl_view site_pool(const struct site *site)
{
    return sgl_view_of(site->key + site->key_len, site->pool_len);
}

/* Connections of one pool are never those of another, nor of none. */
struct site *site_find(struct delivery *d, const struct plan *plan, sgl_view pool)
{
    uint32_t hash = hash_of(plan->site_key) ^ (pool.len > 0 ? hash_of(pool) : 0);

    for (struct site *s = d->bucket[hash % SITE_BUCKETS]; s != NULL; s = s->next_hash)
        if (s->hash == hash && sgl_view_eq(sgl_view_of(s->key, s->key_len), plan->site_key) &&
            sgl_view_eq(site_pool(s), pool))
            return s;
    return site_new(d, plan, pool, hash);
}

void site_leave_line(struct site *site)
{
    struct delivery *d = site->delivery;

    if (!site->in_line)
        return;
    if (site->prev_waiting != NULL)
        site->prev_waiting->next_waiting = site->next_waiting;
    else
        d->line_first = site->next_waiting;
    if (site->next_waiting != NULL)
        site->next_waiting->prev_waiting = site->prev_waiting;
    else
        d->line_last = site->prev_waiting;
    site->prev_waiting = site->next_waiting = NULL;
    site->in_line = false;
}

void site_join_line(struct site *site)
{
    struct delivery *d = site->delivery;

    if (site->in_line)
        return;
    site->prev_waiting = d->line_last;
    if (d->line_last != NULL)
        d->line_last->next_waiting = site;
    else
        d->line_first = site;
    d->line_last = site;
    site->in_line = true;
}

void site_free(struct site *site)
{
    struct delivery *d = site->delivery;
    struct site **link = &d->bucket[site->hash % SITE_BUCKETS];

    while (*link != site)
        link = &(*link)->next_hash;
    *link = site->next_hash;
    site_leave_line(site);
    event_free(site->wake);
    free(site->key);
    free(site);
    d->stats.sites--;
}

/* A site is remembered while it has somebody, and while it rests (forgetting would end the rest). */
void site_maybe_free(struct site *site)
{
    if (site->dests == 0 && site->connections == 0 &&
        site_pace_rest_until(&site->pace, clock_mono_ms()) == 0)
        site_free(site);
}
