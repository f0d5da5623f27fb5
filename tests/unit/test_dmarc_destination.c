/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/dmarc.h"
#include "sigillo/limits.h"

#define P     "blue.example._report._dmarc.red.test "
#define OWN   SGL_DMARC_DEST_OWN
#define YES   SGL_DMARC_DEST_AUTHORISED
#define NO    SGL_DMARC_DEST_REFUSED
#define MAYBE SGL_DMARC_DEST_TEMPERROR

static const struct row {
    const char *name, *zone, *domain, *host;
    enum sgl_dmarc_destination want;
    const char *rua;
} rows[] = {
    {"the domain itself", "", "blue.example", "blue.example", OWN, ""},
    {"one Organizational Domain [RFC 9990 s4]", "_dmarc.blue.example TXT v=DMARC1; p=none\n",
     "blue.example", "mail.blue.example", OWN, ""},
    {"permission", P "TXT v=DMARC1\n", "blue.example", "red.test", YES, ""},
    {"a semicolon behind it", P "TXT v=DMARC1;\n", "blue.example", "red.test", YES, ""},
    {"no such name", "", "blue.example", "red.test", NO, ""},
    {"something else there", P "TXT v=spf1 -all\n", "blue.example", "red.test", NO, ""},
    {"v has to be first", P "TXT p=none; v=DMARC1\n", "blue.example", "red.test", NO, ""},
    {"a record that is not valid", P "TXT v=DMARC1; a=1; a=2\n", "blue.example", "red.test", NO,
     ""},
    {"one of several is enough [RFC 9990 s4 step 8]", P "TXT hello\n" P "TXT v=DMARC1\n",
     "blue.example", "red.test", YES, ""},
    {"two are fine", P "TXT v=DMARC1; x=1\n" P "TXT v=DMARC1\n", "blue.example", "red.test", YES,
     ""},
    {"another address of the same host [RFC 9990 s4 step 9]",
     P "TXT v=DMARC1; rua=mailto:other@red.test\n", "blue.example", "red.test", YES,
     "mailto:other@red.test"},
    {"an address elsewhere would start a chain [RFC 9990 s4]",
     P "TXT v=DMARC1; rua=mailto:other@victim.test\n", "blue.example", "red.test", NO, ""},
    {"in one record of two, too", P "TXT v=DMARC1\n" P "TXT v=DMARC1; rua=mailto:o@victim.test\n",
     "blue.example", "red.test", NO, ""},
    {"an address that is none says nothing", P "TXT v=DMARC1; rua=victim.test\n", "blue.example",
     "red.test", YES, ""},
    {"a sister below one Organizational Domain", "_dmarc.blue.example TXT v=DMARC1; p=none\n",
     "mail.blue.example", "reports.blue.example", OWN, ""},
    {"what is asked is the domain of the record", P "TXT v=DMARC1\n", "mail.blue.example",
     "red.test", NO, ""},
    {"the first that stays there", P "TXT v=DMARC1; rua=mailto:o@victim.test,mailto:o@red.test\n",
     "blue.example", "red.test", YES, "mailto:o@red.test"},
    {"a failed lookup", P "SERVFAIL\n", "blue.example", "red.test", MAYBE, ""},
    {"a stranger under one top label", "_dmarc.blue.test TXT v=DMARC1; p=none\n", "blue.test",
     "red.test", NO, ""},
    {"whether it is its own is not known", "_dmarc.test SERVFAIL\n", "blue.test", "red.test", MAYBE,
     ""},
    {"permission stands whatever failed",
     "_dmarc.test SERVFAIL\nblue.test._report._dmarc.red.test TXT v=DMARC1\n", "blue.test",
     "red.test", YES, ""},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init(rows[i].domain, rows[i].zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
            struct sgl_name host = dns_fixture_name(&fx, rows[i].host);
            enum sgl_dmarc_destination got = (enum sgl_dmarc_destination)99;
            sgl_view rua = SGL_LIT("untouched");
            enum sgl_status st;

            while ((st = sgl_dmarc_destination(fx.name, host, &fx.dns, &arena, &got, &rua)) ==
                   SGL_NEED_DNS) {
                CHECK_EQ(rows[i].name, got, 99);
                dns_fixture_step(&fx, (enum dns_driver)driver);
            }
            CHECK_EQ(rows[i].name, st, SGL_OK);
            CHECK_EQ(rows[i].name, got, rows[i].want);
            CHECK_VIEW(rows[i].name, rua, sgl_view_cstr(rows[i].rua));
            CHECK_EQ("scratch memory goes back", arena.used, 0);
        }
    }
}

/* [RFC 9991 s3] the address for failure reports is that of ruf= */
static void failure_reports(void **state)
{
    static const struct {
        const char *name, *zone;
        enum sgl_dmarc_destination want;
        const char *ruf;
    } row[] = {
        {"its own tag", P "TXT v=DMARC1; rua=mailto:a@red.test; ruf=mailto:f@red.test\n", YES,
         "mailto:f@red.test"},
        {"none", P "TXT v=DMARC1; rua=mailto:a@victim.test\n", YES, ""},
        {"elsewhere", P "TXT v=DMARC1; ruf=mailto:a@victim.test\n", NO, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("blue.example", row[i].zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        struct sgl_name host = dns_fixture_name(&fx, "red.test");
        enum sgl_dmarc_destination got = (enum sgl_dmarc_destination)99;
        sgl_view ruf = SGL_LIT("untouched");

        while (sgl_dmarc_failure_destination(fx.name, host, &fx.dns, &arena, &got, &ruf) ==
               SGL_NEED_DNS)
            dns_fixture_answer(&fx);
        CHECK_EQ(row[i].name, got, row[i].want);
        CHECK_VIEW(row[i].name, ruf, sgl_view_cstr(row[i].ruf));
    }
}

static void long_names(void **state)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(300);

    (void)state;
    while (text.len < 220)
        sgl_buf_add(&text, SGL_LIT("label."));
    sgl_buf_add(&text, SGL_LIT("example"));
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init(sgl_cstr(&text), "");
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        enum sgl_dmarc_destination got;
        sgl_view rua;

        CHECK_EQ("too long to ask for [RFC 9990 s4 step 4]",
                 sgl_dmarc_destination(fx.name, dns_fixture_name(&fx, "a-long-host-name.test"),
                                       &fx.dns, &arena, &got, &rua),
                 SGL_OK);
        CHECK_EQ("is refused", got, NO);
        CHECK_EQ("nothing was asked", fx.asked, 0);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct dns_fixture fx;
        struct sgl_arena arena = SGL_ARENA_INIT(100000);
        enum sgl_dmarc_destination got = (enum sgl_dmarc_destination)99;
        struct sgl_name host;
        sgl_view rua;
        enum sgl_status st;

        fail_alloc_off();
        fx = dns_fixture_init("blue.example", P "TXT v=DMARC1; rua=mailto:o@red.test\n");
        host = dns_fixture_name(&fx, "red.test");
        fail_alloc_on();
        while ((st = sgl_dmarc_destination(fx.name, host, &fx.dns, &arena, &got, &rua)) ==
               SGL_NEED_DNS)
            dns_fixture_answer(&fx);
        CHECK_TRUE("no memory is never a refusal", st == SGL_E_NOMEM || got == YES || got == MAYBE);
        CHECK_TRUE("no memory is a status", st == SGL_OK || fail_alloc_hit());
        sgl_arena_done(&arena);
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(failure_reports),
        cmocka_unit_test(long_names),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
