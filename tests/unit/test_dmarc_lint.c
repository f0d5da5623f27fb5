/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/dmarc.h"
#include "sigillo/limits.h"

#define V   "v=DMARC1; "
#define RUA "; rua=mailto:r@example.org"

static struct sgl_name name_of(const char *text, struct sgl_arena *arena)
{
    struct sgl_name name = {{NULL, 0}};

    if (sgl_name_parse(sgl_view_cstr(text), 0, arena, NULL, &name) != SGL_OK)
        fail_msg("not a name: %s", text);
    return name;
}

/* Codes of the findings in their order; the mend of the first. */
static const struct {
    const char *name, *text, *codes, *mend;
} rows[] = {
    {"nothing to say", V "p=quarantine" RUA, "", NULL},
    {"p=reject comes with a warning about lists [RFC 9989 s7.4]", V "p=reject" RUA,
     "dmarc-p-reject", ""},
    {"p=none watches only", V "p=none" RUA, "dmarc-p-none", V "p=quarantine" RUA},
    {"p=none that watches nothing", V "p=none", "dmarc-p-none dmarc-no-rua", V "p=quarantine"},
    {"another record", "v=spf1 -all", "dmarc-not-a-record", NULL},
    {"the wrong case", "v=dmarc1; p=none", "dmarc-not-a-record", NULL},
    {"escaped semicolons", "v=DMARC1\\; p=none", "dmarc-escaped-semicolon", NULL},
    {"v twice", V "v=DMARC1; p=none", "dmarc-duplicate-tag", NULL},
    {"no p", "v=DMARC1" RUA, "dmarc-no-p", V "p=none" RUA},
    {"neither p nor rua", "v=DMARC1", "dmarc-no-p dmarc-no-rua", V "p=none"},
    {"a bad p", V "p=deny" RUA, "dmarc-bad-p", NULL},
    {"a bad sp and np", V "p=quarantine; sp=x; np=y" RUA, "dmarc-bad-sp dmarc-bad-np", NULL},
    {"sp weaker than p", V "p=quarantine; sp=none" RUA, "dmarc-weak-sp", V "p=quarantine" RUA},
    {"np weaker than p", V "p=quarantine; np=none" RUA, "dmarc-weak-np", V "p=quarantine" RUA},
    {"historic tags", V "p=quarantine; pct=100; ri=86400; rf=afrf" RUA,
     "dmarc-historic-tag dmarc-historic-tag dmarc-historic-tag", V "p=quarantine" RUA},
    {"pct that softened: t=y is what is left of it [RFC 9989 sA.6]", V "p=quarantine; pct=10" RUA,
     "dmarc-historic-tag", V "p=quarantine; t=y" RUA},
    {"t=y left on", V "p=quarantine; t=y" RUA, "dmarc-test-mode", V "p=quarantine" RUA},
    {"values that are none", V "p=quarantine; adkim=x; t=maybe" RUA,
     "dmarc-bad-value dmarc-bad-value", V "p=quarantine" RUA},
    {"fo without ruf", V "p=quarantine; fo=1" RUA, "dmarc-fo-without-ruf", V "p=quarantine" RUA},
    {"fo=0:1", V "p=quarantine; fo=0:1" RUA "; ruf=mailto:r@example.org", "dmarc-bad-value", NULL},
    {"an unknown tag", V "p=quarantine; x=1" RUA, "dmarc-unknown-tag", NULL},
    {"a tag in upper case", V "p=quarantine; SP=reject" RUA, "dmarc-unknown-tag", NULL},
    {"a part that is no tag", V "p=quarantine; fo:1" RUA, "dmarc-broken-tag", V "p=quarantine" RUA},
    {"a URI that is none", V "p=quarantine" RUA ",r@example.org", "dmarc-bad-uri", NULL},
    {"a size", V "p=quarantine" RUA "!10m", "dmarc-uri-size", V "p=quarantine" RUA},
    {"another scheme", V "p=quarantine" RUA ",https://example.org/r", "dmarc-uri-scheme", NULL},
    {"another organisation's address [RFC 9990 s4]", V "p=quarantine; rua=mailto:r@collector.test",
     "dmarc-external-destination",
     "example.org._report._dmarc.collector.test. IN TXT \"v=DMARC1\""},
    {"an address below the domain is its own", V "p=quarantine; rua=mailto:r@in.example.org", "",
     NULL},
    {"psd=y", V "p=quarantine; psd=y" RUA, "dmarc-psd", V "p=quarantine" RUA},
    {"blanks in front", " " V "p=quarantine" RUA, "dmarc-leading-blank", V "p=quarantine" RUA},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        sgl_auto(sgl_buf) codes = SGL_BUF_INIT(1000);
        struct sgl_findings list = {0};

        CHECK_EQ(rows[i].name,
                 sgl_dmarc_lint(name_of("example.org", &arena), sgl_view_cstr(rows[i].text), &arena,
                                &list),
                 SGL_OK);
        for (const struct sgl_finding *f = list.first; f != NULL; f = f->next)
            sgl_buf_addf(&codes, "%s%s", f == list.first ? "" : " ", f->code);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&codes), sgl_view_cstr(rows[i].codes));
        if (rows[i].mend != NULL && list.first != NULL)
            CHECK_VIEW(rows[i].name, list.first->mend, sgl_view_cstr(rows[i].mend));
    }
}

