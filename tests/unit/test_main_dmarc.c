/* SPDX-License-Identifier: Apache-2.0 */
/* What reception judged, in the words of the reports: every disposition and reason, and what is no message to tell of. */
#include "../../server/main/service_dmarc.h"

#include <string.h>

#include "check.h"
#include "sigillo/dmarc_report.h"

#define V(s) sgl_view_cstr(s)

static struct reports_judged told;
static struct sgl_dmarc_report_reason reasons[JUDGE_REASONS_MAX];

/* In place of the room of the reports. */
void reports_judged(void *ctx, const struct reports_judged *m)
{
    (void)ctx;
    told = *m;
    memcpy(reasons, m->reason, m->reasons * sizeof(*reasons));
}

bool reports_takes(struct reports *r, sgl_view address)
{
    (void)r;
    return sgl_view_eq(address, V("dmarc@us.test"));
}

static void dispositions(void **state)
{
    static const struct {
        enum judge_action action;
        enum judge_disposition disposed;
        enum sgl_dmarc_disposition want;
    } rows[] = {
        {JUDGED_ACCEPT, JUDGE_DISPOSED_NONE, SGL_DMARC_DISPOSITION_NONE},
        {JUDGED_ACCEPT, JUDGE_DISPOSED_PASS, SGL_DMARC_DISPOSITION_PASS},
        {JUDGED_QUARANTINE, JUDGE_DISPOSED_QUARANTINE, SGL_DMARC_DISPOSITION_QUARANTINE},
        {JUDGED_REJECT, JUDGE_DISPOSED_REJECT, SGL_DMARC_DISPOSITION_REJECT},
        {JUDGED_DEFER, JUDGE_DISPOSED_NONE, SGL_DMARC_DISPOSITION_UNKNOWN},
    };
    static const struct {
        enum judge_reason reason;
        enum sgl_dmarc_override want;
    } why[] = {
        {JUDGE_LOCAL_POLICY, SGL_DMARC_OVERRIDE_LOCAL_POLICY},
        {JUDGE_MAILING_LIST, SGL_DMARC_OVERRIDE_MAILING_LIST},
        {JUDGE_OTHER, SGL_DMARC_OVERRIDE_OTHER},
        {JUDGE_POLICY_TEST_MODE, SGL_DMARC_OVERRIDE_POLICY_TEST_MODE},
        {JUDGE_TRUSTED_FORWARDER, SGL_DMARC_OVERRIDE_TRUSTED_FORWARDER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct judge_decision d = {.action = rows[i].action,
                                   .disposition = rows[i].disposed,
                                   .given = {{.reason = why[i].reason, .comment = "so"},
                                             {.reason = JUDGE_OTHER, .comment = ""}},
                                   .givens = 2};
        struct sgl_verdict verdict;
        struct reception_judged j = {
            .ip = {.version = 4}, .env_from = V("a@b.test"), .verdict = &verdict, .decision = &d};

        service_dmarc_judged(NULL, &j);
        CHECK_EQ("what was done", told.disposition, rows[i].want);
        CHECK_EQ("why", reasons[0].type, why[i].want);
        CHECK_VIEW("in words", reasons[0].comment, V("so"));
        CHECK_EQ("and why else", reasons[1].type, SGL_DMARC_OVERRIDE_OTHER);
        CHECK_EQ("reasons", told.reasons, 2);
        CHECK_VIEW("who", told.sender, V("a@b.test"));
        CHECK_TRUE("by the verdict", told.verdict == &verdict && told.ip.version == 4);
        CHECK_EQ("no recipient, no report", told.of_report, false);
    }
}

/* [RFC 9990 s3.5] reports about reports would go to and fro for ever */
static void reports_are_not_told_of(void **state)
{
    struct reception_to to[2] = {{.address = V("x@us.test"), .action = ROUTE_REPORTS},
                                 {.address = V("dmarc@us.test"), .action = ROUTE_LMTP}};
    struct judge_decision d = {.action = JUDGED_ACCEPT};
    struct reception_judged j = {.to = to, .tos = 2, .decision = &d};

    (void)state;
    service_dmarc_judged(NULL, &j);
    CHECK_EQ("to who takes reports, and to who sends them", told.of_report, true);
    to[0].action = ROUTE_LMTP;
    service_dmarc_judged(NULL, &j);
    CHECK_EQ("to somebody else, too", told.of_report, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dispositions),
        cmocka_unit_test(reports_are_not_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
