/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/mta_sts.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define ID32 "abcdefghijklmnopqrstuvwxyz012345"

/* ---- the record ---- */

static const struct {
    const char *name, *text, *id; /* NULL: refused */
} records[] = {
    /* [RFC 8461 s3.1] */
    {"the example", "v=STSv1; id=20160831085700Z;", "20160831085700Z"},
    {"no semicolon has to stand at the end", "v=STSv1;id=1", "1"},
    {"blanks may stand around semicolons", "v=STSv1\t ; \t id=1 \t; x=y ", "1"},
    {"an id has 32 letters and digits at most", "v=STSv1; id=" ID32, ID32},
    {"an id of 33 is too long", "v=STSv1; id=" ID32 "6", NULL},
    {"an id is not empty", "v=STSv1; id=;", NULL},
    {"an id holds nothing but letters and digits", "v=STSv1; id=2026-01-01", NULL},
    {"unknown fields are passed over", "v=STSv1; a.b-c_d=x:y; id=1", "1"},
    {"a field name may begin with a digit", "v=STSv1; 1a=x; id=1", "1"},
    {"of two ids the first one counts [RFC 8461 s3.2]", "v=STSv1; id=1; id=2", "1"},
    {"even where the second one is broken", "v=STSv1; id=1; id=-", "1"},
    {"names are case-sensitive", "v=STSv1; ID=1", NULL},
    {"the version comes first", "id=1; v=STSv1;", NULL},
    {"the version is case-sensitive", "v=stsv1; id=1", NULL},
    {"no blank before the version", " v=STSv1; id=1", NULL},
    {"another version is another record", "v=STSv10; id=1", NULL},
    {"an id is needed", "v=STSv1; x=y", NULL},
    {"two semicolons are an error", "v=STSv1;; id=1", NULL},
    {"a field has a value", "v=STSv1; id=1; x=", NULL},
    {"a field has an equals sign", "v=STSv1; id=1; x", NULL},
    {"a value holds no blank", "v=STSv1; id=1; x=a b", NULL},
    {"a value holds no 8-bit byte", "v=STSv1; id=1; x=\xc3\xbc", NULL},
    {"a text of its own", "", NULL},
};

static void record_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) put = SGL_BUF_INIT(200);
        struct sgl_mta_sts_record r = {.id = SGL_LIT("untouched")}, again;
        struct sgl_findings findings = {0};
        struct sgl_diag diag = {0};
        sgl_view text = sgl_view_cstr(records[i].text);
        bool good = records[i].id != NULL;

        CHECK_EQ(records[i].name, sgl_mta_sts_record_parse(text, &r, &diag),
                 good ? SGL_OK : SGL_E_SYNTAX);
        CHECK_EQ(records[i].name, sgl_mta_sts_record_lint(text, &arena, &findings), SGL_OK);
        CHECK_EQ(records[i].name, findings.errors, good ? 0 : 1);
        if (!good) {
            CHECK_VIEW(records[i].name, r.id, SGL_LIT("untouched"));
            CHECK_TRUE(records[i].name, diag.what != NULL && diag.off <= text.len);
            continue;
        }
        CHECK_VIEW(records[i].name, r.id, sgl_view_cstr(records[i].id));
        CHECK_EQ(records[i].name, sgl_mta_sts_record_put(&r, &put), SGL_OK);
        CHECK_EQ(records[i].name, sgl_mta_sts_record_parse(sgl_buf_view(&put), &again, NULL),
                 SGL_OK);
        CHECK_VIEW(records[i].name, again.id, r.id);
    }
}

