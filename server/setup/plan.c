/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When which domain is checked.  A walk over all of them every few seconds finds what is due; whoever has waited longest is checked first, and when a check ends the next one begins.
 * So no domain waits for ever, however many there are.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "publish.h"
#include "rotation.h"
#include "setup_internal.h"

#define TICK_MAX_MS   5000
#define TICK_MIN_MS   100
#define SPREAD_MAX_MS 600000

static uint64_t random_below(uint64_t ms)
{
    return ms < 2 ? 0 : randombytes_uniform((uint32_t)(ms < UINT32_MAX ? ms : UINT32_MAX));
}

/* Shorter or longer by up to the configured share, so that what began together does not stay together. */
static uint64_t jittered(const struct setup *s, uint64_t ms)
{
    uint64_t most = ms / 100 * s->config->verification.jitter_percent;

    return ms - most + random_below(2 * most + 1);
}

static uint64_t pending_ms(const struct setup *s, unsigned step)
{
    size_t last = s->config->verification.pendings - 1;

    return (uint64_t)s->config->verification.pending_s[step < last ? step : last] * 1000;
}

static bool all_there(const struct domain *d)
{
    for (int p = 0; p < DOMAIN_PARTS; p++)
        if (domain_part_required((enum domain_part)p) && d->status[p].state != DOMAIN_VERIFIED)
            return false;
    return true;
}

/* A start is no reason to check all domains at once. */
static uint64_t first_due(const struct setup *s, struct domain *d, uint64_t now)
{
    uint64_t interval = (uint64_t)s->config->verification.interval_s * 1000;
    int64_t age_s = clock_now_s() - atomic_load(&d->checked_at_s);
    uint64_t age = age_s < 0 ? 0 : (uint64_t)age_s * 1000;

    if (d->rotation.step != ROTATION_NONE || (!all_there(d) && publish_is_automatic(s->config, d)))
        return now;
    if (!all_there(d))
        return now + random_below(pending_ms(s, 0));
    if (age < interval)
        return now + jittered(s, interval - age);
    return now + random_below(interval < SPREAD_MAX_MS ? interval : SPREAD_MAX_MS);
}

static struct plan *plan_of(struct setup *s, struct domain *d, uint64_t now)
{
    struct plan *p = table_find(&s->plans, sgl_view_cstr(d->name));

    if (p != NULL)
        return p;
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->name = strdup(d->name);
    p->due_ms = first_due(s, d, now);
    if (p->name != NULL && table_add(&s->plans, p->name, p))
        return p;
    free(p->name);
    free(p);
    return NULL;
}

/* ---- what is due ---- */

static void start_due(struct setup *s);

static void checked(struct verification *v, void *ctx)
{
    struct setup *s = ctx;

    s->running--;
    plan_after(s, v);
    verification_free(v);
    start_due(s);
}

/* false: no memory. */
static bool start(struct setup *s, struct plan *p)
{
    p->busy = true;
    s->running++;
    if (verification_new(s, p->name, checked, s) != NULL)
        return true;
    s->running--;
    p->busy = false;
    return false;
}

/* A plan that has been changed since the walk is for the next one. */
static void start_due(struct setup *s)
{
    while (s->running < s->config->verification.at_once && s->due_next < s->dues) {
        const struct due *due = &s->due[s->due_next++];

        if (!due->plan->busy && due->plan->due_ms == due->since_ms && !start(s, due->plan))
            return;
    }
}

static bool add_due(struct setup *s, struct plan *p)
{
    size_t room = s->due_room == 0 ? 64 : s->due_room * 2;
    struct due *more;

    if (s->dues == s->due_room) {
        more = reallocarray(s->due, room, sizeof(*more));
        if (more == NULL)
            return false;
        s->due = more;
        s->due_room = room;
    }
    s->due[s->dues++] = (struct due){p, p->due_ms};
    return true;
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = ((const struct due *)a)->since_ms, y = ((const struct due *)b)->since_ms;

    return x < y ? -1 : x > y;
}

struct walk {
    struct setup *setup;
    uint64_t now;
};

static bool look_at(void *ctx, struct domain *d)
{
    struct walk *w = ctx;
    struct setup *s = w->setup;
    struct plan *p = plan_of(s, d, w->now);

    if (p == NULL)
        return false;
    p->walk = s->walk;
    return p->busy || p->due_ms > w->now || add_due(s, p);
}

static void forget(struct setup *s, struct plan *p)
{
    (void)table_remove(&s->plans, sgl_view_cstr(p->name));
    free(p->name);
    free(p);
}

