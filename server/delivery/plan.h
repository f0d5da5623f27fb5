/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan for a destination: which hosts, at which addresses, and what a connection to each must prove.  Found by the library's evaluators over the resolver's answers;
 * immutable once found, counted, with an end.
 */
#ifndef SERVER_DELIVERY_PLAN_H
#define SERVER_DELIVERY_PLAN_H

#include "../config/config.h"
#include "../directory/route.h"
#include "../queue/queue.h"
#include "../resolver/resolver.h"
#include "../sts/sts.h"
#include "policy.h"
#include "sigillo/dane.h"
#include "sigillo/mx.h"

/* What a connection must be: what DANE, MTA-STS, the route and the mail ask for, whichever is the most. */
enum tls_demand {
    DEMAND_NOTHING,       /* not even tried: a route with tls = none */
    DEMAND_OPPORTUNISTIC, /* TLS with whoever it is, else plain */
    DEMAND_ENCRYPTED,     /* TLS, unauthenticated */
    DEMAND_NAME,          /* TLS, certificate chain and name */
    DEMAND_STS,           /* the same, from a public authority: the domain's policy asks for it */
    DEMAND_DANE,          /* TLS, and a TLSA record that matches */
};
const char *tls_demand_name(
    enum tls_demand
        demand); /* "none", "opportunistic", "encrypted", "verified", "mta-sts", "dane" */

/* How far an answer of DNS may be believed [RFC 4035 s4.3] */
enum dnssec {
    DNSSEC_NOT_ASKED, /* it stands in the configuration, or nothing asked for it */
    DNSSEC_SECURE,
    DNSSEC_INSECURE,
    DNSSEC_BOGUS,
    DNSSEC_INDETERMINATE, /* the lookup failed */
};

const char *dnssec_name(enum dnssec state); /* "secure"; NULL for DNSSEC_NOT_ASKED */

struct plan_host {
    struct sgl_name name; /* empty text for an address literal */
    struct sgl_dane dane; /* addresses (only those that may be used), records, names */
    enum tls_demand demand;
    enum failure failure; /* why it can't be tried, when `usable` is false */
    bool usable;
    bool
        named; /* its name is proved to be the domain's: signed MX records, an MTA-STS policy, the domain itself, a configured host */
    bool sts_listed;  /* the domain has a policy, and it allows this host */
    bool sts_demands; /* and enforces it */
    const char *why;  /* detail for people, "" when there is none */
};

struct plan {
    unsigned refs;
    struct sgl_dns dns;
    struct sgl_arena arena;
    const struct config_route *route; /* NULL: by MX. Belongs to `config`, or is the one below */
    struct arrival_route *arrival; /* mail that has arrived: whose servers these are; a reference */
    struct config_route arrival_as; /* the same as a smart host's */
    const char *socket;             /* of this machine, in place of hosts; NULL: none */
    enum dest_tls tls;              /* of the mail that it is for */
    struct config *config;
    uint16_t port;
    bool failed; /* no host at all: `failure`, `why` */
    enum failure failure;
    const char *why;
    enum dnssec mx;         /* the MX records, or the denial of any */
    struct sts_policy *sts; /* the domain's: enforce or testing; NULL: it has none */
    enum sts_state sts_state;
    enum sgl_tls_result sts_trouble; /* for reports: why its policy could not be fetched now */
    char sts_why[STS_WHY_SIZE];
    struct plan_host *host;
    size_t hosts;
    uint64_t ends_ms;  /* monotonic */
    sgl_view site_key; /* equal for destinations that may share connections */
};
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p); /* NULL accepted; outgoing loop only */

/* The address and the port of a socket. */
struct sgl_ip plan_ip(const struct sockaddr_storage *addr, uint16_t *port);

struct plan_request {
    struct loop *loop;
    struct resolver *resolver;
    struct sts *sts; /* NULL: policies of MTA-STS do not count */
    struct config *config;
    sgl_view domain;
    enum dest_tls tls;
    uint64_t seed;
    struct arrival_route *arrival; /* NULL: mail that leaves */
};
/* Finds one. done(ctx, plan) comes later on the loop with a reference for the receiver, NULL when memory ended. */
struct planner;
struct planner *plan_find(const struct plan_request *request,
                          void (*done)(void *ctx, struct plan *plan), void *ctx);
/* Gives up: done() will not be called. */
void planner_cancel(struct planner *p);

#endif
