/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "setup_fixture.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"

#define KEY       "v=DKIM1; k=ed25519; p=" ED25519_TEXT
#define OTHER_KEY "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* A domain of its own zone with everything in place, a line or more for each purpose. */
static const char *const in_place[SGL_SETUP_PURPOSES] = {
    [SGL_SETUP_OWNERSHIP] = "example.org TXT sigillo-domain-verification=abc\n",
    [SGL_SETUP_SPF] = "example.org TXT v=spf1 a:mail.host.test ~all\n",
    [SGL_SETUP_DKIM] = "s1._domainkey.example.org TXT " KEY "\n",
    [SGL_SETUP_DKIM2] = "s2._domainkey.example.org CNAME s2.keys.host.test\n",
    [SGL_SETUP_DMARC] = "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:dmarc@example.org\n",
    [SGL_SETUP_RETURN_MX] = "bounce.example.org MX 10 mail.host.test\n",
    [SGL_SETUP_RETURN_SPF] = "bounce.example.org TXT v=spf1 a:mail.host.test ~all\n",
    [SGL_SETUP_MTA_STS] = "_mta-sts.example.org TXT v=STSv1; id=20260101;\n",
    [SGL_SETUP_MTA_STS_HOST] = "mta-sts.example.org CNAME mail.host.test\n",
    [SGL_SETUP_TLSRPT] =
        "_smtp._tls.example.org TXT v=TLSRPTv1; rua=mailto:tls-reports@example.org\n",
    [SGL_SETUP_NULL_MX] = "example.org NS ns.example.org\nmail.host.test A 192.0.2.1\n"
                          "s2.keys.host.test TXT " OTHER_KEY "\n",
};

struct setup_zone {
    char text[16384];
};

/* All of it, but `instead` for one purpose; SGL_SETUP_PURPOSES: for none. */
static const char *zone_with(struct setup_zone *z, enum sgl_setup_purpose purpose,
                             const char *instead)
{
    size_t len = 0;

    for (size_t i = 0; i < SGL_SETUP_PURPOSES; i++) {
        if (i != (size_t)purpose)
            len += (size_t)snprintf(z->text + len, sizeof z->text - len, "%s", in_place[i]);
    }
    snprintf(z->text + len, sizeof z->text - len, "%s\n", instead);
    return z->text;
}

/* The second selector has another key. */
static const uint8_t second_key[32] = {
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

static struct setup_fixture fixture(const char *domain)
{
    struct setup_fixture fx = setup_fixture_init(domain);

    fx.selector[1].algorithm = SGL_DKIM_ED25519_SHA256;
    fx.selector[1].public_key = sgl_view_of(second_key, 32);
    return fx;
}

static enum sgl_status run_check(struct dns_fixture *dns, enum dns_driver driver,
                                 const struct sgl_setup_request *request, struct sgl_arena *arena,
                                 struct sgl_setup *out)
{
    size_t used = arena->used;
    enum sgl_status st;
    int passes = 0;

    out->rows = 999;
    while ((st = sgl_setup_check(request, &dns->dns, arena, out)) == SGL_NEED_DNS) {
        CHECK_TRUE("passes are bounded", ++passes < 300);
        CHECK_EQ("scratch memory goes back", arena->used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->rows, 999);
        dns_fixture_step(dns, driver);
    }
    return st;
}

static void put_setup(const struct sgl_setup *s, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%.*s known %d ready %d failed %d\n", SGL_FMT(s->zone.text), s->zone_known,
                 s->ready, s->failed);
    for (size_t i = 0; i < s->rows; i++) {
        const struct sgl_setup_row *r = &s->row[i];

        sgl_buf_addf(out, "%s %.*s %s %s: %.*s [%.*s] {%.*s} %d%d%zu\n",
                     sgl_setup_purpose_name(r->purpose), SGL_FMT(r->relative),
                     sgl_setup_state_name(r->state), r->code, SGL_FMT(r->why), SGL_FMT(r->value),
                     SGL_FMT(r->found), r->merged, r->publish, r->old_count);
    }
    sgl_buf_addf(out, "%s: %.*s [%.*s]\n", sgl_setup_step_name(s->coach.step),
                 SGL_FMT(s->coach.text), SGL_FMT(s->coach.record));
}

static const struct sgl_setup_row *row_of(const struct sgl_setup *s, enum sgl_setup_purpose purpose)
{
    for (size_t i = 0; i < s->rows; i++) {
        if (s->row[i].purpose == purpose)
            return &s->row[i];
    }
    fail_msg("no row %s", sgl_setup_purpose_name(purpose));
    return NULL;
}

struct row {
    const char *name;
    enum sgl_setup_purpose purpose;
    const char *zone; /* instead of the line of the purpose */
    enum sgl_setup_state state;
    const char *code;
    const char *value; /* NULL: what is proposed at first */
    const char *says;  /* part of the sentence; NULL: none */
};

#define OWNERSHIP SGL_SETUP_OWNERSHIP
#define SPF       SGL_SETUP_SPF
#define DKIM      SGL_SETUP_DKIM
#define DKIM2     SGL_SETUP_DKIM2
#define DMARC     SGL_SETUP_DMARC
#define PRESENT   SGL_SETUP_PRESENT
#define MISSING   SGL_SETUP_MISSING
#define WRONG     SGL_SETUP_WRONG
#define UNKNOWN   SGL_SETUP_UNKNOWN
#define TEN                                                                                        \
    "a:a1.host.test a:a2.host.test a:a3.host.test a:a4.host.test a:a5.host.test a:a6.host.test "   \
    "a:a7.host.test a:a8.host.test a:a9.host.test a:mail2.host.test"
