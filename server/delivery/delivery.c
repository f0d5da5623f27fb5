/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations find their site, sites find connections for their jobs, and the overall maximum is shared in turn. */
#include "delivery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "internal.h"

#define SWEEP_S          20
#define IDLE_MS          3000 /* a connection without work is kept so long */
#define SITE_START       5
#define SITE_REST_MS     30000
#define SITE_REST_MAX_MS 600000

static const struct timeval sweep_every = {.tv_sec = SWEEP_S};
static const struct timeval idle_tick_every = {.tv_sec = 1};

static void pump(struct site *site);
static void plan_for(struct dest *dest);

/* ---- sites ------------------------------------------------------------------------------------------------------- */

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
    pump(ctx);
}

static unsigned places_max(const struct delivery *d, const struct plan *plan)
{
    if (plan->route != NULL && plan->route->concurrency > 0)
        return plan->route->concurrency;
    return d->config->delivery.connections_per_site > 0 ? d->config->delivery.connections_per_site
                                                        : 1;
}

static struct site *site_new(struct delivery *d, const struct plan *plan, uint32_t hash)
{
    struct site *site = calloc(1, sizeof *site);
    struct site_limits limits = {.start = SITE_START,
                                 .max = places_max(d, plan),
                                 .rest_ms = SITE_REST_MS,
                                 .rest_max_ms = SITE_REST_MAX_MS};

    if (site == NULL)
        return NULL;
    if (plan->route != NULL && plan->route->host != NULL)
        limits.start = limits.max; /* our own smart host: no need to feel the way */
    *site = (struct site){.delivery = d,
                          .hash = hash,
                          .key_len = plan->site_key.len,
                          .key = malloc(plan->site_key.len + 1)};
    site->wake = evtimer_new(loop_base(d->loop), on_wake, site);
    if (site->key == NULL || site->wake == NULL) {
        free(site->key);
        if (site->wake != NULL)
            event_free(site->wake);
        free(site);
        return NULL;
    }
    memcpy(site->key, plan->site_key.ptr, plan->site_key.len);
    site->key[site->key_len] = '\0';
    site_pace_init(&site->pace, &limits);
    site->next_hash = d->bucket[hash % SITE_BUCKETS];
    d->bucket[hash % SITE_BUCKETS] = site;
    d->stats.sites++;
    return site;
}

static struct site *site_find(struct delivery *d, const struct plan *plan)
{
    uint32_t hash = hash_of(plan->site_key);

    for (struct site *s = d->bucket[hash % SITE_BUCKETS]; s != NULL; s = s->next_hash)
        if (s->hash == hash && sgl_view_eq(sgl_view_of(s->key, s->key_len), plan->site_key))
            return s;
    return site_new(d, plan, hash);
}

static void leave_line(struct site *site)
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

static void join_line(struct site *site)
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

static void site_free(struct site *site)
{
    struct delivery *d = site->delivery;
    struct site **link = &d->bucket[site->hash % SITE_BUCKETS];

    while (*link != site)
        link = &(*link)->next_hash;
    *link = site->next_hash;
    leave_line(site);
    event_free(site->wake);
    free(site->key);
    free(site);
    d->stats.sites--;
}

/* A site is remembered while it has somebody, and while it rests (forgetting would end the rest). */
static void site_maybe_free(struct site *site)
{
    if (site->dests == 0 && site->connections == 0 &&
        site_pace_rest_until(&site->pace, clock_mono_ms()) == 0)
        site_free(site);
}

/* ---- destinations ------------------------------------------------------------------------------------------------ */

static void unwait(struct dest *dest)
{
    struct site *site = dest->site;
    struct dest *before;

    if (!dest->waiting)
        return;
    dest->waiting = false;
    for (before = site->waiting_last; before->next_waiting != dest; before = before->next_waiting)
        ;
    before->next_waiting = dest->next_waiting;
    if (site->waiting_last == dest)
        site->waiting_last = before == dest ? NULL : before;
    dest->next_waiting = NULL;
}

static void wait_in(struct site *site, struct dest *dest)
{
    if (dest->waiting)
        return;
    dest->waiting = true;
    if (site->waiting_last == NULL) {
        dest->next_waiting = dest;
    } else {
        dest->next_waiting = site->waiting_last->next_waiting;
        site->waiting_last->next_waiting = dest;
    }
    site->waiting_last = dest;
}

static void leave_site(struct dest *dest)
{
    struct site *site = dest->site;

    if (site == NULL)
        return;
    unwait(dest);
    dest->site = NULL;
    site->dests--;
    site_maybe_free(site);
}

static void dest_free(struct dest *dest)
{
    struct delivery *d = dest->delivery;

    if (dest->planner != NULL)
        planner_cancel(dest->planner);
    leave_site(dest);
    plan_unref(dest->plan);
    *queue_dest_slot(dest->q) = NULL;
    queue_dest_unref(dest->q);
    if (dest->prev != NULL)
        dest->prev->next = dest->next;
    else
        d->dests = dest->next;
    if (dest->next != NULL)
        dest->next->prev = dest->prev;
    free(dest->domain);
    free(dest);
    d->stats.destinations--;
}

