/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/tlsrpt.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

static const struct {
    const char *name, *text, *want; /* "URI|URI|" and "+N" for what was skipped; NULL: refused */
} cases[] = {
    /* [RFC 8460 s3] */
    {"one mailbox", "v=TLSRPTv1; rua=mailto:reports@a.test", "mailto:reports@a.test|+0"},
    {"one page", "v=TLSRPTv1;rua=https://r.a.test/v1/tls;", "https://r.a.test/v1/tls|+0"},
    {"two, with blanks around the comma", "v=TLSRPTv1; rua=mailto:r@a.test , https://r.a.test",
     "mailto:r@a.test|https://r.a.test|+0"},
    {"unknown fields are passed over", "v=TLSRPTv1; x.y=z; rua=mailto:r@a.test; 1=2",
     "mailto:r@a.test|+0"},
    {"two fields: both lists count", "v=TLSRPTv1; rua=mailto:r@a.test; rua=mailto:s@a.test",
     "mailto:r@a.test|mailto:s@a.test|+0"},
    {"an unknown scheme is skipped", "v=TLSRPTv1; rua=ftp://a.test/x,mailto:r@a.test",
     "mailto:r@a.test|+1"},
    {"a scheme has no case", "v=TLSRPTv1; rua=MAILTO:r@a.test,HTTPS://a.test",
     "MAILTO:r@a.test|HTTPS://a.test|+0"},
    {"percent-encoded characters", "v=TLSRPTv1; rua=mailto:a%2Cb%21c@a.test",
     NULL}, /* a comma needs quotes in an address, too */
    {"percent-encoded", "v=TLSRPTv1; rua=mailto:a%21c@a.test?subject=x",
     "mailto:a%21c@a.test?subject=x|+0"},
    {"a port", "v=TLSRPTv1; rua=https://a.test:8443/x", "https://a.test:8443/x|+0"},
    {"an address in brackets", "v=TLSRPTv1; rua=https://[2001:db8::1]:443/x",
     "https://[2001:db8::1]:443/x|+0"},
    {"only unknown schemes", "v=TLSRPTv1; rua=ftp://a.test", NULL},
    {"plain http", "v=TLSRPTv1; rua=http://a.test", NULL},
    {"an exclamation mark has to be encoded", "v=TLSRPTv1; rua=mailto:r@a.test!10m", NULL},
    {"an empty place in the list", "v=TLSRPTv1; rua=mailto:r@a.test,,mailto:s@a.test", NULL},
    {"a comma at the end", "v=TLSRPTv1; rua=mailto:r@a.test,", NULL},
    {"no rua", "v=TLSRPTv1; x=y", NULL},
    {"an empty rua", "v=TLSRPTv1; rua=", NULL},
    {"no scheme [RFC 3986 s3.1]", "v=TLSRPTv1; rua=r@a.test", NULL},
    {"nothing behind the scheme", "v=TLSRPTv1; rua=mailto:", NULL},
    {"no mailbox", "v=TLSRPTv1; rua=mailto:reports", NULL},
    {"two mailboxes in one URI [RFC 6068 s2]", "v=TLSRPTv1; rua=mailto:r@a.test%2Cs@a.test", NULL},
    {"a broken escape", "v=TLSRPTv1; rua=mailto:r%2@a.test", NULL},
    {"no host", "v=TLSRPTv1; rua=https:///x", NULL},
    {"no slashes", "v=TLSRPTv1; rua=https:a.test", NULL},
    {"a user in the address", "v=TLSRPTv1; rua=https://u:p@a.test/", NULL},
    {"a port that is none", "v=TLSRPTv1; rua=https://a.test:0/", NULL},
    {"brackets that do not close", "v=TLSRPTv1; rua=https://[::1/", NULL},
    {"the version is case-sensitive", "v=tlsrptv1; rua=mailto:r@a.test", NULL},
    {"the version comes first", "rua=mailto:r@a.test; v=TLSRPTv1", NULL},
    {"another version", "v=TLSRPTv2; rua=mailto:r@a.test", NULL},
    {"names are case-sensitive", "v=TLSRPTv1; RUA=mailto:r@a.test", NULL},
    {"nothing", "", NULL},
};

static void put_record(const struct sgl_tlsrpt_record *r, struct sgl_buf *out)
{
    for (size_t i = 0; i < r->count; i++)
        sgl_buf_addf(out, "%.*s|", SGL_FMT(r->rua[i].text));
    sgl_buf_addf(out, "+%zu", r->skipped);
}

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(2000);
        sgl_auto(sgl_buf) put = SGL_BUF_INIT(2000);
        struct sgl_tlsrpt_record r = {.count = 99}, again;
        struct sgl_findings findings = {0};
        struct sgl_diag diag = {0};
        sgl_view text = sgl_view_cstr(cases[i].text);
        enum sgl_status st = sgl_tlsrpt_parse(text, &arena, &r, &diag);

        CHECK_EQ(cases[i].name, st, cases[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        if (st != SGL_OK) {
            CHECK_EQ(cases[i].name, r.count, 99);
            CHECK_EQ(cases[i].name, arena.used, 0);
            CHECK_TRUE(cases[i].name, diag.what != NULL && diag.off <= text.len);
        } else {
            put_record(&r, &got);
            CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].want));
            CHECK_EQ(cases[i].name, sgl_tlsrpt_put(&r, &put), SGL_OK);
            CHECK_EQ(cases[i].name, sgl_tlsrpt_parse(sgl_buf_view(&put), &arena, &again, NULL),
                     SGL_OK);
            CHECK_EQ(cases[i].name, again.count, r.count);
        }
        CHECK_EQ(cases[i].name, sgl_tlsrpt_lint(text, &arena, &findings), SGL_OK);
        CHECK_EQ(cases[i].name, findings.errors, st == SGL_OK ? 0 : 1);
        CHECK_EQ(cases[i].name, findings.warnings, st == SGL_OK && r.skipped > 0 ? 1 : 0);
    }
}

