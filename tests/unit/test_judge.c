/* SPDX-License-Identifier: Apache-2.0 */
/* The judge over a resolver that the test plays: the same verdict however late answers come, bounded time and memory. */
#include "../../server/judge/judge.h"

#include <stdatomic.h>

#include "../../server/resolver/resolver.h"
#include "fail_alloc.h"
#include "verdict_fixture.h"

/* ---- the resolver ---- */

struct resolver {
    struct loop *loop;
    const char *zone;
    bool silent; /* no question is answered before its time is over */
    bool slow;   /* answers, when the time is over */
    size_t fills;
    struct resolver_fill *fill;
    struct loop_task task;
};

static void answer_all(struct resolver *r)
{
    struct dns_fixture fx = dns_fixture_init("fixture.test", r->zone);
    struct sgl_dns own = fx.dns;

    fx.dns = *r->fill->dns;
    dns_fixture_answer(&fx);
    *r->fill->dns = fx.dns;
    fx.dns = own;
    dns_fixture_done(&fx);
}

static void fill_now(struct loop_task *task)
{
    struct resolver *r =
        (struct resolver *)(void *)((char *)task - offsetof(struct resolver, task));

    uint64_t until = clock_mono_ms() + 2 * r->fill->timeout_ms;

    fail_alloc_off();
    while (r->slow && clock_mono_ms() < until)
        continue;
    if (r->silent)
        sgl_dns_fail_open(r->fill->dns, "timeout");
    else
        answer_all(r);
    fail_alloc_on();
    r->fill->done(r->fill);
}

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    if (!loop_is_current(r->loop))
        fail_msg("asked on another loop");
    CHECK_TRUE("a bounded time", fill->timeout_ms > 0 && fill->timeout_ms <= 20000);
    r->fills++;
    r->fill = fill;
    r->task.run = fill_now;
    loop_post(r->loop, &r->task);
}

void resolver_cancel(struct resolver_fill *fill)
{
    (void)fill;
}

/* ---- one message ---- */

struct trial {
    struct loop *loop, *other;
    struct resolver resolver;
    struct judge_setup setup;
    struct judge *judge;
    struct sgl_buf zone;
    bool within; /* of judge_finish() */
    enum sgl_status status;
    char text[4096]; /* the field */
};

static void trial_init(struct trial *t, const char *zone)
{
    *t = (struct trial){.loop = loop_new("test"), .zone = SGL_BUF_INIT(1 << 16)};
    t->resolver = (struct resolver){.loop = t->loop, .zone = fill_in(zone, &t->zone)};
    t->setup = (struct judge_setup){.resolver = &t->resolver, .resolver_loop = t->loop};
}

static void trial_done(struct trial *t)
{
    judge_free(t->judge);
    loop_free(t->loop);
    sgl_buf_done(&t->zone);
}

static void judged(void *ctx, struct judging *g)
{
    struct trial *t = ctx;
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(sizeof(t->text) - 1);

    if (t->within)
        fail_msg("done() within the call");
    t->status = judging_status(g);
    CHECK_EQ("a verdict with OK, and only then", judging_verdict(g) != NULL, t->status == SGL_OK);
    fail_alloc_off();
    if (t->status == SGL_OK) {
        show(judging_verdict(g), &field);
        memcpy(t->text, field.data, field.len);
    }
    fail_alloc_on();
    t->text[field.len] = '\0';
    loop_stop(t->loop);
}

/* false: there was no memory to begin. */
static bool judge_message(struct trial *t, sgl_view message, size_t chunk)
{
    struct judge_request q = {.ip = ip_of("192.0.2.1"),
                              .helo = V("mx.example.org"),
                              .sender = V("joe@example.org"),
                              .authserv_id = V("mx.test"),
                              .now = NOW};
    size_t off = sgl_view_find_view(message, V("\r\n\r\n")) + 4;
    struct judging *g;

    off = off > message.len ? message.len : off;
    if (t->judge == NULL)
        t->judge = judge_new(&t->setup);
    if (t->judge == NULL)
        return false;
    g = judge_begin(t->judge, &q, sgl_view_sub(message, 0, off));
    if (g == NULL)
        return false;
    for (size_t at = off; at < message.len; at += chunk)
        judge_body(g, sgl_view_sub(message, at, chunk));
    t->within = true;
    judge_finish(g, t->loop, judged, t);
    t->within = false;
    loop_run(t->loop);
    judging_free(g);
    return true;
}

#define PASSES                                                                                     \
    "Authentication-Results: mx.test;\r\n spf=pass smtp.mailfrom=example.org;\r\n"                 \
    " spf=pass smtp.helo=mx.example.org;\r\n dkim=none reason=\"no signature\";\r\n"               \
    " arc=none;\r\n dmarc=pass header.from=example.org policy.dmarc=reject\r\nnone\n"

