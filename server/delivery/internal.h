/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the room itself, its destinations and sites, and how a connection asks for work. */
#ifndef SERVER_DELIVERY_INTERNAL_H
#define SERVER_DELIVERY_INTERNAL_H

#include "../loop/stream.h"
#include "../loop/tls.h"
#include "delivery.h"
#include "plan.h"
#include "resume.h"
#include "sigillo/limits.h"
#include "site.h"

struct connection;
struct load;
struct asking;

/* One CA bundle, with the routes that name it. */
struct trust {
    char *ca_file; /* NULL: the default one */
    struct tls_client *client;
};

/* A destination that the queue has work for, or had a moment ago. */
struct dest {
    struct delivery *delivery;
    struct queue_dest *q; /* a reference */
    char *domain;
    struct planner *planner; /* set while its plan is being found */
    struct plan *plan;
    struct site *site;
    struct dest *next_waiting; /* ring of its site */
    bool waiting;
    struct dest *prev, *next; /* all of them */
};

struct site {
    struct delivery *delivery;
    char *key; /* the plan's, and the pool behind it */
    size_t key_len, pool_len;
    unsigned turns; /* of the pool's addresses */
    uint32_t hash;
    struct site *next_hash;
    struct site_pace pace;
    struct dest *waiting_last; /* ring; its next is the first */
    struct connection *idle;
    unsigned dests, connections;
    struct event *wake; /* end of a rest */
    char trouble[200];  /* why it rests, for `queue show` */
    struct site *prev_waiting,
        *next_waiting; /* sites that want a connection but for the overall maximum */
    bool in_line;
};

#define SITE_BUCKETS 1024

struct delivery {
    struct loop *loop;
    struct queue *queue;
    struct resolver *resolver;
    struct sts *sts; /* or NULL */
    struct store *store;
    struct config *config;
    struct trust *trust;
    size_t trusts;
    uint64_t generation; /* of the trusted roots */
    struct resume resume;
    struct site *bucket[SITE_BUCKETS];
    struct dest *dests;
    struct connection *connections;
    struct site *line_first, *line_last;
    unsigned idles; /* connections at rest without a job */
    struct event *sweep, *idle_tick;
    bool draining;
    bool freed;       /* only orphans keep it */
    unsigned orphans; /* connections whose body the queue is still bringing */
    void (*drained)(void *ctx);
    void *drained_ctx;
    struct delivery_stats stats;
    struct delivery_bounced bounced;
    struct delivery_sessions sessions;
    struct delivery_pools pools;
    struct delivery_arrivals arrivals;
    struct delivery_courier courier;
    struct asking *askings;
    unsigned asking_count;
    struct load *loads; /* with the courier, or on their way to it */
    unsigned load_count;
    struct delivery_return_paths return_paths;
    uint64_t seed;
};

/* ---- delivery.c ---- */

/* Draining, and the last connection is gone: says so. */
void delivery_maybe_drained(struct delivery *d);

/* ---- sites.c ---- */

struct site *site_find(struct delivery *d, const struct plan *plan,
                       sgl_view pool);       /* or a new one; NULL: memory */
sgl_view site_pool(const struct site *site); /* whose addresses its connections have, or empty */
void site_free(struct site *site);
/* A site is remembered while it has somebody, and while it rests (forgetting would end the rest). */
void site_maybe_free(struct site *site);
unsigned site_places_max(const struct delivery *d, const struct plan *plan);
/* The line of sites that want a connection, but for the overall maximum. */
void site_join_line(struct site *site);
void site_leave_line(struct site *site);

/* ---- pool.c: key is "SUBSCRIPTION/NAME" ---- */

struct pool_source {
    const struct config_address *address; /* NULL: there is none */
    const char *hostname;                 /* in EHLO */
};
/* Addresses of the family, 0: of any. */
size_t pool_count(const struct delivery *d, const struct config *config, sgl_view key, int family,
                  bool *missing);
/* Points into the configuration. */
struct pool_source pool_nth(const struct delivery *d, const struct config *config, sgl_view key,
                            int family, size_t nth);
/* Is it (still) one of the pool's, under this name? */
bool pool_has(const struct delivery *d, sgl_view key, const struct pool_source *source);

/* ---- dest.c ---- */

/* The queue says: there is work. ctx is the delivery. */
void dest_ready(void *ctx, struct queue_dest *q, sgl_view domain);
void dest_plan(struct dest *dest); /* finds its hosts (again), then its site */
void dest_free(struct dest *dest);
/* The ring of destinations at a site that have work. */
void dest_unwait(struct dest *dest);

/* Everything that waits for it goes back untried, to be looked at again after a while. */
void dest_put_back(struct dest *dest, const char *why);
void dest_leave_site(struct dest *dest);

/* ---- arrival.c ---- */

bool dest_is_arrival(const struct dest *dest);
/* Which way its mail goes now: to a server (*route, a reference), or whatever is done about it is done. false: nothing is to be planned. */
bool arrival_choose(struct dest *dest, struct arrival_route **route);
/* Is its plan still that of the route? */
bool arrival_is_current(const struct dest *dest);
/* For the queue: the destination in place of the recipient's own. */
sgl_view arrival_lane(void *ctx, const struct store_message *m, const struct store_rcpt *rcpt,
                      char *room, size_t size);

/* ---- courier.c ---- */

