/* SPDX-License-Identifier: Apache-2.0 */
/* What differs by RFC 7489 and with a list, and alignment in all combinations. */
#include "sigillo/dmarc.h"

#include "check.h"
#include "dmarc_fixture.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"

/* A list beside the walk keeps a suffix without psd=y from becoming everybody's Organizational Domain. [RFC 9989 s11.8] */
static const struct row guarded[] = {
    {"a suffix without psd=y is a suffix", D("test", "p=reject"), "a.test", "b.test", "",
     "fail test a.test p:reject/reject/reject .."},
    {"a suffix that says psd=n is believed", D("test", "p=reject; psd=n"), "a.test", "b.test", "",
     "pass test test p:reject/reject/none S."},
    {"the walk's start is left alone", D("test", "p=reject"), "test", "test", "",
     "pass test test p:reject/reject/none S."},
    {"names that are no suffix are left alone", D("b.a.test", "p=none") D("a.test", "p=reject"),
     "x.b.a.test", "a.test", "", "pass a.test a.test p:reject/reject/none S."},
};

static void guarded_by_a_list(void **state)
{
    struct sgl_psl *psl = NULL;

    (void)state;
    CHECK_EQ("list", sgl_psl_new(SGL_LIT("test\nexample\n"), &psl), SGL_OK);
    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++)
        run_row(&guarded[i], psl, SGL_DMARC_RFC9989, 0);
    sgl_psl_free(psl);
}

/* [RFC 7489 s3.1, s3.2, s6.6.3] */
static const struct row by_list[] = {
    {"the record at the registrable domain", D("a.co.test", "p=reject; sp=quarantine"),
     "x.y.a.co.test", "", "", "fail a.co.test a.co.test sp:quarantine/quarantine/quarantine .."},
    {"names between are not asked", D("y.a.co.test", "p=reject"), "x.y.a.co.test", "", "",
     "none - a.co.test"},
    {"alignment goes by the list", D("x.a.co.test", "p=reject"), "x.a.co.test", "y.a.co.test", "",
     "pass x.a.co.test a.co.test p:reject/reject/none S."},
    {"neighbours under a suffix are strangers", D("a.co.test", "p=reject"), "a.co.test",
     "b.co.test", "", "fail a.co.test a.co.test p:reject/reject/reject .."},
    {"two records at the author end it",
     D("x.a.co.test", "p=none") D("x.a.co.test", "p=reject") D("a.co.test", "p=reject"),
     "x.a.co.test", "", "", "none - a.co.test"},
    {"psd, np and t are unknown tags", D("a.co.test", "p=reject; np=none; t=y; psd=y"),
     "x.a.co.test", "a.co.test", "", "pass a.co.test a.co.test p:reject/reject/none S."},
    {"a bad np is an unknown tag", D("a.co.test", "p=reject; np=x"), "a.co.test", "", "",
     "fail a.co.test a.co.test p:reject/reject/reject .."},
    {"no p and no address", D("a.co.test", ""), "a.co.test", "", "", "none a.co.test a.co.test"},
    {"a failure at the author", "_dmarc.x.a.co.test SERVFAIL\n" D("a.co.test", "p=reject"),
     "x.a.co.test", "", "", "temperror - a.co.test"},
    {"a suffix may have a record", D("co.test", "p=reject"), "co.test", "co.test", "",
     "pass co.test co.test p:reject/reject/none S."},
    {"a suffix's record is not looked for", D("co.test", "p=reject"), "a.co.test", "", "",
     "none - a.co.test"},
};

static const struct {
    struct row row;
    unsigned sample;
} sampled[] = {
    {{"below pct: the policy as it is", D("a.co.test", "p=reject; pct=30"), "a.co.test", "", "",
      "fail a.co.test a.co.test p:reject/reject/reject .."},
     29},
    {{"from pct on the next weaker one [RFC 7489 s6.6.4]", D("a.co.test", "p=reject; pct=30"),
      "a.co.test", "", "", "fail a.co.test a.co.test p:reject/quarantine/quarantine ..t"},
     30},
    {{"pct=0 spares all", D("a.co.test", "p=quarantine; pct=0"), "a.co.test", "", "",
      "fail a.co.test a.co.test p:quarantine/none/none ..t"},
     0},
    {{"without pct nobody is spared", D("a.co.test", "p=reject"), "a.co.test", "", "",
      "fail a.co.test a.co.test p:reject/reject/reject .."},
     99},
};

