/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/survey.h"

#include "check.h"
#include "crypto_fixture.h"
#include "dns_fixture.h"
#include "survey_fixture.h"

static const struct row rows[] = {
    {"everything is well", GOOD, POLICY, "s1", "ggggggga", "!mx-no-ipv6 !mta-sts-missing"},
    {"well-known selectors are tried", GOOD, POLICY, NULL, "ggggggga", "!dkim-not-seen"},
    {"the policy is asked for", GOOD, NULL, "s1", "ggggugga", ""},

    /* MX */
    {"a null MX takes no mail",
     "a.test MX 0 .\na.test TXT v=spf1 -all\n_dmarc.a.test TXT "
     "v=DMARC1; p=reject; rua=mailto:d@a.test",
     NULL, NULL, "ggug---a", "!mta-sts-missing !tlsrpt-missing"},
    {"a null MX beside others [RFC 7505 s3]", "a.test MX 0 .\n" GOOD_MX GOOD_AUTH, NULL, "s1",
     "b.......", "mx-null-mixed"},
    {"no such domain", "b.test A 9.9.9.9", NULL, NULL, "b.......", "domain-missing"},
    {"no MX but an address", "a.test A 9.9.9.9", NULL, NULL, "w.......", "mx-implicit"},
    {"no MX and no address", "a.test TXT v=spf1 -all", NULL, NULL, "a...---.", "mx-missing"},
    {"a host without an address", "a.test MX 10 mx.a.test\nmx.a.test NODATA", NULL, NULL,
     "b.......", "mx-no-address"},
    {"a host that does not exist", "a.test MX 10 mx.b.test", NULL, NULL, "b.......",
     "mx-no-address"},
    {"a private address", "a.test MX 10 mx.a.test\nmx.a.test A 10.0.0.1", NULL, NULL, "b.......",
     "mx-private-address"},
    {"a host that is an alias [RFC 2181 s10.3]",
     "a.test MX 10 mx.a.test\nmx.a.test CNAME mx.b.test\nmx.b.test A 9.9.9.9", NULL, NULL,
     "w.......", "mx-alias"},
    {"an address in place of a name", "a.test MX 10 192.0.2.1", NULL, NULL, "b.......",
     "mx-not-a-host !mx-no-address"},
    {"MX records that no host can have [RFC 5321 s5.1]", "a.test MX 10 a!b.a.test", NULL, NULL,
     "b.......", "mx-unusable"},
    {"no IPv6", "a.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9", NULL, NULL, "g.......",
     "mx-no-ipv6"},
    {"no IPv4", "a.test MX 10 mx.a.test\nmx.a.test AAAA 2620:fe::9", NULL, NULL, "w.......",
     "mx-no-ipv4"},
    {"forged MX records", "a.test BOGUS\n" GOOD_AUTH, NULL, "s1", "b.....u.", "dnssec-bogus"},
    {"MX records that can't be had", "a.test SERVFAIL", NULL, NULL, "uu....u.",
     "!mx-missing !spf-none"},

    /* SPF and DKIM */
    {"no SPF", GOOD_MX, NULL, NULL, ".a......", "spf-none"},
    {"two SPF records", "a.test TXT v=spf1 -all\na.test TXT v=spf1 +all\n", NULL, NULL, ".b......",
     "spf-many-records"},
    {"everybody may send", "a.test TXT v=spf1 +all\n", NULL, NULL, ".b......", "spf-pass-all"},
    {"a named selector without a key", GOOD, POLICY, "s2", "..b.....", "dkim-key-missing"},
    {"a selector that can't be one", GOOD, POLICY, "a b", "..b.....", "dkim-key-missing"},
    {"no key at a well-known selector", GOOD_MX, NULL, NULL, "..u.....", "dkim-not-seen"},
    {"a revoked key that was named", "s1._domainkey.a.test TXT v=DKIM1; p=", NULL, "s1", "..u.....",
     "dkim-key-revoked"},
    {"a revoked key at a well-known selector is history",
     "s2._domainkey.a.test TXT v=DKIM1; p=\n" GOOD_AUTH, NULL, NULL, "..g.....",
     "!dkim-key-revoked"},
    {"a key that can't be read", "s1._domainkey.a.test TXT v=DKIM1; p=!!", NULL, "s1", "..b.....",
     "dkim-key-syntax"},
    {"a lookup of a key fails", "s1._domainkey.a.test SERVFAIL", NULL, "s1", "..u.....",
     "!dkim-key-missing"},

    {"Ed25519 alone is not enough for all [RFC 8463 s3]", "s1._domainkey.a.test TXT " ED25519, NULL,
     "s1", "..w.....", "dkim-ed25519-only"},
    {"nobody knows all selectors", "s1._domainkey.a.test TXT " ED25519, NULL, NULL, "..g.....",
     "dkim-ed25519-only"},
    {"an RSA key beside it is enough", "s2._domainkey.a.test TXT " ED25519 "\n" GOOD_AUTH, NULL,
     NULL, "..g.....", "!dkim-ed25519-only"},

    /* DMARC */
    {"texts that were meant to be records [RFC 9989 s4.7, RFC 8461 s3.1, RFC 8460 s3]",
     GOOD_MX "_dmarc.a.test TXT v=DMARC; p=reject\n_mta-sts.a.test TXT v=STS1; id=1;\n"
             "_smtp._tls.a.test TXT v=tlsrptv1; rua=mailto:t@a.test",
     NULL, NULL, "g..bbb..",
     "dmarc-misspelt mta-sts-misspelt tlsrpt-misspelt !dmarc-missing !mta-sts-missing "
     "!tlsrpt-missing"},
    {"texts that were not",
     GOOD_MX "_dmarc.a.test TXT v=spf1 -all\n_mta-sts.a.test TXT v=spf1 -all\n"
             "_smtp._tls.a.test TXT v=spf1 -all",
     NULL, NULL, "g..aaa..", "dmarc-missing mta-sts-missing tlsrpt-missing"},
    {"no DMARC", GOOD_MX, NULL, NULL, "...a....", "dmarc-missing"},
    {"two DMARC records",
     "_dmarc.a.test TXT v=DMARC1; p=none\n_dmarc.a.test TXT v=DMARC1; p=reject", NULL, NULL,
     "...b....", "dmarc-several !dmarc-missing"},
    {"p=none protects nothing", "_dmarc.a.test TXT v=DMARC1; p=none; rua=mailto:d@a.test", NULL,
     NULL, "...w....", "!dmarc-missing"},
    {"a lookup of DMARC fails", "_dmarc.a.test SERVFAIL", NULL, NULL, "...u....", "!dmarc-missing"},
    {"reports to others need their leave [RFC 9990 s4]",
     "_dmarc.a.test TXT v=DMARC1; p=reject; rua=mailto:d@b.test,mailto:e@b.test", NULL, NULL,
     "...w....", "dmarc-destination-refused"},
    {"leave was given",
     "_dmarc.a.test TXT v=DMARC1; p=reject; rua=mailto:d@b.test\n"
     "a.test._report._dmarc.b.test TXT v=DMARC1;",
     NULL, NULL, "...g....", "!dmarc-destination-refused !dmarc-external-destination"},

    /* MTA-STS, TLS-RPT */
    {"no MTA-STS", GOOD_MX, NULL, NULL, "....aa..", "mta-sts-missing tlsrpt-missing"},
    {"the policy can't be fetched", GOOD, "!404", "s1", "....b...", "mta-sts-policy-unreachable"},
    {"the policy is broken", GOOD, "<html>", "s1", "....b...", "mta-sts-policy-syntax"},
    {"the lookup of the policy's host failed", GOOD, "?", "s1", "ggggugga", ""},
    {"the policy forgets a host [RFC 8461 s4.1]", GOOD,
     "version: STSv1\nmode: enforce\nmx: *.mx.a.test\nmax_age: 604800", "s1", "....b...",
     "mta-sts-mx-not-covered"},
    {"the policy is tested only", GOOD,
     "version: STSv1\nmode: testing\nmx: mx.a.test\nmax_age: 604800", "s1", "....w...",
     "mta-sts-policy-testing"},
    {"two records",
     "_mta-sts.a.test TXT v=STSv1; id=1\n_mta-sts.a.test TXT v=STSv1; id=2\n"
     "_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:a@a.test\n"
     "_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:b@a.test",
     NULL, NULL, "....bb..", "mta-sts-record-several tlsrpt-several"},
    {"records that can't be read",
     "_mta-sts.a.test TXT v=STSv1; id=-\n_smtp._tls.a.test TXT v=TLSRPTv1;", NULL, NULL, "....bb..",
     "mta-sts-record-syntax tlsrpt-syntax"},
    {"lookups that fail", GOOD_MX "_mta-sts.a.test SERVFAIL\n_smtp._tls.a.test TIMEOUT", NULL, NULL,
     "....uu..", "!mta-sts-missing !tlsrpt-missing"},

    /* DANE */
    {"no DNSSEC", "a.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9", NULL, NULL, "......a.",
     "dane-no-dnssec"},
    {"no TLSA", "$SECURE\na.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9", NULL, NULL, "......a.",
     "dane-missing"},
    {"TLSA at some hosts only",
     "$SECURE\n" GOOD_MX "a.test MX 20 mx2.a.test\nmx2.a.test A 9.9.9.10", NULL, NULL, "......w.",
     "dane-partial"},
    {"TLSA that mail can't use",
     "$SECURE\na.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9\n_25._tcp.mx.a.test TLSA 1 1 1 " H256,
     NULL, NULL, "......b.", "dane-unusable"},
    {"TLSA that can't be looked up",
     "$SECURE\na.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9\n_25._tcp.mx.a.test SERVFAIL", NULL,
     NULL, "......u.", "dane-lookup-failed"},
    {"TLSA in a signed zone, MX in one that is not",
     "a.test MX 10 mx.b.test\n$SECURE\nmx.b.test A 9.9.9.9\n_25._tcp.mx.b.test TLSA 3 1 1 " H256,
     NULL, NULL, "......w.", "dane-mx-unsigned"},

    /* BIMI */
    {"a logo",
     GOOD "default._bimi.a.test TXT v=BIMI1; l=https://a.test/l.svg; a=https://a.test/c.pem",
     POLICY, "s1", ".......g", ""},
    {"a logo without DMARC", "default._bimi.a.test TXT v=BIMI1; l=https://a.test/l.svg", NULL, NULL,
     ".......w", "bimi-dmarc-not-enforced"},
    {"a logo that is declined", "default._bimi.a.test TXT v=BIMI1; l=; a=;", NULL, NULL, ".......g",
     "!bimi-dmarc-not-enforced"},
    {"a logo by http", "default._bimi.a.test TXT v=BIMI1; l=http://a.test/l.svg", NULL, NULL,
     ".......b", "bimi-syntax"},
};

