/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arrived is acted upon, on the loop of its arrival:
 *
 *   found (a worker) -> suppressed, if it is hard or a complaint -> the report to the sender is signed -> all of the rest in one transaction -> done
 *
 * The suppression comes first: after an end in between the same mail comes again, and finds no event of it.
 */
#include <stdlib.h>

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "returns_internal.h"
#include "sigillo/limits.h"

#define DETAIL_MAX 32768 /* a diagnostic and an address, each byte of them escaped */

static struct metric counted = METRIC_COUNTER("sigillo_returns_total", "Mail that came back",
                                              "result=\"counted\""),
                     passed_over = METRIC_COUNTER("sigillo_returns_total", "Mail that came back",
                                                  "result=\"passed over\""),
                     delayed = METRIC_COUNTER("sigillo_returns_total", "Mail that came back",
                                              "result=\"not now\"");

static void end(struct taking *t, enum arrival_result result, const char *why)
{
    struct arrival *a = t->arrival;

    metric_add(result == ARRIVAL_LATER ? &delayed : t->why != NULL ? &passed_over : &counted, 1);
    if (t->why != NULL)
        log_line(LOG_INFO_, "returned mail changes nothing", LOG_VIEW("to", a->rcpt),
                 LOG_STR("why", t->why));
    report_free(t->report);
    store_message_free(t->message);
    sgl_buf_done(&t->detail);
    sgl_arena_done(&t->arena);
    free(t);
    a->done(a, result, why);
}

/* ---- suppressed ---- */

static void suppress(struct taking *t, enum suppression_reason reason,
                     void (*done)(struct directory_suppress *s))
{
    bool complaint = reason == SUPPRESSION_COMPLAINT;

    t->item = (struct suppression){
        .address = t->rcpt->address,
        .reason = reason,
        .expires_at = complaint ? 0 : clock_now_s() + (int64_t)t->rules.suppress_s};
    if (t->said != NULL) {
        t->item.status = t->said->status;
        t->item.reply = t->said->diagnostic;
    }
    t->suppress = (struct directory_suppress){.keep = !complaint,
                                              .subscription = t->message->subscription,
                                              .item = &t->item,
                                              .items = 1,
                                              .loop = t->arrival->loop,
                                              .done = done,
                                              .ctx = t};
    directory_suppress(t->r->setup.directory, &t->suppress);
}

/* ---- the end: what is durable is told ---- */

static sgl_view domain_of(sgl_view address)
{
    size_t at = address.len;

    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    return sgl_view_from(address, at);
}

static void gave_up(struct directory_suppress *s)
{
    struct taking *t = s->ctx;

    if (s->result != DIRECTORY_OK)
        log_line(LOG_WARN_, "an address that refuses day after day is not suppressed",
                 LOG_VIEW("address", t->rcpt->address), LOG_STR("why", s->why));
    end(t, ARRIVAL_DONE, NULL);
}

static void stored(struct store_op *op)
{
    struct returned_op *returned = (struct returned_op *)(void *)op;
    struct taking *t = (struct taking *)(void *)((char *)returned - offsetof(struct taking, op));

    if (op->result == STORE_EXISTS || op->result == STORE_NOT_FOUND) {
        t->why = "it is known already";
        end(t, ARRIVAL_DONE, NULL);
        return;
    }
    if (op->result != STORE_OK) {
        end(t, ARRIVAL_LATER, "the store takes nothing now");
        return;
    }
    log_line(
        LOG_INFO_, "returned mail", LOG_ID(t->path.message), LOG_VIEW("address", t->rcpt->address),
        LOG_VIEW("kind", t->returned.kind),
        LOG_STR("class", t->said == NULL ? "complaint" : sgl_bounce_class_name(t->said->class_)),
        LOG_STR("cause", t->said == NULL ? "" : t->said->cause));
    if (t->report != NULL)
        queue_nudge(t->r->setup.queue);
    if (t->complaint)
        guard_complaint(t->r->setup.guard, domain_of(t->message->header_from),
                        t->message->subscription, domain_of(t->rcpt->address), 1,
                        t->arrival->at_ms);
    if (t->rules.refusing_days > 0 && t->op.days >= t->rules.refusing_days &&
        t->rules.suppress_s > 0)
        suppress(t, SUPPRESSION_HARD_BOUNCE, gave_up);
    else
        end(t, ARRIVAL_DONE, NULL);
}