static void by_rfc7489(void **state)
{
    struct sgl_psl *psl = NULL;

    (void)state;
    CHECK_EQ("list", sgl_psl_new(SGL_LIT("test\nco.test\n"), &psl), SGL_OK);
    for (size_t i = 0; i < sizeof by_list / sizeof by_list[0]; i++)
        run_row(&by_list[i], psl, SGL_DMARC_RFC7489, 0);
    for (size_t i = 0; i < sizeof sampled / sizeof sampled[0]; i++)
        run_row(&sampled[i].row, psl, SGL_DMARC_RFC7489, sampled[i].sample);
    sgl_psl_free(psl);
}

/*
 * Records at {author, parent, organisation, top} x psd {absent, u, y, n} x {none, one, two}: the oracle goes over the list of what is published with
 * the words of section 4.10, in another order than the code does.
 */
enum { LEVELS = 4, KINDS = 6 };
static const char *const level_name[LEVELS] = {"x.b.a.test", "b.a.test", "a.test", "test"};
static const char *const kind_text[KINDS] = {
    "", "p=reject", "p=reject; psd=u", "p=reject; psd=y", "p=reject; psd=n", "two"};

static void put_zone(struct sgl_buf *zone, const int kind[LEVELS])
{
    for (int i = 0; i < LEVELS; i++) {
        if (kind[i] == 0)
            continue;
        sgl_buf_addf(zone, "_dmarc.%s TXT v=DMARC1; %s\n", level_name[i],
                     kind[i] == 5 ? "p=none" : kind_text[kind[i]]);
        if (kind[i] == 5)
            sgl_buf_addf(zone, "_dmarc.%s TXT v=DMARC1; p=reject\n", level_name[i]);
    }
}

/* *policy and *org are levels; policy -1: none. */
static void oracle(const int kind[LEVELS], int *policy, int *org)
{
    int stop = LEVELS, last = -1, suffix = -1;

    for (int i = LEVELS - 1; i >= 0; i--) {
        if (kind[i] == 3 || kind[i] == 4)
            stop = i; /* the lowest one is where a walk from below ends */
    }
    for (int i = 0; i < LEVELS && i <= stop; i++)
        last = kind[i] >= 1 && kind[i] <= 4 ? i : last;
    *org = last < 0 ? 0 : last;
    if (stop < LEVELS && kind[stop] == 3 && stop > 0) {
        suffix = stop;
        *org = stop - 1;
    }
    if (kind[0] >= 1 && kind[0] <= 4)
        *policy = 0;
    else if (kind[*org] >= 1 && kind[*org] <= 4)
        *policy = *org;
    else
        *policy = suffix;
}

static void matrix(void **state)
{
    (void)state;
    for (int code = 0; code < KINDS * KINDS * KINDS * KINDS; code++) {
        int kind[LEVELS] = {code % KINDS, code / KINDS % KINDS, code / KINDS / KINDS % KINDS,
                            code / KINDS / KINDS / KINDS};
        sgl_auto(sgl_buf) zone = SGL_BUF_INIT(2000);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        int policy, org;

        put_zone(&zone, kind);
        oracle(kind, &policy, &org);
        {
            const char *text = sgl_cstr(&zone);
            sgl_auto(dns_fixture) fx = dns_fixture_init(level_name[0], text);
            struct sgl_dmarc_request request = {.author = fx.name};
            struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

            CHECK_EQ(text, drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
            CHECK_VIEW(text, d.policy_domain.text,
                       policy < 0 ? SGL_LIT("") : sgl_view_cstr(level_name[policy]));
            CHECK_VIEW(text, d.org.text, sgl_view_cstr(level_name[org]));
            CHECK_EQ(text, d.result, policy < 0 ? SGL_DMARC_NONE : SGL_DMARC_FAIL);
        }
    }
}

static void which_signature(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", D("a.test", "p=reject"));
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dmarc_identifier ids[IDS_MAX];
    struct sgl_dmarc_request request = {.author = fx.name,
                                        .dkim = ids,
                                        .dkims =
                                            identifiers("b.test !a.test x.a.test a.test", ids)};
    struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

    (void)state;
    CHECK_EQ("check", drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
    CHECK_EQ("the first that passed and aligns", d.dkim_index, 2);
    CHECK_VIEW("the record is given", d.record, SGL_LIT("v=DMARC1; p=reject"));
    CHECK_TRUE("and parsed", d.parsed.has_p && d.parsed.p == SGL_DMARC_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guarded_by_a_list),
        cmocka_unit_test(by_rfc7489),
        cmocka_unit_test(matrix),
        cmocka_unit_test(which_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
