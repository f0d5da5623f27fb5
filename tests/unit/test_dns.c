/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/dns.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

static void questions(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("a.test", "$SECURE\nA 192.0.2.2\nA 192.0.2.1\nA 192.0.2.2");
    const struct sgl_dns_answer *got = NULL, *again = NULL;

    (void)state;
    CHECK_EQ("a miss", sgl_dns_get(&fx.dns, fx.name, SGL_RR_A, &got), SGL_NEED_DNS);
    CHECK_EQ("the same miss", sgl_dns_get(&fx.dns, fx.name, SGL_RR_A, &got), SGL_NEED_DNS);
    CHECK_TRUE("nothing is given", got == NULL);
    CHECK_EQ("is one question", sgl_dns_open(&fx.dns), 1);
    dns_fixture_answer(&fx);
    CHECK_EQ("nothing is open", sgl_dns_open(&fx.dns), 0);
    CHECK_EQ("a hit", sgl_dns_get(&fx.dns, fx.name, SGL_RR_A, &got), SGL_OK);
    CHECK_EQ("doubles are dropped", got->count, 2);
    CHECK_EQ("records are sorted", got->rr[0].ip.bytes[3], 1);
    CHECK_EQ("security is kept", got->security, SGL_DNS_SECURE);
    CHECK_EQ("a double is not malformed", got->dropped, 0);
    fx.zone = "A 198.51.100.1";
    dns_fixture_answer_question(&fx, &(struct sgl_dns_question){fx.name, SGL_RR_A});
    CHECK_EQ("an answer once seen stays", sgl_dns_get(&fx.dns, fx.name, SGL_RR_A, &again), SGL_OK);
    CHECK_TRUE("an answer once seen stays", again == got && again->count == 2);
}

static const struct {
    const char *name, *zone;
    enum sgl_rr type;
    enum sgl_dns_outcome outcome;
    enum sgl_dns_security security;
    bool aliased;
    size_t count, dropped;
} outcome_cases[] = {
    {"an address", "A 192.0.2.1", SGL_RR_A, SGL_DNS_OK, SGL_DNS_INSECURE, false, 1, 0},
    {"a signed address", "$SECURE\nA 192.0.2.1", SGL_RR_A, SGL_DNS_OK, SGL_DNS_SECURE, false, 1, 0},
    {"another type", "$SECURE\nA 192.0.2.1", SGL_RR_MX, SGL_DNS_NODATA, SGL_DNS_SECURE, false, 0,
     0},
    {"no name", "b.test A 192.0.2.1", SGL_RR_A, SGL_DNS_NXDOMAIN, SGL_DNS_INSECURE, false, 0, 0},
    {"failure", "SERVFAIL", SGL_RR_A, SGL_DNS_FAILED, SGL_DNS_INSECURE, false, 0, 0},
    {"forged is never secure", "$SECURE\nBOGUS", SGL_RR_A, SGL_DNS_BOGUS, SGL_DNS_INSECURE, false,
     0, 0},
    {"an alias", "$SECURE\nCNAME b.test\nb.test A 192.0.2.1", SGL_RR_A, SGL_DNS_OK, SGL_DNS_SECURE,
     true, 1, 0},
    {"an unsigned alias", "CNAME b.test\n$SECURE\nb.test A 192.0.2.1", SGL_RR_A, SGL_DNS_OK,
     SGL_DNS_INSECURE, true, 1, 0},
    {"an alias into the void", "CNAME b.test", SGL_RR_A, SGL_DNS_NXDOMAIN, SGL_DNS_INSECURE, true,
     0, 0},
    {"an alias to no possible name", "CNAME b!.test\nb!.test A 192.0.2.1", SGL_RR_A, SGL_DNS_FAILED,
     SGL_DNS_INSECURE, false, 0, 0},
    {"a wrong length is dropped", "RAW A c00002\nA 192.0.2.1", SGL_RR_A, SGL_DNS_OK,
     SGL_DNS_INSECURE, false, 1, 1},
    {"name servers", "NS ns1.a.test\nNS ns2.b.test", SGL_RR_NS, SGL_DNS_OK, SGL_DNS_INSECURE, false,
     2, 0},
    {"all malformed is still data", "RAW A c00002", SGL_RR_A, SGL_DNS_OK, SGL_DNS_INSECURE, false,
     0, 1},
    {"an MX cut short", "RAW MX 000a01", SGL_RR_MX, SGL_DNS_OK, SGL_DNS_INSECURE, false, 0, 1},
    {"an MX with more behind its name", "RAW MX 000a016100ff", SGL_RR_MX, SGL_DNS_OK,
     SGL_DNS_INSECURE, false, 0, 1},
    {"a text cut short", "RAW TXT 056162", SGL_RR_TXT, SGL_DNS_OK, SGL_DNS_INSECURE, false, 0, 1},
    {"the old SPF type has the form of TXT [RFC 7208 s14.1]", "SPF v=spf1 -all", SGL_RR_SPF,
     SGL_DNS_OK, SGL_DNS_INSECURE, false, 1, 0},
    {"a TLSA without data", "RAW TLSA 030101", SGL_RR_TLSA, SGL_DNS_OK, SGL_DNS_INSECURE, false, 1,
     0},
    {"a TLSA cut short", "RAW TLSA 0301", SGL_RR_TLSA, SGL_DNS_OK, SGL_DNS_INSECURE, false, 0, 1},
};

