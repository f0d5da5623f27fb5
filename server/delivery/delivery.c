/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the room: made, given another configuration, swept, drained, ended.  Destinations are in dest.c, sites in sites.c, who gets which connection in pump.c. */
#include "delivery.h"

#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "internal.h"

#define SWEEP_S 20
#define IDLE_MS 3000 /* a connection without work is kept so long */

static const struct timeval sweep_every = {.tv_sec = SWEEP_S};
static const struct timeval idle_tick_every = {.tv_sec = 1};

/* Forgets destinations without work whose plan has ended, and asks again for those that were left behind by a lack of memory. */
static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
    struct delivery *d = ctx;
    uint64_t now = clock_mono_ms();

    (void)fd;
    (void)what;
    for (struct dest *dest = d->dests, *next; dest != NULL; dest = next) {
        next = dest->next;
        if (dest->planner != NULL || (dest->plan != NULL && now < dest->plan->ends_ms))
            continue;
        if (queue_dest_has_work(dest->q))
            dest_plan(dest);
        else
            dest_free(dest);
    }
}

/* Connections that nobody needs say QUIT. */
static void on_idle_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct delivery *d = ctx;
    uint64_t now = clock_mono_ms();

    (void)fd;
    (void)what;
    for (struct connection *c = d->connections, *next; c != NULL; c = next) {
        next = connection_next(c);
        if (connection_is_idle(c) && now - connection_idle_since(c) >= IDLE_MS)
            connection_quit(c);
    }
    ask_end_late(d, now);
}

struct delivery *delivery_new(struct loop *loop, struct queue *queue, struct resolver *resolver,
                              struct store *store, struct config *config, char *why,
                              size_t why_size)
{
    struct delivery *d = calloc(1, sizeof *d);

    if (d == NULL) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    *d = (struct delivery){.loop = loop,
                           .queue = queue,
                           .resolver = resolver,
                           .store = store,
                           .config = config_ref(config),
                           .seed = id_new()};
    d->trust = trust_load(config, &d->trusts, why, why_size);
    d->sweep = event_new(loop_base(loop), -1, EV_PERSIST, on_sweep, d);
    d->idle_tick = event_new(loop_base(d->loop), -1, EV_PERSIST, on_idle_tick, d);
    if (d->trust == NULL || d->sweep == NULL || d->idle_tick == NULL) {
        delivery_free(d);
        return NULL;
    }
    account_register();
    event_add(d->sweep, &sweep_every);
    event_add(d->idle_tick, &idle_tick_every);
    queue_set_delivery(
        queue, &(struct queue_delivery){.ctx = d, .ready = dest_ready, .lane = arrival_lane});
    return d;
}

static void say_what_is_off(const struct config *config)
{
    if (!config->delivery.mta_sts)
        log_line(LOG_WARN_, "MTA-STS policies of receivers do not count",
                 LOG_STR("key", "delivery.mta_sts"));
}

bool delivery_reconfigure(struct delivery *d, struct config *config, char *why, size_t why_size)
{
    size_t n = 0;
    struct trust *trust = trust_load(config, &n, why, why_size);

    if (trust == NULL)
        return false;
    trust_free(d->trust, d->trusts);
    resume_clear(&d->resume); /* what former roots proved counts no more */
    d->generation++;
    d->trust = trust;
    d->trusts = n;
    config_unref(d->config);
    d->config = config_ref(config);
    say_what_is_off(config);
    for (struct dest *dest = d->dests; dest != NULL;
         dest = dest->next) /* routes may lead elsewhere now */
        if (dest->plan != NULL)
            dest->plan->ends_ms = 0;
    return true;
}

void delivery_maybe_drained(struct delivery *d)
{
    if (!d->draining || d->connections != NULL || d->loads != NULL || d->drained == NULL)
        return;
    void (*done)(void *) = d->drained;

    d->drained = NULL;
    done(d->drained_ctx);
}

void delivery_drain(struct delivery *d, void (*done)(void *ctx), void *ctx)
{
    d->draining = true;
    d->drained = done;
    d->drained_ctx = ctx;
    for (unsigned i = 0; i < SITE_BUCKETS; i++)
        for (struct site *site = d->bucket[i], *next; site != NULL; site = next) {
            next = site->next_hash;
            site->connections++;
            while (site->idle != NULL)
                connection_quit(site->idle);
            site->connections--;
        }
    delivery_maybe_drained(d);
}

void delivery_free(struct delivery *d)
{
    if (d == NULL)
        return;
    d->draining = true;
    for (struct connection *c = d->connections, *next; c != NULL; c = next) {
        next = connection_next(c);
        connection_abort(c);
    }
    courier_end(d);
    ask_end_all(d);
    while (d->dests != NULL)
        dest_free(d->dests);
    for (unsigned i = 0; i < SITE_BUCKETS; i++)
        while (d->bucket[i] != NULL)
            site_free(d->bucket[i]);
    if (d->sweep != NULL)
        event_free(d->sweep);
    if (d->idle_tick != NULL)
        event_free(d->idle_tick);
    resume_clear(&d->resume);
    if (d->trust != NULL)
        trust_free(d->trust, d->trusts);
    config_unref(d->config);
    d->freed = true;
    if (d->orphans == 0)
        free(d);
}

void delivery_set_bounced(struct delivery *d, const struct delivery_bounced *bounced)
{
    d->bounced = *bounced;
}

void delivery_set_sessions(struct delivery *d, const struct delivery_sessions *sessions)
{
    d->sessions = *sessions;
}

void delivery_set_sts(struct delivery *d, struct sts *sts)
{
    d->sts = sts;
    say_what_is_off(d->config);
}

void delivery_set_pools(struct delivery *d, const struct delivery_pools *pools)
{
    d->pools = *pools;
}

void delivery_set_arrivals(struct delivery *d, const struct delivery_arrivals *arrivals)
{
    d->arrivals = *arrivals;
}

void delivery_set_courier(struct delivery *d, const struct delivery_courier *courier)
{
    d->courier = *courier;
}

void delivery_set_return_paths(struct delivery *d, const struct delivery_return_paths *paths)
{
    d->return_paths = *paths;
}

void delivery_stats(const struct delivery *d, struct delivery_stats *out)
{
    *out = d->stats;
}
