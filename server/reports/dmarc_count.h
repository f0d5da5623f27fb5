/* SPDX-License-Identifier: Apache-2.0 */
/* A judged message as a report counts it, and back: the texts of a row have one form for one meaning, so that equal ones are one. */
#ifndef SERVER_REPORTS_DMARC_COUNT_H
#define SERVER_REPORTS_DMARC_COUNT_H

#include "../store/dmarc_judged.h"
#include "reports.h"
#include "sigillo/arena.h"
#include "tally.h"

#define DMARC_DKIM_MAX   ((size_t)8 << 10) /* of the signatures of a row */
#define DMARC_REASONS    4
#define DMARC_REASON_MAX 160 /* bytes of a comment */

struct dmarc_text { /* what the count's views point into */
    char domain[256], source[SGL_IP_TEXT_SIZE], author[256], sender[256], spf[512];
    struct sgl_buf record, evaluated, dkim;
};
/*
 * false: nothing is counted: no policy that asks for reports, or no result that says anything, or no memory. The text is done() in either case.
 */
bool dmarc_count(const struct reports_judged *m, struct dmarc_text *text, struct tally_count *out);
void dmarc_text_done(struct dmarc_text *text);
extern const struct tally_form dmarc_form;

/* A row as a report tells it; views into the row and the arena. SGL_E_SYNTAX: no row of ours. */
enum sgl_status dmarc_row_record(const struct dmarc_row *row, struct sgl_arena *arena,
                                 struct sgl_dmarc_report_record *out) SGL_MUST_USE;
/* The policy of a row: p and what follows it. Views into the arena. */
enum sgl_status dmarc_row_policy(const struct dmarc_row *row, struct sgl_arena *arena,
                                 struct sgl_dmarc_report_meta *out) SGL_MUST_USE;

#endif
