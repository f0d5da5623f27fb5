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
#include <string.h>

#include "../delivery/route.h"
#include "internal.h"
#include "sigillo/limits.h"
#include "sigillo/tlsrpt.h"

#define ARENA_MAX ((size_t)256 << 10)

/* ---- life ---- */

struct errand *errand_new(struct reports *r, const struct tlsrpt_report *about)
{
    struct errand *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    e->reports = r;
    e->about = *about;
    sgl_arena_init(&e->arena, ARENA_MAX);
    sgl_buf_init(&e->raw, COMPOSE_JSON_MAX * 2);
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
    struct tlsrpt_op *step = (struct tlsrpt_op *)(void *)op;

    return (struct errand *)(void *)((char *)step - offsetof(struct errand, op));
}

static void tell(const struct errand *e)
{
    const struct tlsrpt_report *to = &e->op.report;
    bool over = to->state != TLSRPT_FIND && to->state != TLSRPT_TRY;

    if (over)
        metric_add(&reports_made[to->state - TLSRPT_QUEUED], 1);
    log_line(over && to->state != TLSRPT_FAILED ? LOG_INFO_ : LOG_WARN_,
             over ? "report about TLS" : "report about TLS waits", LOG_VIEW("domain", to->domain),
             LOG_INT("day", to->day), LOG_VIEW("to", to->destination),
             LOG_STR("state", tlsrpt_state_name(to->state)), LOG_VIEW("why", to->detail),
             LOG_ID(to->message));
}

static void stepped(struct store_op *op)
{
    struct errand *e = of_op(op);

    if (op->result != STORE_OK && op->result != STORE_NOT_FOUND) {
        log_line(LOG_WARN_, "report about TLS not noted", LOG_VIEW("domain", e->about.domain),
                 LOG_STR("why", store_result_text(op->result)));
        reports_rest(e->reports);
    } else if (op->result == STORE_OK && e->op.verb == TLSRPT_STEP) {
        tell(e);
    }
    if (op->result == STORE_OK && e->op.mail != NULL)
        queue_nudge(e->reports->parts.queue);
    reports_next(e->reports, e);
}

static void submit(struct errand *e)
{
    e->op.op =
        (struct store_op){.kind = STORE_TLSRPT, .loop = e->reports->parts.loop, .done = stepped};
    store_submit(e->reports->parts.store, &e->op.op);
}

void errand_step(struct errand *e, enum tlsrpt_state state, const char *why,
                 struct store_accept *mail)
{
    int64_t now = clock_now_s();

    if (why != e->detail)
        snprintf(e->detail, sizeof(e->detail), "%s", why);
    e->op.verb = TLSRPT_STEP;
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
    e->op.verb = TLSRPT_FOUND;
    e->op.report = e->about;
    e->op.report.changed_at = clock_now_s();
    e->op.destination = e->destination;
    e->op.destinations = destinations;
    submit(e);
}

/* [RFC 8460 s5.5] */
void errand_again(struct errand *e, const char *why)
{
    int64_t now = clock_now_s(), first = e->about.first_at == 0 ? now : e->about.first_at;
    unsigned step = e->about.attempts < TRY_AGAIN_STEPS ? e->about.attempts : TRY_AGAIN_STEPS;
    bool finding = e->about.state == TLSRPT_FIND;

    e->about.next_at = now + ((int64_t)TRY_AGAIN_S << step);
    if (e->about.next_at <= first + TRY_FOR_S)
        errand_step(e, e->about.state, why, NULL);
    else if (finding)
        found(e, 0);
    else
        errand_step(e, TLSRPT_FAILED, why, NULL);
}

/* ---- FIND ---- */

static bool is_skipped(const struct errand *e, sgl_view domain)
{
    for (size_t i = 0; i < e->config->tls_reports.skips; i++)
        if (route_matches(sgl_view_cstr(e->config->tls_reports.skip[i]), domain))
            return true;
    return false;
}

