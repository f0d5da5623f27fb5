/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `sigillo report transit`. */
#ifndef CLI_REPORT_TRANSIT_H
#define CLI_REPORT_TRANSIT_H

#include "cli.h"
#include "transit_chart.h"

/* What the figures are summed up by. */
enum transit_sums {
    TRANSIT_OVERVIEW,
    TRANSIT_DAYS,
    TRANSIT_DOMAINS,
    TRANSIT_SENDERS,
    TRANSIT_SUBSCRIPTIONS, /* so far they are the server's words; the others are taken from its total */
    TRANSIT_BY_MECHANISM,
    TRANSIT_BY_VERSION,
    TRANSIT_BY_CAUSE,
    TRANSIT_SUMS
};

/* The rows of a total: {"name":…,"delivered":…}, of causes "failed" as well. */
json_t *transit_total_rows(const json_t *total, enum transit_sums by);

/* For people, on standard output.  chart: NULL, none. */
void transit_print(const struct cli *c, const json_t *answer, enum transit_sums by,
                   const struct transit_chart *chart);
void transit_print_csv(const json_t *answer, enum transit_sums by);

#endif
