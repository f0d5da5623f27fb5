/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "check.h"
#include "fail_alloc.h"
#include "setup_fixture.h"
#include "sigillo/setup.h"

/* Each row as "purpose TYPE relative|zone !value". */
static void put_rows(const struct sgl_setup *s, struct sgl_buf *out)
{
    for (size_t i = 0; i < s->rows; i++) {
        const struct sgl_setup_row *r = &s->row[i];

        sgl_buf_addf(out, "%s%s %s %.*s|%.*s %.*s\n", sgl_setup_purpose_name(r->purpose),
                     r->required ? "!" : "", sgl_rr_name(r->type), SGL_FMT(r->relative),
                     SGL_FMT(r->zone.text), SGL_FMT(r->value));
    }
}

static void test_rows(void **state)
{
    static const struct {
        const char *name, *domain, *zone, *want;
        bool parked;
    } rows[] = {
        {"a domain that is its own zone", "example.org", "",
         "ownership! TXT @|example.org sigillo-domain-verification=abc\n"
         "spf! TXT @|example.org v=spf1 a:mail.host.test ~all\n"
         "dkim! TXT s1._domainkey|example.org v=DKIM1; k=ed25519; p=" ED25519_TEXT "\n"
         "dkim2 CNAME s2._domainkey|example.org s2.keys.host.test.\n"
         "dmarc TXT _dmarc|example.org v=DMARC1; p=none; rua=mailto:dmarc@example.org\n"
         "return-mx MX bounce|example.org 10 mail.host.test.\n"
         "return-spf TXT bounce|example.org v=spf1 a:mail.host.test ~all\n"
         "mta-sts TXT _mta-sts|example.org v=STSv1; id=20260101;\n"
         "mta-sts-host CNAME mta-sts|example.org mail.host.test.\n"
         "tls-rpt TXT _smtp._tls|example.org v=TLSRPTv1; rua=mailto:tls-reports@example.org\n",
         false},
        {"below its zone the names are relative to the zone, not to the domain", "mail.example.org",
         "example.org",
         "ownership! TXT mail|example.org sigillo-domain-verification=abc\n"
         "spf! TXT mail|example.org v=spf1 a:mail.host.test ~all\n"
         "dkim! TXT s1._domainkey.mail|example.org v=DKIM1; k=ed25519; p=" ED25519_TEXT "\n"
         "dkim2 CNAME s2._domainkey.mail|example.org s2.keys.host.test.\n"
         "dmarc TXT _dmarc.mail|example.org v=DMARC1; p=none; rua=mailto:dmarc@mail.example.org\n"
         "return-mx MX bounce.mail|example.org 10 mail.host.test.\n"
         "return-spf TXT bounce.mail|example.org v=spf1 a:mail.host.test ~all\n"
         "mta-sts TXT _mta-sts.mail|example.org v=STSv1; id=20260101;\n"
         "mta-sts-host CNAME mta-sts.mail|example.org mail.host.test.\n"
         "tls-rpt TXT _smtp._tls.mail|example.org v=TLSRPTv1; "
         "rua=mailto:tls-reports@mail.example.org\n",
         false},
        {"a parked domain [RFC 7505 s3] [RFC 6376 s3.6.1]", "example.org", "",
         "spf! TXT @|example.org v=spf1 -all\n"
         "dmarc! TXT _dmarc|example.org v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s\n"
         "null-mx! MX @|example.org 0 .\n"
         "dkim TXT *._domainkey|example.org v=DKIM1; p=\n",
         true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(setup_fixture) fx = setup_fixture_init(rows[i].domain);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(65536);
        struct sgl_setup s = {0};

        fx.request.parked = rows[i].parked;
        fx.request.zone = setup_fixture_name(&fx, rows[i].zone);
        CHECK_EQ(rows[i].name, sgl_setup_rows(setup_fixture_request(&fx), &fx.arena, &s), SGL_OK);
        put_rows(&s, &got);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&got), sgl_view_cstr(rows[i].want));
        CHECK_EQ(rows[i].name, s.zone_known, rows[i].zone[0] != '\0');
        CHECK_EQ("nothing was asked", s.row[0].state, SGL_SETUP_UNCHECKED);
    }
}

static void test_zone_is_guessed(void **state)
{
    sgl_auto(setup_fixture) fx = setup_fixture_init("mail.example.co.uk");
    struct sgl_setup s = {0};

    (void)state;
    fx.request.psl = sgl_psl_builtin();
    CHECK_EQ("rows", sgl_setup_rows(setup_fixture_request(&fx), &fx.arena, &s), SGL_OK);
    CHECK_VIEW("the registrable domain is the likely zone", s.zone.text, SGL_LIT("example.co.uk"));
    CHECK_TRUE("but it is a guess", !s.zone_known);
}

