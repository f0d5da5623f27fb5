/* SPDX-License-Identifier: Apache-2.0 */
/* Questions, memory and misuse; the Organizational Domain alone. */
#include "sigillo/dmarc.h"

#include "check.h"
#include "dmarc_fixture.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

/* [RFC 9989 s4.10]: 8 questions a walk, whatever the name; asked: what the walk itself looked at. */
static void questions_are_counted(void **state)
{
    static const struct {
        const char *name;
        int labels;
        size_t want;
    } counts[] = {{"2 labels", 2, 2},
                  {"7 labels", 7, 7},
                  {"8 labels", 8, 8},
                  {"9 labels", 9, 8},
                  {"13 labels", 13, 8},
                  {"120 labels", 120, 8},
                  {"a name that is too long for _dmarc in front", 126, 7}};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        sgl_auto(sgl_buf) author = SGL_BUF_INIT(300);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);

        for (int n = 1; n < counts[i].labels; n++)
            sgl_buf_add(&author, SGL_LIT("a."));
        sgl_buf_add(&author, SGL_LIT("a"));
        {
            sgl_auto(dns_fixture) fx = dns_fixture_init(sgl_cstr(&author), "");
            struct sgl_dmarc_request request = {.author = fx.name};
            struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

            CHECK_EQ(counts[i].name, drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
            CHECK_EQ(counts[i].name, fx.asked, counts[i].want);
            CHECK_TRUE(counts[i].name, d.asked_count <= 8);
        }
    }
}

static size_t asked_by(const char *zone, const char *author, const char *dkim, int *rounds)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(author, zone);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dmarc_identifier ids[IDS_MAX];
    struct sgl_dmarc_request request = {
        .author = fx.name, .dkim = ids, .dkims = identifiers(dkim, ids)};
    struct sgl_dmarc d;

    for (*rounds = 0; sgl_dmarc_check(&request, &fx.dns, &arena, &d) == SGL_NEED_DNS; ++*rounds)
        dns_fixture_answer(&fx);
    return fx.asked;
}

static void questions_travel_together(void **state)
{
    int rounds;

    (void)state;
    CHECK_EQ("author and neighbour: 2 and 1 more",
             asked_by(D("a.test", "p=reject"), "a.test", "x.a.test", &rounds), 3);
    CHECK_EQ("in one round", rounds, 1);
    CHECK_EQ("strangers cost nothing",
             asked_by(D("a.test", "p=reject"), "a.test", "b.test c.test d.example", &rounds), 2);
    CHECK_EQ("existence travels with the rest of the walks",
             (asked_by(D("a.test", "p=none; np=reject"), "x.a.test", "y.a.test", &rounds), rounds),
             2);
}

/* Signatures by the dozen: so many walks and no more, but what is the same as the author always counts. [RFC 9989 s11.5] */
static void walks_are_capped(void **state)
{
    sgl_auto(sgl_buf) ids = SGL_BUF_INIT(1000);
    int rounds;

    (void)state;
    for (int i = 0; i < 20; i++)
        sgl_buf_addf(&ids, "x%d.a.test ", i);
    sgl_buf_add(&ids, SGL_LIT("a.test"));
    CHECK_EQ("two for the author and one a walk",
             asked_by(D("a.test", "p=reject"), "a.test", sgl_cstr(&ids), &rounds),
             2 + SGL_LIMIT_DMARC_WALKS);
    {
        struct row row = {"the last one is the same as the author",
                          D("a.test", "p=reject"),
                          "a.test",
                          "",
                          sgl_cstr(&ids),
                          "pass a.test a.test p:reject/reject/none .D"};

        run_row(&row, NULL, SGL_DMARC_RFC9989, 0);
    }
}

/* One domain that aligns only by a walk, behind `before` others that do not. */
static void behind(size_t before, const char *want)
{
    sgl_auto(sgl_buf) ids = SGL_BUF_INIT(1000), zone = SGL_BUF_INIT(4000);
    struct row row = {.name = "behind others", .author = "a.test", .spf = "", .want = want};

    sgl_buf_add_cstr(&zone, D("a.test", "p=reject"));
    for (size_t i = 0; i < before; i++) {
        sgl_buf_addf(&ids, "x%zu.a.test ", i);
        sgl_buf_addf(&zone, "_dmarc.x%zu.a.test TXT v=DMARC1; p=none; psd=n\n", i);
    }
    sgl_buf_add(&ids, SGL_LIT("m.a.test"));
    row.dkim = sgl_cstr(&ids);
    row.zone = sgl_cstr(&zone);
    run_row(&row, NULL, SGL_DMARC_RFC9989, 0);
}