/* Plans of domains that are gone. */
static void sweep(struct setup *s)
{
    size_t count;
    void **all = table_sorted(&s->plans, &count);

    for (size_t i = 0; all != NULL && i < count; i++) {
        struct plan *p = all[i];

        if (p->walk != s->walk && !p->busy)
            forget(s, p);
    }
    free(all);
}

static struct timeval tick_time(const struct setup *s)
{
    uint64_t ms = pending_ms(s, 0) / 4;

    ms = ms > TICK_MAX_MS ? TICK_MAX_MS : ms < TICK_MIN_MS ? TICK_MIN_MS : ms;
    return (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000};
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    struct setup *s = arg;
    struct walk w = {.setup = s, .now = clock_mono_ms()};
    struct timeval again = tick_time(s);
    struct directory_stats stats;

    (void)fd;
    (void)what;
    s->walk++;
    s->dues = s->due_next = 0;
    directory_each_domain(s->parts.directory, look_at, &w);
    if (s->dues > 0)
        qsort(s->due, s->dues, sizeof(*s->due), by_time);
    directory_stats(s->parts.directory, &stats);
    if (s->plans.used > stats.domains)
        sweep(s); /* nobody whom this walk met */
    start_due(s);
    (void)event_add(s->tick, &again);
}

/* ---- after a check ---- */

static uint64_t wait_of(const struct setup *s, struct plan *p, const struct domain *d,
                        const struct verified *r)
{
    if (r->result == SETUP_CHECKED && !r->unknown && r->complete && all_there(d)) {
        p->step = 0;
        return (uint64_t)s->config->verification.interval_s * 1000;
    }
    if (r->changed)
        p->step = 0; /* somebody is at work on it */
    return pending_ms(s, p->step++);
}

/* The end of a grace period is told when it comes, not hours later. */
static uint64_t before_grace_ends(const struct setup *s, const struct domain *d, uint64_t wait_ms)
{
    int64_t now = clock_now_s();

    for (int i = 0; i < DOMAIN_PARTS; i++) {
        int64_t lost = d->status[i].lost_at_s;
        int64_t left = lost + (int64_t)s->config->verification.grace_s - now;

        if (lost != 0 && domain_part_required((enum domain_part)i) && left > 0 &&
            (uint64_t)left * 1000 < wait_ms)
            wait_ms = (uint64_t)left * 1000 + 1;
    }
    return wait_ms;
}

/* What a rotation waits for is looked for often at first, then more rarely; its ends of time are kept. */
static uint64_t before_rotation(const struct setup *s, struct plan *p, const struct domain *d,
                                uint64_t wait_ms)
{
    enum rotation_step step = d->rotation.step;
    uint64_t most = UINT64_MAX;
    int64_t wait_s;

    if (step != p->rotation)
        p->turn = 0;
    p->rotation = step;
    (void)rotation_next(d, s->config, publish_is_automatic(s->config, d), clock_now_s(), &wait_s);
    if (step == ROTATION_PUBLISH || step == ROTATION_REVOKE || wait_s <= 0)
        most = pending_ms(s, p->turn++);
    else if (wait_s < (int64_t)(UINT32_MAX / 1000))
        most = (uint64_t)wait_s * 1000 + 1;
    return wait_ms < most ? wait_ms : most;
}

void plan_after(struct setup *s, const struct verification *v)
{
    struct plan *p = table_find(&s->plans, sgl_view_cstr(verification_name(v)));
    const struct domain *d = verification_domain(v);
    const struct verified *r = verification_result(v);

    atomic_fetch_add_explicit(&s->checks, 1, memory_order_relaxed);
    if (r->unknown)
        atomic_fetch_add_explicit(&s->unknown, 1, memory_order_relaxed);
    if (p == NULL)
        return;
    p->busy = false;
    if (d == NULL)
        return; /* the next walk does not meet it */
    p->due_ms = clock_mono_ms() +
                before_rotation(s, p, d, before_grace_ends(s, d, jittered(s, wait_of(s, p, d, r))));
    act_after(s, p, v);
}

/* ---- start and end ---- */

bool plans_start(struct setup *s)
{
    struct timeval first = tick_time(s);

    s->tick = event_new(loop_base(s->parts.loop), -1, 0, tick, s);
    return s->tick != NULL && event_add(s->tick, &first) == 0;
}

void plans_done(struct setup *s)
{
    if (s->tick == NULL)
        return;
    event_free(s->tick);
    for (size_t i = 0; i < s->plans.slots; i++) {
        struct plan *p = s->plans.slot[i].value;

        if (s->plans.slot[i].name == NULL)
            continue;
        free(p->name);
        free(p);
    }
    table_done(&s->plans);
    free(s->due);
}
