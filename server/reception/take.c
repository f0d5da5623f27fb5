/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way through the gate:
 *
 *   judged -> decided -> told to observers -> (refused)
 *          -> fields made -> handlers, one after the other -> forwards made -> carried -> answered
 *
 * Handlers come before what is carried: one that refuses, or that cannot now, leaves nothing behind but what it may do again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "reception_internal.h"
#include "sigillo/limits.h"

#define ARENA_MAX ((size_t)8 << 20)

/* ---- who hears of it ---- */

static void tell_observers(const struct run *run, const struct reception_observer *observer,
                           size_t observers)
{
    const struct reception_mail *m = run->m;
    struct reception_judged j = {.ip = m->ip,
                                 .helo = m->helo,
                                 .env_from = m->env_from,
                                 .subscription = m->to[0].subscription,
                                 .to = m->to,
                                 .tos = m->tos,
                                 .raw = m->raw,
                                 .headers = run->headers,
                                 .verdict = run->verdict,
                                 .decision = &run->decision,
                                 .at_ms = run->at_ms};

    for (size_t i = 0; i < observers; i++)
        observer[i].judged(observer[i].ctx, &j);
}

/* Not who reports a failure: somebody else forged the trap as the sender.  What waits will come again. */
static bool is_trapped(const struct run *run)
{
    if (run->m->env_from.len == 0 || run->decision.action == JUDGED_DEFER)
        return false;
    for (size_t i = 0; i < run->m->tos; i++)
        if (run->m->to[i].action == ROUTE_TRAP)
            return true;
    return false;
}

/* Once of each message: what could not be taken now comes again, and is told then. */
static void tell(const struct run *run)
{
    bool comes_again = run->answer.code / 100 == 4 && run->decision.action != JUDGED_DEFER;

    if (run->verdict == NULL || comes_again)
        return;
    tell_observers(run, run->r->judged, run->r->judgeds);
    if (is_trapped(run))
        tell_observers(run, run->r->trapped, run->r->trappeds);
}

/* ---- the end ---- */

static void count(const struct run *run)
{
    struct reception *r = run->r;
    uint16_t code = run->answer.code;

    atomic_fetch_add_explicit(code < 400   ? &r->accepted
                              : code < 500 ? &r->deferred
                                           : &r->refused,
                              1, memory_order_relaxed);
    if (code >= 400)
        return;
    atomic_fetch_add_explicit(&r->bytes, run->m->raw.len, memory_order_relaxed);
    if (run->decision.action == JUDGED_QUARANTINE)
        atomic_fetch_add_explicit(&r->quarantined, 1, memory_order_relaxed);
    if (run->decision.override != NULL || run->verdict->overridden)
        atomic_fetch_add_explicit(&r->overridden, 1, memory_order_relaxed);
    for (size_t i = 0; i < run->m->tos; i++)
        atomic_fetch_add_explicit(route_is_carried(run->m->to[i].action) ? &r->carried
                                                                         : &r->handled,
                                  1, memory_order_relaxed);
}

static void ended(struct loop_task *task)
{
    struct run *run = (struct run *)(void *)((char *)task - offsetof(struct run, task));
    struct reception_mail *m = run->m;
    struct reception *r = run->r;
    struct reception_answer answer = run->answer;

    count(run);
    tell(run);
    told_log(run);
    carry_free(run);
    judging_free(run->judging);
    gate_rules_unref(run->rules);
    sgl_buf_done(&run->fields);
    sgl_buf_done(&run->header);
    sgl_arena_done(&run->arena);
    free(run);
    m->private_ = NULL;
    atomic_fetch_sub_explicit(&r->busy, 1, memory_order_relaxed);
    m->done(m, &answer);
}

void run_end(struct run *run)
{
    run->task.run = ended;
    loop_post(run->m->loop, &run->task);
}