#define TEN_HOSTS                                                                                  \
    "a1.host.test A 192.0.2.1\na2.host.test A 192.0.2.1\na3.host.test A 192.0.2.1\n"               \
    "a4.host.test A 192.0.2.1\na5.host.test A 192.0.2.1\na6.host.test A 192.0.2.1\n"               \
    "a7.host.test A 192.0.2.1\na8.host.test A 192.0.2.1\na9.host.test A 192.0.2.1\n"               \
    "mail2.host.test A 192.0.2.1\n"

static const struct row rows[] = {
    /* the ownership */
    {"the token is there", OWNERSHIP, "example.org TXT sigillo-domain-verification=abc", PRESENT,
     "", NULL, NULL},
    {"no token", OWNERSHIP, "", MISSING, "missing", NULL, "no such TXT"},
    {"the token of somebody else", OWNERSHIP, "example.org TXT sigillo-domain-verification=xyz",
     WRONG, "ownership-other-token", NULL, "another one"},
    {"two tokens, one is ours", OWNERSHIP,
     "example.org TXT sigillo-domain-verification=abc\n"
     "example.org TXT sigillo-domain-verification=xyz",
     PRESENT, "", NULL, NULL},
    {"a token in quotation marks", OWNERSHIP, "example.org TXT \"sigillo-domain-verification=abc\"",
     WRONG, "quoted", NULL, "quotation marks"},
    {"the name of the record pasted, too", OWNERSHIP,
     "example.org TXT example.org IN TXT sigillo-domain-verification=abc", WRONG, "pasted-name",
     NULL, "the value only"},
    {"the domain typed where the zone is added", OWNERSHIP,
     "example.org.example.org TXT sigillo-domain-verification=abc", WRONG, "doubled-name", NULL,
     "the host to enter is only \"@\""},

    /* SPF */
    {"another qualifier for the rest", SPF, "example.org TXT v=spf1 a:mail.host.test -all", PRESENT,
     "", "v=spf1 a:mail.host.test -all", NULL},
    {"this server passes by other words", SPF,
     "example.org TXT v=spf1 mx -all\nexample.org MX 10 mail.host.test", PRESENT, "",
     "v=spf1 mx -all", NULL},
    {"it passes by an include", SPF,
     "example.org TXT v=spf1 include:x.host.test -all\n"
     "x.host.test TXT v=spf1 ip4:192.0.2.0/24 ~all",
     PRESENT, "", "v=spf1 include:x.host.test -all", NULL},
    {"it passes over IPv4 only", SPF,
     "example.org TXT v=spf1 ip4:192.0.2.0/24 -all\nmail.host.test AAAA 2001:db8::1", WRONG,
     "spf-not-included", "v=spf1 ip4:192.0.2.0/24 a:mail.host.test -all", NULL},
    {"no all, which is neutral [RFC 7208 s4.7]", SPF, "example.org TXT v=spf1 a:mail.host.test",
     PRESENT, "", "v=spf1 a:mail.host.test", NULL},
    {"no SPF", SPF, "", MISSING, "missing", NULL, "no such TXT"},
    {"a record of others is merged, before all", SPF,
     "example.org TXT v=spf1 ip4:198.51.100.0/24 include:x.host.test -all\n"
     "x.host.test TXT v=spf1 ip4:198.51.100.9 ~all",
     WRONG, "spf-not-included",
     "v=spf1 ip4:198.51.100.0/24 include:x.host.test a:mail.host.test -all", "does not let"},
    {"merged into one without all, nothing is said of the rest", SPF,
     "example.org TXT v=spf1 ip4:198.51.100.0/24", WRONG, "spf-not-included",
     "v=spf1 ip4:198.51.100.0/24 a:mail.host.test", NULL},
    {"merged before a redirect [RFC 7208 s6.1]", SPF,
     "example.org TXT v=spf1 redirect=x.host.test\nx.host.test TXT v=spf1 ip4:192.0.2.9 ~all",
     WRONG, "spf-not-included", "v=spf1 a:mail.host.test redirect=x.host.test", NULL},
    {"several records [RFC 7208 s4.5]", SPF,
     "example.org TXT v=spf1 ip4:192.0.2.1 ~all\nexample.org TXT v=spf1 a:mail.host.test ~all",
     WRONG, "spf-several", "v=spf1 ip4:192.0.2.1 a:mail.host.test ~all", "2 SPF records"},
    {"this server is named, but not let through [RFC 7208 s4.6.2]", SPF,
     "example.org TXT v=spf1 ~a:mail.host.test -all", WRONG, "spf-other-qualifier",
     "v=spf1 ~a:mail.host.test -all", "take that sign out"},
    {"a record that cannot be read", SPF, "example.org TXT v=spf1 ip4:300.1.1.1 -all", WRONG,
     "spf-syntax", "", "cannot be read"},
    {"ten lookups are used up [RFC 7208 s4.6.4]", SPF,
     TEN_HOSTS "example.org TXT v=spf1 " TEN " ~all", WRONG, "spf-too-many-lookups", "",
     "send from a subdomain of its own (sigillo domain add news.example.org)"},
    {"an include of nothing [RFC 7208 s5.2]", SPF,
     "example.org TXT v=spf1 include:x.host.test a:mail.host.test ~all", WRONG, "spf-include-none",
     "", "Until that is mended"},
    {"quotation marks inside", SPF, "example.org TXT \"v=spf1 a:mail.host.test ~all\"", WRONG,
     "quoted", NULL, "quotation marks"},
    {"a blank in front", SPF, "example.org RAW TXT 0d20763d73706631202d616c6c20", WRONG,
     "blank-before", NULL, "a blank"},
    {"what is included cannot be looked up", SPF,
     "example.org TXT v=spf1 include:x.host.test ~all\nx.host.test SERVFAIL", UNKNOWN,
     "lookup-failed", NULL, "x.host.test"},

    /* DKIM */
    {"no key", DKIM, "", MISSING, "missing", NULL, "s1._domainkey.example.org"},
    {"the key through an alias of one's own", DKIM,
     "s1._domainkey.example.org CNAME k.host.test\nk.host.test TXT " KEY, PRESENT, "", NULL, NULL},
    {"an alias to nowhere in the place of the key [RFC 1034 s3.6.2]", DKIM,
     "s1._domainkey.example.org CNAME k.host.test", WRONG, "alias", NULL, "k.host.test"},
    {"an alias to another key", DKIM,
     "s1._domainkey.example.org CNAME k.host.test\nk.host.test TXT " OTHER_KEY, WRONG, "alias",
     NULL, "remove it first"},
    {"blanks inside the key do no harm [RFC 6376 s3.6.1]", DKIM,
     "s1._domainkey.example.org TXT v=DKIM1; k=ed25519; p=AQEBAQEBAQEBAQEBAQEB "
     "AQEBAQEBAQEBAQEBAQEBAQE=",
     PRESENT, "", "v=DKIM1; k=ed25519; p=AQEBAQEBAQEBAQEBAQEB AQEBAQEBAQEBAQEBAQEBAQE=", NULL},
    {"another key", DKIM, "s1._domainkey.example.org TXT " OTHER_KEY, WRONG, "dkim-other-key", NULL,
     "Another key"},
    {"a key of another type", DKIM,
     "s1._domainkey.example.org TXT v=DKIM1; k=rsa; "
     "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu"
     "KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==",
     WRONG, "dkim-other-type", NULL, "k=rsa"},
    {"the key is cut [RFC 1035 s3.3]", DKIM,
     "s1._domainkey.example.org TXT v=DKIM1; k=ed25519; p=AQEBAQEBAQEBAQEBAQEBAQEB", WRONG,
     "dkim-truncated", NULL, "first 24 of 44"},
    {"the key is cut in the middle of a group", DKIM,
     "s1._domainkey.example.org TXT v=DKIM1; k=ed25519; p=AQEBAQEBAQEBAQEBAQEBAQE", WRONG,
     "dkim-truncated", NULL, "first 23 of 44"},
    {"quoted twice", DKIM, "s1._domainkey.example.org TXT \"" KEY "\"", WRONG, "quoted", NULL,
     "quotation marks"},
    {"the backslashes of a zone file", DKIM,
     "s1._domainkey.example.org TXT v=DKIM1\\; k=ed25519\\; p=" ED25519_TEXT, WRONG, "escaped",
     NULL, "backslashes"},
    {"a revoked key", DKIM, "s1._domainkey.example.org TXT v=DKIM1; p=", WRONG, "dkim-revoked",
     NULL, "revoked"},
    {"several records at one selector [RFC 6376 s3.6.2.2]", DKIM,
     "s1._domainkey.example.org TXT " KEY "\ns1._domainkey.example.org TXT " OTHER_KEY, WRONG,
     "dkim-several", NULL, "2 TXT"},
    {"a text that is no key", DKIM, "s1._domainkey.example.org TXT hello", WRONG, "dkim-unreadable",
     NULL, "no DKIM key"},
    {"a key for other services", DKIM, "s1._domainkey.example.org TXT " KEY "; s=tlsrpt", WRONG,
     "dkim-restricted", NULL, "s="},
    {"a key that is tested", DKIM, "s1._domainkey.example.org TXT " KEY "; t=y", PRESENT,
     "dkim-testing", KEY "; t=y", "t=y"},
    {"the zone added twice", DKIM, "s1._domainkey.example.org.example.org TXT " KEY, WRONG,
     "doubled-name", NULL, "the host to enter is only \"s1._domainkey\""},
    {"without the underscore", DKIM, "s1.domainkey.example.org TXT " KEY, WRONG, "no-underscore",
     NULL, "s1.domainkey.example.org"},
    {"a wildcard answers [RFC 4592 s2.1.1]", DKIM,
     "s1._domainkey.example.org TXT v=spf1 -all\n"
     "sigillo-no-such-name._domainkey.example.org TXT v=spf1 -all",
     MISSING, "wildcard", NULL, "wildcard"},
    {"an alias by wildcard", DKIM,
     "s1._domainkey.example.org CNAME w.host.test\nw.host.test A 192.0.2.1\n"
     "sigillo-no-such-name._domainkey.example.org CNAME w.host.test",
     MISSING, "wildcard", NULL, "wildcard"},
    {"the key cannot be looked up", DKIM, "s1._domainkey.example.org SERVFAIL", UNKNOWN,
     "lookup-failed", NULL, "SERVFAIL"},
    {"the key's signatures are broken", DKIM, "s1._domainkey.example.org BOGUS", UNKNOWN,
     "lookup-failed", NULL, "DNSSEC"},

    /* DKIM by alias */
    {"the alias is there", DKIM2, "s2._domainkey.example.org CNAME s2.keys.host.test", PRESENT, "",
     NULL, NULL},
    {"no alias", DKIM2, "", MISSING, "missing", NULL, "no such CNAME"},
    {"the key itself in place of the alias", DKIM2, "s2._domainkey.example.org TXT " OTHER_KEY,
     PRESENT, "", NULL, NULL},
    {"an old key in place of the alias", DKIM2, "s2._domainkey.example.org TXT " KEY, WRONG,
     "dkim-other-key", NULL, "Another key"},
    {"an alias to elsewhere", DKIM2, "s2._domainkey.example.org CNAME s1.keys.host.test", WRONG,
     "dkim-other-alias", NULL, "instead of s2.keys.host.test"},
    {"an alias without its final dot", DKIM2,
     "s2._domainkey.example.org CNAME s2.keys.host.test.example.org", WRONG, "final-dot", NULL,
     "write \"s2.keys.host.test.\""},
    {"an alias doubled", DKIM2, "s2._domainkey.example.org.example.org CNAME s2.keys.host.test",
     WRONG, "doubled-name", NULL, "s2._domainkey"},

    /* DMARC */
    {"no DMARC", DMARC, "", MISSING, "missing", NULL, "_dmarc.example.org"},
    {"a stricter one stays", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=reject; rua=mailto:x@example.org", PRESENT, "",
     "v=DMARC1; p=reject; rua=mailto:x@example.org", NULL},
    {"reports are proposed", DMARC, "_dmarc.example.org TXT v=DMARC1; p=quarantine; sp=none;",
     PRESENT, "dmarc-no-reports", "v=DMARC1; p=quarantine; sp=none; rua=mailto:dmarc@example.org",
     "Nobody gets reports"},
    {"others who take the reports have agreed [RFC 9990 s4]", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:x@r.test\n"
     "example.org._report._dmarc.r.test TXT v=DMARC1;",
     PRESENT, "", "v=DMARC1; p=none; rua=mailto:x@r.test", NULL},
    {"others who take the reports have not agreed", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:x@r.test", PRESENT,
     "dmarc-reports-refused", "v=DMARC1; p=none; rua=mailto:x@r.test",
     "example.org._report._dmarc.r.test TXT"},
    {"one of two has agreed", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:x@r.test,mailto:x@example.org", PRESENT,
     "", "v=DMARC1; p=none; rua=mailto:x@r.test,mailto:x@example.org", NULL},
    {"strict alignment leaves the return path out [RFC 9989 s4.4]", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=none; aspf=s; rua=mailto:x@example.org", PRESENT,
     "dmarc-strict-spf", "v=DMARC1; p=none; aspf=s; rua=mailto:x@example.org",
     "bounce.example.org do not align"},
    {"several records [RFC 9989 s4.7]", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=none\n_dmarc.example.org TXT v=DMARC1; p=reject", WRONG,
     "dmarc-several", NULL, "2 DMARC records"},
    {"a policy that nobody knows", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=monitor; rua=mailto:x@example.org", WRONG,
     "dmarc-no-policy", "v=DMARC1; p=none; rua=mailto:x@example.org", "p= is none"},
    {"no policy and no reports", DMARC, "_dmarc.example.org TXT v=DMARC1;", WRONG,
     "dmarc-no-policy", NULL, "p= is none"},
    {"a tag twice", DMARC, "_dmarc.example.org TXT v=DMARC1; p=none; p=reject", WRONG,
     "dmarc-broken", NULL, "cannot be read"},
    {"misspelt", DMARC, "_dmarc.example.org TXT v=dmarc1; p=none", WRONG, "misspelt", NULL,
     "pass it over"},
    {"backslashes", DMARC, "_dmarc.example.org TXT v=DMARC1\\; p=none", WRONG, "escaped", NULL,
     "backslashes"},
    {"at the domain itself", DMARC, "example.org TXT v=DMARC1; p=none", WRONG, "dmarc-at-domain",
     NULL, "its name is _dmarc.example.org"},
    {"without the underscore", DMARC, "dmarc.example.org TXT v=DMARC1; p=none", WRONG,
     "no-underscore", NULL, "dmarc.example.org"},
    {"doubled", DMARC, "_dmarc.example.org.example.org TXT v=DMARC1; p=none", WRONG, "doubled-name",
     NULL, "\"_dmarc\""},

    /* the return path */
    {"no MX", SGL_SETUP_RETURN_MX, "", MISSING, "missing", NULL, "no such MX"},
    {"another preference", SGL_SETUP_RETURN_MX, "bounce.example.org MX 5 mail.host.test", PRESENT,
     "", "5 mail.host.test.", NULL},
    {"the MX of somebody else", SGL_SETUP_RETURN_MX, "bounce.example.org MX 10 mx.other.test",
     WRONG, "mx-other", NULL, "another host"},
    {"one MX more", SGL_SETUP_RETURN_MX,
     "bounce.example.org MX 10 mail.host.test\nbounce.example.org MX 20 mx.other.test", WRONG,
     "mx-several", NULL, "Other hosts"},
    {"an MX without its final dot", SGL_SETUP_RETURN_MX,
     "bounce.example.org MX 10 mail.host.test.example.org", WRONG, "final-dot", NULL,
     "write \"mail.host.test.\""},
    {"an MX by wildcard", SGL_SETUP_RETURN_MX,
     "bounce.example.org MX 10 mx.other.test\nsigillo-no-such-name.example.org MX 10 mx.other.test",
     MISSING, "wildcard", NULL, "wildcard"},
    {"an MX at the doubled name", SGL_SETUP_RETURN_MX,
     "bounce.example.org.example.org MX 10 mail.host.test", WRONG, "doubled-name", NULL,
     "\"bounce\""},
    {"no SPF at the return path", SGL_SETUP_RETURN_SPF, "", MISSING, "missing", NULL,
     "bounce.example.org"},

    /* TLS */
    {"a policy of somebody else", SGL_SETUP_MTA_STS, "_mta-sts.example.org TXT v=STSv1; id=7;",
     PRESENT, "", "v=STSv1; id=7;", NULL},
    {"no MTA-STS", SGL_SETUP_MTA_STS, "", MISSING, "missing", NULL, "_mta-sts"},
    {"several [RFC 8461 s3.1]", SGL_SETUP_MTA_STS,
     "_mta-sts.example.org TXT v=STSv1; id=7;\n_mta-sts.example.org TXT v=STSv1; id=8;", WRONG,
     "mta-sts-several", NULL, "keep one"},
    {"a broken one", SGL_SETUP_MTA_STS, "_mta-sts.example.org TXT v=STSv1; id=a-b;", WRONG,
     "mta-sts-broken", NULL, "cannot be read"},
    {"a misspelt one", SGL_SETUP_MTA_STS, "_mta-sts.example.org TXT v=stsv1; id=7;", WRONG,
     "misspelt", NULL, "pass it over"},
    {"no policy host", SGL_SETUP_MTA_STS_HOST, "", MISSING, "missing", NULL, "mta-sts.example.org"},
    {"a policy host of one's own", SGL_SETUP_MTA_STS_HOST, "mta-sts.example.org A 192.0.2.1",
     PRESENT, "", NULL, NULL},
    {"a policy host that leads nowhere", SGL_SETUP_MTA_STS_HOST,
     "mta-sts.example.org CNAME nowhere.test", WRONG, "mta-sts-no-host", NULL, "no address"},
    {"a policy host without its final dot", SGL_SETUP_MTA_STS_HOST,
     "mta-sts.example.org CNAME mail.host.test.example.org", WRONG, "final-dot", NULL, "the dot"},
    {"reports to somebody else", SGL_SETUP_TLSRPT,
     "_smtp._tls.example.org TXT v=TLSRPTv1; rua=https://r.test/x", PRESENT, "",
     "v=TLSRPTv1; rua=https://r.test/x", NULL},
    {"no TLS-RPT", SGL_SETUP_TLSRPT, "", MISSING, "missing", NULL, "_smtp._tls"},
    {"several TLS-RPT [RFC 8460 s3]", SGL_SETUP_TLSRPT,
     "_smtp._tls.example.org TXT v=TLSRPTv1; rua=mailto:a@b.test\n"
     "_smtp._tls.example.org TXT v=TLSRPTv1; rua=mailto:c@b.test",
     WRONG, "tls-rpt-several", NULL, "keep one"},
    {"a broken TLS-RPT", SGL_SETUP_TLSRPT, "_smtp._tls.example.org TXT v=TLSRPTv1; rua=ftp://x",
     WRONG, "tls-rpt-broken", NULL, "cannot be read"},
};

