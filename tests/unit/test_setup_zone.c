/* SPDX-License-Identifier: Apache-2.0 */
/* Which zone the records go into, and what that changes. */
#include "setup_zone.h"

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
    {"a token at the end of an alias proves somebody else's name", OWNERSHIP,
     "mail.example.org CNAME web.host.test\n"
     "web.host.test TXT sigillo-domain-verification=abc",
     WRONG, "alias", "leads to web.host.test"},
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
            if (strcmp(below[i].code, "dmarc-inherited") == 0)
                CHECK_EQ("nothing is proposed that would weaken it", r->value.len, 0);
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
        {"no such domain at all", "org NS ns.test", "example.org", "domain-missing"},
        {"a domain without this subdomain [RFC 8020 s2]", "example.org A 192.0.2.1", "example.org",
         "missing"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below_the_zone),
        cmocka_unit_test(test_no_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
