/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where and how: takes jobs from the queue, finds the hosts, keeps connections to them, and gives every job back with an outcome.  Lives on the outgoing loop.
 *
 *   queue --ready--> destination --plan (MX, addresses, DANE)--> site --place--> connection --take--> job ... outcome --> queue
 *
 * A *site* is all destinations with the same hosts and the same demands on a connection; its pace says how many connections it may have at once.
 */
#ifndef SERVER_DELIVERY_DELIVERY_H
#define SERVER_DELIVERY_DELIVERY_H

#include "../config/config.h"
#include "../directory/route.h"
#include "../queue/queue.h"
#include "../resolver/resolver.h"
#include "sigillo/dane.h"
#include "sigillo/tlsrpt.h"

struct delivery;

/*
 * Reads the CA files that the configuration names (so before, or inside, a sandbox that leaves them readable), keeps a reference to the configuration and tells the queue
 * that it is there.  NULL on a mistake, `why` says which.
 */
struct delivery *delivery_new(struct loop *loop, struct queue *queue, struct resolver *resolver,
                              struct store *store, struct config *config, char *why,
                              size_t why_size);
enum delivery_bounce {
    BOUNCE_ADDRESS, /* there is nobody of that name */
    BOUNCE_INVALID, /* no mail can go there at all: no such domain, or one that takes none */
    BOUNCE_REFUSED, /* policy, reputation, a full mailbox: nothing against the address itself */
};
/* Who hears of each permanent failure that a receiver answered, or DNS. On the loop; nothing may be kept. */
struct delivery_bounced {
    void (*bounced)(void *ctx, const struct store_message *message, const struct store_rcpt *rcpt,
                    enum delivery_bounce kind, sgl_view status, sgl_view reply);
    void *ctx;
};
/*
 * What a session was worth to the policy of a domain, as TLS-RPT counts it  [RFC 8460 s4]: told on the loop, once for each session and domain whose mail it carried or was to
 * carry, when the handshake is over, when there is no STARTTLS, or when a lookup forbids to connect at all.  A reused connection that carries the first message for another domain
 * is a session of that one, too.  Where a domain has records and an MTA-STS policy it is told twice, once for each.  Trouble of the network is not told, nor is a route that asks for no TLS.
 */
enum delivery_policy { DELIVERY_POLICY_NONE, DELIVERY_POLICY_TLSA, DELIVERY_POLICY_STS };
struct sts_policy;
struct delivery_session {
    sgl_view domain; /* the policy's: the recipients', or the smart host's */
    enum delivery_policy type;
    const struct sgl_dane *dane;  /* TLSA: its records; NULL: the lookup of the MX records failed */
    const struct sts_policy *sts; /* STS */
    sgl_view mx;                  /* empty: none was found */
    struct sgl_ip from, to;       /* version 0: there was no connection */
    enum sgl_tls_result result;
    const char *reason; /* printable, "" for SGL_TLS_OK */
    bool of_report;     /* the message is itself a report about TLS: to be left out [RFC 8460 s3] */
};
struct delivery_sessions {
    void (*session)(void *ctx, const struct delivery_session *session); /* nothing may be kept */
    void *ctx;
};
void delivery_set_sessions(struct delivery *d,
                           const struct delivery_sessions *sessions); /* before the loop runs */
void delivery_set_bounced(struct delivery *d,
                          const struct delivery_bounced *bounced); /* before the loop runs */
/* Whose MTA-STS policies count, where the configuration says so (delivery.mta_sts); without it none does. Before the loop runs; the room outlives delivery. */
struct sts;
void delivery_set_sts(struct delivery *d, struct sts *sts);
/* Pools of addresses that subscriptions have made: each_address() says what one holds, on the loop; false: there is none of that name. NULL: nobody has any. */
struct delivery_pools {
    bool (*each_address)(void *ctx, sgl_view subscription, sgl_view name,
                         void (*address)(void *to, sgl_view text), void *to);
    void *ctx;
};
void delivery_set_pools(struct delivery *d,
                        const struct delivery_pools *pools); /* before the loop runs */
/*
 * Mail that has arrived.  Its recipients' destination is DELIVERY_ARRIVAL and the key of the route that carries it; where that is gone, the route that takes the address now. Looked up
 * for each attempt: a changed route counts at once.  Without a route it waits.
 */
