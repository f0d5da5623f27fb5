/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads: jobs of routes that lead to no mail server, on their way to the courier and back.
 *
 *   taken -> LOADING (the queue brings the body) -> CARRIED (the courier has it) -> outcome
 *
 * A load outlives the room when the queue is still bringing its body, or the courier has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define SAID_SHOWN 600
#define EVENT_MAX  4096
#define ARENA_BASE 65536
#define AGAIN_S    60

struct load {
    struct delivery_load shown; /* first: cast from it */
    struct load *prev, *next;   /* delivery->loads */
    struct delivery *delivery;
    struct arrival_route *route; /* a reference */
    struct queue_dest *q;        /* the same */
    struct job *job;
    struct body *body; /* a reference, once it is carried */
    uint32_t doubt;
    bool loading, abandoned;
};

/* A program that does not answer takes no place from those of other subscriptions. */
static bool has_place(const struct delivery *d, const struct queue_dest *q,
                      const struct arrival_route *route)
{
    unsigned of_route = 0, of_owner = 0;

    for (const struct load *l = d->loads; l != NULL; l = l->next) {
        of_route += l->q == q;
        of_owner += strcmp(l->route->owned.subscription, route->owned.subscription) == 0;
    }
    return d->load_count < DELIVERY_LOADS_MAX && of_route < DELIVERY_LOADS_ROUTE_MAX &&
           of_owner < DELIVERY_LOADS_SHARE;
}

static void unlink_load(struct load *l)
{
    if (l->prev != NULL)
        l->prev->next = l->next;
    else
        l->delivery->loads = l->next;
    if (l->next != NULL)
        l->next->prev = l->prev;
    l->delivery->load_count--;
}

static void load_free(struct load *l)
{
    arrival_route_unref(l->route);
    body_unref(l->body);
    free(l);
}

/* The load is over; its job went back. */
static void drop(struct load *l)
{
    unlink_load(l);
    queue_dest_unref(l->q);
    load_free(l);
}

/* Its place is free: whoever waits for one gets it. */
static void leave(struct load *l)
{
    struct delivery *d = l->delivery;

    drop(l);
    if (d->draining) {
        delivery_maybe_drained(d);
        return;
    }
    for (struct dest *dest = d->dests, *next; dest != NULL && d->load_count < DELIVERY_LOADS_MAX;
         dest = next) {
        next = dest->next;
        if (dest_is_arrival(dest) && dest->plan == NULL && queue_dest_has_work(dest->q))
            dest_plan(dest);
    }
}

/* ---- handed on ---- */

static void put_back(struct load *l, const char *why)
{
    struct job *job = l->job;

    l->job = NULL;
    job_put_back(l->delivery, job, why, clock_now_s() + AGAIN_S);
}

/* From here on it may happen twice. false: it is put back. */
static bool carry(struct load *l)
{
    struct delivery *d = l->delivery;
    uint64_t few[16], *ids = few;
    bool noted;

    if (l->job->rcpts > sizeof few / sizeof *few)
        ids = reallocarray(NULL, l->job->rcpts, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < l->job->rcpts; i++)
        ids[i] = l->job->rcpt[i]->id;
    noted = ids != NULL && store_doubt(d->store, ids, l->job->rcpts, &l->doubt);
    if (ids != few)
        free(ids);
    if (!noted) {
        put_back(l, "this server could not note that it is on its way");
        return false;
    }
    l->body = body_ref(l->job->body);
    l->shown = (struct delivery_load){.message = l->job->message,
                                      .rcpt = l->job->rcpt,
                                      .rcpts = l->job->rcpts,
                                      .body = sgl_view_of(l->body->bytes, l->body->len),
                                      .route = l->route};
    d->courier.carry(d->courier.ctx, &l->shown);
    return true;
}

/* The room may have been freed meanwhile. */
static void bury(struct load *l, struct job *job)
{
    struct delivery *d = l->delivery;

    job_put_back(d, job, "this server is stopping", 0);
    queue_dest_unref(l->q);
    load_free(l);
    d->orphans--;
    if (d->freed && d->orphans == 0)
        free(d);
}

static void body_loaded(void *ctx, struct job *job)
{
    struct load *l = ctx;
    bool has_body = job->body != NULL;

    l->loading = false;
    if (l->abandoned) {
        bury(l, job);
        return;
    }
    if (has_body && carry(l))
        return;
    if (!has_body)
        put_back(l, "its body could not be read from the store");
    leave(l);
}

static void start(struct load *l)
{
    l->loading = l->job->body == NULL;
    if (l->loading)
        queue_load_body(l->delivery->queue, l->job, body_loaded, l);
    else if (!carry(l))
        drop(l);
}

/* false: there is no more, or no memory. */
static bool begin(struct dest *dest, struct arrival_route *route)
{
    struct delivery *d = dest->delivery;
    struct load *l = calloc(1, sizeof *l);
    struct job *job = l == NULL ? NULL : queue_take(d->queue, dest->q);

    if (job == NULL) {
        free(l);
        return false;
    }
    *l = (struct load){.next = d->loads,
                       .delivery = d,
                       .route = arrival_route_ref(route),
                       .q = queue_dest_ref(dest->q),
                       .job = job,
                       .doubt = UINT32_MAX};
    if (l->next != NULL)
        l->next->prev = l;
    d->loads = l;
    d->load_count++;
    start(l);
    return true;
}