static void check_printable(const char *name, const struct sgl_setup *s)
{
    for (size_t i = 0; i < s->rows; i++) {
        const struct sgl_setup_row *r = &s->row[i];

        CHECK_TRUE(name, sgl_ascii_is_printable(r->value) && sgl_ascii_is_printable(r->found) &&
                             sgl_ascii_is_printable(r->why));
    }
    CHECK_TRUE(name, sgl_ascii_is_printable(s->coach.text));
    CHECK_TRUE(name, sgl_ascii_is_printable(s->coach.record));
}

static void check_row(const struct row *c, const struct sgl_setup *s, const struct sgl_setup *fresh)
{
    const struct sgl_setup_row *r = row_of(s, c->purpose), *f = row_of(fresh, c->purpose);

    CHECK_STR(c->name, sgl_setup_state_name(r->state), sgl_setup_state_name(c->state));
    CHECK_STR(c->name, r->code, c->code);
    CHECK_VIEW(c->name, r->value, c->value == NULL ? f->value : sgl_view_cstr(c->value));
    if (c->says == NULL)
        CHECK_EQ(c->name, r->why.len == 0 || r->state != PRESENT, 1);
    else if (sgl_view_find_view(r->why, sgl_view_cstr(c->says)) == r->why.len)
        fail_msg("%s: %.*s", c->name, SGL_FMT(r->why));
    for (size_t i = 0; i < s->rows; i++) {
        if (s->row[i].purpose != c->purpose && s->row[i].state != PRESENT)
            fail_msg("%s: %s is %s", c->name, sgl_setup_purpose_name(s->row[i].purpose),
                     sgl_setup_state_name(s->row[i].state));
    }
    CHECK_EQ(c->name, s->failed, c->state == UNKNOWN);
    CHECK_EQ(c->name, s->ready, c->state == PRESENT || !r->required);
    CHECK_EQ("nothing is there: nothing is in the way", r->state == MISSING && r->old_count > 0, 0);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sgl_buf want = SGL_BUF_INIT(1 << 18), got = SGL_BUF_INIT(1 << 18);
        struct setup_zone zone;

        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(setup_fixture) fx = fixture("example.org");
            sgl_auto(dns_fixture) dns =
                dns_fixture_init("example.org", zone_with(&zone, rows[i].purpose, rows[i].zone));
            struct sgl_setup s = {0}, fresh = {0};

            dns.dns.got_max = SGL_LIMIT_SETUP_QUESTIONS;
            CHECK_EQ(rows[i].name, sgl_setup_rows(setup_fixture_request(&fx), &fx.names, &fresh),
                     SGL_OK);
            CHECK_EQ(rows[i].name,
                     run_check(&dns, (enum dns_driver)driver, &fx.request, &fx.arena, &s), SGL_OK);
            check_row(&rows[i], &s, &fresh);
            sgl_buf_reset(&got);
            put_setup(&s, &got);
            check_printable(rows[i].name, &s);
            if (driver == 0)
                put_setup(&s, &want);
            CHECK_VIEW("the drivers agree", sgl_buf_view(&got), sgl_buf_view(&want));
        }
        sgl_buf_done(&want);
        sgl_buf_done(&got);
    }
}