static void finding_it(void **state)
{
    static const struct {
        const char *name, *zone;
        enum sgl_mta_sts_state want;
    } rows[] = {
        /* [RFC 8461 s3.1] */
        {"no name", "", SGL_MTA_STS_NONE},
        {"no TXT", "_mta-sts.a.test NODATA", SGL_MTA_STS_NONE},
        {"one", "_mta-sts.a.test TXT v=STSv1; id=1", SGL_MTA_STS_FOUND},
        {"other texts are passed over",
         "_mta-sts.a.test TXT hello\n_mta-sts.a.test TXT v=STSv1; id=1\n"
         "_mta-sts.a.test TXT v=STSv10; id=2",
         SGL_MTA_STS_FOUND},
        {"two are none", "_mta-sts.a.test TXT v=STSv1; id=1\n_mta-sts.a.test TXT v=STSv1; id=2",
         SGL_MTA_STS_SEVERAL},
        {"one that is broken", "_mta-sts.a.test TXT v=STSv1; id=-", SGL_MTA_STS_BROKEN},
        {"an alias is followed",
         "_mta-sts.a.test CNAME _mta-sts.b.test\n_mta-sts.b.test TXT v=STSv1; id=1",
         SGL_MTA_STS_FOUND},
        {"the parent is never asked [RFC 8461 s3.4]", "_mta-sts.test TXT v=STSv1; id=1",
         SGL_MTA_STS_NONE},
        {"a failure is no absence", "_mta-sts.a.test SERVFAIL", SGL_MTA_STS_TEMPERROR},
        {"a forgery is no absence", "_mta-sts.a.test BOGUS", SGL_MTA_STS_TEMPERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] * DNS_DRIVERS; i++) {
        size_t row = i / DNS_DRIVERS;
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", rows[row].zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_mta_sts_answer got = {.state = (enum sgl_mta_sts_state)99};

        CHECK_EQ(rows[row].name, sgl_mta_sts_find(fx.name, &fx.dns, &arena, &got), SGL_NEED_DNS);
        CHECK_EQ(rows[row].name, got.state, 99);
        CHECK_EQ(rows[row].name, arena.used, 0);
        dns_fixture_step(&fx, (enum dns_driver)(i % DNS_DRIVERS));
        CHECK_EQ(rows[row].name, sgl_mta_sts_find(fx.name, &fx.dns, &arena, &got), SGL_OK);
        CHECK_EQ(rows[row].name, got.state, rows[row].want);
        CHECK_EQ(rows[row].name, fx.asked, 1);
    }
}

/* ---- the policy ---- */

static const struct {
    const char *name, *body, *want; /* "enforce 604800 mx.a.test *.b.test"; NULL: refused */
} policies[] = {
    /* [RFC 8461 s3.2] */
    {"lines end in LF",
     "version: STSv1\nmode: enforce\nmx: mx.a.test\nmx: *.b.test\nmax_age: 604800\n",
     "enforce 604800 mx.a.test *.b.test"},
    {"lines end in CRLF", "version: STSv1\r\nmode: testing\r\nmx: MX.a.test\r\nmax_age: 1\r\n",
     "testing 1 mx.a.test"},
    {"the last line needs no end", "version: STSv1\nmode: none\nmax_age: 0", "none 0"},
    {"any order", "max_age: 1\nmx: a.test\nmode: enforce\nversion: STSv1", "enforce 1 a.test"},
    {"blanks behind the colon and at the end",
     "version:STSv1 \t\nmode: \tenforce\nmx:a.test \nmax_age:1", "enforce 1 a.test"},
    {"mode none needs no mx", "version: STSv1\nmode: none\nmax_age: 86400\n", "none 86400"},
    {"the greatest age", "version: STSv1\nmode: none\nmax_age: 31557600\n", "none 31557600"},
    {"an age above it", "version: STSv1\nmode: none\nmax_age: 31557601\n", NULL},
    {"an age of eleven digits", "version: STSv1\nmode: none\nmax_age: 00000000001\n", NULL},
    {"an age below zero", "version: STSv1\nmode: none\nmax_age: -1\n", NULL},
    {"unknown fields are passed over",
     "version: STSv1\nmode: none\nmax_age: 1\nx-y.z_1: gr\xc3\xbc\xc3\x9f dich\n", "none 1"},
    {"of fields that stand twice the first one counts",
     "version: STSv1\nmode: enforce\nmode: none\nmx: a.test\nmax_age: 1\nmax_age: 2\n"
     "version: STSv2",
     "enforce 1 a.test"},
    {"even where the second one is broken", "version: STSv1\nmode: none\nmode: x\nmax_age: 1",
     "none 1"},
    {"empty lines are passed over", "version: STSv1\n\nmode: none\r\n\r\nmax_age: 1\n\n\n",
     "none 1"},
    {"keys are case-sensitive", "Version: STSv1\nmode: none\nmax_age: 1", NULL},
    {"values are case-sensitive", "version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1", NULL},
    {"the version is case-sensitive", "version: stsv1\nmode: none\nmax_age: 1", NULL},
    {"the version is needed", "mode: none\nmax_age: 1", NULL},
    {"the mode is needed", "version: STSv1\nmx: a.test\nmax_age: 1", NULL},
    {"the age is needed", "version: STSv1\nmode: none", NULL},
    {"enforce needs an mx", "version: STSv1\nmode: enforce\nmax_age: 1", NULL},
    {"testing needs an mx", "version: STSv1\nmode: testing\nmax_age: 1", NULL},
    {"an unknown mode", "version: STSv1\nmode: doubt\nmx: a.test\nmax_age: 1", NULL},
    {"an old form of a wildcard", "version: STSv1\nmode: enforce\nmx: .a.test\nmax_age: 1", NULL},
    {"a wildcard is a whole label", "version: STSv1\nmode: enforce\nmx: mx*.a.test\nmax_age: 1",
     NULL},
    {"a wildcard stands first", "version: STSv1\nmode: enforce\nmx: mx.*.test\nmax_age: 1", NULL},
    {"a wildcard alone", "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", NULL},
    {"a wildcard for everything", "version: STSv1\nmode: enforce\nmx: *.\nmax_age: 1", NULL},
    {"a U-label", "version: STSv1\nmode: enforce\nmx: mx.b\xc3\xbc.test\nmax_age: 1", NULL},
    {"an address", "version: STSv1\nmode: enforce\nmx: 192.0.2.1\nmax_age: 1", NULL},
    {"a byte order mark", "\xef\xbb\xbfversion: STSv1\nmode: none\nmax_age: 1", NULL},
    {"lines that end in CR only", "version: STSv1\rmode: none\rmax_age: 1\r", NULL},
    {"a line without a colon", "version: STSv1\nmode: none\nmax_age: 1\nhello", NULL},
    {"a page in HTML", "<html><body>not here</body></html>", NULL},
    {"a blank before the key", "version: STSv1\n mode: none\nmax_age: 1", NULL},
    {"nothing", "", NULL},
};