void courier_pump(struct dest *dest, struct arrival_route *route)
{
    struct delivery *d = dest->delivery;

    while (!d->draining && has_place(d, dest->q, route) && begin(dest, route))
        ;
}

/* ---- what became of it ---- */

static enum rcpt_verdict verdict_of(enum delivery_carried carried)
{
    switch (carried) {
    case CARRIED:
        return RCPT_OK;
    case CARRIED_LATER:
        break;
    case CARRIED_NEVER:
        return RCPT_PERMANENT;
    }
    return RCPT_TEMPORARY;
}

/* The address of a program may hold what only it is to know: no more than its host is told. */
static void host_of(const struct arrival_route *route, char out[256])
{
    sgl_view host = SGL_LIT("");

    if (route_url_parse(sgl_view_cstr(route->target[0]), &host) != NULL)
        host = SGL_LIT("");
    snprintf(out, 256, "%.*s", SGL_FMT(host));
}

struct told { /* of one load */
    struct sgl_arena arena;
    struct rcpt_outcome *outcome;
    struct store_event *event;
    char host[256];
    uint64_t ms;
};

static bool tell(struct load *l, struct told *t, size_t i, const struct delivery_receipt *receipt)
{
    static const char *const kinds[] = {"delivered", "deferred", "failed"};
    enum rcpt_verdict verdict = verdict_of(receipt->carried);
    const struct store_rcpt *rcpt = l->job->rcpt[i];
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(EVENT_MAX);
    struct attempt a = {.host = t->host,
                        .total_ms = t->ms,
                        .stage = verdict == RCPT_OK ? NULL : "webhook",
                        .failure = verdict == RCPT_OK ? NULL : "reply"};

    sgl_buf_add_escaped(&text, receipt->said, SAID_SHOWN);
    if (sgl_arena_dup(&t->arena, sgl_buf_view(&text), &a.reason) != SGL_OK)
        return false;
    sgl_buf_reset(&text);
    attempt_put(&text, &a);
    t->event[i] = (struct store_event){
        .at_ms = clock_now_ms(), .rcpt = rcpt->id, .kind = sgl_view_cstr(kinds[verdict])};
    if (text.status != SGL_OK ||
        sgl_arena_dup(&t->arena, sgl_buf_view(&text), &t->event[i].detail) != SGL_OK)
        return false;
    t->outcome[i] = (struct rcpt_outcome){.verdict = verdict,
                                          .status = sgl_view_cstr(receipt->status),
                                          .reason = a.reason,
                                          .why_wait = verdict == RCPT_OK ? SGL_LIT("") : a.reason,
                                          .not_before = receipt->not_before,
                                          .remote_mta = sgl_view_cstr(t->host)};
    account_outcome(l->delivery, l->job, rcpt, verdict, t->outcome[i].status, &a);
    return true;
}

static bool tell_all(struct load *l, struct told *t, const struct delivery_receipt *receipt)
{
    static const struct delivery_receipt none = {
        .carried = CARRIED_LATER,
        .status = "4.3.0",
        .said = SGL_LIT_INIT("this server has no memory left")};
    size_t rcpts = l->job->rcpts;

    t->outcome = SGL_NEW_N(&t->arena, rcpts, struct rcpt_outcome);
    t->event = SGL_NEW_N(&t->arena, rcpts, struct store_event);
    if (t->outcome == NULL || t->event == NULL)
        return false;
    for (size_t i = 0; i < rcpts; i++)
        if (!tell(l, t, i, receipt == NULL ? &none : &receipt[i]))
            return false;
    return true;
}

void delivery_carried(struct delivery_load *load, const struct delivery_receipt *receipt,
                      uint64_t ms)
{
    struct load *l = (struct load *)(void *)load;
    struct job *job = l->job;
    struct told t = {.ms = ms};

    if (l->abandoned) {
        load_free(l);
        return;
    }
    sgl_arena_init(&t.arena, ARENA_BASE + job->rcpts * (size_t)EVENT_MAX * 2);
    host_of(l->route, t.host);
    if (tell_all(l, &t, receipt)) {
        l->job = NULL;
        queue_outcome(l->delivery->queue, job, t.outcome, t.event, job->rcpts, l->doubt);
    } else { /* what came of it is not known: as after a crash */
        store_doubt_clear(l->delivery->store, l->doubt);
        put_back(l, "out of memory");
    }
    sgl_arena_done(&t.arena);
    leave(l);
}

void courier_end(struct delivery *d)
{
    while (d->loads != NULL) {
        struct load *l = d->loads;
        struct job *job = l->job;

        unlink_load(l);
        l->abandoned = true;
        if (l->loading) {
            d->orphans++;
            continue;
        }
        l->job = NULL;
        store_doubt_clear(d->store, l->doubt);
        job_put_back(d, job, "this server is stopping", 0);
        queue_dest_unref(l->q);
    }
}