/* ---- a domain below its zone ---------------------------------------------------------------------------------------- */

struct below_row {
    const char *name;
    enum sgl_setup_purpose purpose;
    const char *zone;
    enum sgl_setup_state state;
    const char *code, *says;
};

static const struct below_row below[] = {
    {"the key where it belongs", DKIM, "s1._domainkey.mail.example.org TXT " KEY, PRESENT, "",
     NULL},
    {"the subdomain forgotten in the host", DKIM, "s1._domainkey.example.org TXT " KEY, WRONG,
     "subdomain-forgotten", "in the zone example.org the host to enter is \"s1._domainkey.mail\""},
    {"the zone's own key is no mistake", DKIM, "s1._domainkey.example.org TXT " OTHER_KEY, MISSING,
     "missing", NULL},
    {"the whole name typed", DKIM, "s1._domainkey.mail.example.org.example.org TXT " KEY, WRONG,
     "doubled-name", "only \"s1._domainkey.mail\""},
    {"the domain doubled", DKIM, "s1._domainkey.mail.example.org.mail.example.org TXT " KEY, WRONG,
     "doubled-name", NULL},
    {"the token at the zone", OWNERSHIP, "example.org TXT sigillo-domain-verification=abc", WRONG,
     "subdomain-forgotten", "the host to enter is \"mail\""},
    {"the zone's SPF is no mistake", SPF, "example.org TXT v=spf1 -all", MISSING, "missing", NULL},
    {"the DMARC record of the zone applies [RFC 9989 s4.10.1]", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=reject; sp=quarantine; rua=mailto:a@example.org", PRESENT,
     "dmarc-inherited", "of example.org applies"},
    {"no DMARC anywhere", DMARC, "", MISSING, "missing", NULL},
    {"the domain is an alias [RFC 1034 s3.6.2]", SPF, "mail.example.org CNAME web.host.test", WRONG,
     "alias", "leads to web.host.test"},
};

