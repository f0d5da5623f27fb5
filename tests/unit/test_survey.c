/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/survey.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define H256 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* RFC 8463's key, and an RSA key of 2048 bits. */
#define ED25519 "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA                                                                                        \
    "v=DKIM1; k=rsa; p="                                                                           \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoD8UFJXEkgs2Ap6ZgFfz5kzpel"                       \
    "WO80WseLMtcIVxh4m0IXGxD8ACo35qItrHGuLuThMXf7dQ7eppvFDcrJk0xunIOi7rZj8x"                       \
    "SqlaJIMhMHLiTGziD1iPbGZBtP5EECA2VHPCRXWR/9cltH0kxJCF+c4gOac6o+i6cV2DF9"                       \
    "aBsqQPt8nc6MF+rwluUa7HKeL4s8fjPwEqfwJhUWURtc5KgKiw8LeKiUcLLuZFunbmA/um"                       \
    "+EHxXSf32NRBGNlHQnVO1AfsEjucjipumcCB5xupWhcgL6lL0iEJT1nfN5AfPtprs1muGP"                       \
    "sdDdVL0wfiaNpihRwGmWeN5n05+HeJgqywVQIDAQAB"
#define GOOD_MX                                                                                    \
    "a.test MX 10 mx.a.test\nmx.a.test A 9.9.9.9\nmx.a.test AAAA 2620:fe::9\n"                     \
    "_25._tcp.mx.a.test TLSA 3 1 1 " H256 "\n"
#define GOOD_AUTH                                                                                  \
    "a.test TXT v=spf1 ip4:9.9.9.9 -all\ns1._domainkey.a.test TXT " RSA "\n"                       \
    "_dmarc.a.test TXT v=DMARC1; p=reject; rua=mailto:d@a.test\n"
#define GOOD_STS                                                                                   \
    "_mta-sts.a.test TXT v=STSv1; id=1;\n_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:t@a.test\n"
#define POLICY "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 604800\n"
#define GOOD   "$SECURE\n" GOOD_MX GOOD_AUTH GOOD_STS

static struct sgl_crypto *crypto;

static int set_up(void **state)
{
    (void)state;
    crypto = sgl_crypto_new();
    return crypto == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    sgl_crypto_free(crypto);
    return 0;
}

static enum sgl_status run_survey(struct dns_fixture *fx, enum dns_driver driver,
                                  const struct sgl_survey_request *request, struct sgl_arena *arena,
                                  struct sgl_survey *out, int *passes)
{
    size_t used = arena->used;
    enum sgl_status st;

    while ((st = sgl_survey(request, &fx->dns, arena, out)) == SGL_NEED_DNS) {
        (*passes)++;
        CHECK_TRUE("passes are bounded", *passes < 400);
        CHECK_EQ("scratch memory goes back", arena->used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->points, 999);
        dns_fixture_step(fx, driver);
    }
    return st;
}

/* All that a survey says, as text: the drivers have to agree to the letter. */
static void put_survey(const struct sgl_survey *s, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%c %u %zu %zu %d %d\n", s->mark, s->points, s->errors, s->warnings,
                 s->failed, s->policy_wanted);
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        const struct sgl_survey_judged *p = &s->part[i];

        sgl_buf_addf(out, "%s %s %u/%u %.*s\n", sgl_survey_part_name((enum sgl_survey_part)i),
                     sgl_survey_state_name(p->state), p->points, p->points_max,
                     SGL_FMT(p->summary));
        for (const struct sgl_finding *f = p->findings.first; f != NULL; f = f->next)
            sgl_buf_addf(out, "  %s %s: %.*s [%.*s]\n", sgl_severity_name(f->severity), f->code,
                         SGL_FMT(f->text), SGL_FMT(f->mend));
    }
    for (size_t i = 0; i < SGL_SURVEY_RULES; i++)
        sgl_buf_addf(out, "%s: %s: %s\n", s->rule[i].receivers, s->rule[i].text,
                     sgl_survey_met_name(s->rule[i].met));
}

static bool has(const struct sgl_survey *s, const char *code)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        if (sgl_findings_have(&s->part[i].findings, code))
            return true;
    }
    return false;
}

struct row {
    const char *name, *zone;
    const char *policy;   /* NULL: not fetched; "!why": failed; "?": its host is not known */
    const char *selector; /* NULL: well-known ones */
    const char *states;   /* a letter a part, in their order: g w b a u - ; '.' is anything */
    const char *codes;    /* that have to be there; "!code" must not; "" */
};

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

static struct sgl_survey_request make_request(const struct row *row, struct dns_fixture *fx,
                                              sgl_view *selector)
{
    struct sgl_survey_request q = {.domain = fx->name, .crypto = crypto};

    if (row->selector != NULL) {
        *selector = sgl_view_cstr(row->selector);
        q.selector = selector;
        q.selectors = 1;
    }
    if (row->policy != NULL && row->policy[0] == '!') {
        q.policy = SGL_SURVEY_POLICY_FAILED;
        q.policy_why = row->policy + 1;
    } else if (row->policy != NULL && row->policy[0] == '?') {
        q.policy = SGL_SURVEY_POLICY_UNKNOWN;
    } else if (row->policy != NULL) {
        q.policy = SGL_SURVEY_POLICY_FETCHED;
        q.policy_body = sgl_view_cstr(row->policy);
    }
    return q;
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows),
        cmocka_unit_test(silence),
        cmocka_unit_test(marks),
        cmocka_unit_test(wildcard),
        cmocka_unit_test(inherited),
        cmocka_unit_test(longest_name),
        cmocka_unit_test(findings_name_their_place),
        cmocka_unit_test(a_short_policy),
        cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