static void put_policy(const struct sgl_mta_sts_policy *p, struct sgl_buf *out)
{
    sgl_buf_addf(out, "%s %u", sgl_mta_sts_mode_name(p->mode), p->max_age_s);
    for (size_t i = 0; i < p->count; i++)
        sgl_buf_addf(out, " %s%.*s", p->mx[i].wildcard ? "*." : "", SGL_FMT(p->mx[i].name.text));
}

static void policy_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        sgl_auto(sgl_buf) body = SGL_BUF_INIT(4000);
        sgl_auto(sgl_buf) twice = SGL_BUF_INIT(4000);
        struct sgl_mta_sts_policy p = {.max_age_s = 99}, again;
        struct sgl_findings findings = {0};
        struct sgl_diag diag = {0};
        sgl_view text = sgl_view_cstr(policies[i].body);
        enum sgl_status st = sgl_mta_sts_policy_parse(text, &arena, &p, &diag);

        CHECK_EQ(policies[i].name, st, policies[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        if (st != SGL_OK) {
            CHECK_EQ(policies[i].name, p.max_age_s, 99);
            CHECK_EQ(policies[i].name, arena.used, 0);
            CHECK_TRUE(policies[i].name, diag.what != NULL && diag.off <= text.len);
        } else {
            put_policy(&p, &got);
            CHECK_VIEW(policies[i].name, sgl_buf_view(&got), sgl_view_cstr(policies[i].want));
            CHECK_EQ(policies[i].name, sgl_mta_sts_policy_put(&p, &body), SGL_OK);
            CHECK_EQ(policies[i].name,
                     sgl_mta_sts_policy_parse(sgl_buf_view(&body), &arena, &again, NULL), SGL_OK);
            put_policy(&again, &twice);
            CHECK_VIEW(policies[i].name, sgl_buf_view(&twice), sgl_buf_view(&got));
        }
        CHECK_EQ(policies[i].name, sgl_mta_sts_policy_lint(text, &arena, &findings), SGL_OK);
        CHECK_EQ(policies[i].name, findings.errors, st == SGL_OK ? 0 : 1);
    }
}