#define DELIVERY_ARRIVAL '='
struct delivery_arrivals {
    struct arrival_route *(*by_key)(void *ctx, sgl_view key);         /* a reference, or NULL */
    struct arrival_route *(*of_address)(void *ctx, sgl_view address); /* the same */
    void *ctx;
};
void delivery_set_arrivals(struct delivery *d,
                           const struct delivery_arrivals *arrivals); /* before the loop runs */
/*
 * Routes that lead to no mail server (webhooks) are a courier's: a message to all recipients of a job, so many at once of all and of one route.  On the loop; what the load
 * points to is there until delivery_carried(), which is called later, never from within carry(), and which delivery_drain() waits for: so in a time that has an end.  When delivery ends first,
 * the mail is the queue's again, and the call does nothing any more.
 */
#define DELIVERY_LOADS_MAX       64
#define DELIVERY_LOADS_SHARE     32 /* of the routes of one subscription */
#define DELIVERY_LOADS_ROUTE_MAX 8
struct delivery_load {
    const struct store_message *message;
    struct store_rcpt *const *rcpt;
    size_t rcpts;
    sgl_view body;
    const struct arrival_route *route; /* the load's reference */
};
enum delivery_carried {
    CARRIED,       /* it is there */
    CARRIED_LATER, /* not now: by the schedule */
    CARRIED_NEVER, /* refused for good: its sender is told, if he is */
};
struct delivery_courier {
    void (*carry)(void *ctx, struct delivery_load *load);
    void *ctx;
};
void delivery_set_courier(struct delivery *d,
                          const struct delivery_courier *courier); /* before the loop runs */
struct delivery_receipt {                                          /* of one recipient */
    enum delivery_carried carried;
    const char *status; /* "2.0.0", "4.4.1" */
    sgl_view said;      /* what the target answered, or what went wrong */
    int64_t not_before; /* wall seconds: it asks for patience; 0: the schedule decides */
};
/* receipt: of all recipients of the load, or NULL: there was no memory; ms: how long it took. */
void delivery_carried(struct delivery_load *load, const struct delivery_receipt *receipt,
                      uint64_t ms);
/*
 * Would the server of a route (LMTP, SMTP) take mail for this address?  Asked by RCPT from the null sender, and nothing is sent. What a delivery has to prove is proved here, too.  On
 * the loop; done() later, on the loop; too many at once, and what cannot be found out, are UNKNOWN.
 */
#define DELIVERY_ASKS_MAX   64
#define DELIVERY_ASKS_SHARE 16 /* of the routes of one subscription */
enum delivery_asked { ASKED_UNKNOWN, ASKED_TAKEN, ASKED_REFUSED };
struct delivery_ask {
    struct arrival_route *route; /* this and the address are the caller's until done() */
    sgl_view address;
    enum delivery_asked asked; /* out */
    uint16_t code;             /* out: TAKEN, REFUSED: of the answer */
    char why[200];             /* out: printable */
    void (*done)(struct delivery_ask *a);
    struct loop_task task; /* delivery's own */
};
void delivery_ask(struct delivery *d, struct delivery_ask *a);
/*
 * The return path of one recipient, in the place of the sender's: what comes back then says whom it is about.  On the loop; false: it goes with the sender's, and may go with others.
 * A message for which there is one goes to a single recipient in each transaction.
 */
#define DELIVERY_RETURN_PATH_SIZE 320
struct delivery_return_paths {
    bool (*make)(void *ctx, const struct store_message *message, const struct store_rcpt *rcpt,
                 char out[DELIVERY_RETURN_PATH_SIZE]);
    void *ctx;
};
void delivery_set_return_paths(
    struct delivery *d, const struct delivery_return_paths *paths); /* before the loop runs */
/* On the loop: routes, limits and CA files of another configuration count from the next connection on. false: a file is at fault, nothing changed. */
bool delivery_reconfigure(struct delivery *d, struct config *config, char *why, size_t why_size);
/* On the loop: takes no more jobs, lets transactions in flight finish; done(ctx) when no connection is left. */
void delivery_drain(struct delivery *d, void (*done)(void *ctx), void *ctx);
/* Cuts what is still open (jobs in flight go back untried). Bodies that the queue is bringing may come later; their jobs go back then. */
void delivery_free(struct delivery *d);

struct delivery_stats {
    uint64_t connections_open, connections_made, connections_reused, sites, destinations, delivered,
        deferred, failed, put_back;
};
/* Any thread; approximate. */
void delivery_stats(const struct delivery *d, struct delivery_stats *out);

#endif
