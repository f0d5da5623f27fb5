/* SPDX-License-Identifier: Apache-2.0 */
/* One question: MTA-STS first, DANE where it makes a difference, then the answer.  Whatever ends it early ends it with TEMP. */
#include <stdio.h>

#include "../log/log.h"
#include "internal.h"
#include "sigillo/dane.h"
#include "sigillo/limits.h"
#include "sigillo/mx.h"

#define ARENA_MAX  (1u << 20)
#define PASSES_MAX 16 /* MX, addresses, aliases, TLSA twice; the rest is our own mistake */

static struct inquiry *of_ask(struct sts_ask *ask)
{
    return (struct inquiry *)(void *)((char *)ask - offsetof(struct inquiry, ask));
}

static struct inquiry *of_fill(struct resolver_fill *fill)
{
    return (struct inquiry *)(void *)((char *)fill - offsetof(struct inquiry, fill));
}

static struct inquiry *of_later(struct loop_later *later)
{
    return (struct inquiry *)(void *)((char *)later - offsetof(struct inquiry, later));
}

/* ---- the end ---- */

void inquiry_end(struct inquiry *q)
{
    if (!q->open)
        return;
    q->open = false;
    if (q->asking)
        sts_cancel(&q->ask);
    if (q->filling)
        resolver_cancel(&q->fill);
    loop_later_cancel(&q->later);
    if (q->timer != NULL)
        event_free(q->timer);
    q->timer = NULL;
    sts_policy_unref(q->ask.answer.policy);
    q->ask.answer.policy = NULL;
    sgl_dns_done(&q->dns);
    sgl_arena_done(&q->arena);
}

static void finish(struct inquiry *q)
{
    if (q->reply.status != SGL_OK) { /* half an answer is none */
        sgl_buf_reset(&q->reply);
        sgl_buf_add_cstr(&q->reply, "TEMP out of memory");
    }
    if (sgl_view_starts(sgl_buf_view(&q->reply), SGL_LIT("TEMP")))
        log_line(LOG_WARN_, "no answer for a domain", LOG_VIEW("domain", q->question.domain.text),
                 LOG_VIEW("reply", sgl_buf_view(&q->reply)));
    inquiry_end(q);
    q->done(q);
}

static void finish_with(struct inquiry *q, const char *reply)
{
    sgl_buf_reset(&q->reply);
    sgl_buf_add_cstr(&q->reply, reply);
    finish(q);
}

static void answer(struct inquiry *q, const struct answer_dane *dane)
{
    struct answer_facts facts = {.domain = q->question.domain.text,
                                 .sts = &q->ask.answer,
                                 .dane = dane,
                                 .says_dane = q->room->config.says_dane,
                                 .details = q->question.details};

    sgl_buf_reset(&q->reply);
    answer_put(&facts, &q->reply);
    finish(q);
}

/* ---- DANE ---- */

static void count_host(struct answer_dane *d, const struct sgl_dane *host)
{
    if (host->level == SGL_DANE_LOOKUP_ERROR) {
        d->unknown++;
        d->why = host->why;
    } else if (host->addresses_state == SGL_DANE_ADDRESSES_NONE) {
        return; /* nobody goes there */
    } else if (host->domain_protected) {
        d->proved++;
    } else {
        d->bare++;
    }
}

static enum sgl_status check_hosts(struct inquiry *q, const struct sgl_mx *mx,
                                   struct answer_dane *out)
{
    enum sgl_status st = SGL_OK;

    for (size_t i = 0; i < mx->hosts; i++) {
        struct sgl_dane_request request = {.host = mx->host[i].name,
                                           .port = q->question.port,
                                           .ipv4 = true,
                                           .ipv6 = true,
                                           .domain = q->question.domain,
                                           .canonical = mx->canonical,
                                           .mx_secure = mx->security == SGL_DNS_SECURE};
        struct sgl_dane host;
        enum sgl_status one = sgl_dane_check(&request, &q->dns, &q->arena, &host);

        if (one == SGL_OK)
            count_host(out, &host);
        st = sgl_join(st, one);
    }
    return st;
}

