/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of domains does not show: marks, wildcards, names, bounds. */
#include "sigillo/survey.h"

#include "check.h"
#include "crypto_fixture.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "survey_fixture.h"

/* Nobody answers: nothing is known, and nothing is said to be wrong. */
static void silence(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    struct sgl_survey_request q = {.domain = fx.name, .crypto = crypto};
    struct sgl_survey s;

    (void)state;
    while (sgl_survey(&q, &fx.dns, &arena, &s) == SGL_NEED_DNS)
        sgl_dns_fail_open(&fx.dns, "no answer in time");
    assert_int_equal(s.errors, 0);
    assert_true(s.failed);
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++)
        CHECK_EQ(sgl_survey_part_name((enum sgl_survey_part)i), s.part[i].state,
                 SGL_SURVEY_UNKNOWN);
    for (size_t i = 0; i < SGL_SURVEY_RULES; i++)
        CHECK_TRUE(s.rule[i].text,
                   s.rule[i].met == SGL_SURVEY_NOT_SEEN || s.rule[i].met == SGL_SURVEY_NOT_DNS);
    assert_int_equal(s.mark, '-');
}

static void marks(void **state)
{
    static const struct {
        const char *name, *zone, *policy;
        char mark;
    } cases[] = {
        {"everything", GOOD, POLICY, 'A'},
        {"MTA-STS instead of DANE costs nothing",
         "a.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9\n" GOOD_AUTH GOOD_STS, POLICY, 'A'},
        {"DANE instead of MTA-STS costs nothing",
         "$SECURE\n" GOOD_MX GOOD_AUTH "_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:t@a.test",
         NULL, 'A'},
        {"no DMARC: an error caps the mark",
         "$SECURE\n" GOOD_MX GOOD_STS "a.test TXT v=spf1 -all\ns1._domainkey.a.test TXT " RSA,
         POLICY, 'C'},
        {"two SPF records: most points are left, and the error caps the mark",
         GOOD "a.test TXT v=spf1 -all\n", POLICY, 'C'},
        {"a web server's domain", "a.test A 9.9.9.9", NULL, 'F'},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", cases[i].zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
        struct row row = {.policy = cases[i].policy, .selector = "s1"};
        sgl_view selector;
        struct sgl_survey_request q = make_request(&row, &fx, &selector);
        struct sgl_survey s = {.points = 999};
        int passes = 0;

        CHECK_EQ(cases[i].name, run_survey(&fx, DNS_ALL_AT_ONCE, &q, &arena, &s, &passes), SGL_OK);
        put_survey(&s, &got);
        if (s.mark != cases[i].mark)
            fail_msg("%s: %c, want %c\n%s", cases[i].name, s.mark, cases[i].mark, sgl_cstr(&got));
        CHECK_TRUE(cases[i].name, s.points <= 100);
    }
}

static void wildcard(void **state)
{
    static const char *const selectors[] = {
        "selector1", "selector2", "google",   "default", "dkim", "mail",   "s1",  "s2",
        "k1",        "k2",        "k3",       "sig1",    "fm1",  "fm2",    "fm3", "protonmail",
        "mxvault",   "zoho",      "mandrill", "smtp",    "key1", "sigillo"};
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    struct sgl_survey s = {.points = 999};
    int passes = 0;

    (void)state;
    for (size_t i = 0; i < sizeof selectors / sizeof selectors[0]; i++)
        sgl_buf_addf(&zone, "%s._domainkey.a.test TXT " ED25519 "\n", selectors[i]);
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));
        struct sgl_survey_request q = {.domain = fx.name, .crypto = crypto};

        assert_int_equal(run_survey(&fx, DNS_ALL_AT_ONCE, &q, &arena, &s, &passes), SGL_OK);
        assert_true(has(&s, "dkim-wildcard"));
        assert_int_equal(s.keys, 1);
    }
}