static void limits(void **state)
{
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_mta_sts_policy p = {0};
    struct sgl_findings findings = {0};
    struct sgl_diag diag = {0};

    (void)state;
    sgl_buf_add_cstr(&body, "version: STSv1\nmode: enforce\nmax_age: 604800\n");
    for (size_t i = 0; i < SGL_LIMIT_MTA_STS_MX; i++)
        sgl_buf_addf(&body, "mx: mx%zu.a.test\n", i);
    CHECK_EQ("as many patterns as may be",
             sgl_mta_sts_policy_parse(sgl_buf_view(&body), &arena, &p, NULL), SGL_OK);
    CHECK_EQ("all of them", p.count, SGL_LIMIT_MTA_STS_MX);
    sgl_buf_add_cstr(&body, "mx: more.a.test\n");
    CHECK_EQ("one more", sgl_mta_sts_policy_parse(sgl_buf_view(&body), &arena, &p, &diag),
             SGL_E_LIMIT);
    CHECK_TRUE("says so", diag.what != NULL);
    while (body.len < SGL_LIMIT_MTA_STS_POLICY)
        sgl_buf_add_byte(&body, '\n');
    sgl_buf_add_byte(&body, '\n');
    CHECK_EQ("64 KiB and a byte", /* [RFC 8461 s3.3] */
             sgl_mta_sts_policy_parse(sgl_buf_view(&body), &arena, &p, NULL), SGL_E_LIMIT);
    CHECK_EQ("lint", sgl_mta_sts_policy_lint(sgl_buf_view(&body), &arena, &findings), SGL_OK);
    CHECK_EQ("lint says so", findings.errors, 1);
    CHECK_EQ("put refuses an age",
             sgl_mta_sts_policy_put(
                 &(struct sgl_mta_sts_policy){.max_age_s = SGL_LIMIT_MTA_STS_AGE + 1}, &body),
             SGL_E_MISUSE);
    CHECK_EQ(
        "put refuses to enforce nothing",
        sgl_mta_sts_policy_put(&(struct sgl_mta_sts_policy){.mode = SGL_MTA_STS_ENFORCE}, &body),
        SGL_E_MISUSE);
    CHECK_EQ("put refuses an id",
             sgl_mta_sts_record_put(&(struct sgl_mta_sts_record){.id = SGL_LIT("a;b")}, &body),
             SGL_E_MISUSE);
}

static void matching(void **state)
{
    static const struct {
        const char *name, *host;
        bool want;
    } rows[] = {
        /* [RFC 8461 s4.1] */
        {"the name itself", "mx.a.test", true},
        {"a name is not a suffix", "x.mx.a.test", false},
        {"one label in place of the star", "x.b.test", true},
        {"not two", "y.x.b.test", false},
        {"not none", "b.test", false},
        {"another", "mx.c.test", false},
        {"letters are folded", "MX.A.test", true},
    };
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_mta_sts_policy p;

    (void)state;
    assert_int_equal(sgl_mta_sts_policy_parse(SGL_LIT("version: STSv1\nmode: enforce\nmx: "
                                                      "mx.a.test\nmx: *.B.test\nmax_age: 1"),
                                              &arena, &p, NULL),
                     SGL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sgl_name host;

        CHECK_EQ(rows[i].name, sgl_name_parse(sgl_view_cstr(rows[i].host), 0, &arena, NULL, &host),
                 SGL_OK);
        CHECK_EQ(rows[i].name, sgl_mta_sts_matches(&p, host), rows[i].want);
    }
}

static void lint_codes(void **state)
{
    static const struct {
        const char *body, *code;
    } rows[] = {
        {"version: STSv1\nmode: testing\nmx: a.test\nmax_age: 604800", "mta-sts-policy-testing"},
        {"version: STSv1\nmode: none\nmax_age: 604800", "mta-sts-policy-none"},
        {"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 3600", "mta-sts-policy-max-age"},
        {"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 86400", "mta-sts-policy-max-age"},
        {"version: STSv1\nmode: enforce\nmx: a.test\nmx: a.test\nmax_age: 604800",
         "mta-sts-policy-mx-twice"},
        {"version: STSv1\nmode: enforce\nmx: a.test\nmx: *.a.test\nmax_age: 604800", NULL},
        {"mode: enforce", "mta-sts-policy-syntax"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_findings f = {0};

        CHECK_EQ(rows[i].body, sgl_mta_sts_policy_lint(sgl_view_cstr(rows[i].body), &arena, &f),
                 SGL_OK);
        CHECK_EQ(rows[i].body, f.count, rows[i].code == NULL ? 0 : 1);
        if (rows[i].code != NULL)
            CHECK_TRUE(rows[i].body, sgl_findings_have(&f, rows[i].code));
    }
}

static void memory_ends(void **state)
{
    static const char body[] = "version: STSv1\nmode: testing\nmx: mx.a.test\nmax_age: 1\n";

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_mta_sts_policy p;
        struct sgl_findings f = {0};
        enum sgl_status st = sgl_mta_sts_policy_parse(sgl_view_cstr(body), &arena, &p, NULL);

        if (st == SGL_OK)
            st = sgl_mta_sts_policy_lint(sgl_view_cstr(body), &arena, &f);
        if (st == SGL_OK)
            st = sgl_mta_sts_record_lint(SGL_LIT("v=STSv1;"), &arena, &f);
        CHECK_EQ("success or SGL_E_NOMEM", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_rows), cmocka_unit_test(finding_it), cmocka_unit_test(policy_rows),
        cmocka_unit_test(limits),      cmocka_unit_test(matching),   cmocka_unit_test(lint_codes),
        cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
