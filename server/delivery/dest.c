/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations: each finds its plan, and by it the site at which it waits for a connection. */
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "internal.h"

#define REST_S 60

void dest_unwait(struct dest *dest)
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

void dest_leave_site(struct dest *dest)
{
    struct site *site = dest->site;

    if (site == NULL)
        return;
    dest_unwait(dest);
    dest->site = NULL;
    site->dests--;
    site_maybe_free(site);
}

void dest_free(struct dest *dest)
{
    struct delivery *d = dest->delivery;

    if (dest->planner != NULL)
        planner_cancel(dest->planner);
    dest_leave_site(dest);
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

/* Why mail of the pool can't leave now: it is printable. false: it can. */
static bool has_no_way_out(const struct dest *dest, struct sgl_buf *why)
{
    sgl_view key = queue_dest_pool(dest->q), name;
    bool missing;

    if (key.len == 0 || pool_count(dest->delivery, dest->delivery->config, key, 0, &missing) > 0)
        return false;
    (void)sgl_view_split(key, '/', &name);
    sgl_buf_add_cstr(why, missing ? "the server has no pool of addresses named "
                                  : "there is no address that may be sent from in the pool ");
    sgl_buf_add_escaped(why, name, 100);
    return true;
}

void dest_put_back(struct dest *dest, const char *why)
{
    struct job *job;

    while ((job = queue_take(dest->delivery->queue, dest->q)) != NULL)
        job_put_back(dest->delivery, job, why, clock_now_s() + REST_S);
}

/* Nothing is sent from another address than was asked for: it waits until the pool is there, and has one. */
static bool has_pool(struct dest *dest)
{
    struct sgl_buf why = SGL_BUF_INIT(200);
    const char *text;

    if (!has_no_way_out(dest, &why))
        return true;
    dest_leave_site(dest);
    text = sgl_cstr(&why);
    dest_put_back(dest, text == NULL ? "its pool is not there" : text);
    sgl_buf_done(&why);
    return false;
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
    if (plan->config != dest->delivery->config) { /* there is another one by now: once more */
        plan_unref(plan);
        dest_plan(dest);
        return;
    }
    plan_unref(dest->plan);
    dest->plan = plan;
    if (plan->failed) {
        session_tell_plan(dest->delivery, sgl_view_cstr(dest->domain), plan);
        dest_leave_site(dest);
        fail_all(dest, plan->failure, plan->why);
        return;
    }
    if (!has_pool(dest))
        return;
    site = site_find(dest->delivery, plan, queue_dest_pool(dest->q));
    if (site == NULL) {
        dest_leave_site(dest);
        fail_all(dest, FAILURE_LOCAL, "out of memory");
        return;
    }
    if (site != dest->site) {
        site->dests++; /* first, so that leaving the old one can't free the new */
        dest_leave_site(dest);
        dest->site = site;
    }
    site->pace.limits.max = site_places_max(dest->delivery, plan);
    if (queue_dest_has_work(dest->q))
        wait_in(site, dest);
    site_pump(site);
}

void dest_plan(struct dest *dest)
{
    struct delivery *d = dest->delivery;
    struct arrival_route *arrival = NULL;

    if (dest->planner != NULL || !arrival_choose(dest, &arrival))
        return;
    dest->planner = plan_find(
        &(struct plan_request){.loop = d->loop,
                               .resolver = d->resolver,
                               .sts =
                                   d->config->delivery.mta_sts && arrival == NULL ? d->sts : NULL,
                               .config = d->config,
                               .domain = sgl_view_cstr(dest->domain),
                               .tls = queue_dest_tls(dest->q),
                               .seed = d->seed++,
                               .arrival = arrival},
        planned, dest);
    arrival_route_unref(arrival);
    if (dest->planner == NULL)
        fail_all(dest, FAILURE_LOCAL, "out of memory");
}

static bool is_planned(const struct dest *dest)
{
    return dest->plan != NULL && !dest->plan->failed && dest->site != NULL &&
           clock_mono_ms() < dest->plan->ends_ms && arrival_is_current(dest);
}

/* The queue says: there is work. */
void dest_ready(void *ctx, struct queue_dest *q, sgl_view domain)
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
        dest_plan(dest);
        return;
    }
    if (!has_pool(dest))
        return;
    wait_in(dest->site, dest);
    site_pump(dest->site);
}
