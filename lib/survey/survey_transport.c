/* SPDX-License-Identifier: Apache-2.0 */
/* How mail travels to the domain, and what is shown beside its mail: MTA-STS, TLS-RPT, BIMI. */
#include <stdio.h>

#include "sigillo/banned.h"
#include "sigillo/limits.h"
#include "survey_internal.h"

#define RECORD_SIZE 600
#define DAY         86400u

typedef enum sgl_status linter(sgl_view text, struct sgl_arena *arena, struct sgl_findings *out);

/* A linter of one record, and what mends its errors: "LABELS.DOMAIN TXT "VALUE"", where "@" in the value gets the domain behind it. */
static enum sgl_status lint(struct sgl_survey_work *w, enum sgl_survey_part part, linter *judge,
                            const char *labels, const char *value)
{
    sgl_view domain = w->request->domain.text;
    bool at = value[strlen(value) - 1] == '@';
    struct sgl_findings found = {0};
    struct sgl_survey_adoption how = {0};
    char mend[RECORD_SIZE];

    snprintf(mend, sizeof mend, "%s.%.*s TXT \"%s%.*s\"", labels, SGL_FMT(domain), value,
             at ? (int)domain.len : 0, (const char *)domain.ptr);
    how.mend = mend;
    SGL_TRY(judge(w->s->part[part].record, w->arena, &found));
    return sgl_survey_adopt(w, part, &found, &how);
}

/* ---- MTA-STS: the record ---- */

enum sgl_status sgl_survey_mta_sts(struct sgl_survey_work *w)
{
    static const struct sgl_finding several = {
        .code = "mta-sts-record-several", .severity = SGL_ERROR, .rule = "RFC 8461 s3.1"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MTA_STS];
    struct sgl_mta_sts_answer *a = &w->s->mta_sts;
    char mend[RECORD_SIZE];
    bool misspelt;

    SGL_TRY(sgl_mta_sts_find(w->request->domain, w->dns, w->arena, a));
    part->record = a->record.text;
    switch (a->state) {
    case SGL_MTA_STS_NONE:
        snprintf(mend, sizeof mend, "_mta-sts.%.*s TXT \"v=STSv1; id=1;\"",
                 SGL_FMT(w->request->domain.text));
        SGL_TRY(sgl_survey_near_miss(w, SGL_SURVEY_MTA_STS, SGL_LIT("_mta-sts"), SGL_LIT("sts"),
                                     "v=STSv1;", mend, &misspelt));
        if (misspelt)
            return SGL_OK;
        part->state = SGL_SURVEY_ABSENT;
        return sgl_survey_say(w, SGL_SURVEY_MTA_STS, "no record");
    case SGL_MTA_STS_TEMPERROR:
        part->state = SGL_SURVEY_UNKNOWN;
        part->failed = true;
        return sgl_survey_say(w, SGL_SURVEY_MTA_STS, "the lookup failed");
    case SGL_MTA_STS_SEVERAL:
        part->state = SGL_SURVEY_BAD;
        SGL_TRY(sgl_survey_say(w, SGL_SURVEY_MTA_STS, "several records"));
        return sgl_finding_add(&part->findings, w->arena, &several, "keep one of them",
                               "There are several MTA-STS records: senders act as if there were "
                               "none.");
    case SGL_MTA_STS_BROKEN:
        part->state = SGL_SURVEY_BAD;
        SGL_TRY(sgl_survey_say(w, SGL_SURVEY_MTA_STS, "a record that can't be read"));
        return lint(w, SGL_SURVEY_MTA_STS, sgl_mta_sts_record_lint, "_mta-sts", "v=STSv1; id=1;");
    case SGL_MTA_STS_FOUND:
        part->state = SGL_SURVEY_GOOD;
        return SGL_OK;
    }
    return SGL_OK;
}

/* ---- MTA-STS: the policy ---- */

