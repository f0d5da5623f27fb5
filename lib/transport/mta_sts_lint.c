/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of a record or policy should know. Codes: the first member of each finding below. */
#include "sigillo/banned.h"
#include "sigillo/mta_sts.h"

#define DAY  86400u
#define WEEK (7 * DAY)

static const struct sgl_finding record_syntax = {.code = "mta-sts-record-syntax",
                                                 .severity = SGL_ERROR,
                                                 .rule = "RFC 8461 s3.1"},
                                policy_syntax = {.code = "mta-sts-policy-syntax",
                                                 .severity = SGL_ERROR,
                                                 .rule = "RFC 8461 s3.2"},
                                policy_testing = {.code = "mta-sts-policy-testing",
                                                  .severity = SGL_WARNING,
                                                  .rule = "RFC 8461 s5"},
                                policy_none = {.code = "mta-sts-policy-none",
                                               .severity = SGL_WARNING,
                                               .rule = "RFC 8461 s5"},
                                policy_age = {.code = "mta-sts-policy-max-age",
                                              .severity = SGL_WARNING,
                                              .rule = "RFC 8461 s3.2"},
                                policy_twice = {.code = "mta-sts-policy-mx-twice",
                                                .severity = SGL_INFO};

enum sgl_status sgl_mta_sts_record_lint(sgl_view text, struct sgl_arena *arena,
                                        struct sgl_findings *out)
{
    struct sgl_mta_sts_record record;
    struct sgl_diag diag = {0};

    if (sgl_mta_sts_record_parse(text, &record, &diag) == SGL_OK)
        return SGL_OK;
    return sgl_finding_add(
        out, arena, &record_syntax, "v=STSv1; id=1;",
        "The MTA-STS record can't be read (%s, at character %zu): senders act as if there were "
        "none.",
        diag.what, diag.off + 1);
}

static enum sgl_status lint_mode(const struct sgl_mta_sts_policy *p, struct sgl_arena *arena,
                                 struct sgl_findings *out)
{
    switch (p->mode) {
    case SGL_MTA_STS_ENFORCE:
        return SGL_OK;
    case SGL_MTA_STS_TESTING:
        return sgl_finding_add(out, arena, &policy_testing, "mode: enforce",
                               "The MTA-STS policy is only tested: mail is delivered even where "
                               "its connection is not protected.");
    case SGL_MTA_STS_MODE_NONE:
        return sgl_finding_add(out, arena, &policy_none, "mode: enforce",
                               "The MTA-STS policy has mode none: it protects nothing.");
    }
    return SGL_OK;
}

static enum sgl_status lint_twice(const struct sgl_mta_sts_policy *p, struct sgl_arena *arena,
                                  struct sgl_findings *out)
{
    for (size_t i = 1; i < p->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (p->mx[i].wildcard == p->mx[j].wildcard && sgl_name_eq(p->mx[i].name, p->mx[j].name))
                return sgl_finding_add(out, arena, &policy_twice, "",
                                       "The MTA-STS policy names mx: %s%.*s twice.",
                                       p->mx[i].wildcard ? "*." : "", SGL_FMT(p->mx[i].name.text));
        }
    }
    return SGL_OK;
}

enum sgl_status sgl_mta_sts_policy_lint(sgl_view body, struct sgl_arena *arena,
                                        struct sgl_findings *out)
{
    struct sgl_mta_sts_policy p;
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_mta_sts_policy_parse(body, arena, &p, &diag);

    if (st == SGL_E_NOMEM || diag.what == NULL)
        SGL_TRY(st);
    if (st != SGL_OK)
        return sgl_finding_add(
            out, arena, &policy_syntax,
            "version: STSv1, mode: enforce, mx: HOST (a line for each MX host), max_age: 604800",
            "The MTA-STS policy can't be read (%s, at byte %zu): senders act as if there were "
            "none.",
            diag.what, diag.off + 1);
    SGL_TRY(lint_mode(&p, arena, out));
    if (p.mode != SGL_MTA_STS_MODE_NONE && p.max_age_s < DAY)
        SGL_TRY(sgl_finding_add(out, arena, &policy_age, "max_age: 604800",
                                "The MTA-STS policy is kept for %u seconds only: an attacker who "
                                "blocks it for that long has switched it off. Weeks are usual.",
                                p.max_age_s));
    else if (p.mode == SGL_MTA_STS_ENFORCE && p.max_age_s < WEEK)
        SGL_TRY(sgl_finding_add(out, arena, &policy_age, "max_age: 604800",
                                "The MTA-STS policy is kept for less than a week (%u seconds).",
                                p.max_age_s));
    return lint_twice(&p, arena, out);
}
