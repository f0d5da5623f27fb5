/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen of the TLS of others, for reports to them [RFC 8460]: sessions counted by day (UTC), policy domain and policy, and which report of a day went where.
 *
 * A day of a domain begins with its first count: from then on it is due (state FIND) at the time that the first count named.  What is due is found by time, so that an end of the
 * process changes nothing.  Counts, the step of a report and the mail that brings it are each one transaction.
 */
#ifndef SERVER_STORE_TLSRPT_H
#define SERVER_STORE_TLSRPT_H

#include "store.h"

#define TLSRPT_POLICIES_MAX     20  /* of a domain and day; more are one without strings */
#define TLSRPT_FAILURES_MAX     100 /* rows of a policy; more are summed up without addresses */
#define TLSRPT_DESTINATIONS_MAX 5

enum tlsrpt_state {              /* numbers stay: they are in the store */
                    TLSRPT_FIND, /* of the row without a destination: who wants it is not known yet */
                    TLSRPT_TRY,    /* to be sent at next_at */
                    TLSRPT_QUEUED, /* is mail of the queue now */
                    TLSRPT_TAKEN,  /* by an HTTPS server */
                    TLSRPT_FAILED,
};
const char *tlsrpt_state_name(
    enum tlsrpt_state state); /* "waiting", "trying", "queued", "accepted", "failed" */

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

struct tlsrpt_report { /* of a day and a domain to a destination */
    int64_t day;
    sgl_view domain, destination; /* a URI of the record; empty: see TLSRPT_FIND */
    enum tlsrpt_state state;
    int64_t next_at, first_at; /* wall seconds; first_at: of the first attempt, 0: none */
    unsigned attempts;
    uint64_t message; /* QUEUED: which */
    int64_t changed_at;
    sgl_view detail; /* why it is not sent yet, or what the server answered: printable */
};

enum tlsrpt_verb {
    TLSRPT_COUNT,
    TLSRPT_FOUND, /* these destinations want it; none: the day of the domain is forgotten */
    TLSRPT_STEP, /* what is known of one now; NOT_FOUND: there is none, or it is not in state FIND or TRY any more */
    TLSRPT_FORGET, /* days before this one */
};
struct tlsrpt_op {
    struct store_op op; /* kind STORE_TLSRPT */
    enum tlsrpt_verb verb;
    const struct tlsrpt_count *count; /* borrowed until done() */
    size_t counts;
    struct tlsrpt_report
        report; /* FOUND, FORGET: the day, for the first the domain and changed_at */
    const sgl_view *destination;
    size_t destinations;
    struct store_accept *mail; /* STEP: becomes durable with it, or NULL; its op is not used */
};

/* ---- reads, on worker threads ---- */

/* FIND and TRY whose time has come, the oldest first. */
enum store_result store_read_tlsrpt_due(struct store *store, int64_t now, size_t max,
                                        bool (*each)(void *ctx, const struct tlsrpt_report *r),
                                        void *ctx);
/* A row for each policy with its sums, without a result, and then one for each of its failures. */
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
/* Reports since a day, the newest first; domain: only this, or empty. Those that nobody asked for are not there. */
struct tlsrpt_query {
    int64_t from_day;
    sgl_view domain;
    uint64_t skip, max;
};
enum store_result store_read_tlsrpt_reports(struct store *store, const struct tlsrpt_query *q,
                                            bool (*each)(void *ctx, const struct tlsrpt_report *r),
                                            void *ctx);

#endif