static enum sgl_status judge_missing(struct sgl_survey_work *w)
{
    static const struct sgl_finding missing = {.code = "mta-sts-missing", .severity = SGL_INFO};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MTA_STS];
    char mend[RECORD_SIZE];

    if (part->state == SGL_SURVEY_ABSENT && !sgl_survey_takes_mail(w->s) &&
        !w->s->part[SGL_SURVEY_MX].failed)
        part->state = SGL_SURVEY_APART;
    if (part->state != SGL_SURVEY_ABSENT)
        return SGL_OK;
    snprintf(mend, sizeof mend,
             "_mta-sts.%.*s TXT \"v=STSv1; id=1;\", and the policy at "
             "https://mta-sts.%.*s/.well-known/mta-sts.txt",
             SGL_FMT(w->request->domain.text), SGL_FMT(w->request->domain.text));
    return sgl_finding_add(&part->findings, w->arena, &missing, mend,
                           "There is no MTA-STS policy: whoever sits on the line can have mail to "
                           "this domain sent in clear, or to himself.");
}

static enum sgl_status policy_unreachable(struct sgl_survey_work *w)
{
    static const struct sgl_finding gone = {
        .code = "mta-sts-policy-unreachable", .severity = SGL_ERROR, .rule = "RFC 8461 s3.3"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MTA_STS];

    part->state = SGL_SURVEY_BAD;
    SGL_TRY(sgl_survey_say(w, SGL_SURVEY_MTA_STS, "the policy could not be fetched"));
    return sgl_finding_add(&part->findings, w->arena, &gone,
                           "serve the policy there, as text/plain and with a certificate of that "
                           "name; or remove the record",
                           "There is an MTA-STS record, but the policy at "
                           "https://mta-sts.%.*s/.well-known/mta-sts.txt could not be fetched "
                           "(%s): senders that have none yet act as if there were none.",
                           SGL_FMT(w->request->domain.text),
                           w->request->policy_why == NULL ? "" : w->request->policy_why);
}

/* Does the policy name each MX host?  [RFC 8461 s4.1] */
static enum sgl_status judge_coverage(struct sgl_survey_work *w)
{
    bool enforce = w->s->policy.mode == SGL_MTA_STS_ENFORCE;
    const struct sgl_finding what = {.code = "mta-sts-mx-not-covered",
                                     .severity = enforce ? SGL_ERROR : SGL_WARNING,
                                     .rule = "RFC 8461 s4.1"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MTA_STS];
    char mend[RECORD_SIZE];

    if (w->s->policy.mode == SGL_MTA_STS_MODE_NONE)
        return SGL_OK;
    for (size_t i = 0; i < w->s->hosts; i++) {
        sgl_view host = w->s->host[i].name.text;

        if (sgl_mta_sts_matches(&w->s->policy, w->s->host[i].name))
            continue;
        snprintf(mend, sizeof mend, "mx: %.*s", SGL_FMT(host));
        if (!sgl_name_ok(host, SGL_NAME_HOST)) /* in the policy it would break the whole of it */
            snprintf(mend, sizeof mend, "an MX record with the name of a host, and its name here");
        SGL_TRY(sgl_finding_add(
            &part->findings, w->arena, &what, mend,
            "The MTA-STS policy does not name the MX host %.*s: senders %s.", SGL_FMT(host),
            enforce ? "do not deliver to it" : "will not deliver to it once it is enforced"));
    }
    return SGL_OK;
}

static enum sgl_status judge_policy(struct sgl_survey_work *w)
{
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MTA_STS];
    sgl_view body = w->request->policy_body;
    enum sgl_status st;
    uint32_t n;

    SGL_TRY(sgl_mta_sts_policy_lint(body, w->arena, &part->findings));
    st = sgl_mta_sts_policy_parse(body, w->arena, &w->s->policy, NULL);
    if (st == SGL_E_NOMEM || w->arena->status != SGL_OK)
        return st;
    w->s->has_policy = st == SGL_OK;
    if (w->s->has_policy)
        SGL_TRY(judge_coverage(w));
    part->state = sgl_survey_state_by(&part->findings);
    if (!w->s->has_policy)
        return sgl_survey_say(w, SGL_SURVEY_MTA_STS, "a policy that can't be read");
    n = w->s->policy.max_age_s < DAY ? w->s->policy.max_age_s : w->s->policy.max_age_s / DAY;
    return sgl_survey_say(w, SGL_SURVEY_MTA_STS, "%s, for %u %s%s",
                          sgl_mta_sts_mode_name(w->s->policy.mode), n,
                          w->s->policy.max_age_s < DAY ? "second" : "day", n == 1 ? "" : "s");
}

