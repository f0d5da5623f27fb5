/* SPDX-License-Identifier: Apache-2.0 */
/* What Postfix is told: never less than what is owed. */
#include "../../server/tls_policy/answer.h"

#include <stdio.h>

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/ascii.h"

enum kind { NONE, UNKNOWN, MODE_NONE, TESTING, ENFORCE };

static const struct sgl_mta_sts_pattern patterns[] = {
    {false, {SGL_LIT_INIT("mx.a.test")}},
    {true, {SGL_LIT_INIT("b.test")}},
};
static struct sts_policy policies[] = {
    [MODE_NONE] = {.policy = {.mode = SGL_MTA_STS_MODE_NONE}},
    [TESTING] = {.policy = {.mode = SGL_MTA_STS_TESTING, .mx = patterns, .count = 2}},
    [ENFORCE] =
        {.domain = SGL_LIT_INIT("a.test"),
         .policy = {.mode = SGL_MTA_STS_ENFORCE, .mx = patterns, .count = 2, .max_age_s = 604800}},
};

static struct sts_answer sts_of(enum kind kind)
{
    struct sts_answer a = {.state = kind == NONE      ? STS_NONE
                                    : kind == UNKNOWN ? STS_UNKNOWN
                                                      : STS_POLICY};

    if (kind >= MODE_NONE)
        a.policy = &policies[kind];
    snprintf(a.why, sizeof a.why, "%s", kind == UNKNOWN ? "reason" : "");
    return a;
}

#define SECURE   "OK secure match=mx.a.test:.b.test servername=hostname"
#define STS_OPEN "TEMP MTA-STS of a.test not known: reason"
#define DNS_OPEN "TEMP DANE of a.test not known: no answer"
#define NOTHING  "NOTFOUND "

static void the_table(void **state)
{
    static const struct {
        const char *rule;
        enum kind sts;
        bool failed;
        size_t proved, bare, unknown;
        const char *left, *said; /* without and with says_dane */
    } cases[] = {
        {"nothing published", NONE, false, 0, 1, 0, NOTHING, NOTHING},
        {"mode none is no policy", MODE_NONE, false, 0, 1, 0, NOTHING, NOTHING},
        {"a policy under test demands nothing [RFC 8461 s5]", TESTING, false, 0, 1, 0, NOTHING,
         NOTHING},
        {"a policy that is enforced", ENFORCE, false, 0, 2, 0, SECURE, SECURE},
        {"enforced, and no host at all", ENFORCE, false, 0, 0, 0, SECURE, SECURE},
        {"enforced: never over DANE [RFC 8461 s2]", ENFORCE, false, 2, 0, 0, NOTHING,
         "OK dane-only"},
        {"enforced, some hosts by DANE: the others not at all", ENFORCE, false, 1, 1, 0,
         "OK dane-only", "OK dane-only"},
        {"enforced, DANE at one, a lookup failed at another: not there", ENFORCE, false, 1, 0, 1,
         "OK dane-only", "OK dane-only"},
        {"enforced, the lookup of the only host failed", ENFORCE, false, 0, 0, 1, DNS_OPEN,
         DNS_OPEN},
        {"enforced, one host bare, of one nothing is known", ENFORCE, false, 0, 1, 1, DNS_OPEN,
         DNS_OPEN},
        {"enforced, the MX lookup failed", ENFORCE, true, 0, 0, 0, DNS_OPEN, DNS_OPEN},
        {"a policy that is not known is never none", UNKNOWN, false, 0, 1, 0, STS_OPEN, STS_OPEN},
        {"not known, and DANE in part", UNKNOWN, false, 1, 1, 0, STS_OPEN, STS_OPEN},
        {"not known, but DANE decides", UNKNOWN, false, 1, 0, 0, NOTHING, "OK dane-only"},
        {"not known, DANE at one, a lookup failed at another", UNKNOWN, false, 1, 0, 1, STS_OPEN,
         STS_OPEN},
        {"neither is known", UNKNOWN, true, 0, 0, 0, STS_OPEN, STS_OPEN},
        {"DANE alone is Postfix's", NONE, false, 1, 0, 0, NOTHING, "OK dane-only"},
        {"DANE in part", NONE, false, 1, 1, 0, NOTHING, "OK dane"},
        {"DANE at one, a lookup failed at another", NONE, false, 1, 0, 1, NOTHING, "OK dane"},
        {"under test, and DANE", TESTING, false, 1, 0, 0, NOTHING, "OK dane-only"},
        {"no policy, and no lookup", NONE, true, 0, 0, 0, NOTHING, DNS_OPEN},
        {"no policy, the lookup of the only host failed", NONE, false, 0, 0, 1, NOTHING, DNS_OPEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int says = 0; says < 2; says++) {
            sgl_auto(sgl_buf) out = SGL_BUF_INIT(ANSWER_MAX);
            struct sts_answer sts = sts_of(cases[i].sts);
            struct answer_dane dane = {.failed = cases[i].failed,
                                       .proved = cases[i].proved,
                                       .bare = cases[i].bare,
                                       .unknown = cases[i].unknown,
                                       .why = "no answer"};
            bool needed = answer_needs_dane(&sts, says);
            struct answer_facts facts = {.domain = SGL_LIT("a.test"),
                                         .sts = &sts,
                                         .dane = needed ? &dane : NULL,
                                         .says_dane = says};

            answer_put(&facts, &out);
            CHECK_EQ(cases[i].rule, out.status, SGL_OK);
            CHECK_VIEW(cases[i].rule, sgl_buf_view(&out),
                       sgl_view_cstr(says ? cases[i].said : cases[i].left));
            facts.dane = NULL;
            sgl_buf_reset(&out);
            answer_put(&facts, &out);
            CHECK_EQ("what was not looked at is not known",
                     sgl_view_starts(sgl_buf_view(&out), SGL_LIT("TEMP ")), needed);
        }
    }
}

