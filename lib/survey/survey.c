/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/survey.h"

#include <stdarg.h>
#include <stdio.h>

#include "sigillo/banned.h"
#include "survey_internal.h"

#define SUMMARY_SIZE 400
#define SHOWN_MAX    100 /* of a text that is no record */

const char *sgl_survey_part_name(enum sgl_survey_part part)
{
    switch (part) {
    case SGL_SURVEY_MX:
        return "MX";
    case SGL_SURVEY_SPF:
        return "SPF";
    case SGL_SURVEY_DKIM:
        return "DKIM";
    case SGL_SURVEY_DMARC:
        return "DMARC";
    case SGL_SURVEY_MTA_STS:
        return "MTA-STS";
    case SGL_SURVEY_TLSRPT:
        return "TLS-RPT";
    case SGL_SURVEY_DANE:
        return "DANE";
    case SGL_SURVEY_BIMI:
        return "BIMI";
    }
    return "?";
}

const char *sgl_survey_state_name(enum sgl_survey_state state)
{
    switch (state) {
    case SGL_SURVEY_GOOD:
        return "good";
    case SGL_SURVEY_WEAK:
        return "weak";
    case SGL_SURVEY_BAD:
        return "bad";
    case SGL_SURVEY_ABSENT:
        return "absent";
    case SGL_SURVEY_UNKNOWN:
        return "unknown";
    case SGL_SURVEY_APART:
        return "not applicable";
    }
    return "?";
}

enum sgl_survey_state sgl_survey_state_by(const struct sgl_findings *findings)
{
    return findings->errors > 0     ? SGL_SURVEY_BAD
           : findings->warnings > 0 ? SGL_SURVEY_WEAK
                                    : SGL_SURVEY_GOOD;
}