static void refuse(struct run *run, uint16_t code, const char *enhanced, const char *text)
{
    told_set(&run->answer, code, enhanced, text);
    run_end(run);
}

/* ---- handlers and forwards ---- */

/* What one of them says of the whole message. */
static void note(struct run *run, enum arrival_result result, const char *why)
{
    switch (result) {
    case ARRIVAL_DONE:
        return;
    case ARRIVAL_LATER:
        told_about(&run->answer, 451, "4.3.0", "%s",
                   sgl_view_cstr(why != NULL ? why : "this cannot be taken now; try again later"));
        break;
    case ARRIVAL_REFUSED:
        told_about(&run->answer, 550, "5.7.1", "%s",
                   sgl_view_cstr(why != NULL ? why : "this message is not taken here"));
        break;
    }
    run->over = true;
}

static void describe(struct run *run, const struct reception_to *to, struct arrival *a)
{
    *a = (struct arrival){.subscription = to->subscription,
                          .route = to->route,
                          .rcpt = to->address,
                          .env_from = run->m->env_from,
                          .ip = run->m->ip,
                          .helo = run->m->helo,
                          .raw = run->m->raw,
                          .headers = run->headers,
                          .verdict = run->verdict,
                          .decision = &run->decision,
                          .at_ms = run->at_ms,
                          .loop = run->m->loop};
}

static void go_on(struct run *run);

static void handled(struct arrival *a, enum arrival_result result, const char *why)
{
    struct run *run = (struct run *)(void *)((char *)a - offsetof(struct run, arrival));

    note(run, result, why);
    run->answered = true;
    if (!run->calling)
        go_on(run);
}

/* false: it will go on by itself. */
static bool handle_one(struct run *run, const struct reception_to *to)
{
    const struct reception_handler *h = &run->r->handler[to->action];

    if (h->take == NULL) {
        note(run, ARRIVAL_LATER, "nothing here takes such mail yet");
        return true;
    }
    describe(run, to, &run->arrival);
    run->arrival.done = handled;
    run->answered = false;
    run->calling = true;
    h->take(h->ctx, &run->arrival);
    run->calling = false;
    return run->answered;
}

static void go_on(struct run *run)
{
    while (!run->over && run->next < run->m->tos) {
        const struct reception_to *to = &run->m->to[run->next++];

        if (!route_is_carried(to->action) && !handle_one(run, to))
            return;
    }
    if (run->over)
        run_end(run);
    else
        carry_all(run);
}

/* ---- decided ---- */

static bool is_loop(const struct run *run)
{
    const struct sgl_header *f = NULL;

    if (sgl_headers_count(run->headers, SGL_LIT("Received")) > RECEIVED_MAX)
        return true;
    while ((f = sgl_headers_next(run->headers, SGL_LIT("Delivered-To"), f)) != NULL)
        for (size_t i = 0; i < run->m->tos; i++)
            if (run->m->to[i].action == ROUTE_FORWARD &&
                sgl_view_eq_nocase(sgl_view_trim(f->value), run->m->to[i].address))
                return true;
    return false;
}

/* Is it the domain itself, or one above?  (A top-level domain signs nothing: such signatures do not pass.) */
static bool speaks_for(sgl_view signer, sgl_view domain)
{
    struct sgl_name d = {signer}, of = {domain};

    return signer.len > 0 && sgl_name_ok(signer, SGL_NAME_UNDERSCORE) &&
           sgl_name_ok(domain, SGL_NAME_UNDERSCORE) && sgl_name_is_at_or_below(of, d);
}

/* Was its envelope sender proved?  Only then may he be told of what fails later: else the report would go to a stranger. */
static bool is_authenticated(const struct run *run)
{
    const struct sgl_verdict *v = run->verdict;
    sgl_view from = run->m->env_from, domain = from;
    size_t at = from.len;

    while (at > 0 && from.ptr[at - 1] != '@')
        at--;
    domain = sgl_view_from(from, at);
    if (at == 0)
        return false;
    if (v->spf_checked && v->spf.result == SGL_SPF_PASS)
        return true;
    for (size_t i = 0; i < v->dkim.count; i++)
        if (v->dkim.item[i].result == SGL_DKIM_PASS &&
            speaks_for(v->dkim.item[i].tags.domain, domain))
            return true;
    return false;
}

