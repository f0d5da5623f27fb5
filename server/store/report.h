/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports that are made of a day (UTC) about a domain, of each kind: which went where, and what came of it.
 *
 * A day of a domain begins with its first count (tlsrpt.h, dmarc_judged.h): from then on it is due (state FIND) at the time that the first count named.  What is due is found by time, so that
 * an end of the process changes nothing.  The step of a report and the mail that brings it are one transaction.
 */
#ifndef SERVER_STORE_REPORT_H
#define SERVER_STORE_REPORT_H

#include "store.h"

#define REPORT_DESTINATIONS_MAX 5

enum report_kind {               /* numbers stay: they are in the store */
                   REPORT_TLS,   /* of sessions [RFC 8460] */
                   REPORT_DMARC, /* of messages that were judged [RFC 9990] */
                   REPORT_KINDS
};
enum report_state {              /* numbers stay: they are in the store */
                    REPORT_FIND, /* of the row without a destination: who wants it is not known yet */
                    REPORT_TRY,    /* to be sent at next_at */
                    REPORT_QUEUED, /* is mail of the queue now */
                    REPORT_TAKEN,  /* by an HTTPS server */
                    REPORT_FAILED,
};
const char *report_state_name(
    enum report_state state); /* "waiting", "trying", "queued", "accepted", "failed" */

struct store_report { /* of a day and a domain to a destination */
    enum report_kind kind;
    int64_t day;                  /* since 1970-01-01 */
    sgl_view domain, destination; /* a URI of the record; empty: see REPORT_FIND */
    enum report_state state;
    int64_t next_at, first_at; /* wall seconds; first_at: of the first attempt, 0: none */
    unsigned attempts;
    uint64_t message; /* QUEUED: which */
    int64_t changed_at;
    sgl_view detail; /* why it is not sent yet, or what the server answered: printable */
};

enum report_verb {
    REPORT_FOUND, /* these destinations want it; none: the day of the domain is forgotten */
    REPORT_STEP, /* what is known of one now; NOT_FOUND: there is none, or it is not in state FIND or TRY any more */
    REPORT_FORGET, /* days before this one, of the kind */
};
struct report_op {
    struct store_op op; /* kind STORE_REPORT */
    enum report_verb verb;
    struct store_report
        report; /* FOUND, FORGET: the kind and the day, for the first the domain and changed_at */
    const sgl_view *destination;
    size_t destinations;
    struct store_accept *mail; /* STEP: becomes durable with it, or NULL; its op is not used */
};

/* ---- reads, on worker threads ---- */

/* FIND and TRY whose time has come, the oldest first. kinds: bits 1 << enum report_kind. */
enum store_result store_read_reports_due(struct store *store, unsigned kinds, int64_t now,
                                         size_t max,
                                         bool (*each)(void *ctx, const struct store_report *r),
                                         void *ctx);
/* Reports since a day, the newest first; domain: only this, or empty. Those that nobody asked for are not there. */
struct report_query {
    enum report_kind kind;
    int64_t from_day;
    sgl_view domain;
    uint64_t skip, max;
};
enum store_result store_read_reports(struct store *store, const struct report_query *q,
                                     bool (*each)(void *ctx, const struct store_report *r),
                                     void *ctx);

#endif