static void test_below_the_zone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        sgl_auto(setup_fixture) fx = fixture("mail.example.org");
        struct sgl_setup s = {0};
        char zone[2048];

        snprintf(zone, sizeof zone, "example.org NS ns.example.org\n%s\n", below[i].zone);
        sgl_auto(dns_fixture) dns = dns_fixture_init("mail.example.org", zone);
        CHECK_EQ(below[i].name,
                 run_check(&dns, DNS_ALL_AT_ONCE, setup_fixture_request(&fx), &fx.arena, &s),
                 SGL_OK);
        CHECK_VIEW("the zone is found [RFC 1034 s4.2.1]", s.zone.text, SGL_LIT("example.org"));
        CHECK_TRUE("and known", s.zone_known);
        {
            const struct sgl_setup_row *r = row_of(&s, below[i].purpose);

            CHECK_STR(below[i].name, sgl_setup_state_name(r->state),
                      sgl_setup_state_name(below[i].state));
            CHECK_STR(below[i].name, r->code, below[i].code);
            if (below[i].says != NULL)
                CHECK_TRUE(below[i].name,
                           sgl_view_find_view(r->why, sgl_view_cstr(below[i].says)) < r->why.len);
        }
    }
}

static void test_no_zone(void **state)
{
    static const struct {
        const char *name, *zone, *want, *code;
    } cases[] = {
        {"no servers below the suffix", "org NS ns.test\nmail.example.org A 192.0.2.1",
         "example.org", "missing"},
        {"no such name at all", "org NS ns.test", "example.org", "domain-missing"},
        {"the lookup fails", "mail.example.org SERVFAIL NS", "example.org", "missing"},
        {"an alias is no top of a zone",
         "mail.example.org CNAME x.test\nx.test NS ns.test\nexample.org A 192.0.2.1", "example.org",
         "alias"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(setup_fixture) fx = fixture("mail.example.org");
        sgl_auto(dns_fixture) dns = dns_fixture_init("mail.example.org", cases[i].zone);
        struct sgl_setup s = {0};

        fx.request.psl = sgl_psl_builtin();
        CHECK_EQ(cases[i].name,
                 run_check(&dns, DNS_ALL_AT_ONCE, setup_fixture_request(&fx), &fx.arena, &s),
                 SGL_OK);
        CHECK_VIEW(cases[i].name, s.zone.text, sgl_view_cstr(cases[i].want));
        CHECK_TRUE("it is guessed", !s.zone_known);
        CHECK_STR("a name that is not there is told apart from one without records",
                  row_of(&s, OWNERSHIP)->code, cases[i].code);
    }
}

/* ---- a parked domain ------------------------------------------------------------------------------------------------- */

static const char *const parked_in_place[SGL_SETUP_PURPOSES] = {
    [SGL_SETUP_SPF] = "example.org TXT v=spf1 -all\n",
    [SGL_SETUP_DMARC] = "_dmarc.example.org TXT v=DMARC1; p=reject\n",
    [SGL_SETUP_NULL_MX] = "example.org MX 0 .\n",
    [SGL_SETUP_DKIM] = "sigillo-no-such-name._domainkey.example.org TXT v=DKIM1; p=\n",
    [SGL_SETUP_OWNERSHIP] = "example.org NS ns.example.org\n",
};

static const struct row parked[] = {
    {"all in place", SGL_SETUP_PURPOSES, "", PRESENT, "", NULL, NULL},
    {"no SPF", SPF, "", MISSING, "missing", NULL, "no such TXT"},
    {"somebody may send [RFC 7208 s10.1.2]", SPF, "example.org TXT v=spf1 mx -all", WRONG,
     "parked-spf", NULL, "lets somebody send"},
    {"two records", SPF, "example.org TXT v=spf1 mx -all\nexample.org TXT v=spf1 -all", WRONG,
     "spf-several", NULL, "keep one"},
    {"quoted", SPF, "example.org TXT \"v=spf1 -all\"", WRONG, "quoted", NULL, "quotation"},
    {"SPF cannot be looked up", SPF, "example.org SERVFAIL TXT", UNKNOWN, "lookup-failed", NULL,
     "SERVFAIL"},
    {"no DMARC", DMARC, "", MISSING, "missing", NULL, "_dmarc"},
    {"a DMARC record that lets pass keeps its reports", DMARC,
     "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:a@b.test", WRONG, "parked-dmarc",
     "v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s; rua=mailto:a@b.test", "reject everything"},
    {"it takes mail", SGL_SETUP_NULL_MX, "example.org MX 10 mx.b.test", WRONG, "parked-mx", NULL,
     "takes mail"},
    {"a null MX beside another [RFC 7505 s3]", SGL_SETUP_NULL_MX,
     "example.org MX 0 .\nexample.org MX 10 mx.b.test", WRONG, "parked-mx", NULL, "no other"},
    {"no null MX", SGL_SETUP_NULL_MX, "", MISSING, "missing", NULL, "no such MX"},
    {"no wildcard", DKIM, "", MISSING, "missing", NULL, "*._domainkey"},
    {"a wildcard with something else", DKIM,
     "sigillo-no-such-name._domainkey.example.org TXT v=spf1 -all", WRONG, "parked-key", NULL,
     "something else"},
};

static void check_parked(const struct row *c, enum dns_driver driver)
{
    sgl_auto(setup_fixture) fx = fixture("example.org");
    struct sgl_setup s = {0}, fresh = {0};
    char zone[4096];
    size_t len = 0;

    for (size_t k = 0; k < SGL_SETUP_PURPOSES; k++) {
        if (parked_in_place[k] != NULL && k != (size_t)c->purpose)
            len += (size_t)snprintf(zone + len, sizeof zone - len, "%s", parked_in_place[k]);
    }
    snprintf(zone + len, sizeof zone - len, "%s\n", c->zone);
    fx.request.parked = true;
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", zone);
    CHECK_EQ(c->name, sgl_setup_rows(setup_fixture_request(&fx), &fx.names, &fresh), SGL_OK);
    CHECK_EQ(c->name, run_check(&dns, driver, &fx.request, &fx.arena, &s), SGL_OK);
    check_printable(c->name, &s);
    for (size_t k = 0; k < s.rows; k++) {
        const struct sgl_setup_row *r = &s.row[k];
        bool it = r->purpose == c->purpose;

        CHECK_STR(c->name, sgl_setup_state_name(r->state),
                  sgl_setup_state_name(it ? c->state : PRESENT));
        CHECK_STR(c->name, r->code, it ? c->code : "");
        if (it)
            CHECK_VIEW(c->name, r->value,
                       c->value == NULL ? fresh.row[k].value : sgl_view_cstr(c->value));
        if (it && c->says != NULL)
            CHECK_TRUE(c->name, sgl_view_find_view(r->why, sgl_view_cstr(c->says)) < r->why.len);
    }
    CHECK_EQ(c->name, s.ready, c->state == PRESENT || c->purpose == DKIM);
    CHECK_EQ("nobody coaches a parked domain", s.coach.text.len, 0);
}

static void test_parked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parked / sizeof parked[0]; i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++)
            check_parked(&parked[i], (enum dns_driver)driver);
    }
}