/* One thing is wrong in each. */
static void spoil(struct setup_fixture *fx, size_t which)
{
    struct sgl_setup_request *r = &fx->request;
    static sgl_view term;
    static const char *const terms[] = {"a b",        "-a:x.test", "all", "redirect=x.test",
                                        "a:x.test\n", "nonsense:x"};

    if (which < 6) {
        term = sgl_view_cstr(terms[which]);
        r->spf_term = &term;
        return;
    }
    switch (which - 6) {
    case 0:
        r->token = SGL_LIT("a b");
        break;
    case 1:
        r->token = SGL_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        break;
    case 2:
        r->dmarc_rua = SGL_LIT("dmarc@example.org");
        break;
    case 3:
        r->sts_id = SGL_LIT("a-b");
        break;
    case 4:
        r->zone = setup_fixture_name(fx, "other.test");
        break;
    case 5:
        r->return_path = r->domain;
        break;
    case 6:
        r->return_path = setup_fixture_name(fx, "bounce.other.test");
        break;
    case 7:
        r->domain = setup_fixture_name(fx, "");
        break;
    case 8:
        fx->selector[0].name = SGL_LIT("s 1");
        break;
    case 9:
        r->selectors = 100;
        break;
    default:
        r->tls_rua = SGL_LIT("mailto:a;b");
        break;
    }
}

static void test_requests_that_are_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < 17; i++) {
        sgl_auto(setup_fixture) fx = setup_fixture_init("example.org");
        struct sgl_setup s = {.rows = 999};
        char name[64];
        size_t used;

        snprintf(name, sizeof name, "wrong request %zu is refused whole", i);
        spoil(&fx, i);
        used = fx.arena.used;
        CHECK_EQ(name, sgl_setup_rows(setup_fixture_request(&fx), &fx.arena, &s), SGL_E_MISUSE);
        CHECK_EQ(name, s.rows, 999);
        CHECK_EQ(name, fx.arena.used, used);
    }
}

static void test_too_long(void **state)
{
    static const char domain[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
                                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
                                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
                                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test";
    sgl_auto(setup_fixture) fx = setup_fixture_init(domain);
    struct sgl_setup s = {.rows = 999};

    (void)state;
    fx.request.return_path = setup_fixture_name(&fx, "");
    CHECK_EQ("no room for a selector", sgl_setup_rows(setup_fixture_request(&fx), &fx.arena, &s),
             SGL_E_SYNTAX);
    fx.request.parked = true;
    CHECK_EQ("no room for _dmarc", sgl_setup_rows(setup_fixture_request(&fx), &fx.arena, &s),
             SGL_E_SYNTAX);
    CHECK_EQ("out is as it was", s.rows, 999);
}

static void rows_without_memory(bool parked)
{
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_setup s = {.rows = 999};
        enum sgl_status st;
        bool hit;

        fail_alloc_off();
        {
            sgl_auto(setup_fixture) fx = setup_fixture_init("example.org");

            fx.request.parked = parked;
            fail_alloc_on();
            st = sgl_setup_rows(setup_fixture_request(&fx), &fx.arena, &s);
            hit = fail_alloc_hit();
            fail_alloc_off();
        }
        CHECK_EQ("no memory, no rows", st, hit ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("out is as it was", s.rows == 999, hit);
        fail_alloc_on();
    }
}

static void test_memory(void **state)
{
    (void)state;
    rows_without_memory(false);
    rows_without_memory(true);
}

static void test_text(void **state)
{
    static const struct {
        const char *name, *value, *want;
    } rows[] = {
        {"a short text is one string", "v=spf1 -all", "\"v=spf1 -all\""},
        {"an empty text is an empty string", "", "\"\""},
        {"quotes and backslashes are escaped [RFC 1035 s5.1]", "a\"b\\c", "\"a\\\"b\\\\c\""},
        {"other bytes become decimal escapes", "a\xc3\n", "\"a\\195\\010\""},
    };
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
    enum sgl_setup_purpose purpose;
    char long_text[510];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_buf_reset(&out);
        sgl_setup_put_txt(sgl_view_cstr(rows[i].value), &out);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(rows[i].want));
    }
    memset(long_text, 'x', sizeof long_text);
    sgl_buf_reset(&out);
    sgl_setup_put_txt(sgl_view_of(long_text, sizeof long_text), &out);
    CHECK_EQ("a string has at most 255 bytes [RFC 1035 s3.3]",
             sgl_view_find_view(sgl_buf_view(&out), SGL_LIT("\" \"")), 256);
    CHECK_EQ("a text of 510 has two strings", out.len, 510 + 5);
    for (size_t i = 0; i < SGL_SETUP_PURPOSES; i++) {
        const char *name = sgl_setup_purpose_name((enum sgl_setup_purpose)i);

        CHECK_TRUE(name, sgl_setup_purpose_parse(sgl_view_cstr(name), &purpose));
        CHECK_EQ(name, purpose, i);
    }
    CHECK_TRUE("no purpose", !sgl_setup_purpose_parse(SGL_LIT("dkim3"), &purpose));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_zone_is_guessed),
        cmocka_unit_test(test_requests_that_are_wrong),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
