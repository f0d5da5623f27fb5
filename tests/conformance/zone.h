/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DNS says, from a JSON object:
 *
 *   {NAME: {TYPE: [HEX of RDATA,...] or OUTCOME, "alias": NAME, "else": OUTCOME},...}
 *
 * A name that is not in it does not exist; a type that is not at a name has no data, or the outcome under "else": NXDOMAIN, NODATA, or any other word for a lookup
 * that fails.  Beside it may stand "failing":LABEL: names that hold this text fail, too.
 */
#ifndef CONFORMANCE_ZONE_H
#define CONFORMANCE_ZONE_H

#include "sigillo/dns.h"
#include "tool.h"

/* Which of the open questions are answered before the evaluator is called again. */
enum zone_order { ALL_AT_ONCE, OLDEST_FIRST, NEWEST_FIRST, ZONE_ORDERS };

struct zone_driver {
    enum zone_order order;
    unsigned asked;
};

/* {"op":"zone","zone":{...}}: for all lines that bring none of their own. */
json_t *zone_op(struct tool *t);
/* Ends what zone_op() keeps. */
void zone_done(void);
/* Answers of the line's "zone", or of the one that is kept, to what is open in dns. */
void zone_step(struct tool *t, struct sgl_dns *dns, struct zone_driver *driver);
/* judge(t, what, order) by each order: its answer, or a failure where they differ. */
json_t *zone_each_order(struct tool *t,
                        json_t *(*judge)(struct tool *t, const void *what, enum zone_order order),
                        const void *what);

#endif