/* ---- the coach ------------------------------------------------------------------------------------------------------- */

#define DAY 86400

struct coach_row {
    const char *name;
    const char *dmarc; /* instead of the record that is in place; NULL: that */
    const char *spf;   /* the same */
    struct sgl_setup_reports reports;
    bool read;
    enum sgl_setup_step step;
    const char *record, *says;
};

#define RUA "; rua=mailto:a@example.org"
static const struct coach_row coached[] = {
    {"no record",
     "",
     NULL,
     {0},
     false,
     SGL_SETUP_STEP_PUBLISH,
     "v=DMARC1; p=none; rua=mailto:dmarc@example.org",
     "Publish"},
    {"nobody asks for reports",
     "v=DMARC1; p=none",
     NULL,
     {0},
     false,
     SGL_SETUP_STEP_REPORTS,
     "v=DMARC1; p=none; rua=mailto:dmarc@example.org",
     "Add rua="},
    {"nobody takes the reports",
     "v=DMARC1; p=none; rua=mailto:x@r.test",
     NULL,
     {0},
     false,
     SGL_SETUP_STEP_REPORTS,
     "",
     "has not agreed"},
    {"no reports were read", NULL, NULL, {0}, false, SGL_SETUP_STEP_WAIT, "", "14 days"},
    {"they are of three days",
     NULL,
     NULL,
     {0, 3 * DAY, 5000, 5000, 0, 0},
     true,
     SGL_SETUP_STEP_WAIT,
     "",
     "3 days and 5000 messages"},
    {"they are few",
     NULL,
     NULL,
     {0, 30 * DAY, 99, 99, 0, 0},
     true,
     SGL_SETUP_STEP_WAIT,
     "",
     "30 days and 99 messages"},
    {"all pass",
     NULL,
     NULL,
     {0, 14 * DAY, 100, 100, 0, 0},
     true,
     SGL_SETUP_STEP_QUARANTINE,
     "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org",
     "Go to p=quarantine"},
    {"some forged mail does not hold it up",
     NULL,
     NULL,
     {0, 20 * DAY, 1000, 900, 1, 99},
     true,
     SGL_SETUP_STEP_QUARANTINE,
     "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org",
     "(100) goes to the junk folder"},
    {"mail of one's own fails",
     NULL,
     NULL,
     {0, 20 * DAY, 1000, 900, 2, 98},
     true,
     SGL_SETUP_STEP_MEND,
     "",
     "2 of 1000 messages that came from your own servers"},
    {"much comes from strangers",
     NULL,
     NULL,
     {0, 20 * DAY, 1000, 890, 0, 110},
     true,
     SGL_SETUP_STEP_WAIT,
     "",
     "110 of 1000 messages came from servers that nobody has named"},
    {"from quarantine to reject",
     "v=DMARC1; p=quarantine; adkim=s" RUA,
     NULL,
     {0, 14 * DAY, 100, 100, 0, 0},
     true,
     SGL_SETUP_STEP_REJECT,
     "v=DMARC1; p=reject; adkim=s; rua=mailto:a@example.org",
     "mailing lists"},
    {"subdomains are not left behind",
     "v=DMARC1; p=quarantine; sp=none" RUA,
     NULL,
     {0, 14 * DAY, 100, 100, 0, 0},
     true,
     SGL_SETUP_STEP_REJECT,
     "v=DMARC1; p=reject; sp=reject; rua=mailto:a@example.org",
     "Go to p=reject"},
    {"t=y takes a step back [RFC 9989 s4.7]",
     "v=DMARC1; p=quarantine; t=y" RUA,
     NULL,
     {0, 14 * DAY, 100, 100, 0, 0},
     true,
     SGL_SETUP_STEP_QUARANTINE,
     "v=DMARC1; p=quarantine; rua=mailto:a@example.org",
     "Go to p=quarantine"},
    {"pct= is history [RFC 9989 s4.7]",
     "v=DMARC1; p=quarantine; pct=10" RUA,
     NULL,
     {0, 14 * DAY, 100, 100, 0, 0},
     true,
     SGL_SETUP_STEP_REJECT,
     "v=DMARC1; p=reject; rua=mailto:a@example.org",
     "Go to p=reject"},
    {"done", "v=DMARC1; p=reject" RUA, NULL, {0}, false, SGL_SETUP_STEP_DONE, "", "holds"},
    {"done, unheard", "v=DMARC1; p=reject", NULL, {0}, false, SGL_SETUP_STEP_DONE, "", "rua="},
    {"SPF first",
     NULL,
     "example.org TXT v=spf1 -all\n",
     {0, 14 * DAY, 100, 100, 0, 0},
     true,
     SGL_SETUP_STEP_MEND,
     "",
     "First the spf record"},
    {"nothing is known", "SERVFAIL", NULL, {0}, false, SGL_SETUP_STEP_UNKNOWN, "", "looked up"},
};

