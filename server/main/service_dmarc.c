/* SPDX-License-Identifier: Apache-2.0 */
/* What was judged is told to the domains whose policies that was: reception's words in those of the reports. */
#include "service_dmarc.h"

#include "../judge/judge.h"
#include "sigillo/dmarc_report.h"

static enum sgl_dmarc_disposition disposition_of(const struct judge_decision *d)
{
    if (d->action == JUDGED_DEFER)
        return SGL_DMARC_DISPOSITION_UNKNOWN; /* it comes again */
    switch (d->disposition) {
    case JUDGE_DISPOSED_PASS:
        return SGL_DMARC_DISPOSITION_PASS;
    case JUDGE_DISPOSED_QUARANTINE:
        return SGL_DMARC_DISPOSITION_QUARANTINE;
    case JUDGE_DISPOSED_REJECT:
        return SGL_DMARC_DISPOSITION_REJECT;
    case JUDGE_DISPOSED_NONE:
        break;
    }
    return SGL_DMARC_DISPOSITION_NONE;
}

static enum sgl_dmarc_override override_of(enum judge_reason reason)
{
    switch (reason) {
    case JUDGE_LOCAL_POLICY:
        return SGL_DMARC_OVERRIDE_LOCAL_POLICY;
    case JUDGE_MAILING_LIST:
        return SGL_DMARC_OVERRIDE_MAILING_LIST;
    case JUDGE_POLICY_TEST_MODE:
        return SGL_DMARC_OVERRIDE_POLICY_TEST_MODE;
    case JUDGE_TRUSTED_FORWARDER:
        return SGL_DMARC_OVERRIDE_TRUSTED_FORWARDER;
    case JUDGE_OTHER:
        break;
    }
    return SGL_DMARC_OVERRIDE_OTHER;
}

/* All of its recipients take reports, or what comes back of ours; one who does not makes it a message like any other. */
static bool is_of_report(struct reports *r, const struct reception_judged *j)
{
    for (size_t i = 0; i < j->tos; i++)
        if (j->to[i].action != ROUTE_REPORTS && !reports_takes(r, j->to[i].address))
            return false;
    return j->tos > 0;
}

void service_dmarc_judged(void *ctx, const struct reception_judged *j)
{
    struct sgl_dmarc_report_reason reason[JUDGE_REASONS_MAX];
    const struct judge_decision *d = j->decision;

    for (size_t i = 0; i < d->givens; i++)
        reason[i] = (struct sgl_dmarc_report_reason){override_of(d->given[i].reason),
                                                     sgl_view_cstr(d->given[i].comment)};
    reports_judged(ctx, &(struct reports_judged){.ip = j->ip,
                                                 .sender = j->env_from,
                                                 .verdict = j->verdict,
                                                 .disposition = disposition_of(d),
                                                 .reason = reason,
                                                 .reasons = d->givens,
                                                 .of_report = is_of_report(ctx, j)});
}