static const struct sgl_finding *first(const char *domain, const char *text,
                                       struct sgl_arena *arena, struct sgl_findings *list)
{
    CHECK_EQ(text, sgl_dmarc_lint(name_of(domain, arena), sgl_view_cstr(text), arena, list),
             SGL_OK);
    CHECK_TRUE(text, list->first != NULL);
    return list->first;
}

/* A mend that left out the policy that nobody could read would ask for none at all. */
static void no_mend_loses_the_policy(void **state)
{
    static const char *const texts[] = {V "p=rejct; pct=100; ri=1; t=maybe" RUA "!10m",
                                        V "p:reject; pct=10" RUA, " " V "p=reject; sp=x; psd=y" RUA,
                                        V "p=reject; np=x; fo=1" RUA};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        struct sgl_findings list = {0};

        for (const struct sgl_finding *f = first("example.org", texts[i], &arena, &list); f != NULL;
             f = f->next)
            CHECK_TRUE(texts[i], strcmp(f->code, "dmarc-no-p") == 0 ||
                                     !sgl_view_starts(f->mend, SGL_LIT("v=DMARC1")));
    }
}

static void severities(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_findings a = {0}, b = {0}, c = {0}, d = {0};

    (void)state;
    CHECK_EQ("pct below 100 no longer spares anybody [RFC 9989 sA.6]",
             first("example.org", V "p=quarantine; pct=10" RUA, &arena, &a)->severity, SGL_WARNING);
    CHECK_EQ("pct=100 asked for nothing",
             first("example.org", V "p=quarantine; pct=100" RUA, &arena, &b)->severity, SGL_INFO);
    CHECK_EQ("without p and rua there is no DMARC",
             first("example.org", "v=DMARC1", &arena, &c)->severity, SGL_ERROR);
    CHECK_TRUE("a record of eight labels is not found from below [RFC 9989 s5.1.8]",
               strcmp(first("a.b.c.d.e.f.example.org", V "p=quarantine; rua=mailto:r@example.org",
                            &arena, &d)
                          ->code,
                      "dmarc-deep-name") == 0);
}

static void hostile_text(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1000000);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(100000);
    struct sgl_findings list = {0}, flood = {0};
    const struct sgl_finding *f =
        first("example.org", V "p=quarantine; t=\033[31m\200" RUA, &arena, &list);

    (void)state;
    for (; f != NULL; f = f->next) {
        for (size_t i = 0; i < f->text.len; i++)
            CHECK_TRUE("findings are printable", f->text.ptr[i] >= ' ' && f->text.ptr[i] <= '~');
    }
    sgl_buf_add(&text, SGL_LIT("v=DMARC1"));
    for (int i = 0; i < 500; i++)
        sgl_buf_addf(&text, ";x%d=", i);
    CHECK_EQ("a flood of tags is a finding",
             sgl_dmarc_lint(name_of("example.org", &arena), sgl_buf_view(&text), &arena, &flood),
             SGL_OK);
    CHECK_TRUE("too many", sgl_findings_have(&flood, "dmarc-too-many-tags"));
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_arena arena = SGL_ARENA_INIT(100000);
        struct sgl_findings list = {0};
        struct sgl_name domain = {{(const uint8_t *)"example.org", 11}};
        enum sgl_status st = sgl_dmarc_lint(
            domain, SGL_LIT(V "p=none; sp=x; x=1; rua=mailto:r@collector.test!1m"), &arena, &list);

        CHECK_EQ("all or nothing", list.count > 0, st == SGL_OK);
        CHECK_TRUE("no memory is a status",
                   st == SGL_OK || (st == SGL_E_NOMEM && fail_alloc_hit()));
        sgl_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),         cmocka_unit_test(no_mend_loses_the_policy),
        cmocka_unit_test(severities),    cmocka_unit_test(hostile_text),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