enum sgl_status sgl_survey_say(struct sgl_survey_work *w, enum sgl_survey_part part,
                               const char *format, ...)
{
    char line[SUMMARY_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return sgl_arena_dup(w->arena, sgl_view_cstr(line), &w->s->part[part].summary);
}

/* The texts are printable already, so that escaping them again changes nothing. */
enum sgl_status sgl_survey_adopt(struct sgl_survey_work *w, enum sgl_survey_part part,
                                 const struct sgl_findings *from,
                                 const struct sgl_survey_adoption *how)
{
    for (const struct sgl_finding *f = from->first; f != NULL; f = f->next) {
        const char *mend = sgl_arena_cstr(w->arena, f->mend);

        if (mend == NULL)
            return w->arena->status == SGL_OK ? SGL_E_NOMEM : w->arena->status;
        if (how->without != NULL && strcmp(f->code, how->without) == 0)
            continue;
        if (how->mend != NULL && f->severity == SGL_ERROR)
            mend = how->mend;
        SGL_TRY(sgl_finding_add(&w->s->part[part].findings, w->arena, f, mend, "%s%.*s%s%.*s",
                                how->selector.len > 0 ? "Selector " : "", SGL_FMT(how->selector),
                                how->selector.len > 0 ? ": " : "", SGL_FMT(f->text)));
    }
    return SGL_OK;
}

static bool holds_nocase(sgl_view text, sgl_view word)
{
    for (size_t i = 0; i < text.len; i++) {
        if (sgl_view_starts_nocase(sgl_view_from(text, i), word))
            return true;
    }
    return false;
}

/* The TXT record that was meant; empty: none. */
static enum sgl_status find_near_miss(struct sgl_survey_work *w, sgl_view labels, sgl_view word,
                                      sgl_view *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(w->arena);
    const struct sgl_dns_answer *txt = NULL;
    struct sgl_name name;
    enum sgl_status st = sgl_name_under(labels, w->request->domain, w->arena, &name);

    *out = sgl_view_of(NULL, 0);
    if (st == SGL_E_LIMIT && w->arena->status == SGL_OK)
        return SGL_OK; /* a name that long cannot exist */
    SGL_TRY(st);
    st = sgl_dns_get(w->dns, name, SGL_RR_TXT, &txt);
    sgl_arena_rewind(w->arena, mark);
    SGL_TRY(st);
    for (size_t i = 0; txt->outcome == SGL_DNS_OK && i < txt->count && out->len == 0; i++) {
        if (holds_nocase(txt->rr[i].txt, word))
            *out = txt->rr[i].txt;
    }
    return SGL_OK;
}

enum sgl_status sgl_survey_near_miss(struct sgl_survey_work *w, enum sgl_survey_part part,
                                     sgl_view labels, sgl_view word, const char *begin,
                                     const char *mend, bool *out)
{
    static const struct sgl_finding what[SGL_SURVEY_PARTS] = {
        [SGL_SURVEY_DMARC] = {.code = "dmarc-misspelt",
                              .severity = SGL_ERROR,
                              .rule = "RFC 9989 s4.7"},
        [SGL_SURVEY_MTA_STS] = {.code = "mta-sts-misspelt",
                                .severity = SGL_ERROR,
                                .rule = "RFC 8461 s3.1"},
        [SGL_SURVEY_TLSRPT] = {.code = "tlsrpt-misspelt",
                               .severity = SGL_ERROR,
                               .rule = "RFC 8460 s3"},
    };
    sgl_view txt;

    SGL_TRY(find_near_miss(w, labels, word, &txt));
    *out = txt.len > 0;
    if (!*out)
        return SGL_OK;
    w->s->part[part].state = SGL_SURVEY_BAD;
    SGL_TRY(sgl_survey_say(w, part, "a text that is no record"));
    txt = sgl_view_sub(txt, 0, SHOWN_MAX);
    return sgl_finding_add(&w->s->part[part].findings, w->arena, &what[part], mend,
                           "The TXT record \"%.*s\" at %.*s.%.*s does not begin with \"%s\": it is "
                           "as if it were not there.",
                           SGL_FMT(txt), SGL_FMT(labels), SGL_FMT(w->request->domain.text), begin);
}

bool sgl_survey_takes_mail(const struct sgl_survey *s)
{
    return s->mx.state == SGL_MX_HOSTS && s->hosts > 0;
}

/* How mail travels: MX, MTA-STS, TLS-RPT, then what looks at their results. */
static enum sgl_status run_transport(struct sgl_survey_work *w)
{
    enum sgl_status mx = sgl_survey_mx(w), sts = sgl_survey_mta_sts(w), rpt = sgl_survey_tlsrpt(w),
                    more = SGL_OK;

    if (mx == SGL_OK)
        more = sgl_join(more, sgl_survey_dane(w));
    if (mx == SGL_OK && sts == SGL_OK)
        more = sgl_join(more, sgl_survey_policy(w));
    if (mx == SGL_OK && rpt == SGL_OK)
        more = sgl_join(more, sgl_survey_no_tlsrpt(w));
    return sgl_join(sgl_join(more, mx), sgl_join(sts, rpt));
}

/* Those that depend on nobody, so that their questions travel together; then those that look at their results. */
static enum sgl_status run(struct sgl_survey_work *w)
{
    enum sgl_status transport = run_transport(w), spf = sgl_survey_spf(w),
                    dkim = sgl_survey_dkim(w), dmarc = sgl_survey_dmarc(w), bimi = SGL_NEED_DNS,
                    more = SGL_OK;

    if (dmarc == SGL_OK) {
        bimi = sgl_survey_bimi(w);
        more = sgl_join(more, sgl_survey_destinations(w));
        more = sgl_join(more, bimi);
    }
    return sgl_join(sgl_join(more, transport), sgl_join(spf, sgl_join(dkim, dmarc)));
}

/* Nothing was asked about them. */
static enum sgl_status leave_out_the_rest(struct sgl_survey_work *w)
{
    static const enum sgl_survey_part rest[] = {SGL_SURVEY_SPF, SGL_SURVEY_DKIM, SGL_SURVEY_DMARC,
                                                SGL_SURVEY_BIMI};

    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        w->s->part[rest[i]].state = SGL_SURVEY_APART;
        SGL_TRY(sgl_survey_say(w, rest[i], "not looked at"));
    }
    w->s->mark = '-';
    return SGL_OK;
}

static void total(struct sgl_survey *s)
{
    for (size_t i = 0; i < SGL_SURVEY_PARTS; i++) {
        s->errors += s->part[i].findings.errors;
        s->warnings += s->part[i].findings.warnings;
        s->failed = s->failed || s->part[i].failed;
    }
}

enum sgl_status sgl_survey(const struct sgl_survey_request *request, struct sgl_dns *dns,
                           struct sgl_arena *arena, struct sgl_survey *out)
{
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    struct sgl_survey *s = SGL_NEW(arena, struct sgl_survey);
    struct sgl_survey_work w = {request, dns, arena, s};
    enum sgl_status st;

    if (s == NULL)
        return arena->status;
    s->domain = request->domain;
    st = request->transport_only ? run_transport(&w) : run(&w);
    if (st == SGL_OK && request->transport_only)
        st = leave_out_the_rest(&w);
    if (st != SGL_OK) {
        sgl_arena_rewind(arena, mark);
        return st;
    }
    total(s);
    if (!request->transport_only) {
        sgl_survey_mark(s);
        sgl_survey_rules(s);
    }
    *out = *s;
    return SGL_OK;
}