static void put(enum kind kind, const char *why, struct sgl_buf *out)
{
    struct sts_answer sts = sts_of(kind);
    struct answer_dane none = {.bare = 1, .why = ""};
    struct answer_facts facts = {
        .domain = SGL_LIT("a.test"), .sts = &sts, .dane = &none, .details = true};

    if (why != NULL)
        snprintf(sts.why, sizeof sts.why, "%s", why);
    answer_put(&facts, out);
}

/* [RFC 8460 s4.4] */
static void details(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(ANSWER_MAX);

    (void)state;
    put(ENFORCE, NULL, &out);
    CHECK_VIEW("all that a report tells", sgl_buf_view(&out),
               SGL_LIT(SECURE
                       " policy_type=sts policy_domain=a.test policy_ttl=604800 "
                       "mx_host_pattern=mx.a.test mx_host_pattern=*.b.test "
                       "{ policy_string = version: STSv1 } { policy_string = mode: enforce } "
                       "{ policy_string = mx: mx.a.test } { policy_string = mx: *.b.test } "
                       "{ policy_string = max_age: 604800 }"));
    sgl_buf_reset(&out);
    put(TESTING, NULL, &out);
    CHECK_VIEW("nothing is demanded", sgl_buf_view(&out), SGL_LIT(NOTHING));
}

static void reasons_are_one_line(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(ANSWER_MAX);

    (void)state;
    put(UNKNOWN, "a\r\nOK may", &out);
    CHECK_TRUE("printable", sgl_ascii_is_printable(sgl_buf_view(&out)));
}

/* The largest policy that there can be has an answer that the client takes, with or without details. */
static void the_largest_policy(void **state)
{
    static struct sgl_mta_sts_pattern many[256];
    static struct sts_policy large = {.domain = SGL_LIT_INIT("a.test")};
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(ANSWER_MAX);
    struct sts_answer sts = {.state = STS_POLICY, .policy = &large};
    struct answer_dane none = {.bare = 1, .why = ""};
    struct answer_facts facts = {
        .domain = SGL_LIT("a.test"), .sts = &sts, .dane = &none, .details = true};
    char name[253];

    (void)state;
    memset(name, 'a', sizeof name);
    for (size_t i = 0; i < 256; i++)
        many[i] = (struct sgl_mta_sts_pattern){true, {sgl_view_of(name, sizeof name)}};
    large.policy = (struct sgl_mta_sts_policy){SGL_MTA_STS_ENFORCE, 1, many, 256};
    answer_put(&facts, &out);
    CHECK_EQ("it fits", out.status, SGL_OK);
    CHECK_TRUE("whole", sgl_view_ends(sgl_buf_view(&out), SGL_LIT(" servername=hostname")));
}

static void memory_ends(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(ANSWER_MAX);

        put(ENFORCE, NULL, &out);
        CHECK_TRUE("secure or an error, never less",
                   out.status != SGL_OK || sgl_view_starts(sgl_buf_view(&out), SGL_LIT(SECURE)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(details),
        cmocka_unit_test(reasons_are_one_line),
        cmocka_unit_test(the_largest_policy),
        cmocka_unit_test(memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