static void store_it(struct taking *t)
{
    struct store_accept *notice = t->report == NULL ? NULL : report_accept(t->report);

    if (t->report != NULL && notice == NULL) {
        end(t, ARRIVAL_LATER, "out of memory");
        return;
    }
    t->op = (struct returned_op){
        .op = {.kind = STORE_RETURNED, .loop = t->arrival->loop, .done = stored},
        .returned = &t->returned,
        .notice = notice};
    store_submit(t->r->setup.store, &t->op.op);
}

static void report_is_signed(void *ctx)
{
    store_it(ctx);
}

static void tell_sender(struct taking *t)
{
    sgl_auto(sgl_buf) hostname = SGL_BUF_INIT(256);
    int64_t expire_s;

    if (!report_is_wanted(t)) {
        store_it(t);
        return;
    }
    pthread_rwlock_rdlock(&t->r->lock);
    sgl_buf_add_cstr(&hostname, t->r->config->hostname);
    expire_s = (int64_t)t->r->config->queue.expire_s;
    pthread_rwlock_unlock(&t->r->lock);
    t->report = report_new(t, sgl_buf_view(&hostname), expire_s);
    if (t->report != NULL)
        report_sign(t->report, &t->r->setup.signer, report_is_signed, t);
    else
        end(t, ARRIVAL_LATER, "out of memory");
}

static void is_suppressed(struct directory_suppress *s)
{
    struct taking *t = s->ctx;

    /* An address that is none, a subscription that is gone: nothing is sent there any more. */
    if (s->result != DIRECTORY_OK && s->result != DIRECTORY_INVALID &&
        s->result != DIRECTORY_NOT_FOUND) {
        end(t, ARRIVAL_LATER, "the address cannot be suppressed now");
        return;
    }
    tell_sender(t);
}

/* ---- the beginning ---- */

static void found(struct work *work)
{
    struct taking *t = (struct taking *)(void *)work;

    if (t->later) {
        t->why = NULL;
        end(t, ARRIVAL_LATER, "the report cannot be read now");
    } else if (t->why != NULL) {
        end(t, ARRIVAL_DONE, NULL);
    } else if (t->complaint) {
        suppress(t, SUPPRESSION_COMPLAINT, is_suppressed);
    } else if (t->said->class_ == SGL_BOUNCE_HARD && t->said->action == SGL_BOUNCE_FAILED &&
               !t->of_another && t->rules.suppress_s > 0) {
        suppress(t, SUPPRESSION_HARD_BOUNCE, is_suppressed);
    } else {
        tell_sender(t);
    }
}

void returns_take(void *returns, struct arrival *a)
{
    struct returns *r = returns;
    struct taking *t = calloc(1, sizeof(*t));

    metrics_register(&counted);
    metrics_register(&passed_over);
    metrics_register(&delayed);
    if (t == NULL) {
        a->done(a, ARRIVAL_LATER, "out of memory");
        return;
    }
    t->work = (struct work){.work = taking_find, .done = found, .loop = a->loop};
    t->r = r;
    t->arrival = a;
    returns_rules(r, &t->rules);
    sgl_arena_init(&t->arena, SGL_LIMIT_BOUNCE_MEMORY);
    sgl_buf_init(&t->detail, DETAIL_MAX);
    if (!workers_submit(r->setup.workers, &t->work))
        end(t, ARRIVAL_LATER, "too many reports wait to be read");
}
