/* SPDX-License-Identifier: Apache-2.0 */
/* Passes, questions and memory of an evaluation. */
#include "sigillo/spf.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"
#include "spf_fixture.h"

static unsigned passes_of(const char *zone, enum dns_driver driver, size_t *asked)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", zone);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
    struct sgl_spf got;
    unsigned passes = 1;
    enum sgl_status st;

    for (; (st = sgl_spf_check(&q, &fx.dns, &arena, &got)) == SGL_NEED_DNS; passes++)
        dns_fixture_step(&fx, driver);
    assert_int_equal(st, SGL_OK);
    *asked = fx.asked;
    return passes;
}

/* As many passes as the record is deep; and what is behind a match that needs no DNS is not asked for. */
static void asks_together(void **state)
{
    size_t asked;

    (void)state;
    assert_int_equal(
        passes_of("TXT v=spf1 include:b.test a:c.test mx -all\nb.test TXT v=spf1 -all\n"
                  "c.test A 10.0.0.1\nMX 1 m.test\nm.test A 10.0.0.1",
                  DNS_ALL_AT_ONCE, &asked),
        4); /* the record; its terms; the exchange's address; the verdict */
    assert_int_equal(asked, 5);
    assert_int_equal(
        passes_of("TXT v=spf1 include:b.test ip4:192.0.2.1 include:c.test include:d.test\n"
                  "b.test TXT v=spf1 -all",
                  DNS_ALL_AT_ONCE, &asked),
        3);
    assert_int_equal(asked, 2);
    /* Names made of the client or the mailbox wait for their turn. */
    assert_int_equal(
        passes_of("TXT v=spf1 a:b.test exists:%{i}.c.test include:%{l}.d.test -all\nb.test A "
                  "192.0.2.1",
                  DNS_ALL_AT_ONCE, &asked),
        3);
    assert_int_equal(asked, 2);
}

/* Ten "mx" of ten hosts, each term in an include of its own: the most that can be asked. */
static void keeps_the_work_bounded(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    size_t asked;

    (void)state;
    sgl_buf_add(&zone, SGL_LIT("TXT v=spf1"));
    for (int t = 0; t < 10; t++)
        sgl_buf_addf(&zone, " mx:t%d.test", t);
    for (int t = 0; t < 10; t++) {
        for (int m = 0; m < 10; m++)
            sgl_buf_addf(&zone, "\nt%d.test MX %d m%d.t%d.test\nm%d.t%d.test A 10.0.0.%d", t, m, m,
                         t, m, t, m);
    }
    assert_non_null(sgl_cstr(&zone));
    assert_int_equal(passes_of(sgl_cstr(&zone), DNS_ALL_AT_ONCE, &asked), 13);
    assert_int_equal(asked, 111);
    assert_int_equal(passes_of(sgl_cstr(&zone), DNS_OLDEST_FIRST, &asked), 112);
}

/* A full snapshot is a verdict, not an error. */
static void runs_out_of_questions(void **state)
{
    (void)state;
    for (size_t max = 1; max < 5; max++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init(
            "a.test",
            "TXT v=spf1 a:b.test mx include:c.test -all\nb.test A 10.0.0.1\nMX 1 m.test\nm.test A "
            "10.0.0.1\nc.test TXT v=spf1 -all");
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};

        sgl_dns_init(&fx.dns, max);
        assert_int_equal(check_spf(&fx, DNS_OLDEST_FIRST, &q, &arena, &got), SGL_OK);
        CHECK_EQ("too many questions", got.result, SGL_SPF_PERMERROR);
        CHECK_STR("too many questions", got.problem, "too many DNS questions");
    }
}

static void refuses_no_client(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "TXT v=spf1 -all");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_spf_request q = {.sender = SGL_LIT("u@a.test")};
    struct sgl_spf got;

    (void)state;
    assert_int_equal(sgl_spf_check(&q, &fx.dns, &arena, &got), SGL_E_MISUSE);
}

/* 300 TXT records: what can't be read hides no record.  [RFC 7208 s4.4] */
static void floods(void **state)
{
    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};

        /* Shorter ones sort before it, longer ones behind. */
        for (int i = 0; i < 300; i++)
            sgl_buf_addf(&zone, "TXT %s%d\n", hidden ? "x" : "verification=", i);
        sgl_buf_add(&zone, SGL_LIT("TXT v=spf1 -all"));
        {
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));

            assert_int_equal(check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got), SGL_OK);
            CHECK_EQ("flood", got.result, hidden ? SGL_SPF_PERMERROR : SGL_SPF_FAIL);
        }
    }
}

