/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How mail went over the wire: of each delivery what the connection proved, and of each delivery and each attempt in vain what TLS failed at.
 *
 * The engine counts by itself, in the transaction that makes the outcome durable, by day (UTC), subscription, the sender's own domain and the destination.  One recipient is one.
 * Reports of the server itself (doors "bounce" and "tlsrpt") are not counted.  Figures of more than STATISTICS_DAYS ago go as those of statistics.h do;
 * before that, after TRANSIT_NAMED_DAYS, those of a day lose the names of the destinations, of which there may be very many.
 */
#ifndef SERVER_STORE_TRANSIT_H
#define SERVER_STORE_TRANSIT_H

#include "store.h"

#define TRANSIT_NAMED_DAYS 92

/*
 * What was proved of the receiver before the message was given to it.  A policy of MTA-STS that is in testing counts as MTA-STS when it was fulfilled.  Of an attempt in vain: what was
 * owed.
 */
enum transit_mechanism {               /* numbers stay: they are in the store */
                         TRANSIT_NONE, /* not told: nothing is counted but a cause */
                         TRANSIT_DANE,
                         TRANSIT_MTA_STS,
                         TRANSIT_VERIFIED, /* a route, the message or its domain asked; the certificate was proved */
                         TRANSIT_ENCRYPTED, /* TLS, but nobody proved who is there: opportunistic TLS */
                         TRANSIT_PLAIN,
                         TRANSIT_MECHANISMS
};
enum transit_version {                       /* numbers stay */
                       TRANSIT_VERSION_NONE, /* plaintext, or no handshake */
                       TRANSIT_TLS_1_2,
                       TRANSIT_TLS_1_3,
                       TRANSIT_VERSIONS
};
/*
 * What a policy demanded (also one in testing) and did not get, at the host of the attempt or at one that was tried before it; or why there is no policy.  A certificate that nobody asked to be good is no cause.  The first are the result types of RFC 8460 section 4.3, in
 * the order of enum sgl_tls_result.
 */
enum transit_cause { /* numbers stay */
                     TRANSIT_CAUSE_NONE,
                     TRANSIT_STARTTLS_NOT_SUPPORTED,
                     TRANSIT_CERTIFICATE_HOST_MISMATCH,
                     TRANSIT_CERTIFICATE_EXPIRED,
                     TRANSIT_CERTIFICATE_NOT_TRUSTED,
                     TRANSIT_VALIDATION_FAILURE,
                     TRANSIT_TLSA_INVALID,
                     TRANSIT_DNSSEC_INVALID,
                     TRANSIT_DANE_REQUIRED,
                     TRANSIT_STS_POLICY_FETCH_ERROR,
                     TRANSIT_STS_POLICY_INVALID,
                     TRANSIT_STS_WEBPKI_INVALID,
                     TRANSIT_STS_MX_MISMATCH, /* the policy does not list the host */
                     TRANSIT_REQUIRETLS_NOT_SUPPORTED,
                     TRANSIT_DEMAND_NOT_MET, /* of a route, the message or its domain */
                     TRANSIT_CAUSES
};
/* The words of reports, for programs: "dane", "TLSv1.3", "certificate-expired".  Of the first of each, and of numbers that nobody knows: "none". */
const char *transit_mechanism_name(uint8_t mechanism);
const char *transit_version_name(uint8_t version);
const char *transit_cause_name(uint8_t cause);

/* What figures are summed up by. */
enum transit_by {
    TRANSIT_BY_ALL,
    TRANSIT_BY_DAY,
    TRANSIT_BY_SENDER,
    TRANSIT_BY_DOMAIN,
    TRANSIT_BY_SUBSCRIPTION
};

struct transit_figure {
    sgl_view
        name; /* by sender, domain or subscription: which; empty: a sender without a domain, destinations of old days */
    int64_t day; /* by day: since 1970-01-01 */
    struct store_transit how;
    uint64_t delivered; /* recipients */
    uint64_t failed;    /* attempts for a recipient that did not deliver, because of the cause */
};
struct transit_query {
    sgl_view subscription;    /* empty: all of them */
    int64_t from_day, to_day; /* included */
    enum transit_by by;
    bool troubled;      /* only what has a cause */
    uint64_t skip, max; /* names: days in their order, others by their sum, the greatest first */
};
/* The figures of a name come one after another. */
enum store_result store_read_transit(struct store *store, const struct transit_query *q,
                                     bool (*each)(void *ctx, const struct transit_figure *f),
                                     void *ctx);

#endif