static void a_message_is_judged(void **state)
{
    struct trial t;
    struct judge_stats stats;

    (void)state;
    for (size_t chunk = 1; chunk < 40; chunk += 7) {
        trial_init(&t, ZONE);
        CHECK_TRUE("begun", judge_message(&t, V(MESSAGE), chunk));
        CHECK_EQ("status", t.status, SGL_OK);
        CHECK_STR("verdict", t.text, PASSES);
        judge_stats(t.judge, &stats);
        CHECK_EQ("messages", stats.messages, 1);
        CHECK_EQ("failed", stats.failed, 0);
        CHECK_EQ("memory is given back", stats.memory, 0);
        trial_done(&t);
    }
}

static void the_resolver_may_live_elsewhere(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t, ZONE);
    t.other = loop_new("other");
    t.resolver.loop = t.setup.resolver_loop = t.other;
    CHECK_TRUE("starts", loop_start(t.other));
    CHECK_TRUE("begun", judge_message(&t, V(MESSAGE), 10));
    CHECK_STR("verdict", t.text, PASSES);
    loop_stop(t.other);
    loop_join(t.other);
    loop_free(t.other);
    trial_done(&t);
}

/* Never a pass, never "no policy".  [RFC 9989 s5.3.6] */
static void a_dead_resolver_gives_temperror(void **state)
{
    struct trial t;

    (void)state;
    trial_init(&t, ZONE);
    t.resolver.silent = true;
    CHECK_TRUE("begun", judge_message(&t, V(MESSAGE), 10));
    CHECK_EQ("status", t.status, SGL_OK);
    CHECK_TRUE("temperror", strstr(t.text, "dmarc=temperror") != NULL);
    CHECK_TRUE("no pass", strstr(t.text, "pass") == NULL);
    trial_done(&t);
}

static void no_more_is_asked_when_the_time_is_over(void **state)
{
    struct trial t;
    struct judge_stats stats;

    (void)state;
    trial_init(&t,
               "example.org TXT v=spf1 include:a.test -all\na.test TXT v=spf1 include:b.test -all\n"
               "b.test TXT v=spf1 ip4:192.0.2.1 -all\n_dmarc.example.org TXT v=DMARC1; p=reject\n");
    t.setup.timeout_ms = 20;
    t.resolver.slow = true;
    CHECK_TRUE("begun", judge_message(&t, V(MESSAGE), 10));
    CHECK_EQ("there is a verdict all the same", t.status, SGL_OK);
    CHECK_TRUE("SPF goes no further", strstr(t.text, "spf=temperror") != NULL);
    judge_stats(t.judge, &stats);
    CHECK_TRUE("told", stats.late > 0);
    CHECK_EQ("asked once", t.resolver.fills, 1);
    trial_done(&t);
}

static void what_is_no_message_has_no_verdict(void **state)
{
    struct trial t;
    sgl_auto(sgl_buf) many = SGL_BUF_INIT(1 << 20);

    (void)state;
    trial_init(&t, ZONE);
    CHECK_TRUE("begun", judge_message(&t, V("\r\nno field\r\n"), 10));
    CHECK_EQ("no message", t.status, SGL_E_SYNTAX);
    for (int i = 0; i <= SGL_LIMIT_HEADER_FIELDS; i++)
        sgl_buf_add_cstr(&many, "A: b\r\n");
    sgl_buf_add_cstr(&many, "\r\nx\r\n");
    CHECK_TRUE("begun", judge_message(&t, sgl_buf_view(&many), 1000));
    CHECK_EQ("too many fields", t.status, SGL_E_LIMIT);
    trial_done(&t);
}

static void memory_of_all_is_bounded(void **state)
{
    struct trial t;
    struct judge_stats stats;

    (void)state;
    trial_init(&t, ZONE);
    t.setup.memory_max = 100;
    CHECK_TRUE("begun", judge_message(&t, V(MESSAGE), 10));
    CHECK_EQ("refused for now", t.status, SGL_E_NOMEM);
    judge_stats(t.judge, &stats);
    CHECK_EQ("failed", stats.failed, 1);
    CHECK_EQ("memory is given back", stats.memory, 0);
    trial_done(&t);
}

static void each_allocation_may_fail(void **state)
{
    struct trial t;
    size_t full = 0;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        fail_alloc_off();
        trial_init(&t, ZONE);
        fail_alloc_on();
        if (judge_message(&t, V(MESSAGE), 10)) {
            CHECK_TRUE("told", t.status == SGL_OK || t.status == SGL_E_NOMEM);
            if (t.status == SGL_OK) {
                CHECK_TRUE("never a pass without its proof",
                           strcmp(t.text, PASSES) == 0 || strstr(t.text, "dmarc=temperror"));
                full++;
            }
        }
        trial_done(&t);
    }
    CHECK_TRUE("the last round", full > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_judged),
        cmocka_unit_test(the_resolver_may_live_elsewhere),
        cmocka_unit_test(a_dead_resolver_gives_temperror),
        cmocka_unit_test(no_more_is_asked_when_the_time_is_over),
        cmocka_unit_test(what_is_no_message_has_no_verdict),
        cmocka_unit_test(memory_of_all_is_bounded),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
