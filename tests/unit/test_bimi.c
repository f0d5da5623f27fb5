/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/bimi.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"

static const struct {
    const char *name, *text, *want; /* "LOCATION|AUTHORITY"; NULL: refused */
} cases[] = {
    {"logo and certificate", "v=BIMI1; l=https://a.test/l.svg; a=https://a.test/c.pem;",
     "https://a.test/l.svg|https://a.test/c.pem"},
    {"logo only", "v=BIMI1;l=https://a.test/l.svg", "https://a.test/l.svg|"},
    {"declined", "v=BIMI1; l=; a=;", "|"},
    {"declined without a=", "v=BIMI1; l=", "|"},
    {"unknown tags are passed over", "v=BIMI1; l=https://a.test/l.svg; lps=x; avp=brand",
     "https://a.test/l.svg|"},
    {"the version comes first", "l=https://a.test/l.svg; v=BIMI1", NULL},
    {"the version is case-sensitive", "v=bimi1; l=https://a.test/l.svg", NULL},
    {"another version", "v=BIMI10; l=https://a.test/l.svg", NULL},
    {"plain http", "v=BIMI1; l=http://a.test/l.svg", NULL},
    {"a certificate by http", "v=BIMI1; l=https://a.test/l.svg; a=http://a.test/c.pem", NULL},
    {"a certificate without a logo", "v=BIMI1; l=; a=https://a.test/c.pem", NULL},
    {"no l=", "v=BIMI1; a=https://a.test/c.pem", NULL},
    {"a comma has to be encoded", "v=BIMI1; l=https://a.test/a,b.svg", NULL},
    {"a host is needed", "v=BIMI1; l=https:///l.svg", NULL},
    {"a tag twice", "v=BIMI1; l=https://a.test/l.svg; l=https://a.test/m.svg", NULL},
    {"nothing", "", NULL},
};

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(2000);
        sgl_auto(sgl_buf) put = SGL_BUF_INIT(2000);
        struct sgl_bimi_record r = {.declined = true}, again;
        struct sgl_findings findings = {0};
        struct sgl_diag diag = {0};
        sgl_view text = sgl_view_cstr(cases[i].text);
        enum sgl_status st = sgl_bimi_parse(text, &arena, &r, &diag);

        CHECK_EQ(cases[i].name, st, cases[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        CHECK_EQ(cases[i].name, arena.used, 0);
        if (st != SGL_OK) {
            CHECK_TRUE(cases[i].name, diag.what != NULL && diag.off <= text.len);
            CHECK_TRUE(cases[i].name, r.declined && r.text.ptr == NULL);
        } else {
            sgl_buf_addf(&got, "%.*s|%.*s", SGL_FMT(r.location), SGL_FMT(r.authority));
            CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].want));
            CHECK_EQ(cases[i].name, r.declined, cases[i].want[0] == '|');
            CHECK_EQ(cases[i].name, sgl_bimi_put(&r, &put), SGL_OK);
            CHECK_EQ(cases[i].name, sgl_bimi_parse(sgl_buf_view(&put), &arena, &again, NULL),
                     SGL_OK);
            CHECK_VIEW(cases[i].name, again.location, r.location);
            CHECK_VIEW(cases[i].name, again.authority, r.authority);
        }
        CHECK_EQ(cases[i].name, sgl_bimi_lint(text, &arena, &findings), SGL_OK);
        CHECK_EQ(cases[i].name, findings.errors, st == SGL_OK ? 0 : 1);
    }
}