static void outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outcome_cases / sizeof outcome_cases[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", outcome_cases[i].zone);
        const struct sgl_dns_answer *got = NULL;

        CHECK_EQ(outcome_cases[i].name, sgl_dns_get(&fx.dns, fx.name, outcome_cases[i].type, &got),
                 SGL_NEED_DNS);
        dns_fixture_answer(&fx);
        CHECK_EQ(outcome_cases[i].name, sgl_dns_get(&fx.dns, fx.name, outcome_cases[i].type, &got),
                 SGL_OK);
        CHECK_EQ(outcome_cases[i].name, got->outcome, outcome_cases[i].outcome);
        CHECK_EQ(outcome_cases[i].name, got->security, outcome_cases[i].security);
        CHECK_EQ(outcome_cases[i].name, got->aliased, outcome_cases[i].aliased);
        CHECK_EQ(outcome_cases[i].name, got->count, outcome_cases[i].count);
        CHECK_EQ(outcome_cases[i].name, got->dropped, outcome_cases[i].dropped);
        CHECK_EQ(outcome_cases[i].name, got->why[0] != 0, sgl_dns_is_error(got));
        if (!outcome_cases[i].aliased)
            CHECK_TRUE(outcome_cases[i].name, sgl_name_eq(got->canonical, fx.name));
    }
}

static void texts_are_joined(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "RAW TXT 03613d3100026232");
    const struct sgl_dns_answer *got = NULL;

    (void)state;
    CHECK_EQ("ask", sgl_dns_get(&fx.dns, fx.name, SGL_RR_TXT, &got), SGL_NEED_DNS);
    dns_fixture_answer(&fx);
    CHECK_EQ("get", sgl_dns_get(&fx.dns, fx.name, SGL_RR_TXT, &got), SGL_OK);
    CHECK_VIEW("strings follow each other [RFC 7208 s3.3]", got->rr[0].txt, sgl_view_cstr("a=1b2"));
}

static void caps(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    const struct sgl_dns_answer *got = NULL;
    struct sgl_name n1 = dns_fixture_name(&fx, "n1.test"), n2 = dns_fixture_name(&fx, "n2.test");

    (void)state;
    sgl_dns_init(&fx.dns, 2);
    sgl_dns_want(&fx.dns, fx.name, SGL_RR_A);
    sgl_dns_want(&fx.dns, fx.name, SGL_RR_AAAA);
    sgl_dns_want(&fx.dns, fx.name, SGL_RR_MX);
    CHECK_EQ("wishes have a maximum of their own", sgl_dns_open(&fx.dns), 2);
    CHECK_EQ("wishes leave room for questions", sgl_dns_get(&fx.dns, n1, SGL_RR_A, &got),
             SGL_NEED_DNS);
    CHECK_EQ("up to the maximum", sgl_dns_get(&fx.dns, fx.name, SGL_RR_A, &got), SGL_NEED_DNS);
    CHECK_EQ("not one more", sgl_dns_get(&fx.dns, n2, SGL_RR_A, &got), SGL_E_LIMIT);
    sgl_dns_fail_open(&fx.dns, "deadline");
    CHECK_EQ("known questions may be asked again", sgl_dns_get(&fx.dns, n1, SGL_RR_A, &got),
             SGL_OK);
    CHECK_EQ("the deadline is a failure", got->outcome, SGL_DNS_FAILED);
    CHECK_STR("with its reason", got->why, "deadline");
    CHECK_EQ("nothing is open", sgl_dns_open(&fx.dns), 0);
    sgl_dns_reset(&fx.dns);
    CHECK_EQ("a reset snapshot knows nothing", sgl_dns_get(&fx.dns, n1, SGL_RR_A, &got),
             SGL_NEED_DNS);
}

