/* SPDX-License-Identifier: Apache-2.0 */
/* The next safe step of DMARC. */
#include "setup_zone.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
