/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/spf_build.h"

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"
#include "spf_build_fixture.h"

struct row {
    const char *name, *zone;
    struct wish wish;
    const char *records; /* "refused", "failed": as it says */
    const char *codes;
};

static const struct row rows[] = {
    /* Microsoft 365 */
    {"worldwide",
     OUTLOOK,
     {.m365 = SGL_SPF_M365_WORLDWIDE},
     "a.test v=spf1 include:spf.protection.outlook.com -all",
     ""},
    {"GCC is the same",
     OUTLOOK,
     {.m365 = SGL_SPF_M365_GCC},
     "a.test v=spf1 include:spf.protection.outlook.com -all",
     ""},
    {"GCC High",
     "spf.protection.office365.us TXT v=spf1 -all",
     {.m365 = SGL_SPF_M365_GCC_HIGH},
     "a.test v=spf1 include:spf.protection.office365.us -all",
     ""},
    {"DoD",
     "spf.protection.office365.us TXT v=spf1 -all",
     {.m365 = SGL_SPF_M365_DOD},
     "a.test v=spf1 include:spf.protection.office365.us -all",
     ""},
    {"21Vianet",
     "spf.protection.partner.outlook.cn TXT v=spf1 -all",
     {.m365 = SGL_SPF_M365_21VIANET},
     "a.test v=spf1 include:spf.protection.partner.outlook.cn -all",
     ""},
    {"servers of one's own stand first: they cost no lookup",
     OUTLOOK,
     {.m365 = SGL_SPF_M365_WORLDWIDE, .ip = "203.0.113.7 2001:db8::/48"},
     "a.test v=spf1 ip4:203.0.113.7 ip6:2001:db8::/48 include:spf.protection.outlook.com -all",
     ""},
    {"bits behind a prefix are cleared",
     "",
     {.ip = "203.0.113.77/28 2001:db8::ffff/64"},
     "a.test v=spf1 ip4:203.0.113.64/28 ip6:2001:db8::/64 -all",
     ""},

    {"a mapped address is an IPv4 address [RFC 7208 s5]",
     "",
     {.ip = "::ffff:203.0.113.77 ::ffff:198.51.100.0/120"},
     "a.test v=spf1 ip4:203.0.113.77 ip4:198.51.100.0/24 -all",
     ""},

    /* Policies */
    {"~all with the reason why not",
     "",
     {.ip = "203.0.113.7", .policy = SGL_SPF_POLICY_SOFT},
     "a.test v=spf1 ip4:203.0.113.7 ~all",
     "soft-all"},
    {"?all with the reason why not",
     "",
     {.ip = "203.0.113.7", .policy = SGL_SPF_POLICY_NEUTRAL},
     "a.test v=spf1 ip4:203.0.113.7 ?all",
     "neutral-all"},
    {"nothing that sends", "", {.policy = SGL_SPF_POLICY_HARD}, "a.test v=spf1 -all", "no-sender"},

    /* Merging */
    {"new terms stand before all",
     "TXT v=spf1 mx -all\nMX 1 a.test\nA 192.0.2.1\nAAAA 2001:db8::1",
     {.ip = "203.0.113.7"},
     "a.test v=spf1 mx ip4:203.0.113.7 -all",
     ""},
    {"terms, order and modifiers stay; the policy, too",
     "TXT v=spf1 exp=e.%{d} a:h.test ~all x=y\nh.test A 192.0.2.1\nh.test AAAA 2001:db8::1",
     {.ip = "203.0.113.7"},
     "a.test v=spf1 exp=e.%{d} a:h.test ip4:203.0.113.7 ~all x=y",
     "soft-all"},
    {"the policy is replaced when asked",
     "TXT v=spf1 ip4:192.0.2.1 ~all",
     {.policy = SGL_SPF_POLICY_HARD},
     "a.test v=spf1 ip4:192.0.2.1 -all",
     ""},
    {"a missing all is added",
     "TXT v=spf1 ip4:192.0.2.1 exp=e.test",
     {.ip = NULL},
     "a.test v=spf1 ip4:192.0.2.1 -all exp=e.test",
     "all-added"},
    {"a redirect stays in force [RFC 7208 s6.1]",
     "TXT v=spf1 redirect=r.test\nr.test TXT v=spf1 -all",
     {.ip = "203.0.113.7", .policy = SGL_SPF_POLICY_HARD},
     "a.test v=spf1 ip4:203.0.113.7 redirect=r.test",
     "redirect-kept"},
    {"never a second include of the same",
     OUTLOOK "TXT v=spf1 Include:SPF.Protection.Outlook.com. -all",
     {.m365 = SGL_SPF_M365_WORLDWIDE},
     "a.test= v=spf1 Include:SPF.Protection.Outlook.com. -all",
     ""},
    {"not even with another qualifier",
     OUTLOOK "TXT v=spf1 ?include:spf.protection.outlook.com -all",
     {.m365 = SGL_SPF_M365_WORLDWIDE},
     "a.test= v=spf1 ?include:spf.protection.outlook.com -all",
     "other-qualifier"},
    {"doubles go",
     "TXT v=spf1 ip4:192.0.2.1 +ip4:192.0.2.1/32 -all",
     {.ip = "192.0.2.1"},
     "a.test v=spf1 ip4:192.0.2.1 -all",
     ""},
    {"a second all goes when the policy makes it a double",
     "TXT v=spf1 ip4:192.0.2.1 -all ~all",
     {.policy = SGL_SPF_POLICY_SOFT},
     "a.test v=spf1 ip4:192.0.2.1 ~all",
     "soft-all"},
    {"an address in a network that is there",
     "TXT v=spf1 ip4:192.0.2.0/24 -all",
     {.ip = "192.0.2.1"},
     "a.test= v=spf1 ip4:192.0.2.0/24 -all",
     "covered"},
    {"what stands behind all is moved before it",
     "TXT v=spf1 -all ip4:192.0.2.1",
     {.ip = "192.0.2.1"},
     "a.test v=spf1 ip4:192.0.2.1 -all",
     ""},
    {"several records become one [RFC 7208 s4.5]",
     "TXT v=spf1 ip4:192.0.2.1 ~all\nTXT v=spf1 ip4:192.0.2.2 -all",
     {.ip = "192.0.2.3"},
     "a.test v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ~all",
     "many-records soft-all"},
    {"nothing to do",
     "TXT v=spf1 ip4:192.0.2.1 -all",
     {.ip = "192.0.2.1"},
     "a.test= v=spf1 ip4:192.0.2.1 -all",
     ""},
    {"--existing outranks what is published",
     "TXT v=spf1 ip4:192.0.2.1 -all",
     {.ip = "192.0.2.2", .existing = "v=spf1 ip4:192.0.2.9 -all"},
     "a.test v=spf1 ip4:192.0.2.9 ip4:192.0.2.2 -all",
     ""},
    {"--existing with nothing",
     "TXT v=spf1 ip4:192.0.2.1 -all",
     {.ip = "192.0.2.2", .existing = ""},
     "a.test v=spf1 ip4:192.0.2.2 -all",
     ""},

    /* Subdomains */
    {"a bulk service gets a record of its own; the domain is left alone",
     BULK "TXT v=spf1 ip4:192.0.2.1 -all",
     {.subdomain = "news:sendgrid.net"},
     "news.a.test v=spf1 include:sendgrid.net -all",
     ""},
    {"a whole name may be given",
     BULK,
     {.subdomain = "news.a.test:sendgrid.net"},
     "news.a.test v=spf1 include:sendgrid.net -all",
     ""},
    {"it is merged, too",
     BULK "news.a.test TXT v=spf1 ip4:192.0.2.1 ~all",
     {.subdomain = "news:sendgrid.net"},
     "news.a.test v=spf1 ip4:192.0.2.1 include:sendgrid.net ~all",
     "bulk-service soft-all"},
    {"two services of one subdomain, and the domain beside them",
     BULK "b.test TXT v=spf1 -all",
     {.subdomain = "news:sendgrid.net shop:b.test news:b.test", .ip = "192.0.2.1"},
     "a.test v=spf1 ip4:192.0.2.1 -all | news.a.test v=spf1 include:sendgrid.net include:b.test "
     "-all | shop.a.test v=spf1 include:b.test -all",
     "bulk-service"},
    {"a service that the domain includes moves",
     BULK "TXT v=spf1 ip4:192.0.2.1 include:sendgrid.net -all",
     {.subdomain = "news:sendgrid.net"},
     "a.test v=spf1 ip4:192.0.2.1 -all | news.a.test v=spf1 include:sendgrid.net -all",
     "moved"},
    {"unless it is asked for there as well",
     BULK "TXT v=spf1 ip4:192.0.2.1 include:sendgrid.net -all",
     {.subdomain = "news:sendgrid.net", .include = "sendgrid.net"},
     "a.test= v=spf1 ip4:192.0.2.1 include:sendgrid.net -all | news.a.test v=spf1 "
     "include:sendgrid.net -all",
     "bulk-service"},
    {"a subdomain that is the domain",
     BULK,
     {.subdomain = "a.test:sendgrid.net"},
     "refused",
     "bad-subdomain"},
    {"a bulk service at the domain is built, with a warning",
     BULK,
     {.ip = "192.0.2.1", .include = "sendgrid.net"},
     "a.test v=spf1 ip4:192.0.2.1 include:sendgrid.net -all",
     "bulk-service"},

    /* Refusals */
    {"above ten lookups, with the term to move",
     HEAVY "TXT v=spf1 include:h.test include:i.test -all\n"
           "i.test TXT v=spf1 include:h.test ?all",
     {.include = "h.test", .ip = "192.0.2.1"},
     "refused",
     "too-many-lookups"},
    {"eight to ten are built, with a warning",
     HEAVY "TXT v=spf1 include:i.test exists:x.test exists:y.test -all\n"
           "i.test TXT v=spf1 include:h.test ?all\ny.test A 192.0.2.1",
     {.ip = "192.0.2.1"},
     "a.test v=spf1 include:i.test exists:x.test exists:y.test ip4:192.0.2.1 -all",
     "many-lookups"},
    {"an include without a record", "", {.include = "b.test"}, "refused", "include-none"},
    {"a loop", "", {.include = "a.test"}, "refused", "loop"},
    {"+all that is there, unless a policy is given",
     "TXT v=spf1 ip4:192.0.2.1 +all",
     {.ip = "192.0.2.1"},
     "refused",
     "pass-all"},
    {"with it",
     "TXT v=spf1 ip4:192.0.2.1 +all",
     {.ip = "192.0.2.1", .policy = SGL_SPF_POLICY_HARD},
     "a.test v=spf1 ip4:192.0.2.1 -all",
     ""},
    {"a network of everything", "", {.ip = "0.0.0.0/0"}, "refused", "pass-all wide-sum"},
    {"a record that cannot be read is not merged into",
     "TXT v=spf1 ip4:1.2.3 -all",
     {.ip = "192.0.2.1"},
     "refused",
     "syntax"},
    {"one of several that cannot be read",
     "TXT v=spf1 ip4:1.2.3 -all\nTXT v=spf1 -all",
     {.ip = "192.0.2.1"},
     "refused",
     "syntax"},
    {"what is refused at a subdomain refuses all",
     "",
     {.ip = "192.0.2.1", .subdomain = "n:b.test"},
     "refused",
     "include-none"},
    {"three void lookups",
     "",
     {.existing = "v=spf1 a:b.test a:c.test a:d.test -all"},
     "refused",
     "void-lookup void-lookup void-lookup too-many-voids"},

    /* Unknown */
    {"the record that is there is not known",
     "SERVFAIL",
     {.ip = "192.0.2.1"},
     "failed",
     "lookup-failed"},
    {"nor the one of a subdomain",
     "news.a.test TIMEOUT\n" BULK,
     {.ip = "192.0.2.1", .subdomain = "news:sendgrid.net"},
     "failed",
     "lookup-failed"},
    {"what is behind an include is not known",
     "b.test SERVFAIL",
     {.include = "b.test"},
     "failed",
     "lookup-failed"},
    {"offline, nothing is asked",
     "SERVFAIL",
     {.ip = "192.0.2.1", .include = "b.test", .offline = true},
     "a.test v=spf1 ip4:192.0.2.1 include:b.test -all",
     ""},
    {"a term as it stands in a record",
     "a.test TXT v=spf1 ip4:9.9.9.8 ~all\nmx.b.test A 9.9.9.9",
     {.term = "a:mx.b.test"},
     "a.test v=spf1 ip4:9.9.9.8 a:mx.b.test ~all",
     "soft-all"},
    {"a term that is there already",
     "a.test TXT v=spf1 A:MX.b.test ~all\nmx.b.test A 9.9.9.9",
     {.term = "a:mx.b.test"},
     "a.test= v=spf1 A:MX.b.test ~all",
     "soft-all"},
    {"gentle: a record without all stays without it [RFC 7208 s4.7]",
     "a.test TXT v=spf1 ip4:192.0.2.9\nmx.b.test A 9.9.9.9",
     {.term = "a:mx.b.test", .policy = SGL_SPF_POLICY_GENTLE},
     "a.test v=spf1 ip4:192.0.2.9 a:mx.b.test",
     "no-all"},
    {"gentle: where there is no record others are only suspicious",
     "b.test A 9.9.9.9\nmx.b.test A 9.9.9.9",
     {.term = "a:mx.b.test", .policy = SGL_SPF_POLICY_GENTLE},
     "a.test v=spf1 a:mx.b.test ~all",
     "soft-all"},
    {"a term that is none",
     "a.test TXT v=spf1 mx ~all",
     {.term = "b:mx.b.test"},
     "refused",
     "syntax soft-all"},
    {"offline, into what is given",
     "SERVFAIL",
     {.include = "b.test", .offline = true, .existing = "v=spf1 mx ~all"},
     "a.test v=spf1 mx include:b.test ~all",
     "soft-all"},

    /* Parked */
    {"parked, with the DMARC record that belongs beside it",
     "MX 0 .",
     {.parked = true},
     "a.test v=spf1 -all | _dmarc.a.test v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s",
     ""},
    {"parked without a null MX [RFC 7505 s3]",
     "",
     {.parked = true},
     "a.test v=spf1 -all | _dmarc.a.test v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s",
     "null-mx-missing"},
    {"parked with servers",
     "TXT v=spf1 mx -all\nMX 10 b.test",
     {.parked = true},
     "a.test v=spf1 -all | _dmarc.a.test v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s",
     "parked-senders null-mx-missing"},
    {"parked already",
     "TXT v=spf1 -all\nMX 0 .\n_dmarc.a.test TXT v=DMARC1; p=reject; rua=mailto:r@a.test",
     {.parked = true},
     "a.test= v=spf1 -all | _dmarc.a.test= v=DMARC1; p=reject; rua=mailto:r@a.test",
     ""},
    {"report addresses stay",
     "MX 0 .\n_dmarc.a.test TXT v=DMARC1; p=none; rua=mailto:r@a.test",
     {.parked = true},
     "a.test v=spf1 -all | _dmarc.a.test v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s; "
     "rua=mailto:r@a.test",
     ""},
    {"a weaker policy of subdomains does not stay",
     "MX 0 .\n_dmarc.a.test TXT v=DMARC1; p=reject; sp=none",
     {.parked = true},
     "a.test v=spf1 -all | _dmarc.a.test v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s",
     ""},
    {"parked, and what is there is not known",
     "SERVFAIL TXT",
     {.parked = true},
     "failed",
     "lookup-failed null-mx-missing"},
    {"whether there is a null MX is not known",
     "SERVFAIL MX",
     {.parked = true},
     "a.test v=spf1 -all | _dmarc.a.test v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s",
     ""},
    {"parked and offline",
     "SERVFAIL",
     {.parked = true, .offline = true},
     "a.test v=spf1 -all | _dmarc.a.test v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s",
     "null-mx-missing"},
};