static void decide(struct run *run)
{
    struct judge_policy policy = run->rules->policy;
    struct judge_facts facts = {
        .verdict = run->verdict, .ip = run->m->ip, .path = judge_path_of(run->headers)};
    const struct judge_decision *d = &run->decision;

    policy.dmarc = run->m->to[0].mode;
    judge_decide(&policy, &facts, &run->decision);
    told_count(run->r, run->verdict);
    if (d->action == JUDGED_REJECT || d->action == JUDGED_DEFER) {
        refuse(run, d->code, d->enhanced, d->text);
        return;
    }
    if (is_loop(run)) {
        refuse(run, 554, "5.4.6", "this message goes round in a circle");
        return;
    }
    run->authenticated = is_authenticated(run);
    if (fields_make(run) != SGL_OK) {
        told_memory(&run->answer);
        run_end(run);
        return;
    }
    go_on(run);
}

static void judged(void *ctx, struct judging *g)
{
    struct run *run = ctx;

    switch (judging_status(g)) {
    case SGL_OK:
        run->verdict = judging_verdict(g);
        run->headers = judging_headers(g);
        decide(run);
        break;
    case SGL_E_SYNTAX:
        refuse(run, 554, "5.6.0", "this is no message: it has no header");
        break;
    case SGL_E_LIMIT:
        refuse(run, 552, "5.3.4", "the header of this message is too large");
        break;
    case SGL_E_NOMEM:
    case SGL_NEED_DNS:
    case SGL_MORE:
    case SGL_E_MISUSE:
        refuse(run, 451, "4.3.0", "this message cannot be judged now; try again later");
        break;
    }
}

/* ---- begun ---- */

bool reception_has_room(struct reception *r, uint64_t bytes, struct reception_answer *out)
{
    struct reception_rules *rules = gate_rules_of(r);
    size_t held = body_bytes_held(), most = rules->config->limits.memory;
    size_t largest = rules->config->limits.message_size;

    gate_rules_unref(rules);
    if (bytes > largest) {
        told_set(out, 552, "5.3.4", "the message is larger than this server accepts");
        return false;
    }
    if (held > most || bytes > most - held) {
        told_memory(out);
        return false;
    }
    return true;
}

static void begin_judging(struct run *run)
{
    const struct reception_mail *m = run->m;
    struct judge_request q = {.ip = m->ip,
                              .helo = m->helo,
                              .sender = m->env_from,
                              .authserv_id = run->rules->authserv_id,
                              .now = run->at_ms / 1000,
                              .trust = run->rules->trust};

    run->judging = judge_begin(run->r->judge, &q, m->raw);
    if (run->judging == NULL) {
        told_memory(&run->answer);
        run_end(run);
        return;
    }
    judge_finish(run->judging, m->loop, judged, run);
}

bool reception_take(struct reception *r, struct reception_mail *m)
{
    struct run *run = calloc(1, sizeof(*run));
    uint64_t id = id_new();

    if (run == NULL)
        return false;
    atomic_fetch_add_explicit(&r->busy, 1, memory_order_relaxed);
    m->private_ = run;
    m->id = id;
    run->r = r;
    run->m = m;
    run->rules = gate_rules_of(r);
    run->at_ms = clock_now_ms();
    run->tail = &run->first;
    id_text(id, run->id);
    sgl_arena_init(&run->arena, ARENA_MAX);
    if (m->raw.len > run->rules->config->limits.message_size)
        refuse(run, 552, "5.3.4", "the message is larger than this server accepts");
    else
        begin_judging(run);
    return true;
}