/* The host of "https://host[:port]/..." as it stands. */
static sgl_view host_of(sgl_view uri)
{
    sgl_view rest = sgl_view_from(uri, sizeof("https://") - 1);
    size_t end = 0;

    while (end < rest.len && memchr(":/?#", rest.ptr[end], 4) == NULL)
        end++;
    return sgl_view_sub(rest, 0, end);
}

/* A report goes to names: an address in the record would lead past what guards names. */
static bool may_go_to(struct errand *e, const struct sgl_tlsrpt_uri *uri)
{
    struct sgl_mailbox mailbox;

    for (size_t i = 0; i < e->op.destinations; i++)
        if (sgl_view_eq(e->destination[i], uri->text))
            return false;
    if (uri->scheme == SGL_TLSRPT_HTTPS)
        return !is_skipped(e, host_of(uri->text));
    return sgl_tlsrpt_mailbox(uri->text, &e->arena, &mailbox) == SGL_OK && !mailbox.literal &&
           !mailbox.utf8 && !is_skipped(e, mailbox.domain);
}

/* Nobody had to agree to a report, so a record gets few of them sent. [RFC 8460 s3] */
static void have_record(struct errand *e, const struct sgl_tlsrpt_answer *a)
{
    if (a->state == SGL_TLSRPT_TEMPERROR) {
        errand_again(e, a->why);
        return;
    }
    for (size_t i = 0; a->state == SGL_TLSRPT_FOUND && i < a->record.count; i++)
        if (e->op.destinations < TLSRPT_DESTINATIONS_MAX && may_go_to(e, &a->record.rua[i]))
            e->destination[e->op.destinations++] = a->record.rua[i].text;
    found(e, e->op.destinations);
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
    struct sgl_tlsrpt_answer answer;
    struct sgl_name name;
    enum sgl_status status =
        sgl_name_parse(e->about.domain, SGL_NAME_UNDERSCORE, &e->arena, NULL, &name);

    if (status == SGL_OK)
        status = sgl_tlsrpt_find(name, &e->dns, &e->arena, &answer);
    if (status == SGL_NEED_DNS) {
        e->waits = ERRAND_ASKS;
        e->fill = (struct resolver_fill){
            .dns = &e->dns, .timeout_ms = e->config->resolver.timeout_ms, .done = looked_up};
        resolver_fill(e->reports->parts.resolver, &e->fill);
    } else if (status == SGL_OK) {
        have_record(e, &answer);
    } else {
        errand_again(e, "the record of the domain can't be looked up");
    }
}

/* ---- TRY ---- */

static void compose(struct work *work)
{
    struct errand *e = (struct errand *)(void *)((char *)work - offsetof(struct errand, work));

    e->wrong = compose_report(&e->compose);
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
    const struct config *c = e->config;

    e->compose.store = e->reports->parts.store;
    e->compose.day = e->about.day;
    e->compose.domain = e->about.domain;
    e->compose.contact = or_(c->tls_reports.contact, c->tls_reports.from);
    e->compose.organization = or_(c->tls_reports.organization, c->hostname);
    e->compose.hostname = sgl_view_cstr(c->hostname);
    e->work = (struct work){.work = compose, .done = composed, .loop = e->reports->parts.loop};
    e->waits = ERRAND_WORKS;
    if (workers_submit(e->reports->parts.workers, &e->work))
        return;
    e->waits = ERRAND_IDLE;
    reports_next(e->reports, e); /* too busy: it is due again */
}

void errand_start(struct errand *e)
{
    if (e->config->tls_reports.from == NULL)
        reports_next(e->reports, e);
    else if (e->about.state == TLSRPT_TRY)
        try_(e);
    else if (is_skipped(e, e->about.domain))
        found(e, 0);
    else {
        sgl_dns_init(&e->dns, 8);
        find(e);
    }
}