static void check_row(const struct row *row, enum dns_driver driver)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", row->zone);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(10000);
    struct sgl_spf_build b;
    struct asked asked;

    make_request(&fx, &row->wish, &asked);
    CHECK_EQ(row->name, build(&fx, driver, &asked.request, &arena, &b), SGL_OK);
    if (b.refused || b.failed) {
        CHECK_EQ(row->name, b.records, 0);
        sgl_buf_add_cstr(&got, b.refused ? "refused" : "failed");
    }
    put_records(&b, &got);
    CHECK_VIEW(row->name, sgl_buf_view(&got), sgl_view_cstr(row->records));
    sgl_buf_reset(&got);
    put_codes(&b.findings, &got);
    CHECK_VIEW(row->name, sgl_buf_view(&got), sgl_view_cstr(row->codes));
    CHECK_EQ(row->name, b.refused, b.findings.errors > 0);
}

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++)
            check_row(&rows[i], (enum dns_driver)driver);
    }
}

/* What was built is built again, with the same wishes, from what was built: nothing changes, and it can be read. */
static void merging_twice_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", row->zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
        sgl_auto(sgl_arena) scratch = SGL_ARENA_INIT(ARENA);
        struct sgl_spf_build b, again;
        struct sgl_spf_record record;
        struct asked asked;

        make_request(&fx, &row->wish, &asked);
        CHECK_EQ(row->name, build(&fx, DNS_ALL_AT_ONCE, &asked.request, &arena, &b), SGL_OK);
        for (size_t n = 0; n < b.records; n++) {
            if (!sgl_view_starts(b.record[n].text, SGL_LIT("v=spf1")))
                continue;
            CHECK_EQ(row->name, sgl_spf_parse(b.record[n].text, &scratch, &record, NULL), SGL_OK);
            asked.request.existing = b.record[n].text;
            if (!sgl_name_eq(b.record[n].name, fx.name))
                continue;
            while (sgl_spf_build(&asked.request, &fx.dns, &scratch, &again) == SGL_NEED_DNS)
                dns_fixture_answer(&fx);
            CHECK_TRUE(row->name, again.records > 0);
            CHECK_VIEW(row->name, again.record[0].text, b.record[n].text);
            CHECK_TRUE(row->name, again.record[0].unchanged);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(merging_twice_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