static void check_states(const struct row *row, const struct sgl_survey *s, const char *text)
{
    static const char letters[] = "gwbau-";

    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        if (row->states[i] != '.' && letters[s->part[i].state] != row->states[i])
            fail_msg("%s: %s is %s, want %c\n%s", row->name,
                     sgl_survey_part_name((enum sgl_survey_part)i),
                     sgl_survey_state_name(s->part[i].state), row->states[i], text);
    }
}

/* What is bad has a fault, and for every fault there is something that mends it. */
static void check_mends(const struct row *row, const struct sgl_survey *s)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        const struct sgl_survey_judged *p = &s->part[i];

        CHECK_TRUE(row->name, p->state != SGL_SURVEY_BAD || p->findings.errors > 0);
        for (const struct sgl_finding *f = p->findings.first; f != NULL; f = f->next) {
            if (f->severity != SGL_INFO && f->mend.len == 0)
                fail_msg("%s: nothing mends %s", row->name, f->code);
        }
    }
}

static void check_codes(const struct row *row, const struct sgl_survey *s, const char *text)
{
    sgl_view rest = sgl_view_cstr(row->codes);

    while (rest.len > 0) {
        sgl_view word = sgl_view_split(rest, ' ', &rest);
        bool wanted = word.ptr[0] != '!';
        char code[64];

        word = sgl_view_from(word, wanted ? 0 : 1);
        snprintf(code, sizeof code, "%.*s", SGL_FMT(word));
        if (has(s, code) != wanted)
            fail_msg("%s: %s %s\n%s", row->name, code, wanted ? "is missing" : "is there", text);
    }
}

static void all_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_buf) first = SGL_BUF_INIT(1 << 20);

        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", rows[i].zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 20);
            struct sgl_survey s = {.points = 999};
            sgl_view selector;
            struct sgl_survey_request q = make_request(&rows[i], &fx, &selector);
            int passes = 0;

            CHECK_EQ(rows[i].name,
                     run_survey(&fx, (enum dns_driver)driver, &q, &arena, &s, &passes), SGL_OK);
            if (driver == DNS_ALL_AT_ONCE)
                CHECK_TRUE(rows[i].name, passes <= 8);
            put_survey(&s, &got);
            check_states(&rows[i], &s, sgl_cstr(&got));
            check_codes(&rows[i], &s, sgl_cstr(&got));
            check_mends(&rows[i], &s);
            CHECK_EQ(rows[i].name, s.policy_wanted,
                     s.mta_sts.state == SGL_MTA_STS_FOUND && rows[i].policy == NULL);
            if (driver == 0)
                sgl_buf_add(&first, sgl_buf_view(&got));
            CHECK_VIEW(rows[i].name, sgl_buf_view(&got), sgl_buf_view(&first));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