/* A fault says at which selector or name it is. */
/* "For 0 days" would be wrong, and a minute is what the fault is about. */
static void a_short_policy(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", GOOD);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    struct sgl_survey_request q = {.domain = fx.name,
                                   .crypto = crypto,
                                   .policy = SGL_SURVEY_POLICY_FETCHED,
                                   .policy_body = SGL_LIT("version: STSv1\nmode: enforce\n"
                                                          "mx: mx.a.test\nmax_age: 60\n")};
    struct sgl_survey s = {.points = 999};
    int passes = 0;

    (void)state;
    assert_int_equal(run_survey(&fx, DNS_ALL_AT_ONCE, &q, &arena, &s, &passes), SGL_OK);
    CHECK_VIEW("summary", s.part[SGL_SURVEY_MTA_STS].summary, SGL_LIT("enforce, for 60 seconds"));
}

static void findings_name_their_place(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("a.test", "s1._domainkey.a.test TXT v=DKIM1; p=!!\n"
                                   "_smtp._tls.a.test TXT v=TLSRPTv1; rua=x\n"
                                   "_mta-sts.a.test TXT v=STSv1; id=-");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    struct sgl_survey_request q = {.domain = fx.name, .crypto = crypto};
    struct sgl_survey s = {.points = 999};
    int passes = 0;

    (void)state;
    assert_int_equal(run_survey(&fx, DNS_ALL_AT_ONCE, &q, &arena, &s, &passes), SGL_OK);
    assert_true(
        sgl_view_starts(s.part[SGL_SURVEY_DKIM].findings.first->text, SGL_LIT("Selector s1: ")));
    CHECK_VIEW("TLS-RPT", s.part[SGL_SURVEY_TLSRPT].findings.first->mend,
               SGL_LIT("_smtp._tls.a.test TXT \"v=TLSRPTv1; rua=mailto:tls-reports@a.test\""));
    CHECK_VIEW("MTA-STS", s.part[SGL_SURVEY_MTA_STS].findings.first->mend,
               SGL_LIT("_mta-sts.a.test TXT \"v=STSv1; id=1;\""));
}

static void inherited(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("sub.a.test", "_dmarc.a.test TXT v=DMARC1; p=reject; rua=mailto:d@a.test\n"
                                       "default._bimi.a.test TXT v=BIMI1; l=https://a.test/l.svg; "
                                       "a=https://a.test/c.pem\nsub.a.test A 9.9.9.9");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    struct sgl_survey_request q = {.domain = fx.name, .crypto = crypto};
    struct sgl_survey s = {.points = 999};
    int passes = 0;

    (void)state;
    assert_int_equal(run_survey(&fx, DNS_OLDEST_FIRST, &q, &arena, &s, &passes), SGL_OK);
    assert_true(has(&s, "dmarc-inherited"));
    assert_int_equal(s.part[SGL_SURVEY_DMARC].state, SGL_SURVEY_GOOD);
    assert_int_equal(s.part[SGL_SURVEY_BIMI].state, SGL_SURVEY_GOOD);
}

/* A name that is as long as may be: most records can't stand below it, which is no failure. */
static void longest_name(void **state)
{
    sgl_auto(sgl_buf) domain = SGL_BUF_INIT(300);
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(2000);

    (void)state;
    for (int i = 0; i < 3; i++)
        sgl_buf_addf(&domain, "%063d.", i);
    sgl_buf_addf(&domain, "%056d.test", 0);
    sgl_buf_addf(&zone,
                 "%s MX 10 mx.a.test\nmx.a.test A 9.9.9.9\n%s TXT v=spf1 -all\n"
                 "_dmarc.test TXT v=DMARC1; p=reject; rua=mailto:d@a.test\n",
                 sgl_cstr(&domain), sgl_cstr(&domain));
    for (int driver = 0; driver < DNS_DRIVERS; driver++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init(sgl_cstr(&domain), sgl_cstr(&zone));
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
        struct sgl_survey_request q = {.domain = fx.name, .crypto = crypto};
        struct sgl_survey s = {.points = 999};
        int passes = 0;

        assert_int_equal(run_survey(&fx, (enum dns_driver)driver, &q, &arena, &s, &passes), SGL_OK);
        assert_int_equal(s.part[SGL_SURVEY_MX].state, SGL_SURVEY_GOOD);
        assert_int_equal(s.part[SGL_SURVEY_MTA_STS].state, SGL_SURVEY_ABSENT);
        assert_int_equal(s.part[SGL_SURVEY_TLSRPT].state, SGL_SURVEY_ABSENT);
        assert_int_equal(s.part[SGL_SURVEY_BIMI].state, SGL_SURVEY_ABSENT);
    }
}