static struct dest *dest_new(struct delivery *d, struct queue_dest *q, sgl_view domain)
{
    struct dest *dest = calloc(1, sizeof *dest);

    if (dest == NULL)
        return NULL;
    *dest = (struct dest){
        .delivery = d, .domain = strndup((const char *)domain.ptr, domain.len), .next = d->dests};
    if (dest->domain == NULL) {
        free(dest);
        return NULL;
    }
    dest->q = queue_dest_ref(q);
    if (dest->next != NULL)
        dest->next->prev = dest;
    d->dests = dest;
    *queue_dest_slot(q) = dest;
    d->stats.destinations++;
    return dest;
}

/* Everything that waits for this destination ends the same way. */
static void fail_all(struct dest *dest, enum failure failure, const char *why)
{
    struct job *job;

    while ((job = queue_take(dest->delivery->queue, dest->q)) != NULL)
        job_fail(dest->delivery, job, failure, why);
}

static void planned(void *ctx, struct plan *plan)
{
    struct dest *dest = ctx;
    struct site *site;

    dest->planner = NULL;
    if (plan == NULL) {
        fail_all(dest, FAILURE_LOCAL, "out of memory");
        return;
    }
    plan_unref(dest->plan);
    dest->plan = plan;
    if (plan->failed) {
        leave_site(dest);
        fail_all(dest, plan->failure, plan->why);
        return;
    }
    site = site_find(dest->delivery, plan);
    if (site == NULL) {
        leave_site(dest);
        fail_all(dest, FAILURE_LOCAL, "out of memory");
        return;
    }
    if (site != dest->site) {
        site->dests++; /* first, so that leaving the old one can't free the new */
        leave_site(dest);
        dest->site = site;
    }
    site->pace.limits.max = places_max(dest->delivery, plan);
    if (queue_dest_has_work(dest->q))
        wait_in(site, dest);
    pump(site);
}

static void plan_for(struct dest *dest)
{
    struct delivery *d = dest->delivery;

    if (dest->planner != NULL)
        return;
    dest->planner = plan_find(d->loop, d->resolver, d->config, sgl_view_cstr(dest->domain),
                              d->seed++, planned, dest);
    if (dest->planner == NULL)
        fail_all(dest, FAILURE_LOCAL, "out of memory");
}

static bool is_planned(const struct dest *dest)
{
    return dest->plan != NULL && !dest->plan->failed && dest->site != NULL &&
           clock_mono_ms() < dest->plan->ends_ms;
}

/* The queue says: there is work. */
static void on_ready(void *ctx, struct queue_dest *q, sgl_view domain)
{
    struct delivery *d = ctx;
    struct dest *dest = *queue_dest_slot(q);

    if (d->draining)
        return;
    if (dest == NULL)
        dest = dest_new(d, q, domain);
    if (dest == NULL) {
        log_line(LOG_ERROR_, "out of memory: a destination waits until the queue asks again",
                 LOG_VIEW("domain", domain));
        return;
    }
    if (!is_planned(dest)) {
        plan_for(dest);
        return;
    }
    wait_in(dest->site, dest);
    pump(dest->site);
}

/* ---- the pump ---------------------------------------------------------------------------------------------------- */

struct job *site_take_job(struct site *site, struct dest **from)
{
    uint64_t now = clock_mono_ms();

    while (site->waiting_last != NULL) {
        struct dest *dest = site->waiting_last->next_waiting;
        struct job *job;

        if (now >=
            dest->plan
                ->ends_ms) { /* its hosts may have changed: ask again before more is sent there */
            unwait(dest);
            plan_for(dest);
            continue;
        }
        job = queue_take(site->delivery->queue, dest->q);
        if (job == NULL) {
            unwait(dest);
            continue;
        }
        site->waiting_last = dest; /* its turn is over */
        *from = dest;
        return job;
    }
    return NULL;
}

/* What waits for a site that rests goes back to the queue with the reason, so that it can be seen and takes no memory. */
static void put_back_all(struct site *site, uint64_t until_ms)
{
    int64_t at = clock_now_s() + (int64_t)((until_ms - clock_mono_ms()) / 1000) + 1;
    char why[320];
    struct dest *dest = NULL;
    struct job *job;

    snprintf(why, sizeof why, "its mail hosts rest after trouble at %s", site->trouble);
    while ((job = site_take_job(site, &dest)) != NULL)
        job_put_back(site->delivery, job, why, at);
}

/* The overall maximum is reached: whoever has been idle for longest makes room. */
static void close_idlest(struct delivery *d)
{
    struct connection *idlest = NULL;

    if (d->idles == 0)
        return;
    for (struct connection *c = d->connections; c != NULL; c = connection_next(c))
        if (connection_is_idle(c) &&
            (idlest == NULL || connection_idle_since(c) < connection_idle_since(idlest)))
            idlest = c;
    if (idlest != NULL)
        connection_quit(idlest);
}

