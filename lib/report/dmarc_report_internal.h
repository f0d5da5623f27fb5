/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of aggregate reports: XML, its elements, their texts. */
#ifndef LIB_REPORT_DMARC_REPORT_INTERNAL_H
#define LIB_REPORT_DMARC_REPORT_INTERNAL_H

#include <expat.h>

#include "sigillo/arena.h"
#include "sigillo/dmarc_report.h"
#include "sigillo/limits.h"

enum element {
    OTHER, /* and what is in it */
    DOCUMENT,
    FEEDBACK,
    METADATA,
    RANGE,
    PUBLISHED,
    RECORD,
    ROW,
    EVALUATED,
    REASON,
    IDENTIFIERS,
    RESULTS,
    DKIM,
    SPF,
    LEAF, /* those from here on have text, and no elements */
    ORG_NAME,
    EMAIL,
    EXTRA_CONTACT,
    REPORT_ID,
    BEGIN,
    END,
    ERROR_TEXT,
    GENERATOR,
    DOMAIN,
    DISCOVERY,
    P,
    SP,
    NP,
    FO,
    ADKIM,
    ASPF,
    TESTING,
    SOURCE_IP,
    COUNT,
    DISPOSITION,
    ALIGNED_DKIM,
    ALIGNED_SPF,
    REASON_TYPE,
    REASON_COMMENT,
    HEADER_FROM,
    ENVELOPE_FROM,
    ENVELOPE_TO,
    DKIM_DOMAIN,
    DKIM_SELECTOR,
    DKIM_RESULT,
    DKIM_HUMAN,
    SPF_DOMAIN,
    SPF_SCOPE,
    SPF_RESULT,
    SPF_HUMAN,
    PASSED_OVER, /* known, and of no use: version, pct */
};

#define DMARC_REPORT_NAMES 300 /* different names: a report has some 50 */

struct sgl_dmarc_report_reader {
    XML_Parser xml;
    struct sgl_dmarc_report_sink sink;

    enum sgl_status status; /* of all that was fed; SYNTAX and not refused: it broke off */
    bool refused, begun, complete;
    struct sgl_diag diag;
    uint64_t fed, understood; /* bytes: given, and when a token was last seen whole */

    uint8_t level[SGL_LIMIT_DMARC_REPORT_DEPTH + 1];
    size_t depth;      /* level[0] is the document */
    size_t text_bytes; /* since the last tag */
    struct sgl_buf text;
    uint64_t name[DMARC_REPORT_NAMES]; /* marks of those that were met */
    size_t names;

    struct sgl_arena meta_texts, record_texts;
    struct sgl_dmarc_report_meta meta;
    struct sgl_dmarc_report_record record;
    struct sgl_dmarc_report_reason reason[SGL_LIMIT_DMARC_REPORT_REASONS];
    struct sgl_dmarc_report_dkim dkim[SGL_LIMIT_DMARC_REPORT_DKIM];
    struct sgl_dmarc_report_spf spf[SGL_LIMIT_DMARC_REPORT_SPF];
    bool has_count;
    struct sgl_dmarc_report_summary sum;
};

/* The element of this name within that one; OTHER: nobody knows it. */
enum element sgl_dmarc_reader_find(enum element parent, sgl_view name);
/* Room for what begins; OTHER where there is none, and it is passed over. */
enum element sgl_dmarc_reader_begin(struct sgl_dmarc_report_reader *r, enum element is);
/* Reads r->text where it was a leaf; gives the record. */
void sgl_dmarc_reader_end_of(struct sgl_dmarc_report_reader *r, enum element parent,
                             enum element is);
/* The whole is refused; the first reason counts. */
void sgl_dmarc_reader_stop(struct sgl_dmarc_report_reader *r, enum sgl_status status,
                           const char *what);
void sgl_dmarc_reader_odd(struct sgl_dmarc_report_reader *r, bool is,
                          enum sgl_dmarc_report_problem problem);

/* Each reads one text, trimmed already.  *odd: it is not as the RFC wants it, whether it could be read or not.  An empty text is not told, and not odd. */
enum sgl_dmarc_disposition sgl_dmarc_read_disposition(sgl_view text, bool *odd);
enum sgl_dmarc_aligned sgl_dmarc_read_aligned(sgl_view text, bool *odd);
enum sgl_dmarc_raw sgl_dmarc_read_raw(sgl_view text, bool *odd);
enum sgl_dmarc_override sgl_dmarc_read_override(sgl_view text, bool *odd);
enum sgl_dmarc_discovery sgl_dmarc_read_discovery(sgl_view text, bool *odd);
enum sgl_dmarc_mode sgl_dmarc_read_mode(sgl_view text, bool *odd);
enum sgl_dmarc_testing sgl_dmarc_read_testing(sgl_view text, bool *odd);
enum sgl_dmarc_scope sgl_dmarc_read_scope(sgl_view text, bool *odd);
struct sgl_ip sgl_dmarc_read_ip(sgl_view text, bool *odd);
uint64_t sgl_dmarc_read_count(sgl_view text, bool *odd);
sgl_time sgl_dmarc_read_time(sgl_view text, bool *odd);

#endif