static void memory_ends(void **state)
{
    (void)state;
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", GOOD);
    struct row row = {.policy = POLICY, .selector = "s1"};
    sgl_view selector;
    struct sgl_survey_request q = make_request(&row, &fx, &selector);

    for (;;) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
        struct sgl_survey s;

        if (sgl_survey(&q, &fx.dns, &arena, &s) != SGL_NEED_DNS)
            break;
        dns_fixture_answer(&fx);
    }
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
        struct sgl_survey s = {.points = 999};
        enum sgl_status st = sgl_survey(&q, &fx.dns, &arena, &s);

        CHECK_EQ("success or SGL_E_NOMEM", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_TRUE("untouched", st == SGL_OK || s.points == 999);
    }
    for (size_t room = 0; room < 60000; room += 700) { /* an arena that is too small */
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(room);
        struct sgl_survey s = {.points = 999};
        enum sgl_status st = sgl_survey(&q, &fx.dns, &arena, &s);

        CHECK_TRUE("success or SGL_E_LIMIT", st == SGL_OK || st == SGL_E_LIMIT);
        CHECK_TRUE("untouched", st == SGL_OK || s.points == 999);
    }
}

/* Only how mail travels is asked for, at the port that was given; the rest is neither good nor bad. */
static void transport_only(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("a.test", "$SECURE\na.test MX 10 mx.a.test\na.test MX 20 mx2.a.test\n"
                                   "mx.a.test A 9.9.9.9\nmx2.a.test A 9.9.9.10\n"
                                   "_2525._tcp.mx.a.test TLSA 3 1 1 " H256 "\n" GOOD_AUTH GOOD_STS);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    struct sgl_survey_request q = {
        .domain = fx.name, .crypto = crypto, .transport_only = true, .port = 2525};
    struct sgl_survey s = {.points = 999};
    const struct sgl_dns_answer *answer;
    int passes = 0;

    (void)state;
    assert_int_equal(run_survey(&fx, DNS_ALL_AT_ONCE, &q, &arena, &s, &passes), SGL_OK);
    CHECK_EQ("nobody asks for SPF",
             sgl_dns_get(&fx.dns, dns_fixture_name(&fx, "a.test"), SGL_RR_TXT, &answer),
             SGL_NEED_DNS);
    CHECK_EQ("SPF", s.part[SGL_SURVEY_SPF].state, SGL_SURVEY_APART);
    CHECK_EQ("DKIM", s.part[SGL_SURVEY_DKIM].state, SGL_SURVEY_APART);
    CHECK_EQ("DMARC", s.part[SGL_SURVEY_DMARC].state, SGL_SURVEY_APART);
    CHECK_EQ("BIMI", s.part[SGL_SURVEY_BIMI].state, SGL_SURVEY_APART);
    CHECK_EQ("MX", s.part[SGL_SURVEY_MX].state, SGL_SURVEY_GOOD);
    CHECK_EQ("TLS-RPT", s.part[SGL_SURVEY_TLSRPT].state, SGL_SURVEY_GOOD);
    CHECK_EQ("the records of that port", s.host[0].dane.level, SGL_DANE_AUTHENTICATE);
    CHECK_TRUE("the other host has none", has(&s, "dane-partial"));
    CHECK_TRUE("at that port", sgl_view_starts(s.part[SGL_SURVEY_DANE].findings.first->mend,
                                               SGL_LIT("_2525._tcp.mx2.a.test TLSA 3 1 1 ")));
    CHECK_EQ("no mark", s.mark, '-');
    CHECK_TRUE("the policy is wanted", s.policy_wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence),        cmocka_unit_test(marks),
        cmocka_unit_test(wildcard),       cmocka_unit_test(inherited),
        cmocka_unit_test(longest_name),   cmocka_unit_test(findings_name_their_place),
        cmocka_unit_test(a_short_policy), cmocka_unit_test(memory_ends),
        cmocka_unit_test(transport_only),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
