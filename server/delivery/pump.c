/* SPDX-License-Identifier: Apache-2.0 */
/* The pump of a site: jobs of its destinations, in turn, to idle connections and to new ones, as far as pace and the overall maximum allow. */
#include <stdio.h>

#include "internal.h"

struct job *site_take_job(struct site *site, struct dest **from)
{
    uint64_t now = clock_mono_ms();

    while (site->waiting_last != NULL) {
        struct dest *dest = site->waiting_last->next_waiting;
        struct job *job;

        if (now >= dest->plan->ends_ms ||
            !arrival_is_current(
                dest)) { /* its hosts may have changed: ask again before more is sent there */
            dest_unwait(dest);
            dest_plan(dest);
            continue;
        }
        job = queue_take(site->delivery->queue, dest->q);
        if (job == NULL) {
            dest_unwait(dest);
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
        site_join_line(site);
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
void site_pump(struct site *site)
{
    uint64_t rest_until = site_pace_rest_until(&site->pace, clock_mono_ms());
    struct dest *dest = NULL;

    if (site->delivery->draining)
        return;
    site->connections++; /* held: nothing below may free it */
    while (site->idle != NULL && site->waiting_last != NULL) {
        struct connection *c = site->idle;
        struct job *job;

        if (!connection_is_current(c)) {
            connection_quit(c);
            continue;
        }
        job = site_take_job(site, &dest);
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
        delivery_maybe_drained(d);
        return;
    }
    if (d->line_first != NULL && site->waiting_last != NULL)
        site_join_line(site); /* who waits for the overall maximum already comes before us */
    while ((next = d->line_first) != NULL &&
           d->stats.connections_open < d->config->delivery.connections) {
        site_leave_line(next);
        site_pump(next);
    }
    site_pump(site);
    site->connections--;
    site_maybe_free(site);
}
