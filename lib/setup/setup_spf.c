/* SPDX-License-Identifier: Apache-2.0 */
/* SPF: may this server send?  What is there is merged, never replaced.  [RFC 7208 s4.5] */
#include "setup_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

static const struct sgl_finding *first_error(const struct sgl_findings *findings)
{
    const struct sgl_finding *f = findings->first;

    while (f != NULL && f->severity != SGL_ERROR)
        f = f->next;
    return f;
}

/* [RFC 7208 s4.6.4] The way out of too many lookups is a name with a record of its own. */
static enum sgl_status say_refused(struct setup_work *w, struct sgl_setup_row *row,
                                   const struct sgl_spf_build *build)
{
    const struct sgl_finding *f = first_error(&build->findings);

    row->value = sgl_view_of(NULL, 0);
    if (f == NULL)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-not-ours",
                             "Nobody but their provider can publish records at %.*s.",
                             SGL_FMT(row->name.text));
    if (strcmp(f->code, "spf-too-many-lookups") == 0)
        return sgl_setup_say(
            w, row, SGL_SETUP_WRONG, f->code,
            "With this server the SPF record of %.*s needs more than the 10 lookups that receivers "
            "allow: take out what no longer sends, or send from a subdomain of its own (sigillo "
            "domain add news.%.*s), which has its own 10.",
            SGL_FMT(row->name.text), SGL_FMT(w->request->domain.text));
    return sgl_setup_say(w, row, SGL_SETUP_WRONG, f->code,
                         "%.*s Until that is mended nothing can be added to the record.",
                         SGL_FMT(sgl_view_sub(f->text, 0, 600)));
}

static enum sgl_status say_failed(struct setup_work *w, struct sgl_setup_row *row,
                                  const struct sgl_spf_build *build)
{
    const struct sgl_finding *f = build->findings.first;

    while (f != NULL && strcmp(f->code, "spf-lookup-failed") != 0)
        f = f->next;
    if (f == NULL)
        return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed",
                             "What the SPF record of %.*s includes could not be looked up.",
                             SGL_FMT(row->name.text));
    return sgl_setup_say(w, row, SGL_SETUP_UNKNOWN, "lookup-failed", "%.*s",
                         SGL_FMT(sgl_view_sub(f->text, 0, 600)));
}

static enum sgl_status compare(struct setup_work *w, struct sgl_setup_row *row,
                               const struct sgl_spf_build *build, size_t records)
{
    const struct sgl_spf_publish *publish = &build->record[0];

    if (!sgl_ascii_is_printable(publish->text))
        return SGL_E_MISUSE; /* the grammar of SPF allows no such bytes */
    row->value = publish->text;
    row->merged = records > 0 && !publish->unchanged;
    if (records > 1)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-several",
                             "There are %zu SPF records at %.*s: receivers treat that as an error; "
                             "put this one in the place of them all.",
                             records, SGL_FMT(row->name.text));
    if (!publish->unchanged)
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-not-included",
                             "The SPF record of %.*s does not let this server send: put the merged "
                             "one in its place.",
                             SGL_FMT(row->name.text));
    if (sgl_findings_have(&build->findings, "spf-other-qualifier"))
        return sgl_setup_say(w, row, SGL_SETUP_WRONG, "spf-other-qualifier",
                             "The SPF record of %.*s names this server, but with \"-\", \"~\" or "
                             "\"?\" in front: its mail does not pass; take that sign out.",
                             SGL_FMT(row->name.text));
    sgl_setup_is_present(row, publish->text);
    return SGL_OK;
}

enum sgl_status sgl_setup_judge_spf(struct setup_work *w, struct sgl_setup_row *row)
{
    struct sgl_spf_build_request request = {
        .domain = row->name,
        .term = w->request->spf_term,
        .terms = w->request->spf_terms,
        /* senders that nobody has named yet must not fail on the day that the domain is set up */
        .policy = SGL_SPF_POLICY_GENTLE};
    struct sgl_spf_build build = {0};
    const struct sgl_dns_answer *txt;
    size_t records;
    bool near;

    SGL_TRY(sgl_setup_ask(w, row->name, SGL_RR_TXT, &txt));
    if (sgl_setup_is_unknown(txt))
        return sgl_setup_say_unknown(w, row, row->name, txt);
    SGL_TRY(sgl_spf_build(&request, w->dns, w->arena, &build));
    records = sgl_setup_count(txt, sgl_spf_is_record);
    SGL_TRY(sgl_setup_take_found(w, row, txt, sgl_spf_is_record));
    if (build.failed)
        return say_failed(w, row, &build);
    if (build.refused || build.records == 0)
        return say_refused(w, row, &build);
    if (records > 0)
        return compare(w, row, &build, records);
    SGL_TRY(sgl_setup_near_miss(w, row, txt, SGL_LIT("v=spf1"), &near));
    return near ? SGL_OK : sgl_setup_say_missing(w, row, txt);
}
