/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others reported of the mail of our domains [RFC 9990]: each report once, and its records summed up by day (UTC), source and result.
 *
 * A report is known by its policy domain, who made it, its identifier and its beginning: the same one again changes nothing, but for one that is verified after one that is not.  A day of a domain has DMARC_DAY_ROWS sums; sources that
 * come after them are counted without a name.  All of it goes STATISTICS_DAYS after the day that it tells of.
 */
#ifndef SERVER_STORE_DMARC_RECEIVED_H
#define SERVER_STORE_DMARC_RECEIVED_H

#include "sigillo/dmarc_report.h"
#include "store.h"

#define DMARC_DAY_ROWS               5000
#define DMARC_DAY_ROWS_UNVERIFIED    500 /* besides: of reports that anybody may have sent */
#define DMARC_DAY_REPORTS            2000
#define DMARC_DAY_REPORTS_UNVERIFIED 200 /* likewise */

/* Numbers of enums are those of dmarc_report.h; they stay: they are in the store. */
struct dmarc_source {
    sgl_view source; /* its address; empty: no room, or not told */
    sgl_view header_from, envelope_from;
    sgl_view dkim_domain, dkim_selector,
        spf_domain;                 /* of the signature that passed, else the first */
    uint8_t disposition, dkim, spf; /* what was done; aligned results */
    uint8_t dkim_result, spf_result, reason;
    uint64_t messages;
};
struct dmarc_received {
    sgl_view subscription, domain; /* whose; the policy domain */
    sgl_view organization, report; /* each may be empty */
    int64_t begin, end, at;        /* wall seconds; at: when it arrived */
    bool verified;                 /* the mail that brought it passed DMARC itself */
    bool partial;                  /* it broke off */
    uint8_t p;                     /* the policy that was found */
    uint64_t messages;
    const struct dmarc_source *source;
    size_t sources;
};
struct dmarc_received_op {
    struct store_op
        op; /* kind STORE_DMARC_RECEIVED; STORE_EXISTS: it is there already; STORE_CONFLICT: too many about its day are */
    const struct dmarc_received *report; /* borrowed until done() */
};

/* The day that a report tells of, since 1970-01-01: that of its middle. */
int64_t dmarc_received_day(const struct dmarc_received *r);

#define DMARC_NETWORK_SIZE (SGL_IP_TEXT_SIZE + 4)
/* "192.0.2.0/24", "2001:db8:1::/48": the network of a source; empty when it is no address. */
sgl_view dmarc_network(sgl_view source, char out[DMARC_NETWORK_SIZE]);

enum dmarc_by {
    DMARC_BY_ALL,
    DMARC_BY_DAY,
    DMARC_BY_SOURCE,
    DMARC_BY_DOMAIN,
    DMARC_BY_ORG,
    DMARC_BY_RESULT,
    DMARC_BY_NETWORK
};
struct dmarc_figure {
    sgl_view
        name; /* by source, network, domain, organization: which, may be empty; by result: "dkim+spf", "dkim", "spf", "none" */
    int64_t day; /* by day */
    uint64_t messages, passed, dkim, spf, quarantined, rejected, overridden, unverified;
    uint64_t days;            /* that have any */
    struct dmarc_source most; /* what most of its messages have in common */
    uint8_t p;                /* by domain: the policy that was last found */
};
struct dmarc_query {
    sgl_view subscription, domain; /* empty: all of them */
    int64_t from_day, to_day;      /* included */
    enum dmarc_by by;
    uint64_t skip, max; /* names: days in their order, others by their messages, the most first */
};
/* On a worker thread. */
enum store_result store_read_dmarc(struct store *store, const struct dmarc_query *q,
                                   bool (*each)(void *ctx, const struct dmarc_figure *f),
                                   void *ctx);

#endif