static void lint_codes(void **state)
{
    static const struct {
        const char *text, *code;
    } lints[] = {
        {"v=BIMI1; l=https://a.test/l.svg", "bimi-no-certificate"},
        {"v=BIMI1; l=https://a.test/l.png; a=https://a.test/c.pem", "bimi-not-svg"},
        {"v=BIMI1; l=https://a.test/l.svg; a=https://a.test/c.pem; avp=x", "bimi-avp"},
        {"v=BIMI1; l=https://a.test/l.svg; a=https://a.test/c.pem; avp=brand", NULL},
        {"v=BIMI1; l=https://a.test/get?logo; a=https://a.test/c.pem", NULL},
        {"v=BIMI1; l=; a=", NULL},
        {"v=BIMI1", "bimi-syntax"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof lints / sizeof lints[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_findings f = {0};

        CHECK_EQ(lints[i].text, sgl_bimi_lint(sgl_view_cstr(lints[i].text), &arena, &f), SGL_OK);
        CHECK_EQ(lints[i].text, f.count, lints[i].code == NULL ? 0 : 1);
        if (lints[i].code != NULL)
            CHECK_TRUE(lints[i].text, sgl_findings_have(&f, lints[i].code));
    }
}

static void put_refuses(void **state)
{
    static const struct sgl_bimi_record bad[] = {
        {.location = SGL_LIT_INIT("http://a.test/l.svg")},
        {.location = SGL_LIT_INIT("https://a.test/l;a=x.svg")},
        {.authority = SGL_LIT_INIT("https://a.test/c.pem")},
        {.location = SGL_LIT_INIT("https://a.test/l.svg"), .avatar = SGL_LIT_INIT("x; l=")},
    };
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sgl_bimi_put(&bad[i], &out), SGL_E_MISUSE);
    assert_int_equal(out.len, 0);
}

static void enforcing(void **state)
{
    static const struct {
        const char *name;
        struct sgl_dmarc_record record;
        bool want;
    } policies[] = {
        {"reject", {.has_p = true, .p = SGL_DMARC_REJECT, .percent = 100}, true},
        {"quarantine", {.has_p = true, .p = SGL_DMARC_QUARANTINE, .percent = 100}, true},
        {"none", {.has_p = true, .percent = 100}, false},
        {"no p", {.percent = 100}, false},
        {"sp=none", {.has_p = true, .p = SGL_DMARC_REJECT, .has_sp = true, .percent = 100}, false},
        {"np=none", {.has_p = true, .p = SGL_DMARC_REJECT, .has_np = true, .percent = 100}, false},
        {"t=y", {.has_p = true, .p = SGL_DMARC_REJECT, .test = true, .percent = 100}, false},
        {"pct=50", {.has_p = true, .p = SGL_DMARC_REJECT, .percent = 50}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        const char *why = NULL;

        CHECK_EQ(policies[i].name, sgl_bimi_dmarc_enforces(&policies[i].record, &why),
                 policies[i].want);
        CHECK_EQ(policies[i].name, why[0] == '\0', policies[i].want);
    }
}

static void finding_it(void **state)
{
    static const struct {
        const char *name, *zone, *selector;
        enum sgl_bimi_state want;
    } zones[] = {
        {"no name", "", "", SGL_BIMI_NONE},
        {"the default selector", "default._bimi.a.test TXT v=BIMI1; l=", "", SGL_BIMI_FOUND},
        {"another selector", "x._bimi.a.test TXT v=BIMI1; l=", "x", SGL_BIMI_FOUND},
        {"two are none",
         "default._bimi.a.test TXT v=BIMI1; l=\ndefault._bimi.a.test TXT v=BIMI1; l=; a=", "",
         SGL_BIMI_SEVERAL},
        {"broken", "default._bimi.a.test TXT v=BIMI1", "", SGL_BIMI_BROKEN},
        {"a failure is no absence", "default._bimi.a.test SERVFAIL", "", SGL_BIMI_TEMPERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0] * DNS_DRIVERS; i++) {
        size_t row = i / DNS_DRIVERS;
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", zones[row].zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_view selector = sgl_view_cstr(zones[row].selector);
        struct sgl_bimi_answer got = {.state = (enum sgl_bimi_state)99};

        CHECK_EQ(zones[row].name, sgl_bimi_find(fx.name, selector, &fx.dns, &arena, &got),
                 SGL_NEED_DNS);
        CHECK_EQ(zones[row].name, got.state, 99);
        CHECK_EQ(zones[row].name, arena.used, 0);
        dns_fixture_step(&fx, (enum dns_driver)(i % DNS_DRIVERS));
        CHECK_EQ(zones[row].name, sgl_bimi_find(fx.name, selector, &fx.dns, &arena, &got), SGL_OK);
        CHECK_EQ(zones[row].name, got.state, zones[row].want);
        CHECK_EQ("no possible name", sgl_bimi_find(fx.name, SGL_LIT("a b"), &fx.dns, &arena, &got),
                 SGL_E_SYNTAX);
    }
}

static void memory_ends(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_findings f = {0};
        enum sgl_status st = sgl_bimi_lint(SGL_LIT("v=BIMI1; l=https://a.test/l"), &arena, &f);

        if (st == SGL_OK)
            st = sgl_bimi_lint(SGL_LIT("v=BIMI1;"), &arena, &f);
        CHECK_EQ("success or SGL_E_NOMEM", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),      cmocka_unit_test(lint_codes), cmocka_unit_test(put_refuses),
        cmocka_unit_test(enforcing), cmocka_unit_test(finding_it), cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