static void the_last_walk_counts(void **state)
{
    (void)state;
    behind(SGL_LIMIT_DMARC_WALKS - 1, "pass a.test a.test p:reject/reject/none .D");
    behind(SGL_LIMIT_DMARC_WALKS, "fail a.test a.test p:reject/reject/reject ..");
}

static void full_snapshot(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("x.a.test", D("a.test", "p=reject"));
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dmarc_request request = {.author = fx.name};
    struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

    (void)state;
    sgl_dns_init(&fx.dns, 1);
    CHECK_EQ("it ends", drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
    CHECK_EQ("no room for a question is a failed lookup", d.result, SGL_DMARC_TEMPERROR);
}

static void misuse(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000), tiny = SGL_ARENA_INIT(16);
    struct sgl_dmarc_request request = {.author = {SGL_LIT("")}};
    struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

    (void)state;
    CHECK_EQ("no author", sgl_dmarc_check(&request, &fx.dns, &arena, &d), SGL_E_MISUSE);
    request.author = fx.name;
    request.rules = SGL_DMARC_RFC7489;
    CHECK_EQ("RFC 7489 without a list", sgl_dmarc_check(&request, &fx.dns, &arena, &d),
             SGL_E_MISUSE);
    request.rules = SGL_DMARC_RFC9989;
    CHECK_EQ("a full arena", sgl_dmarc_check(&request, &fx.dns, &tiny, &d), SGL_E_LIMIT);
    CHECK_EQ("out is untouched", d.result, 99);
}

static const struct {
    const char *name, *zone, *start, *org;
} orgs[] = {
    {"no record: the name itself", "", "x.a.test", "x.a.test"},
    {"a record above", D("a.test", "p=none"), "x.a.test", "a.test"},
    {"psd=n", D("b.a.test", "psd=n") D("a.test", "p=none"), "x.b.a.test", "b.a.test"},
    {"psd=y", D("test", "psd=y"), "x.a.test", "a.test"},
    {"a failure: not known", "_dmarc.a.test TIMEOUT\n", "x.a.test", ""},
};

static void organizational_domain(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orgs / sizeof orgs[0]; i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init(orgs[i].start, orgs[i].zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
            struct sgl_name org = {{NULL, 0}};
            enum sgl_status st;

            while ((st = sgl_dmarc_org(fx.name, &fx.dns, &arena, &org)) == SGL_NEED_DNS)
                dns_fixture_step(&fx, (enum dns_driver)driver);
            CHECK_EQ(orgs[i].name, st, SGL_OK);
            CHECK_VIEW(orgs[i].name, org.text, sgl_view_cstr(orgs[i].org));
            CHECK_EQ("scratch memory goes back", arena.used, 0);
        }
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct dns_fixture fx;
        struct sgl_arena arena = SGL_ARENA_INIT(100000);
        struct sgl_dmarc_identifier ids[IDS_MAX];
        struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};
        enum sgl_status st;

        fail_alloc_off();
        fx = dns_fixture_init("x.a.test", D("a.test", "p=none; np=reject; rua=mailto:r@a.test"));
        fail_alloc_on();
        {
            struct sgl_dmarc_request request = {
                .author = fx.name,
                .dkim = ids,
                .dkims = identifiers("y.b\303\274cher.test b.test", ids)};

            while ((st = sgl_dmarc_check(&request, &fx.dns, &arena, &d)) == SGL_NEED_DNS)
                dns_fixture_answer(&fx);
        }
        /* A snapshot without memory makes lookups fail; nothing makes a policy weaker. */
        CHECK_TRUE("no memory is never a pass or none",
                   st == SGL_E_NOMEM || d.result == SGL_DMARC_TEMPERROR ||
                       (d.result == SGL_DMARC_FAIL && d.disposition == SGL_DMARC_REJECT));
        CHECK_TRUE("no memory is a status", st == SGL_OK || fail_alloc_hit());
        sgl_arena_done(&arena);
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_are_counted), cmocka_unit_test(questions_travel_together),
        cmocka_unit_test(walks_are_capped),      cmocka_unit_test(the_last_walk_counts),
        cmocka_unit_test(full_snapshot),         cmocka_unit_test(misuse),
        cmocka_unit_test(organizational_domain), cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