/* A TXT record of 64 KiB. */
static void floods_with_one(void **state)
{
    static uint8_t rdata[65280];
    sgl_view one = sgl_view_of(rdata, sizeof rdata);
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_dns_raw raw = {.name = fx.name, .type = SGL_RR_TXT, .rdata = &one, .rdatas = 1};
    struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
    struct sgl_spf got = {.result = (enum sgl_spf_result)99};

    (void)state;
    memset(rdata, 255, sizeof rdata);
    memcpy(rdata + 1, "v=spf1 ", 7);
    assert_int_equal(sgl_dns_add_answer(&fx.dns, &raw), SGL_OK);
    assert_int_equal(sgl_spf_check(&q, &fx.dns, &arena, &got), SGL_OK);
    CHECK_EQ("flood", got.result, SGL_SPF_PERMERROR);
}

/* The most that an evaluation takes: records as long as they may be, one in the other.  What sigillo/spf.h says is enough is enough. */
static void fits_its_arena(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_SPF_ARENA);
    struct sgl_spf_request q = request_of("192.0.2.1", "u@r0.test", "helo.test");
    struct sgl_spf got = {.result = (enum sgl_spf_result)99};

    (void)state;
    for (int level = 0; level < 11; level++) {
        sgl_buf_addf(&zone, "r%d.test TXT v=spf1", level);
        for (int i = 0; i < SGL_LIMIT_SPF_TERMS - 1; i++)
            sgl_buf_add(&zone, SGL_LIT(" ip4:10.0.0.1"));
        sgl_buf_addf(&zone, " include:r%d.test\n", level + 1);
    }
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));

        assert_int_equal(check_spf(&fx, DNS_OLDEST_FIRST, &q, &arena, &got), SGL_OK);
        CHECK_EQ("the eleventh include", got.result, SGL_SPF_PERMERROR);
        CHECK_EQ("the eleventh include", got.lookups, 11);
    }
}

/* An ordinary one is small: what a term needed goes back when it does not match. */
static void takes_little(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "a.test",
        "TXT v=spf1 include:b.test include:b.test include:b.test include:b.test mx a -all\n"
        "b.test TXT v=spf1 ip4:10.0.0.1 ip4:10.0.0.2 ip4:10.0.0.3 ip4:10.0.0.4 ~all\n"
        "MX 10 m.test\nm.test A 10.0.0.1\nA 10.0.0.1");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(2048);
    struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
    struct sgl_spf got = {.result = (enum sgl_spf_result)99};

    (void)state;
    assert_int_equal(check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got), SGL_OK);
    CHECK_EQ("result", got.result, SGL_SPF_FAIL);
}

static const char hostile_zone[] =
    "TXT v=spf1 a:%{p}.%{l}.test mx include:b.test redirect=c.test exp=%{h}.test\nMX 1 m.test\n"
    "b.test TXT v=spf1 ptr exists:%{ir}.%{v}.%{s}.test -all\nc.test TXT v=spf1 -all exp=e.test\n"
    "e.test TXT %{S} %{c} %{r} %{t} %{p}";

static void survives_without_memory(void **state)
{
    struct sgl_spf_request q = request_of("2001:db8::1", "u@b\xc3\xbc.a.test", "h.test");
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", hostile_zone);

    (void)state;
    q.sender = V("u@a.test");
    q.trace = true;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};
        enum sgl_status st;

        sgl_dns_done(&fx.dns);
        while ((st = sgl_spf_check(&q, &fx.dns, &arena, &got)) == SGL_NEED_DNS) {
            fail_alloc_off();
            dns_fixture_answer(&fx);
            fail_alloc_on();
        }
        CHECK_EQ("no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        if (st != SGL_OK)
            CHECK_EQ("no memory", got.result, 99);
    }
}

static void says_when_the_arena_is_full(void **state)
{
    struct sgl_spf_request q = request_of("2001:db8::1", "u@a.test", "h.test");
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", hostile_zone);
    bool ok = false;

    (void)state;
    for (size_t max = 0; !ok && max < 65536; max += 16) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(max);
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};
        enum sgl_status st = check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got);

        ok = st == SGL_OK;
        if (!ok) {
            CHECK_EQ("full", st, SGL_E_LIMIT);
            CHECK_EQ("full", got.result, 99);
            CHECK_EQ("full", arena.used, 0);
        }
    }
    assert_true(ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_together),
        cmocka_unit_test(keeps_the_work_bounded),
        cmocka_unit_test(runs_out_of_questions),
        cmocka_unit_test(refuses_no_client),
        cmocka_unit_test(floods),
        cmocka_unit_test(fits_its_arena),
        cmocka_unit_test(takes_little),
        cmocka_unit_test(floods_with_one),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(says_when_the_arena_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
