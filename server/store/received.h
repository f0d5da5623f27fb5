/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports about TLS that others have sent about domains of this server [RFC 8460 s5], kept as they were read.
 *
 * A report is known by its domain, who made it and its identifier: the same one again changes nothing.  Of a domain RECEIVED_MAX are kept; an older one makes room.  Those that
 * arrived more than STATISTICS_DAYS ago go as figures do.
 */
#ifndef SERVER_STORE_RECEIVED_H
#define SERVER_STORE_RECEIVED_H

#include "store.h"

#define RECEIVED_MAX                                                                               \
    1000 /* of a domain: two years of a daily report, or a month of thirty senders */
#define RECEIVED_TEXT_MAX ((size_t)1 << 20) /* bytes of one */

struct received_report {
    sgl_view domain, organization, report; /* organization and report may be empty */
    int64_t begin, end;                    /* wall seconds; 0: not told */
    int64_t at;                            /* wall seconds: when it arrived */
    sgl_view peer;                         /* "192.0.2.1", "local:uid=0": who brought it */
    sgl_view text; /* JSON of RFC 8460, whole: what it says of other domains is never shown */
};
struct received_op {
    struct store_op op; /* kind STORE_RECEIVED; STORE_EXISTS: it is there already */
    const struct received_report *report; /* borrowed until done() */
};

/* On a worker thread: those that cover a time since `since` (or arrived then, where they do not tell), the newest first; domain: of this only, or empty. */
struct received_query {
    sgl_view domain;
    int64_t since;
    uint64_t max;
};
enum store_result store_read_received(struct store *store, const struct received_query *q,
                                      bool (*each)(void *ctx, const struct received_report *r),
                                      void *ctx);

#endif