enum sgl_status sgl_survey_policy(struct sgl_survey_work *w)
{
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_MTA_STS];

    if (w->s->mta_sts.state != SGL_MTA_STS_FOUND)
        return judge_missing(w);
    switch (w->request->policy) {
    case SGL_SURVEY_POLICY_UNASKED:
        w->s->policy_wanted = true;
        part->state = SGL_SURVEY_UNKNOWN;
        return sgl_survey_say(w, SGL_SURVEY_MTA_STS, "a record; the policy was not fetched");
    case SGL_SURVEY_POLICY_FAILED:
        return policy_unreachable(w);
    case SGL_SURVEY_POLICY_UNKNOWN:
        part->state = SGL_SURVEY_UNKNOWN;
        part->failed = true;
        return sgl_survey_say(w, SGL_SURVEY_MTA_STS, "a record; the lookup of its host failed");
    case SGL_SURVEY_POLICY_FETCHED:
        return judge_policy(w);
    }
    return SGL_OK;
}

/* ---- TLS-RPT ---- */

enum sgl_status sgl_survey_tlsrpt(struct sgl_survey_work *w)
{
    static const struct sgl_finding several = {
        .code = "tlsrpt-several", .severity = SGL_ERROR, .rule = "RFC 8460 s3"};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_TLSRPT];
    struct sgl_tlsrpt_answer *a = &w->s->tlsrpt;
    sgl_view domain = w->request->domain.text;
    char mend[RECORD_SIZE];
    bool misspelt;

    SGL_TRY(sgl_tlsrpt_find(w->request->domain, w->dns, w->arena, a));
    part->record = a->record.text;
    switch (a->state) {
    case SGL_TLSRPT_NONE:
        snprintf(mend, sizeof mend,
                 "_smtp._tls.%.*s TXT \"v=TLSRPTv1; rua=mailto:tls-reports@%.*s\"", SGL_FMT(domain),
                 SGL_FMT(domain));
        SGL_TRY(sgl_survey_near_miss(w, SGL_SURVEY_TLSRPT, SGL_LIT("_smtp._tls"), SGL_LIT("tlsrpt"),
                                     "v=TLSRPTv1;", mend, &misspelt));
        if (misspelt)
            return SGL_OK;
        part->state = SGL_SURVEY_ABSENT;
        return sgl_survey_say(w, SGL_SURVEY_TLSRPT, "no record");
    case SGL_TLSRPT_TEMPERROR:
        part->state = SGL_SURVEY_UNKNOWN;
        part->failed = true;
        return sgl_survey_say(w, SGL_SURVEY_TLSRPT, "the lookup failed");
    case SGL_TLSRPT_SEVERAL:
        part->state = SGL_SURVEY_BAD;
        SGL_TRY(sgl_survey_say(w, SGL_SURVEY_TLSRPT, "several records"));
        return sgl_finding_add(&part->findings, w->arena, &several, "keep one of them",
                               "There are several TLS-RPT records: nobody sends reports.");
    case SGL_TLSRPT_BROKEN:
    case SGL_TLSRPT_FOUND:
        break;
    }
    SGL_TRY(lint(w, SGL_SURVEY_TLSRPT, sgl_tlsrpt_lint, "_smtp._tls",
                 "v=TLSRPTv1; rua=mailto:tls-reports@"));
    part->state = sgl_survey_state_by(&part->findings);
    if (a->state == SGL_TLSRPT_BROKEN)
        return sgl_survey_say(w, SGL_SURVEY_TLSRPT, "a record that can't be read");
    return sgl_survey_say(w, SGL_SURVEY_TLSRPT, "%zu destination%s", a->record.count,
                          a->record.count == 1 ? "" : "s");
}