/* From the start each time, as evaluators want it. */
static enum sgl_status evaluate(struct inquiry *q, struct answer_dane *out)
{
    struct sgl_mx_request request = {.domain = q->question.domain};
    struct sgl_mx mx;

    SGL_TRY(sgl_mx_check(&request, &q->dns, &q->arena, &mx));
    if (mx.state == SGL_MX_FAILED) {
        out->failed = true;
        out->why = mx.why;
    }
    return mx.state == SGL_MX_HOSTS ? check_hosts(q, &mx, out) : SGL_OK;
}

static void look_at_dane(struct inquiry *q);

static void on_filled(struct resolver_fill *fill)
{
    struct inquiry *q = of_fill(fill);

    q->filling = false;
    look_at_dane(q);
}

static void look_at_dane(struct inquiry *q)
{
    struct sgl_arena_mark mark = sgl_arena_mark(&q->arena);
    struct answer_dane found = {.why = ""};
    enum sgl_status st = evaluate(q, &found);

    if (st == SGL_OK) {
        q->dane = found;
        answer(q, &q->dane);
        return;
    }
    if (st != SGL_NEED_DNS || q->passes++ == PASSES_MAX) {
        finish_with(q, st == SGL_E_NOMEM ? "TEMP out of memory"
                                         : "TEMP its records are more than can be looked at");
        return;
    }
    sgl_arena_rewind(&q->arena, mark);
    q->filling = true;
    q->fill = (struct resolver_fill){
        .dns = &q->dns, .timeout_ms = q->room->config.timeout_ms, .done = on_filled};
    resolver_fill(q->room->config.resolver, &q->fill);
}

/* ---- MTA-STS ---- */

static void have_policy(struct inquiry *q)
{
    q->asking = false;
    if (answer_needs_dane(&q->ask.answer, q->room->config.says_dane))
        look_at_dane(q);
    else
        answer(q, NULL);
}

static void on_policy(struct sts_ask *ask)
{
    have_policy(of_ask(ask));
}

/* ---- begun ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    finish_with(arg, "TEMP no answer in time");
}

/* In a turn of its own, so that done() never comes inside inquiry_begin(). */
static void start(struct loop_later *later)
{
    struct inquiry *q = of_later(later);
    uint64_t ms = q->room->config.timeout_ms;
    struct timeval limit = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000};

    switch (q->question.kind) {
    case QUESTION_BROKEN:
        finish_with(q, "PERM this is no lookup");
        return;
    case QUESTION_OTHER:
        finish_with(q, "NOTFOUND ");
        return;
    case QUESTION_DOMAIN:
        break;
    }
    q->timer = event_new(loop_base(q->room->config.loop), -1, 0, on_timer, q);
    if (q->timer == NULL || event_add(q->timer, &limit) != 0) {
        finish_with(q, "TEMP out of memory");
        return;
    }
    q->asking = true;
    q->ask.done = on_policy;
    if (sts_ask(q->room->config.sts, q->question.domain, &q->ask))
        have_policy(q);
}

static void refuse(struct loop_later *later)
{
    finish_with(of_later(later), "TEMP out of memory");
}

void inquiry_begin(struct inquiry *q, sgl_view text)
{
    enum sgl_status st;

    sgl_arena_init(&q->arena, ARENA_MAX);
    sgl_dns_init(&q->dns, 0);
    q->ask = (struct sts_ask){0};
    q->later = (struct loop_later){0};
    q->timer = NULL;
    q->passes = 0;
    q->open = true;
    q->asking = q->filling = false;
    q->question = (struct question){0};
    st = question_read(text, &q->arena, &q->question);
    q->later.run = st == SGL_OK ? start : refuse;
    loop_later(q->room->config.loop, &q->later);
}