static void floods(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    static uint8_t bytes[1000][4];
    static sgl_view rdata[1000];
    struct sgl_dns_raw raw = {
        .name = fx.name, .type = SGL_RR_A, .outcome = SGL_DNS_OK, .rdata = rdata, .rdatas = 1000};
    const struct sgl_dns_answer *got = NULL;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        bytes[i][0] = (uint8_t)(i >> 8);
        bytes[i][1] = (uint8_t)i;
        rdata[i] = sgl_view_of(bytes[i], 4);
    }
    CHECK_EQ("added", sgl_dns_add_answer(&fx.dns, &raw), SGL_OK);
    CHECK_EQ("get", sgl_dns_get(&fx.dns, fx.name, SGL_RR_A, &got), SGL_OK);
    CHECK_EQ("an answer has a maximum", got->count, SGL_LIMIT_DNS_RECORDS);
    CHECK_EQ("and says what it left out", got->dropped, 1000 - SGL_LIMIT_DNS_RECORDS);
}

/* Adds a TXT answer of `count` records of `len` bytes. */
static enum sgl_status add_text(struct dns_fixture *fx, struct sgl_name name, size_t count,
                                size_t len)
{
    static uint8_t wire[256][256];
    sgl_view rdata[256];
    struct sgl_dns_raw raw = {.name = name, .type = SGL_RR_TXT, .rdata = rdata, .rdatas = count};

    for (size_t i = 0; i < count; i++) {
        memset(wire[i], (int)i, sizeof wire[i]);
        wire[i][0] = (uint8_t)(len - 1);
        rdata[i] = sgl_view_of(wire[i], len);
    }
    return sgl_dns_add_answer(&fx->dns, &raw);
}

/* Whoever has large records must not push out the small ones of others: a policy would be lost. */
static void large_answers_leave_room_for_small_ones(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    const struct sgl_dns_answer *got;
    size_t refused = 0, i;

    (void)state;
    for (i = 0; i < 100; i++) {
        char text[32];
        struct sgl_name name;

        snprintf(text, sizeof text, "k%zu.a.test", i);
        name = dns_fixture_name(&fx, text);
        CHECK_EQ("asked", sgl_dns_get(&fx.dns, name, SGL_RR_TXT, &got), SGL_NEED_DNS);
        /* From large to just above small, so that no gap is left. */
        if (add_text(&fx, name, i < 50 ? 200 : 32 + (99 - i), 200) != SGL_OK) {
            refused++;
            sgl_dns_fail(&fx.dns, name, SGL_RR_TXT, "does not fit");
        }
    }
    CHECK_TRUE("large ones have a bound", refused > 30);
    CHECK_TRUE("which they keep", fx.dns.bulk <= SGL_LIMIT_DNS_SNAPSHOT);
    CHECK_EQ("a policy is asked for", sgl_dns_get(&fx.dns, fx.name, SGL_RR_TXT, &got),
             SGL_NEED_DNS);
    CHECK_EQ("and comes in", add_text(&fx, fx.name, 25, 200), SGL_OK);
    CHECK_EQ("whole", sgl_dns_get(&fx.dns, fx.name, SGL_RR_TXT, &got), SGL_OK);
    CHECK_EQ("whole", got->count, 25);
    sgl_dns_reset(&fx.dns);
    CHECK_EQ("then all is free again", fx.dns.bulk, 0);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct dns_fixture fx;
        const struct sgl_dns_answer *got = NULL;
        enum sgl_status st;

        fail_alloc_off();
        fx = dns_fixture_init("a.test", "MX 10 mx1.a.test\nMX 20 mx2.a.test");
        fail_alloc_on();
        st = sgl_dns_get(&fx.dns, fx.name, SGL_RR_MX, &got);
        CHECK_TRUE("no memory is a status",
                   st == SGL_NEED_DNS || (st == SGL_E_NOMEM && fail_alloc_hit()));
        if (st == SGL_NEED_DNS) {
            dns_fixture_answer(&fx);
            CHECK_EQ("the answer, or a failure", sgl_dns_get(&fx.dns, fx.name, SGL_RR_MX, &got),
                     SGL_OK);
        }
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(texts_are_joined),
        cmocka_unit_test(caps),
        cmocka_unit_test(floods),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(large_answers_leave_room_for_small_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