static void limit(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(8000);
    struct sgl_tlsrpt_record r, bad = {.count = 0};
    struct sgl_tlsrpt_uri uri = {SGL_TLSRPT_MAILTO, SGL_LIT("mailto:a@b;c")};

    (void)state;
    sgl_buf_add_cstr(&text, "v=TLSRPTv1; rua=mailto:r@a.test");
    for (size_t i = 0; i < SGL_LIMIT_TLSRPT_URIS; i++)
        sgl_buf_add_cstr(&text, ",mailto:r@a.test");
    CHECK_EQ("one too many", sgl_tlsrpt_parse(sgl_buf_view(&text), &arena, &r, NULL), SGL_OK);
    CHECK_EQ("is skipped", r.skipped, 1);
    CHECK_EQ("the others count", r.count, SGL_LIMIT_TLSRPT_URIS);
    CHECK_EQ("put needs one", sgl_tlsrpt_put(&bad, &text), SGL_E_MISUSE);
    bad.rua = &uri;
    bad.count = 1;
    CHECK_EQ("put refuses what would break out", sgl_tlsrpt_put(&bad, &text), SGL_E_MISUSE);
}

static void finding_it(void **state)
{
    static const struct {
        const char *name, *zone;
        enum sgl_tlsrpt_state want;
    } zones[] = {
        {"no name", "", SGL_TLSRPT_NONE},
        {"one", "_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:r@a.test", SGL_TLSRPT_FOUND},
        {"others are passed over",
         "_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:r@a.test\n_smtp._tls.a.test TXT v=spf1 -all",
         SGL_TLSRPT_FOUND},
        {"two are none",
         "_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:r@a.test\n"
         "_smtp._tls.a.test TXT v=TLSRPTv1; rua=mailto:s@a.test",
         SGL_TLSRPT_SEVERAL},
        {"broken", "_smtp._tls.a.test TXT v=TLSRPTv1; rua=", SGL_TLSRPT_BROKEN},
        {"a failure is no absence", "_smtp._tls.a.test TIMEOUT", SGL_TLSRPT_TEMPERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0] * DNS_DRIVERS; i++) {
        size_t row = i / DNS_DRIVERS;
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", zones[row].zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_tlsrpt_answer got = {.state = (enum sgl_tlsrpt_state)99};

        CHECK_EQ(zones[row].name, sgl_tlsrpt_find(fx.name, &fx.dns, &arena, &got), SGL_NEED_DNS);
        CHECK_EQ(zones[row].name, got.state, 99);
        CHECK_EQ(zones[row].name, arena.used, 0);
        dns_fixture_step(&fx, (enum dns_driver)(i % DNS_DRIVERS));
        CHECK_EQ(zones[row].name, sgl_tlsrpt_find(fx.name, &fx.dns, &arena, &got), SGL_OK);
        CHECK_EQ(zones[row].name, got.state, zones[row].want);
    }
}

/* [RFC 6068 s2] */
static void whom_it_means(void **state)
{
    static const struct {
        const char *uri, *want; /* NULL: nobody */
    } uris[] = {
        {"mailto:r@A.test", "r@a.test"},
        {"MAILTO:a%2Bb@a.test?subject=x", "a+b@a.test"},
        {"mailto:a%40b@c.test", NULL},
        {"mailto:a@b.test%0d%0aRCPT", NULL},
        {"mailto:a@b.test%2Cc@d.test", NULL},
        {"mailto:a@b.test%", NULL},
        {"mailto:", NULL},
        {"https://a.test/", NULL},
        {"r@a.test", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_mailbox m = {.text = SGL_LIT("untouched")};
        enum sgl_status st = sgl_tlsrpt_mailbox(sgl_view_cstr(uris[i].uri), &arena, &m);

        CHECK_EQ(uris[i].uri, st, uris[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        CHECK_VIEW(uris[i].uri, m.text,
                   sgl_view_cstr(uris[i].want == NULL ? "untouched" : uris[i].want));
    }
}

static void memory_ends(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_findings f = {0};
        enum sgl_status st =
            sgl_tlsrpt_lint(SGL_LIT("v=TLSRPTv1; rua=ftp://x,mailto:r@a.test"), &arena, &f);

        if (st == SGL_OK)
            st = sgl_tlsrpt_lint(SGL_LIT("v=TLSRPTv1;"), &arena, &f);
        CHECK_EQ("success or SGL_E_NOMEM", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),        cmocka_unit_test(limit),
        cmocka_unit_test(finding_it),  cmocka_unit_test(whom_it_means),
        cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
