/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a job, told to the queue: one outcome and one line of the trail for each recipient. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "tls_result.h"

#define LOCAL_REST_S 30 /* after trouble of our own */

void connection_forget_befores(struct connection *c)
{
    for (size_t i = 0; i < c->befores; i++)
        free(c->before[i]);
    c->befores = 0;
    c->before_cause = 0;
}

/* The recipients' outcomes and their events go back to the queue in one call. */
struct report {
    struct rcpt_outcome *outcome;
    struct store_event *event;
    size_t events;
    struct sgl_arena arena;
};

static bool report_init(struct report *r, const struct connection *c)
{
    sgl_arena_init(&r->arena, 64 * 1024 + c->job->rcpts * 8192);
    r->outcome = SGL_NEW_N(&r->arena, c->job->rcpts, struct rcpt_outcome);
    r->event = SGL_NEW_N(&r->arena, c->job->rcpts + c->befores, struct store_event);
    r->events = 0;
    if (r->outcome == NULL || r->event == NULL)
        return false;
    for (size_t i = 0; i < c->befores; i++)
        r->event[r->events++] = (struct store_event){.at_ms = clock_now_ms(),
                                                     .kind = SGL_LIT("attempt"),
                                                     .detail = sgl_view_cstr(c->before[i])};
    return true;
}

static enum rcpt_verdict verdict_of(enum action action)
{
    switch (action) {
    case ACTION_BOUNCE:
        return RCPT_PERMANENT;
    case ACTION_PUT_BACK:
        return RCPT_UNTRIED;
    case ACTION_NEXT_HOST:
    case ACTION_DEFER:
        break;
    }
    return RCPT_TEMPORARY;
}

static sgl_view keep(struct report *r, sgl_view v)
{
    sgl_view kept = {NULL, 0};

    return sgl_arena_dup(&r->arena, v, &kept) == SGL_OK ? kept : SGL_LIT("");
}

static void report_rcpt(struct report *r, struct connection *c, size_t i, enum rcpt_verdict verdict,
                        const char *status, sgl_view reason, const struct attempt *a)
{
    static const char *const kinds[] = {"delivered", "deferred", "failed", "attempt"};
    sgl_auto(sgl_buf) detail = SGL_BUF_INIT(EVENT_MAX);
    sgl_view kept = keep(r, reason);

    attempt_put(&detail, a);
    r->outcome[i] = (struct rcpt_outcome){
        .verdict = verdict,
        .status = keep(r, sgl_view_cstr(status)),
        .reason = kept,
        .why_wait = verdict == RCPT_OK ? SGL_LIT("") : kept,
        .possibly_repeated = a->possibly_repeated,
        .transit = a->transit,
        .dsn_taken = verdict == RCPT_OK && c->client != NULL &&
                     (sgl_smtp_client_offer(c->client)->extensions & SGL_SMTP_DSN) != 0,
        .remote_mta =
            c->stream != NULL || a->failure != NULL ? keep(r, sgl_view_cstr(c->peer)) : SGL_LIT(""),
    };
    if (detail.status == SGL_OK)
        r->event[r->events++] = (struct store_event){.at_ms = clock_now_ms(),
                                                     .rcpt = c->job->rcpt[i]->id,
                                                     .kind = sgl_view_cstr(kinds[verdict]),
                                                     .detail = keep(r, sgl_buf_view(&detail))};
    account_outcome(c->delivery, c->job, c->job->rcpt[i], verdict, r->outcome[i].status, a);
}

static void report_send(struct report *r, struct connection *c)
{
    struct job *job = c->job;

    c->job = NULL;
    queue_outcome(c->delivery->queue, job, r->outcome, r->event, r->events, c->doubt);
    c->doubt = UINT32_MAX;
    sgl_arena_done(&r->arena);
    connection_forget_befores(c);
}

