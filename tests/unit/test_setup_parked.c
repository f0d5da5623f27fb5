/* SPDX-License-Identifier: Apache-2.0 */
/* Domains that send nothing. */
#include "setup_zone.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
