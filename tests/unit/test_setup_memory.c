/* SPDX-License-Identifier: Apache-2.0 */
/* Few questions, and no memory. */
#include "fail_alloc.h"
#include "setup_zone.h"
#include "sigillo/limits.h"

static void test_too_many_questions(void **state)
{
    struct setup_zone zone;

    (void)state;
    for (size_t max = 1; max < 30; max++) {
        sgl_auto(setup_fixture) fx = fixture("example.org");
        sgl_auto(dns_fixture) dns =
            dns_fixture_init("example.org", zone_with(&zone, SGL_SETUP_PURPOSES, ""));
        struct sgl_setup s = {0};

        dns.dns.got_max = max;
        CHECK_EQ("a full snapshot is a failed lookup",
                 run_check(&dns, DNS_ALL_AT_ONCE, setup_fixture_request(&fx), &fx.arena, &s),
                 SGL_OK);
        CHECK_TRUE("what was not asked is not known", s.failed || max > 12);
        check_printable("few questions", &s);
    }
}

/* One round: what would be said with all memory, and what is said now. */
static void memory_round(bool is_parked, const char *zone, struct sgl_buf *want,
                         struct sgl_buf *got, enum sgl_status *st)
{
    sgl_auto(setup_fixture) fx = fixture("example.org");
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", zone);
    struct sgl_setup s = {.rows = 999}, whole = {0};

    dns.dns.got_max = SGL_LIMIT_SETUP_QUESTIONS;
    fx.request.parked = is_parked;
    CHECK_EQ("the answers",
             run_check(&dns, DNS_ALL_AT_ONCE, setup_fixture_request(&fx), &fx.names, &whole),
             SGL_OK);
    put_setup(&whole, want);
    fail_alloc_on();
    *st = sgl_setup_check(&fx.request, &dns.dns, &fx.arena, &s);
    fail_alloc_off();
    if (*st == SGL_OK)
        put_setup(&s, got);
    else
        CHECK_EQ("out is as it was", s.rows, 999);
}

/* The linter of DMARC leaves out how to mend something when there is no memory for it: all else is lost whole, or there. */
static void without_memory(bool is_parked, const char *zone)
{
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_buf want = SGL_BUF_INIT(1 << 18), got = SGL_BUF_INIT(1 << 18);
        enum sgl_status st;

        fail_alloc_off();
        memory_round(is_parked, zone, &want, &got, &st);
        if (st == SGL_OK)
            CHECK_VIEW("all is said", sgl_buf_view(&got), sgl_buf_view(&want));
        else
            CHECK_TRUE("no memory, no result", st == SGL_E_NOMEM && fail_alloc_hit());
        sgl_buf_done(&want);
        sgl_buf_done(&got);
        fail_alloc_on();
    }
}

static void test_memory(void **state)
{
    struct setup_zone zone;

    (void)state;
    without_memory(false, zone_with(&zone, SGL_SETUP_PURPOSES, ""));
    without_memory(false, "example.org NS ns.example.org\nexample.org TXT \"v=spf1 -all\"\n"
                          "s1._domainkey.example.org TXT " OTHER_KEY "\n"
                          "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:a@b.test; pct=1\n"
                          "bounce.example.org.example.org MX 10 mail.host.test\n");
    without_memory(true, "example.org NS ns.example.org\nexample.org TXT v=spf1 mx -all\n"
                         "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:a@b.test\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_many_questions),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