/* No memory to say anything about it: back as it came. */
static void report_lost(struct report *r, struct connection *c)
{
    struct job *job = c->job;

    sgl_arena_done(&r->arena);
    c->job = NULL;
    if (c->doubt != UINT32_MAX)
        store_doubt_clear(c->delivery->store, c->doubt);
    c->doubt = UINT32_MAX;
    connection_forget_befores(c);
    job_put_back(c->delivery, job, "out of memory", clock_now_s() + LOCAL_REST_S);
}

/* Did the server take any recipient of this transaction? Then the others' turn comes. */
static bool some_taken(const struct connection *c)
{
    return c->phase == PHASE_SENDING && c->client != NULL &&
           sgl_smtp_client_accepted(c->client) > 0;
}

/* What the server (or nobody) said of one recipient. */
static void judge_rcpt(struct report *r, struct connection *c, size_t i,
                       const struct sgl_smtp_result *result, enum failure failure,
                       enum sgl_smtp_stage stage, const char *detail, struct decision *worst)
{
    sgl_auto(sgl_buf) reason = SGL_BUF_INIT(REASON_MAX);
    const struct sgl_smtp_reply *reply = result->reply.code != 0 ? &result->reply : NULL;
    bool ok = reply != NULL && reply->code < 300 && result->stage == SGL_SMTP_AT_DOT;
    struct decision d = {0};
    struct attempt a;
    char status[16] = "2.0.0";

    if (reply != NULL) {
        failure = FAILURE_REPLY;
        stage = result->stage;
    }
    policy_reason_put(&reason, failure, stage, reply, sgl_view_cstr(c->peer),
                      sgl_view_cstr(detail));
    if (ok) {
        if (reply->enhanced.class_ == 2)
            snprintf(status, sizeof status, "%.*s",
                     SGL_FMT(sgl_view_sub(reply->enhanced_text, 0, 11)));
    } else {
        d = policy_decide(failure, stage, reply != NULL && reply->code >= 400 ? reply : NULL, true);
        if (d.overflow && some_taken(c))
            d.action = ACTION_PUT_BACK; /* with the next transaction, at once */
        snprintf(status, sizeof status, "%s", d.status);
        if (d.site > worst->site)
            worst->site = d.site;
        worst->session_over |= d.session_over;
    }
    a = evidence_of(c, failure, !ok, stage);
    a.reason = sgl_buf_view(&reason);
    a.possibly_repeated = d.possibly_repeated;
    report_rcpt(r, c, i, ok ? RCPT_OK : verdict_of(d.action), status, sgl_buf_view(&reason), &a);
    if (failure == FAILURE_LOCAL) /* what would be the same at once must not turn in circles */
        r->outcome[i].not_before = clock_now_s() + LOCAL_REST_S;
}

/* What the server finally said of a recipient; code 0: nothing that counts. Taken at RCPT is not taken: the message decides. */
static struct sgl_smtp_result said_of(const struct connection *c, size_t i)
{
    struct sgl_smtp_result nothing = {.stage = SGL_SMTP_AT_REST}, result;

    if (c->phase != PHASE_SENDING || c->client == NULL || i >= c->tos)
        return nothing;
    result = sgl_smtp_client_result(c->client, i);
    if (result.reply.code >= 400 ||
        (result.reply.code / 100 == 2 && result.stage == SGL_SMTP_AT_DOT))
        return result;
    return nothing;
}

void connection_finish_job(struct connection *c, enum failure failure, enum sgl_smtp_stage stage,
                           const struct sgl_smtp_reply *reply, const char *detail)
{
    struct report r;
    struct decision worst = {0};
    bool any_ok = false;

    failure = connection_failure(c, failure, stage);
    if (!report_init(&r, c)) {
        report_lost(&r, c);
        return;
    }
    for (size_t i = 0; i < c->job->rcpts; i++) {
        struct sgl_smtp_result result = said_of(c, i);

        if (result.reply.code == 0 && reply != NULL)
            result = (struct sgl_smtp_result){.stage = stage, .reply = *reply};
        if (i >= c->tos && c->phase == PHASE_SENDING) /* back at once, for the next transaction */
            r.outcome[i] =
                (struct rcpt_outcome){.verdict = RCPT_UNTRIED,
                                      .why_wait = SGL_LIT("a transaction takes fewer recipients")};
        else
            judge_rcpt(&r, c, i, &result, failure, stage, detail, &worst);
        any_ok = any_ok || r.outcome[i].verdict == RCPT_OK;
    }
    report_send(&r, c);
    if (any_ok)
        site_success(c->site);
    else
        site_trouble(c->site, worst.site, c->peer);
}

