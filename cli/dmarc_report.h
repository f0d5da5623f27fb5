/* SPDX-License-Identifier: Apache-2.0 */
/* What `sigillo dmarc report` makes of records: sums by source and result, cells, JSON.  Without I/O, so that tests can call it. */
#ifndef CLI_DMARC_REPORT_H
#define CLI_DMARC_REPORT_H

#include <jansson.h>

#include "sigillo/dmarc_report.h"

#define DMARC_ROWS_MAX  20000 /* sources with different results; what comes after them is one row */
#define DMARC_CELL_SIZE 80

/* Messages of one source with one result. */
struct dmarc_row {
    uint64_t messages;
    bool passed; /* DMARC: DKIM or SPF passed and is aligned */
    struct sgl_ip ip;
    char disposition[12], dkim[DMARC_CELL_SIZE], spf[DMARC_CELL_SIZE], from[DMARC_CELL_SIZE],
        why[DMARC_CELL_SIZE];
};
struct dmarc_sum {
    struct dmarc_row *row; /* in the order in which they came, until dmarc_sum_sort() */
    size_t rows, room;
    uint32_t *slot; /* hash -> row + 1 */
    size_t slots;
    uint64_t salt;
    uint64_t messages, passed, others; /* others: messages of sources that had no room */
};

void dmarc_sum_init(struct dmarc_sum *s, uint64_t salt);
void dmarc_sum_done(struct dmarc_sum *s);
/* false: memory has ended. */
bool dmarc_sum_add(struct dmarc_sum *s, const struct sgl_dmarc_report_record *r);
/* The most messages first. */
void dmarc_sum_sort(struct dmarc_sum *s);

/* "pass", what it was that passed and is not aligned ("pass: news.example"), or the first that did not ("fail: example.org"), or "none"; printable. */
void dmarc_dkim_cell(const struct sgl_dmarc_report_record *r, char out[DMARC_CELL_SIZE]);
void dmarc_spf_cell(const struct sgl_dmarc_report_record *r, char out[DMARC_CELL_SIZE]);

json_t *dmarc_record_json(const struct sgl_dmarc_report_record *r);
/* Members of the report itself, added to `object`. */
void dmarc_meta_json(const struct sgl_dmarc_report_meta *m, json_t *object);
/* One line of CSV, with its end.  Cells do not run in a spreadsheet. */
extern const char dmarc_csv_head[];
void dmarc_record_csv(struct sgl_buf *out, const char *file, const struct sgl_dmarc_report_meta *m,
                      const struct sgl_dmarc_report_record *r);

#endif
