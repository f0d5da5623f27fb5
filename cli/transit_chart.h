/* SPDX-License-Identifier: Apache-2.0 */
/* What `sigillo report transit` draws and writes; without I/O, so that tests can call it. */
#ifndef CLI_TRANSIT_CHART_H
#define CLI_TRANSIT_CHART_H

#include <jansson.h>

#include "sigillo/buf.h"

/* The mechanisms, the strictest first: their members in an answer, and as people call them. */
#define TRANSIT_BANDS 5
extern const char *const transit_band_member[TRANSIT_BANDS];
extern const char *const transit_band_title[TRANSIT_BANDS];

#define TRANSIT_DAY_SIZE 11 /* "2026-11-23" */

struct transit_bar {
    char day[TRANSIT_DAY_SIZE]; /* its first */
    uint64_t band[TRANSIT_BANDS], failed;
};
struct transit_chart {
    struct transit_bar *bar;
    size_t bars;
    unsigned days; /* in each of them, but for the last */
    char from[TRANSIT_DAY_SIZE], to[TRANSIT_DAY_SIZE];
    uint64_t band[TRANSIT_BANDS], failed; /* sums */
};
/*
 * The bars of an answer by day, at most bars_max: several days in one when there are more.  Days without figures have a bar of nothing; with `trim` those before the first figure have
 * none.  false: the answer has no days that can be read, or memory has ended.
 */
bool transit_chart_init(struct transit_chart *c, const json_t *answer, size_t bars_max, bool trim);
void transit_chart_done(struct transit_chart *c);
uint64_t transit_bar_sum(const uint64_t band[TRANSIT_BANDS]);

/*
 * So many of `cells` for each, in proportion; what is not nothing gets at least one.  Their sum is `cells`, or how many are not nothing when that is more.
 */
void transit_cells(const uint64_t band[TRANSIT_BANDS], size_t cells, size_t out[TRANSIT_BANDS]);

/* "61.2 %"; what is little but not nothing is "< 0.1 %", what is nearly all "> 99.9 %". */
const char *transit_share(uint64_t part, uint64_t whole, char out[16]);

struct transit_style {
    bool utf8, colour;
};
/* The mark of a mechanism, and so many of them, in its colour. */
void transit_mark(struct sgl_buf *out, const struct transit_style *style, size_t band, size_t n);
/* One line for each bar, below them the legend. */
void transit_chart_text(struct sgl_buf *out, const struct transit_chart *c,
                        const struct transit_style *style);

/* A picture of the bars: SVG 1.1, one document, without script. about: whose mail it is, or empty. */
void transit_svg(struct sgl_buf *out, const struct transit_chart *c, sgl_view about);

/* A cell of CSV and what follows it [RFC 4180 s2].  A spreadsheet does not take it as a formula: before = + - @ a tab and a CR stands an apostrophe. */
void transit_csv_put(struct sgl_buf *out, sgl_view cell, const char *end);

#endif