void connection_note_before(struct connection *c, enum failure failure, enum sgl_smtp_stage stage,
                            sgl_view reason)
{
    sgl_auto(sgl_buf) detail = SGL_BUF_INIT(EVENT_MAX);
    struct attempt a = evidence_of(c, failure, true, stage);

    a.reason = reason;
    if (c->before_cause == 0)
        c->before_cause = a.transit.cause;
    attempt_put(&detail, &a);
    if (detail.status == SGL_OK && c->befores < EVENTS_BEFORE_MAX)
        c->before[c->befores] = strndup((const char *)detail.data, detail.len);
    if (c->befores < EVENTS_BEFORE_MAX && c->before[c->befores] != NULL)
        c->befores++;
}

/* ---- jobs that never reached a server ---------------------------------------------------------------------------- */

static void report_all(struct delivery *d, struct job *job, enum rcpt_verdict verdict,
                       const char *status, const struct attempt *a, int64_t not_before,
                       sgl_view detail)
{
    struct rcpt_outcome *outcome = calloc(job->rcpts, sizeof *outcome);
    struct store_event event = {.at_ms = clock_now_ms(),
                                .rcpt = job->rcpts == 1 ? job->rcpt[0]->id : 0,
                                .kind = verdict == RCPT_PERMANENT ? SGL_LIT("failed")
                                                                  : SGL_LIT("deferred"),
                                .detail = detail};

    assert(outcome !=
           NULL); /* a handful of bytes a recipient; without it nothing could be recorded at all */
    for (size_t i = 0; i < job->rcpts; i++) {
        outcome[i] = (struct rcpt_outcome){.verdict = verdict,
                                           .status = sgl_view_cstr(status),
                                           .reason = a->reason,
                                           .why_wait = a->reason,
                                           .transit = a->transit,
                                           .not_before = not_before};
        account_outcome(d, job, job->rcpt[i], verdict, outcome[i].status, a);
    }
    queue_outcome(d->queue, job, outcome, &event, detail.len > 0 ? 1 : 0, UINT32_MAX);
    free(outcome);
}

void job_fail(struct delivery *d, struct job *job, enum failure failure, const char *why)
{
    struct decision decision = policy_decide(failure, SGL_SMTP_AT_GREETING, NULL, true);
    sgl_auto(sgl_buf) reason = SGL_BUF_INIT(REASON_MAX);
    sgl_auto(sgl_buf) detail = SGL_BUF_INIT(EVENT_MAX);
    struct attempt a = {.demand = DEMAND_OPPORTUNISTIC, .failure = failure_name(failure)};
    const struct dest *dest = *queue_dest_slot(job->dest);

    if (dest != NULL && dest->plan != NULL && dest->plan->failed) {
        a.mx = dest->plan->mx;
        a.transit.cause = (uint8_t)tls_result_of_plan(dest->plan);
    }
    policy_reason_put(&reason, failure, SGL_SMTP_AT_GREETING, NULL, SGL_LIT(""),
                      sgl_view_cstr(why));
    a.reason = sgl_buf_view(&reason);
    attempt_put(&detail, &a);
    report_all(d, job, verdict_of(decision.action), decision.status, &a, 0,
               detail.status == SGL_OK ? sgl_buf_view(&detail) : SGL_LIT(""));
}

void job_put_back(struct delivery *d, struct job *job, const char *why, int64_t not_before)
{
    struct attempt a = {.reason = sgl_view_cstr(why)};

    report_all(d, job, RCPT_UNTRIED, "", &a, not_before, SGL_LIT(""));
}
