/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that were judged by the DMARC policies of others, for reports to them [RFC 9990]: counted by day (UTC), policy domain and what was found. The reports themselves: report.h.
 *
 * Texts have one form for one meaning, since equal ones are one row: dmarc_count.c in server/reports writes and reads them, nobody else looks into them.
 */
#ifndef SERVER_STORE_DMARC_JUDGED_H
#define SERVER_STORE_DMARC_JUDGED_H

#include "store.h"

#define DMARC_POLICIES_MAX 8 /* of a domain and day; more are counted under the latest */
#define DMARC_ROWS_MAX                                                                             \
    20000 /* of a policy; more are summed up without identities, to twice that, and then not at all */

struct dmarc_count {
    int64_t day;     /* since 1970-01-01 */
    sgl_view domain; /* the policy domain */
    uint8_t rules;   /* enum sgl_dmarc_rules: how its record was found */
    sgl_view record; /* without addresses */
    sgl_view source; /* the address of the client, as text */
    sgl_view evaluated, header_from;
    sgl_view envelope_from, dkim, spf; /* each may be empty */
    uint64_t messages;
    int64_t due_at; /* wall seconds */
};
struct dmarc_count_op {
    struct store_op op;              /* kind STORE_DMARC_JUDGED */
    const struct dmarc_count *count; /* borrowed until done() */
    size_t counts;
};

/*
 * Rows of a day and domain, those of many messages first. Every row has the day's last policy; `former`: judged under another one only. On a worker thread.
 */
struct dmarc_row {
    uint8_t rules;
    sgl_view record;
    bool former;
    sgl_view source, evaluated, header_from, envelope_from, dkim, spf;
    uint64_t messages;
};
enum store_result store_read_dmarc_judged(struct store *store, int64_t day, sgl_view domain,
                                          bool (*each)(void *ctx, const struct dmarc_row *r),
                                          void *ctx);

#endif
