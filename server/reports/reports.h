/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports about TLS to the domains that mail goes to [RFC 8460], and about messages to the domains whose DMARC policies they were judged by [RFC 9990].
 *
 *   delivery --session--,
 *   reception --message--+--> tally --every few seconds--> store --after the day--> record of the domain --> report --> mail of the queue, or HTTPS
 *
 * Both are counted in memory and kept by the store; what an end of the process costs is the last seconds of them.  What is to be done with a day stands in the store with its
 * time, so that a report is made once and sent once.  Lives on the outgoing loop.
 */
#ifndef SERVER_REPORTS_REPORTS_H
#define SERVER_REPORTS_REPORTS_H

#include "../config/config.h"
#include "../delivery/delivery.h"
#include "../https/https.h"
#include "../queue/queue.h"
#include "../resolver/resolver.h"
#include "../store/store.h"
#include "sigillo/dmarc_report.h"
#include "sigillo/verdict.h"

struct reports;

struct reports_parts { /* borrowed */
    struct loop *loop;
    struct store *store;
    struct workers *workers;
    struct resolver *resolver;
    struct https *https; /* for reports alone: public addresses only */
    struct queue *queue;
    struct queue_signer signer;
};
/* NULL: no memory. Nothing happens before reports_start(). */
struct reports *reports_new(const struct reports_parts *parts, struct config *config);
bool reports_start(struct reports *r);
void reports_reconfigure(struct reports *r, struct config *config);
/* For delivery: ctx is the room. */
void reports_session(void *ctx, const struct delivery_session *session);
/* A message was judged: it is counted for a report to the domain whose policy that was, if that asks for one  [RFC 9990]. ctx is the room. Any thread. */
struct reports_judged {
    struct sgl_ip ip;
    sgl_view sender; /* of the envelope, without brackets; empty: the null sender */
    const struct sgl_verdict *verdict;
    enum sgl_dmarc_disposition
        disposition; /* what was done; UNKNOWN: nothing yet, it is to come again */
    const struct sgl_dmarc_report_reason *reason; /* why that is not what the policy says */
    size_t reasons;
    bool
        of_report; /* it is a report, or the bounce of one: it is in none, or they would be told of for ever */
};
/* Is this where reports and what comes back of them go: one of the addresses that the configuration names for them? Any thread. */
bool reports_takes(struct reports *r, sgl_view address);
void reports_judged(void *ctx, const struct reports_judged *message);
/* The loop has ended: what is counted goes to the store before that is closed. */
void reports_end(struct reports *r);
/* After the store and the workers have ended. NULL accepted. */
void reports_free(struct reports *r);

#endif
