/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of the TLS of others, for reports to them [RFC 8460]: sessions counted by day (UTC), policy domain and policy. The reports themselves: report.h. */
#ifndef SERVER_STORE_TLSRPT_H
#define SERVER_STORE_TLSRPT_H

#include "store.h"

#define TLSRPT_POLICIES_MAX 20  /* of a domain and day; more are one without strings */
#define TLSRPT_FAILURES_MAX 100 /* rows of a policy; more are summed up without addresses */

struct tlsrpt_policy { /* strings and mx: one a line */
    uint8_t type;      /* enum sgl_tls_policy_type */
    sgl_view strings, mx;
};
struct tlsrpt_count {
    int64_t day; /* since 1970-01-01 */
    sgl_view domain;
    struct tlsrpt_policy policy;
    sgl_view
        result; /* a word of RFC 8460 s4.3; empty: success, and what follows counts for nothing */
    sgl_view sending, host, receiving, reason; /* addresses as text; each may be empty */
    uint64_t sessions;
    int64_t due_at; /* wall seconds */
};
struct tlsrpt_op {
    struct store_op op;               /* kind STORE_TLSRPT */
    const struct tlsrpt_count *count; /* borrowed until done() */
    size_t counts;
};

/* A row for each policy with its sums, without a result, and then one for each of its failures. On a worker thread. */
struct tlsrpt_row {
    uint64_t policy; /* which: grows */
    struct tlsrpt_policy is;
    uint64_t successes, failed;
    bool failure;
    sgl_view result, sending, host, receiving, reason;
    uint64_t sessions;
};
enum store_result store_read_tlsrpt(struct store *store, int64_t day, sgl_view domain,
                                    bool (*each)(void *ctx, const struct tlsrpt_row *r), void *ctx);

#endif
