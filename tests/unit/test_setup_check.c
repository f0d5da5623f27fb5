/* SPDX-License-Identifier: Apache-2.0 */
/* Each record as it should be, and wrong in each way that people manage. */
#include "setup_zone.h"
#include "sigillo/limits.h"

#define TEN                                                                                        \
    "a:a1.host.test a:a2.host.test a:a3.host.test a:a4.host.test a:a5.host.test a:a6.host.test "   \
    "a:a7.host.test a:a8.host.test a:a9.host.test a:mail2.host.test"
#define TEN_HOSTS                                                                                  \
    "a1.host.test A 192.0.2.1\na2.host.test A 192.0.2.1\na3.host.test A 192.0.2.1\n"               \
    "a4.host.test A 192.0.2.1\na5.host.test A 192.0.2.1\na6.host.test A 192.0.2.1\n"               \
    "a7.host.test A 192.0.2.1\na8.host.test A 192.0.2.1\na9.host.test A 192.0.2.1\n"               \
    "mail2.host.test A 192.0.2.1\n"

static const struct row table[] = {
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

/* The policy is served by this server, and by nobody else. */
static const struct row own_rows[] = {
    {"its own id [RFC 8461 s3.1]", SGL_SETUP_MTA_STS,
     "_mta-sts.example.org TXT v=STSv1; id=20260101;", PRESENT, "", NULL, NULL},
    {"the id of another policy", SGL_SETUP_MTA_STS, "_mta-sts.example.org TXT v=STSv1; id=7;",
     WRONG, "mta-sts-other-id", NULL, "another policy"},
    {"no record", SGL_SETUP_MTA_STS, "", MISSING, "missing", NULL, "_mta-sts"},
    {"its own host", SGL_SETUP_MTA_STS_HOST, "mta-sts.example.org CNAME mail.host.test", PRESENT,
     "", NULL, NULL},
    {"an address", SGL_SETUP_MTA_STS_HOST, "mta-sts.example.org A 192.0.2.1", PRESENT, "", NULL,
     NULL},
    {"another host", SGL_SETUP_MTA_STS_HOST,
     "mta-sts.example.org CNAME other.test\nother.test A 192.0.2.1", WRONG, "mta-sts-other-host",
     NULL, "another host"},
};

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

static void check_rows(const struct row *rows, size_t count, bool own)
{
    for (size_t i = 0; i < count; i++) {
        struct sgl_buf want = SGL_BUF_INIT(1 << 18), got = SGL_BUF_INIT(1 << 18);
        struct setup_zone zone;

        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(setup_fixture) fx = fixture("example.org");
            sgl_auto(dns_fixture) dns =
                dns_fixture_init("example.org", zone_with(&zone, rows[i].purpose, rows[i].zone));
            struct sgl_setup s = {0}, fresh = {0};

            dns.dns.got_max = SGL_LIMIT_SETUP_QUESTIONS;
            fx.request.sts_own = own;
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

static void test_table(void **state)
{
    (void)state;
    check_rows(table, sizeof table / sizeof table[0], false);
    check_rows(own_rows, sizeof own_rows / sizeof own_rows[0], true);
}

/* What has to go is named, so that a script removes that and nothing else. */
static void test_what_is_removed(void **state)
{
    static const struct {
        const char *name;
        enum sgl_setup_purpose purpose;
        const char *zone, *old;
    } cases[] = {
        {"the record that is merged", SPF,
         "example.org TXT v=spf1 ip4:198.51.100.1 -all\nexample.org TXT other",
         "TXT v=spf1 ip4:198.51.100.1 -all;"},
        {"every one of several", SPF,
         "example.org TXT v=spf1 ip4:198.51.100.1 -all\nexample.org TXT v=spf1 mx -all",
         "TXT v=spf1 mx -all;TXT v=spf1 ip4:198.51.100.1 -all;"},
        {"another key", DKIM, "s1._domainkey.example.org TXT " OTHER_KEY, "TXT " OTHER_KEY ";"},
        {"an alias at a name that is for a key", DKIM,
         "s1._domainkey.example.org CNAME k.host.test", "CNAME k.host.test.;"},
        {"the token of somebody else stays", OWNERSHIP,
         "example.org TXT sigillo-domain-verification=xyz", ""},
        {"what a wildcard answers stays", DKIM,
         "s1._domainkey.example.org TXT hello\n"
         "sigillo-no-such-name._domainkey.example.org TXT hello",
         ""},
        {"what an alias leads to is somebody else's", DKIM,
         "s1._domainkey.example.org CNAME k.host.test\nk.host.test TXT " OTHER_KEY,
         "CNAME k.host.test.;"},
        {"another MX", SGL_SETUP_RETURN_MX, "bounce.example.org MX 10 mx.other.test",
         "MX 10 mx.other.test.;"},
        {"what is right stays", SPF, "example.org TXT v=spf1 a:mail.host.test -all", ""},
        {"a record that gets its reports", DMARC, "_dmarc.example.org TXT v=DMARC1; p=none",
         "TXT v=DMARC1; p=none;"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(setup_fixture) fx = fixture("example.org");
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4096);
        const struct sgl_setup_row *r;
        struct setup_zone zone;
        struct sgl_setup s = {0};

        sgl_auto(dns_fixture) dns =
            dns_fixture_init("example.org", zone_with(&zone, cases[i].purpose, cases[i].zone));
        CHECK_EQ(cases[i].name,
                 run_check(&dns, DNS_ALL_AT_ONCE, setup_fixture_request(&fx), &fx.arena, &s),
                 SGL_OK);
        r = row_of(&s, cases[i].purpose);
        for (size_t k = 0; k < r->old_count; k++)
            sgl_buf_addf(&got, "%s %.*s;", sgl_rr_name(r->old[k].type), SGL_FMT(r->old[k].value));
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].old));
    }
}

/* A DMARC record as long as DNS lets it be: nothing is proposed, and the rest is judged. */
static void test_a_long_record(void **state)
{
    sgl_auto(setup_fixture) fx = fixture("example.org");
    struct setup_zone zone;
    struct sgl_setup s = {0};
    char line[7000];

    (void)state;
    snprintf(line, sizeof line, "_dmarc.example.org TXT v=DMARC1; p=none; x=%06400d", 1);
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", zone_with(&zone, DMARC, line));
    CHECK_EQ("judged", run_check(&dns, DNS_ALL_AT_ONCE, setup_fixture_request(&fx), &fx.arena, &s),
             SGL_OK);
    CHECK_STR("it asks for no reports", row_of(&s, DMARC)->code, "dmarc-no-reports");
    CHECK_TRUE("nothing is proposed", !row_of(&s, DMARC)->publish);
    CHECK_TRUE("all else stands", s.ready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_what_is_removed),
        cmocka_unit_test(test_a_long_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
