/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be built, and words. */
#include "sigillo/spf_build.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"
#include "spf_build_fixture.h"

static void it_says_which_term_to_move(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "a.test", HEAVY BULK "TXT v=spf1 include:i.test include:sendgrid.net exists:x.test "
                             "exists:%{d}.b.test -all\n"
                             "a.test.b.test A 192.0.2.1\ni.test TXT v=spf1 include:h.test ?all");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct wish wish = {.include = "h.test"};
    struct sgl_spf_build b;
    struct asked asked;

    (void)state;
    make_request(&fx, &wish, &asked);
    CHECK_EQ("build", build(&fx, DNS_ALL_AT_ONCE, &asked.request, &arena, &b), SGL_OK);
    CHECK_TRUE("14 lookups are refused", b.refused);
    for (const struct sgl_finding *f = b.findings.first; f != NULL; f = f->next) {
        if (strcmp(f->code, "spf-too-many-lookups") != 0)
            continue;
        CHECK_VIEW("the bulk service first", f->mend,
                   SGL_LIT("move \"include:sendgrid.net\" (1 of them) to a subdomain: sigillo spf "
                           "build --subdomain news:sendgrid.net a.test"));
        return;
    }
    fail_msg("no reason is given");
}

static void names_of_microsoft(void **state)
{
    static const char *const names[] = {"contoso.onmicrosoft.com", "a.contoso.onmicrosoft.us",
                                        "contoso.partner.onmschina.cn"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init(names[i], "");
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
        struct wish wish = {.m365 = SGL_SPF_M365_WORLDWIDE};
        struct sgl_spf_build b;
        struct asked asked;

        make_request(&fx, &wish, &asked);
        CHECK_EQ(names[i], sgl_spf_build(&asked.request, &fx.dns, &arena, &b), SGL_OK);
        CHECK_EQ(names[i], b.records, 0);
        CHECK_TRUE(names[i], !b.refused && !b.failed);
        CHECK_TRUE(names[i], sgl_findings_have(&b.findings, "spf-onmicrosoft"));
    }
}

static void words(void **state)
{
    enum sgl_spf_m365 cloud = SGL_SPF_M365_NONE;
    enum sgl_spf_policy policy = SGL_SPF_POLICY_KEEP;

    (void)state;
    CHECK_TRUE("gcchigh", sgl_spf_m365_parse(SGL_LIT("GCCHigh"), &cloud));
    CHECK_EQ("gcchigh", cloud, SGL_SPF_M365_GCC_HIGH);
    CHECK_TRUE("the empty word is none", !sgl_spf_m365_parse(SGL_LIT(""), &cloud));
    CHECK_TRUE("moon", !sgl_spf_m365_parse(SGL_LIT("moon"), &cloud));
    CHECK_TRUE("neutral", sgl_spf_policy_parse(SGL_LIT("neutral"), &policy));
    CHECK_EQ("neutral", policy, SGL_SPF_POLICY_NEUTRAL);
    CHECK_TRUE("pass", !sgl_spf_policy_parse(SGL_LIT("pass"), &policy));
    CHECK_VIEW("none", sgl_spf_m365_include(SGL_SPF_M365_NONE), SGL_LIT(""));
}

static void misuse_and_limits(void **state)
{
    static struct sgl_spf_subdomain many[SGL_LIMIT_SPF_BUILD_RECORDS + 1];
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_build_request request = {.domain = fx.name};
    struct sgl_spf_build b = {.records = 99};

    (void)state;
    CHECK_EQ("no DNS and not offline", sgl_spf_build(&request, NULL, &arena, &b), SGL_E_MISUSE);
    request.subdomain = many;
    request.subdomains = SGL_LIMIT_SPF_BUILD_RECORDS + 1;
    CHECK_EQ("too many", sgl_spf_build(&request, &fx.dns, &arena, &b), SGL_E_LIMIT);
    CHECK_EQ("out is untouched", b.records, 99);
}

static void out_of_memory(void **state)
{
    static const struct wish wishes[] = {
        {.include = "h.test", .ip = "192.0.2.1 192.0.2.2", .subdomain = "n:h.test"},
        {.parked = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        for (size_t n = 1; fail_alloc_round(n); n++) {
            struct dns_fixture fx;
            struct sgl_arena arena = SGL_ARENA_INIT(ARENA);
            struct sgl_spf_build b = {.records = 99};
            struct asked asked;
            enum sgl_status st;

            fail_alloc_off();
            fx = dns_fixture_init("a.test", HEAVY "TXT v=spf1 ip4:192.0.2.0/31 ~all\n_dmarc.a.test "
                                                  "TXT v=DMARC1; p=none; rua=mailto:x@a.test");
            make_request(&fx, &wishes[i], &asked);
            fail_alloc_on();
            while ((st = sgl_spf_build(&asked.request, &fx.dns, &arena, &b)) == SGL_NEED_DNS)
                dns_fixture_answer(&fx);
            CHECK_TRUE("no memory is a status, or an answer that failed",
                       st == SGL_E_NOMEM || (st == SGL_OK && (b.records == 2 || b.failed)));
            CHECK_TRUE("only when there is none", st == SGL_OK || fail_alloc_hit());
            CHECK_TRUE("out is untouched otherwise", st == SGL_OK || b.records == 99);
            sgl_arena_done(&arena);
            dns_fixture_done(&fx);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_which_term_to_move),
        cmocka_unit_test(names_of_microsoft),
        cmocka_unit_test(words),
        cmocka_unit_test(misuse_and_limits),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