/* Hands on what waits for the destination, as far as there are places. */
void courier_pump(struct dest *dest, struct arrival_route *route);
void courier_end(struct delivery *d); /* delivery is being freed */

/* ---- pump.c ---- */

/* Gives waiting jobs to idle connections first, then to new ones, as far as pace and maximum allow. */
void site_pump(struct site *site);
/* The next job for this site, with its destination: destinations take turns. NULL: none. */
struct job *site_take_job(struct site *site, struct dest **dest);
/* A message went through, or the site gave trouble. */
void site_success(struct site *site);
void site_trouble(struct site *site, enum site_effect effect, const char *why);
/* The connection is at rest and has no job; the site may use it again, or it is closed after a while. */
void site_idle(struct site *site, struct connection *c);
void site_not_idle(struct site *site, struct connection *c);
/* The connection is gone: its place is free. */
void site_closed(struct site *site, struct connection *c);

/* ---- connect.c ---- */

#define MORE_NAMES_MAX                                                                             \
    4 /* reference identities beside the TLSA base domain: the destination and its canonical name */
/* What TLS has to prove at this host; out->target points into out and into the host. */
struct host_target {
    struct tls_target target;
    struct tls_tlsa record[SGL_LIMIT_TLSA_RECORDS];
    const char *more[MORE_NAMES_MAX];
};
void host_target_of(const struct plan_host *host, struct host_target *out);
/* Where to connect to; ip: one of a host's. */
socklen_t plan_sockaddr(const struct plan *plan, const struct sgl_ip *ip,
                        struct sockaddr_storage *out);

/* ---- ask.c ---- */

#define ASK_MS 30000 /* all of a question; each second it is looked whether it is over */
void ask_end_late(struct delivery *d, uint64_t now_ms);
void ask_end_all(struct delivery *d); /* delivery is being freed */

/* ---- trust.c ---- */

/* All bundles of a configuration, *n of them; NULL: `why` says which file is at fault. */
struct trust *trust_load(const struct config *config, size_t *n, char *why, size_t why_size);
void trust_free(struct trust *trust, size_t n);
/* For a route, or for MX delivery (NULL). */
struct tls_client *delivery_trust(struct delivery *d, const struct config_route *route);

/* ---- connection.c ---- */

/* Opens a connection for this job; false when memory ended (the job is still the caller's). */
bool connection_open(struct site *site, struct plan *plan, struct job *job);
/* An idle one gets a job. */
void connection_give(struct connection *c, struct job *job);
bool connection_is_idle(const struct connection *c);
/* Was it opened by the configuration that counts now, and may its site's mail still leave from its address? */
bool connection_is_current(const struct connection *c);
uint64_t connection_idle_since(const struct connection *c); /* monotonic ms */
void connection_quit(struct connection *c);                 /* idle: says QUIT and goes */
void connection_abort(struct connection *c);                /* at once; its job goes back untried */
struct connection *connection_next(const struct connection *c); /* in delivery->connections */
struct connection **connection_idle_link(struct connection *c); /* the site's list of idle ones */
/* The job can't be tried at all. */
void job_fail(struct delivery *d, struct job *job, enum failure failure, const char *why);
/* The job goes back as it came; why for `queue show`, not_before 0: at once. */
void job_put_back(struct delivery *d, struct job *job, const char *why, int64_t not_before);

/* ---- trail.c ---- */

/* Facts about one attempt, for the trail of the message: what was asked, what was got, and why. */
struct attempt {
    const char *host, *address;
    uint16_t port;
    const char *
        policy; /* whose word counted: "dane", "mta-sts", "demand", "none"; NULL: it did not get that far */
    enum tls_demand demand;
    enum dnssec mx, addresses, tlsa;
    const char *dane;             /* why DANE asks for nothing; NULL */
    const struct sts_policy *sts; /* the domain's, also one that is only tested; NULL */
    const char *sts_result; /* what was missing for it, or for the policy itself; NULL: nothing */
    const struct tls_seen *seen; /* NULL: there was no handshake */
    const char *proved;          /* "dane-ee", "dane-ta", "certificate", "nobody", NULL in plain */
    const char *unproved;        /* why the certificate proves nobody; NULL */
    const char *tls_why;         /* why no TLS; NULL */
    const char *tls_error;       /* and what the handshake failed with; NULL */
    const char *asked;           /* by the message: "optional", "verified"; NULL */
    const char *requiretls;      /* "asked", "honoured", NULL: not asked */
    bool reused;
    uint64_t connect_ms, total_ms;
    const char *stage;
    sgl_view reason;     /* the reply or the failure, printable */
    const char *failure; /* failure_name(), NULL: it went well */
    bool possibly_repeated;
    struct store_transit transit; /* the same in numbers */
};
/* One JSON object into out. */
void attempt_put(struct sgl_buf *out, const struct attempt *a);

/* ---- session.c ---- */

/* Nothing can be tried for this domain: its plan failed. */
void session_tell_plan(struct delivery *d, sgl_view domain, const struct plan *plan);

/* ---- account.c ---- */

void account_register(void); /* once or more often */
void account_handshake(bool resumed);
/* Counts and logs what became of one recipient. */
void account_outcome(struct delivery *d, const struct job *job, const struct store_rcpt *rcpt,
                     enum rcpt_verdict verdict, sgl_view status, const struct attempt *a);

#endif
