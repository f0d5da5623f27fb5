/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_SURVEY_INTERNAL_H
#define LIB_SURVEY_INTERNAL_H

#include "sigillo/survey.h"

/* What one pass works on. */
struct sgl_survey_work {
    const struct sgl_survey_request *request;
    struct sgl_dns *dns;
    struct sgl_arena *arena;
    struct sgl_survey *s; /* becomes the result */
};

/*
 * One part each.  They return like the evaluators that they call; what is in `s` then counts only with SGL_OK.  Those behind the blank line look at
 * the results of the others, and come later.
 */
enum sgl_status sgl_survey_mx(struct sgl_survey_work *w) SGL_MUST_USE; /* and the hosts */
enum sgl_status sgl_survey_spf(struct sgl_survey_work *w) SGL_MUST_USE;
enum sgl_status sgl_survey_dkim(struct sgl_survey_work *w) SGL_MUST_USE;
enum sgl_status sgl_survey_dmarc(struct sgl_survey_work *w) SGL_MUST_USE;
enum sgl_status sgl_survey_mta_sts(struct sgl_survey_work *w) SGL_MUST_USE;
enum sgl_status sgl_survey_tlsrpt(struct sgl_survey_work *w) SGL_MUST_USE;

enum sgl_status sgl_survey_dane(struct sgl_survey_work *w) SGL_MUST_USE;
enum sgl_status sgl_survey_policy(struct sgl_survey_work *w) SGL_MUST_USE; /* of MTA-STS */
enum sgl_status sgl_survey_no_tlsrpt(struct sgl_survey_work *w) SGL_MUST_USE;
enum sgl_status sgl_survey_destinations(struct sgl_survey_work *w) SGL_MUST_USE;
enum sgl_status sgl_survey_bimi(struct sgl_survey_work *w) SGL_MUST_USE;

/* Totals, the mark, the rules of the large receivers. */
void sgl_survey_mark(struct sgl_survey *s);
void sgl_survey_rules(struct sgl_survey *s);

/* errors: BAD; warnings: WEAK; else GOOD. */
enum sgl_survey_state sgl_survey_state_by(const struct sgl_findings *findings);
/* Sets the summary; our own words and names only. */
enum sgl_status sgl_survey_say(struct sgl_survey_work *w, enum sgl_survey_part part,
                               const char *format, ...) SGL_MUST_USE SGL_PRINTF(3, 4);
/* How the findings of a linter become those of a part. */
struct sgl_survey_adoption {
    const char *without; /* a code to leave out; NULL: none */
    const char
        *mend; /* what mends an error, with the name where it stands; NULL: what the linter says */
    sgl_view selector; /* said in front of the text; empty: nothing */
};
enum sgl_status sgl_survey_adopt(struct sgl_survey_work *w, enum sgl_survey_part part,
                                 const struct sgl_findings *from,
                                 const struct sgl_survey_adoption *how) SGL_MUST_USE;
/*
 * For a name without a record: a TXT record at LABELS.DOMAIN that was meant to be one, as `word` in it tells, is an error; a record mends it.  *out false: there is none.
 * It has been asked for already.
 */
enum sgl_status sgl_survey_near_miss(struct sgl_survey_work *w, enum sgl_survey_part part,
                                     sgl_view labels, sgl_view word, const char *begin,
                                     const char *mend, bool *out) SGL_MUST_USE;
/* Does the domain take mail? */
bool sgl_survey_takes_mail(const struct sgl_survey *s);

#endif