static void check_coach(const struct coach_row *c)
{
    sgl_auto(setup_fixture) fx = fixture("example.org");
    struct setup_zone zone;
    struct sgl_setup s = {0};
    char line[512] = "";
    size_t len;

    if (c->dmarc != NULL && c->dmarc[0] != '\0')
        snprintf(line, sizeof line, "_dmarc.example.org %s%s\n", c->dmarc[0] == 'v' ? "TXT " : "",
                 c->dmarc);
    zone_with(&zone,
              c->dmarc != NULL ? DMARC
              : c->spf != NULL ? SPF
                               : SGL_SETUP_PURPOSES,
              c->dmarc != NULL ? line
              : c->spf != NULL ? c->spf
                               : "");
    fx.request.reports = c->read ? &c->reports : NULL;
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", zone.text);
    CHECK_EQ(c->name, run_check(&dns, DNS_ALL_AT_ONCE, setup_fixture_request(&fx), &fx.arena, &s),
             SGL_OK);
    CHECK_STR(c->name, sgl_setup_step_name(s.coach.step), sgl_setup_step_name(c->step));
    CHECK_VIEW(c->name, s.coach.record, sgl_view_cstr(c->record));
    len = s.coach.text.len;
    if (sgl_view_find_view(s.coach.text, sgl_view_cstr(c->says)) == len)
        fail_msg("%s: %.*s", c->name, SGL_FMT(s.coach.text));
    CHECK_EQ("pct= is told of", sgl_findings_have(&s.findings, "dmarc-historic-tag"),
             c->dmarc != NULL && strstr(c->dmarc, "pct") != NULL);
}

static void test_coach(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof coached / sizeof coached[0]; i++)
        check_coach(&coached[i]);
}

/* ---- bounds ---------------------------------------------------------------------------------------------------------- */

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
        cmocka_unit_test(test_table),   cmocka_unit_test(test_below_the_zone),
        cmocka_unit_test(test_no_zone), cmocka_unit_test(test_parked),
        cmocka_unit_test(test_coach),   cmocka_unit_test(test_too_many_questions),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