/* No record is a fault only where mail comes in. */
enum sgl_status sgl_survey_no_tlsrpt(struct sgl_survey_work *w)
{
    static const struct sgl_finding missing = {.code = "tlsrpt-missing", .severity = SGL_INFO};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_TLSRPT];
    sgl_view domain = w->request->domain.text;
    char mend[RECORD_SIZE];

    if (part->state != SGL_SURVEY_ABSENT)
        return SGL_OK;
    if (!sgl_survey_takes_mail(w->s) && !w->s->part[SGL_SURVEY_MX].failed) {
        part->state = SGL_SURVEY_APART;
        return SGL_OK;
    }
    snprintf(mend, sizeof mend, "_smtp._tls.%.*s TXT \"v=TLSRPTv1; rua=mailto:tls-reports@%.*s\"",
             SGL_FMT(domain), SGL_FMT(domain));
    return sgl_finding_add(&part->findings, w->arena, &missing, mend,
                           "There is no TLS-RPT record: nobody tells you when mail to you can't be "
                           "protected.");
}

/* ---- BIMI ---- */

static enum sgl_status judge_bimi(struct sgl_survey_work *w)
{
    static const struct sgl_finding weak = {.code = "bimi-dmarc-not-enforced",
                                            .severity = SGL_WARNING},
                                    several = {.code = "bimi-several", .severity = SGL_ERROR};
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_BIMI];
    const struct sgl_bimi_answer *a = &w->s->bimi;
    const char *why = "there is no DMARC record";

    if (a->state == SGL_BIMI_SEVERAL) {
        part->state = SGL_SURVEY_BAD;
        SGL_TRY(sgl_survey_say(w, SGL_SURVEY_BIMI, "several records"));
        return sgl_finding_add(&part->findings, w->arena, &several, "keep one of them",
                               "There are several BIMI records: no logo is shown.");
    }
    SGL_TRY(sgl_bimi_lint(a->record.text, w->arena, &part->findings));
    if (a->state == SGL_BIMI_FOUND && !a->record.declined &&
        (w->s->dmarc.record.len == 0 || !sgl_bimi_dmarc_enforces(&w->s->dmarc.parsed, &why)))
        SGL_TRY(sgl_finding_add(
            &part->findings, w->arena, &weak, "p=quarantine or p=reject in the DMARC record",
            "The BIMI logo is not shown, because DMARC is not enforced: %s.", why));
    part->state = sgl_survey_state_by(&part->findings);
    return sgl_survey_say(w, SGL_SURVEY_BIMI, "%s",
                          a->state == SGL_BIMI_BROKEN   ? "a record that can't be read"
                          : a->record.declined          ? "declined: no logo is wanted"
                          : a->record.authority.len > 0 ? "a logo and its certificate"
                                                        : "a logo without certificate");
}

/* The record of the domain; without one, that of its organisation. */
static enum sgl_status find_bimi(struct sgl_survey_work *w)
{
    const struct sgl_survey_request *q = w->request;
    struct sgl_name org = w->s->dmarc.org;
    enum sgl_status st = sgl_bimi_find(q->domain, q->bimi_selector, w->dns, w->arena, &w->s->bimi);

    if (st == SGL_OK && w->s->bimi.state == SGL_BIMI_NONE && !sgl_name_is_root(org) &&
        !sgl_name_eq(org, q->domain))
        st = sgl_bimi_find(org, q->bimi_selector, w->dns, w->arena, &w->s->bimi);
    return st;
}

enum sgl_status sgl_survey_bimi(struct sgl_survey_work *w)
{
    struct sgl_survey_judged *part = &w->s->part[SGL_SURVEY_BIMI];
    enum sgl_status st = find_bimi(w);

    if (st == SGL_E_SYNTAX) { /* the selector makes no possible name: nothing stands there */
        w->s->bimi = (struct sgl_bimi_answer){.state = SGL_BIMI_NONE, .why = ""};
        st = SGL_OK;
    }
    SGL_TRY(st);
    part->record = w->s->bimi.record.text;
    switch (w->s->bimi.state) {
    case SGL_BIMI_NONE:
        part->state = SGL_SURVEY_ABSENT;
        return sgl_survey_say(w, SGL_SURVEY_BIMI, "no record");
    case SGL_BIMI_TEMPERROR:
        part->state = SGL_SURVEY_UNKNOWN;
        part->failed = true;
        return sgl_survey_say(w, SGL_SURVEY_BIMI, "the lookup failed");
    case SGL_BIMI_SEVERAL:
    case SGL_BIMI_BROKEN:
    case SGL_BIMI_FOUND:
        return judge_bimi(w);
    }
    return SGL_OK;
}