static bool connect_one(struct site *site)
{
    struct delivery *d = site->delivery;
    struct dest *dest = NULL;
    struct job *job;

    if (d->stats.connections_open >= d->config->delivery.connections) {
        join_line(site);
        close_idlest(d);
        return false;
    }
    if (!site_pace_take(&site->pace, clock_mono_ms()))
        return false;
    job = site_take_job(site, &dest);
    if (job == NULL) {
        site_pace_give_back(&site->pace);
        return false;
    }
    site->connections++;
    d->stats.connections_open++;
    if (!connection_open(site, dest->plan, job)) {
        site->connections--;
        d->stats.connections_open--;
        site_pace_give_back(&site->pace);
        job_put_back(d, job, "out of memory", clock_now_s() + 10);
        return false;
    }
    return true;
}

/* Gives waiting jobs to idle connections first, then to new ones, as far as pace and maximum allow. */
static void pump(struct site *site)
{
    uint64_t rest_until = site_pace_rest_until(&site->pace, clock_mono_ms());
    struct dest *dest = NULL;

    if (site->delivery->draining)
        return;
    site->connections++; /* held: nothing below may free it */
    while (site->idle != NULL && site->waiting_last != NULL) {
        struct connection *c = site->idle;
        struct job *job = site_take_job(site, &dest);

        if (job == NULL)
            break;
        connection_give(c, job);
    }
    if (rest_until != 0)
        put_back_all(site, rest_until);
    else
        while (site->waiting_last != NULL && connect_one(site))
            ;
    site->connections--;
    site_maybe_free(site);
}

void site_success(struct site *site)
{
    site_pace_success(&site->pace);
}

void site_trouble(struct site *site, enum site_effect effect, const char *why)
{
    uint64_t now = clock_mono_ms(), until;
    struct timeval rest;

    site_pace_trouble(&site->pace, effect, now);
    until = site_pace_rest_until(&site->pace, now);
    if (until == 0)
        return;
    snprintf(site->trouble, sizeof site->trouble, "%s", why);
    rest = (struct timeval){.tv_sec = (time_t)((until - now) / 1000),
                            .tv_usec = (suseconds_t)((until - now) % 1000 * 1000)};
    event_add(site->wake, &rest);
}

void site_idle(struct site *site, struct connection *c)
{
    *connection_idle_link(c) = site->idle;
    site->idle = c;
    site->delivery->idles++;
}

void site_not_idle(struct site *site, struct connection *c)
{
    struct connection **link = &site->idle;

    while (*link != NULL && *link != c)
        link = connection_idle_link(*link);
    if (*link == NULL)
        return;
    *link = *connection_idle_link(c);
    site->delivery->idles--;
}

static void maybe_drained(struct delivery *d)
{
    if (!d->draining || d->connections != NULL || d->drained == NULL)
        return;
    void (*done)(void *) = d->drained;

    d->drained = NULL;
    done(d->drained_ctx);
}

void site_closed(struct site *site, struct connection *c)
{
    struct delivery *d = site->delivery;
    struct site *next;

    (void)c;
    site_pace_give_back(&site->pace);
    d->stats.connections_open--;
    if (d->draining) {
        site->connections--;
        site_maybe_free(site);
        maybe_drained(d);
        return;
    }
    if (d->line_first != NULL && site->waiting_last != NULL)
        join_line(site); /* who waits for the overall maximum already comes before us */
    while ((next = d->line_first) != NULL &&
           d->stats.connections_open < d->config->delivery.connections) {
        leave_line(next);
        pump(next);
    }
    pump(site);
    site->connections--;
    site_maybe_free(site);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

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
            plan_for(dest);
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
    queue_set_delivery(queue, &(struct queue_delivery){.ctx = d, .ready = on_ready});
    return d;
}

bool delivery_reconfigure(struct delivery *d, struct config *config, char *why, size_t why_size)
{
    size_t n = 0;
    struct trust *trust = trust_load(config, &n, why, why_size);

    if (trust == NULL)
        return false;
    trust_free(d->trust, d->trusts);
    d->trust = trust;
    d->trusts = n;
    config_unref(d->config);
    d->config = config_ref(config);
    for (struct dest *dest = d->dests; dest != NULL;
         dest = dest->next) /* routes may lead elsewhere now */
        if (dest->plan != NULL)
            dest->plan->ends_ms = 0;
    return true;
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
    maybe_drained(d);
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
    while (d->dests != NULL)
        dest_free(d->dests);
    for (unsigned i = 0; i < SITE_BUCKETS; i++)
        while (d->bucket[i] != NULL)
            site_free(d->bucket[i]);
    if (d->sweep != NULL)
        event_free(d->sweep);
    if (d->idle_tick != NULL)
        event_free(d->idle_tick);
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

void delivery_stats(const struct delivery *d, struct delivery_stats *out)
{
    *out = d->stats;
}
