/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing that is due, to its end.
 *
 *   FIND   record of the domain -> destinations, or nobody asked: the day is forgotten; a lookup that failed: again later
 *   TRY    composed on a worker -> errand_send(): mail, or HTTPS -> queued, accepted, again later, failed
 *
 * Each end is a step in the store; what ends before that is due again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../delivery/route.h"
#include "internal.h"
#include "sigillo/limits.h"

#define ARENA_MAX ((size_t)1 << 20)
#define QUESTIONS 256

/* ---- life ---- */

struct errand *errand_new(struct reports *r, const struct store_report *about)
{
    struct errand *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    e->reports = r;
    e->kind = kinds[about->kind];
    e->about = *about;
    sgl_arena_init(&e->arena, ARENA_MAX);
    sgl_buf_init(&e->raw, RAW_MAX);
    if (sgl_arena_dup(&e->arena, about->domain, &e->about.domain) == SGL_OK &&
        sgl_arena_dup(&e->arena, about->destination, &e->about.destination) == SGL_OK)
        return e;
    errand_free(e);
    return NULL;
}

void errand_free(struct errand *e)
{
    compose_done(&e->compose);
    sgl_dns_done(&e->dns);
    sgl_buf_done(&e->raw);
    sgl_buf_done(&e->get.body);
    body_unref(e->notice.signed_bytes);
    sgl_arena_done(&e->arena);
    config_unref(e->config);
    free(e);
}

void errand_cut(struct errand *e)
{
    if (e->waits == ERRAND_ASKS)
        resolver_cancel(&e->fill);
}

/* ---- steps ---- */

static struct errand *of_op(struct store_op *op)
{
    struct report_op *step = (struct report_op *)(void *)op;

    return (struct errand *)(void *)((char *)step - offsetof(struct errand, op));
}

static void tell(const struct errand *e)
{
    const struct store_report *to = &e->op.report;
    bool over = to->state != REPORT_FIND && to->state != REPORT_TRY;

    if (over)
        metric_add(&e->kind->made[to->state - REPORT_QUEUED], 1);
    log_line(over && to->state != REPORT_FAILED ? LOG_INFO_ : LOG_WARN_,
             over ? e->kind->name : e->kind->waits, LOG_VIEW("domain", to->domain),
             LOG_INT("day", to->day), LOG_VIEW("to", to->destination),
             LOG_STR("state", report_state_name(to->state)), LOG_VIEW("why", to->detail),
             LOG_ID(to->message));
}

static void stepped(struct store_op *op)
{
    struct errand *e = of_op(op);

    if (op->result != STORE_OK && op->result != STORE_NOT_FOUND) {
        log_line(LOG_WARN_, "report not noted", LOG_STR("kind", e->kind->name),
                 LOG_VIEW("domain", e->about.domain),
                 LOG_STR("why", store_result_text(op->result)));
        reports_rest(e->reports);
    } else if (op->result == STORE_OK && e->op.verb == REPORT_STEP) {
        tell(e);
    }
    if (op->result == STORE_OK && e->op.mail != NULL)
        queue_nudge(e->reports->parts.queue);
    reports_next(e->reports, e);
}

static void submit(struct errand *e)
{
    e->op.op =
        (struct store_op){.kind = STORE_REPORT, .loop = e->reports->parts.loop, .done = stepped};
    store_submit(e->reports->parts.store, &e->op.op);
}

void errand_step(struct errand *e, enum report_state state, const char *why,
                 struct store_accept *mail)
{
    int64_t now = clock_now_s();

    if (why != e->detail)
        snprintf(e->detail, sizeof(e->detail), "%s", why);
    e->op.verb = REPORT_STEP;
    e->op.mail = mail;
    e->op.report = e->about;
    e->op.report.state = state;
    e->op.report.attempts++;
    e->op.report.changed_at = now;
    e->op.report.message = mail == NULL ? 0 : mail->message->id;
    e->op.report.detail = sgl_view_cstr(e->detail);
    if (e->op.report.first_at == 0)
        e->op.report.first_at = now;
    submit(e);
}

static void found(struct errand *e, size_t destinations)
{
    e->op.verb = REPORT_FOUND;
    e->op.report = e->about;
    e->op.report.changed_at = clock_now_s();
    e->op.destination = e->destination;
    e->op.destinations = destinations;
    submit(e);
}

/* [RFC 8460 s5.5] */
static int64_t next_try(const struct errand *e, int64_t now)
{
    unsigned step = e->about.attempts < TRY_AGAIN_STEPS ? e->about.attempts : TRY_AGAIN_STEPS;

    return now + ((int64_t)TRY_AGAIN_S << step);
}

bool errand_may_wait(const struct errand *e)
{
    int64_t now = clock_now_s(), first = e->about.first_at == 0 ? now : e->about.first_at;

    return next_try(e, now) <= first + TRY_FOR_S;
}

void errand_again(struct errand *e, const char *why)
{
    bool wait = errand_may_wait(e);

    e->about.next_at = next_try(e, clock_now_s());
    if (wait)
        errand_step(e, e->about.state, why, NULL);
    else if (e->about.state == REPORT_FIND)
        found(e, 0);
    else
        errand_step(e, REPORT_FAILED, why, NULL);
}

/* ---- FIND ---- */

bool errand_skips(const struct errand *e, sgl_view domain)
{
    const struct config_reports *c = e->kind->settings(e->config);

    for (size_t i = 0; i < c->skips; i++)
        if (route_matches(sgl_view_cstr(c->skip[i]), domain))
            return true;
    return false;
}

void errand_add_destination(struct errand *e, sgl_view uri, sgl_view host)
{
    for (size_t i = 0; i < e->op.destinations; i++)
        if (sgl_view_eq(e->destination[i], uri))
            return;
    if (e->op.destinations < REPORT_DESTINATIONS_MAX && !errand_skips(e, host))
        e->destination[e->op.destinations++] = uri;
}

static void find(struct errand *e);

static void looked_up(struct resolver_fill *fill)
{
    struct errand *e = (struct errand *)(void *)((char *)fill - offsetof(struct errand, fill));

    e->waits = ERRAND_IDLE;
    find(e);
}

static void find(struct errand *e)
{
    const char *why = NULL;
    enum sgl_status status;

    e->op.destinations = 0;
    status = e->kind->find(e, &why);
    if (status == SGL_NEED_DNS) {
        e->waits = ERRAND_ASKS;
        e->fill = (struct resolver_fill){
            .dns = &e->dns, .timeout_ms = e->config->resolver.timeout_ms, .done = looked_up};
        resolver_fill(e->reports->parts.resolver, &e->fill);
    } else if (status != SGL_OK) {
        errand_again(e, "the record of the domain can't be looked up");
    } else if (why != NULL) {
        errand_again(e, why);
    } else {
        found(e, e->op.destinations);
    }
}

/* ---- TRY ---- */

static void compose(struct work *work)
{
    struct errand *e = (struct errand *)(void *)((char *)work - offsetof(struct errand, work));

    e->wrong = e->kind->compose(&e->compose);
}

static void composed(struct work *work)
{
    struct errand *e = (struct errand *)(void *)((char *)work - offsetof(struct errand, work));

    e->waits = ERRAND_IDLE;
    if (e->wrong != NULL)
        errand_again(e, e->wrong);
    else
        errand_send(e);
}

static sgl_view or_(const char *value, const char *otherwise)
{
    return sgl_view_cstr(value != NULL ? value : otherwise);
}

static void try_(struct errand *e)
{
    const struct config_reports *c = e->kind->settings(e->config);
    const char *hostname = e->config->hostname;

    e->compose.store = e->reports->parts.store;
    e->compose.day = e->about.day;
    e->compose.domain = e->about.domain;
    e->compose.contact = or_(c->contact, c->from);
    e->compose.organization = or_(c->organization, hostname);
    e->compose.hostname = sgl_view_cstr(hostname);
    e->work = (struct work){.work = compose, .done = composed, .loop = e->reports->parts.loop};
    e->waits = ERRAND_WORKS;
    if (workers_submit(e->reports->parts.workers, &e->work))
        return;
    e->waits = ERRAND_IDLE;
    reports_next(e->reports, e); /* too busy: it is due again */
}

void errand_start(struct errand *e)
{
    if (e->kind->settings(e->config)->from == NULL)
        reports_next(e->reports, e);
    else if (e->about.state == REPORT_TRY)
        try_(e);
    else if (errand_skips(e, e->about.domain))
        found(e, 0);
    else {
        sgl_dns_init(&e->dns, QUESTIONS);
        find(e);
    }
}
