/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to try next, and when.  Lives on the outgoing loop.  In memory it holds only what is due soon, up to a maximum; the store holds everything.
 *
 *   store --claim--> queue --ready(destination)--> delivery --take--> attempt --outcome--> queue --> store
 *
 * The queue decides times (retry schedule, expiry, hold), fairness between subscriptions, and notices (bounce, delay).  Delivery decides where and how.
 */
#ifndef SERVER_QUEUE_QUEUE_H
#define SERVER_QUEUE_QUEUE_H

#include "../store/store.h"

struct queue;

/* What the connections of a destination have to be: messages that ask for different things never share one. */
enum dest_tls {
    DEST_TLS_PUBLISHED, /* what routes say and receivers publish (DANE, MTA-STS) */
    DEST_TLS_LAX,       /* what receivers publish holds nothing up [RFC 8689 s4.2.2] */
    DEST_TLS_ENCRYPTED, /* as published, and never in clear */
    DEST_TLS_PROVED,    /* TLS with a server that is proved to be the domain's */
};
enum dest_tls message_dest_tls(const struct store_message *m);

/*
 * A destination: one domain, for mail of one pool of addresses that asks the same of TLS, with the jobs that are for it.  It lives while it has jobs (waiting or taken) or references; delivery keeps a reference while it remembers one.
 */
struct queue_dest;
sgl_view queue_dest_domain(const struct queue_dest *dest);
sgl_view queue_dest_pool(
    const struct queue_dest *dest); /* "SUBSCRIPTION/NAME", as of its messages; often empty */
enum dest_tls queue_dest_tls(const struct queue_dest *dest);
struct queue_dest *queue_dest_ref(struct queue_dest *dest);
void queue_dest_unref(struct queue_dest *dest);
/* A place for delivery's own pointer; the queue never looks at it. NULL at first. */
void **queue_dest_slot(struct queue_dest *dest);

/* One message to one destination domain: what one SMTP transaction carries. Owned by the queue until taken, by delivery until its outcome. */
struct job {
    struct job *next;
    struct store_message
        *message; /* counted, shared by jobs of one message; rcpt[] below are those of this job */
    struct body *body;        /* NULL: not in memory; queue_load_body() */
    struct store_rcpt **rcpt; /* all with the same domain */
    size_t rcpts;
    struct queue_dest *dest;
    int64_t taken_ms;
};

/* What delivery found out about one recipient. */
enum rcpt_verdict {
    RCPT_OK,        /* 250 after the final dot */
    RCPT_TEMPORARY, /* try again by the schedule */
    RCPT_PERMANENT, /* bounce */
    RCPT_UNTRIED, /* put back: not this recipient's fault (site backs off, drain); no attempt is counted */
    RCPT_STOPPED, /* not to be sent to any more (queue_stop): final without an attempt, nobody is told */
};
struct rcpt_outcome {
    enum rcpt_verdict verdict;
    sgl_view status; /* "5.1.1" */
    sgl_view reason; /* the remote's answer or ours, printable */
    sgl_view
        why_wait; /* the rule, for `queue show`: "connection refused by all 2 hosts", "DANE: no TLSA record matches" */
    int64_t
        not_before; /* wall seconds, 0: the schedule decides. A site that asked for patience sets it */
    bool possibly_repeated; /* the connection broke after the final dot: the remote may have it */
    struct store_transit transit; /* how it went, what TLS failed at */
    uint8_t drop;                 /* RCPT_STOPPED: as which enum statistic it counts */
    sgl_view remote_mta; /* the host that answered, "mx1.example.net [192.0.2.1]", or empty */
    bool
        dsn_taken; /* RCPT_OK: the remote offers DSN and was given NOTIFY, so it answers for success; else we say "relayed" if success was asked for */
};

struct queue_delivery { /* how the queue talks to delivery, set once */
    void *ctx;
    /* A destination that had no work has some. Delivery calls queue_take() when it has a place for it (also from within). */
    void (*ready)(void *ctx, struct queue_dest *dest, sgl_view domain);
    /* The destination of a recipient who comes into memory, in place of rcpt->domain: that itself, or a text in room. NULL: it is rcpt->domain. */
    sgl_view (*lane)(void *ctx, const struct store_message *m, const struct store_rcpt *rcpt,
                     char *room, size_t size);
};

struct queue_config {
    const uint32_t *retry_s; /* waits after attempt 1, 2, ...; the last repeats */
    size_t retries;
    uint32_t jitter_percent;     /* 10 */
    uint32_t delay_notice_s;     /* first delay notice after this long; 0 never */
    uint32_t expire_s;           /* default time to live of a message */
    size_t memory_recipients;    /* jobs' recipients held in memory */
    size_t memory_bytes;         /* bodies held in memory for waiting jobs */
    uint32_t lease_s;            /* 0: 600 */
    uint32_t keep_audit_s;       /* lines of the audit go after this long; 0: never */
    uint32_t keep_trail_s;       /* finished messages are forgotten after this long; 0: never */
    sgl_view hostname;           /* for reports: Reporting-MTA */
    size_t rcpts_per_job;        /* at most, 0: 100 */
    int64_t (*now_s)(void *ctx); /* wall clock; NULL: clock_now_s(). Tests bring their own */
    void *now_ctx;
    uint32_t (*random)(void); /* for jitter; NULL: the system's */
};

struct queue *queue_new(struct loop *loop, struct store *store, struct workers *workers,
                        const struct queue_config *config);
void queue_set_delivery(struct queue *q, const struct queue_delivery *d);
/*
 * A bounce or delay notice is composed by the queue (lib/report) and must be signed before it is stored.  The signer is given from outside (admission), so that the queue knows
 * neither keys nor directory: it signs n->raw, sets n->signed_bytes (a new body) and calls n->done(n) on the outgoing loop.  Signing that fails leaves signed_bytes NULL: the notice then goes unsigned
 * rather than not at all.
 */
struct queue_notice {
    sgl_view raw;              /* the composed message */
    sgl_view from_domain;      /* d= wanted: the domain of its From */
    struct body *signed_bytes; /* out */
    void (*done)(struct queue_notice *n);
};
struct queue_signer {
    void *ctx;
    void (*sign)(void *ctx, struct queue_notice *n);
};
void queue_set_signer(struct queue *q, const struct queue_signer *signer);
/*
 * Who is not to be sent to any more?  Asked on the loop of each recipient before its job is handed out, so it has to be quick.  Like the signer it is given from outside.  body: empty
 * when it is not in memory; with WANTS_BODY it is brought, and the question comes again.  *why, with ENDS: its text stays; it becomes the reason of the recipient's state "suppressed".
 */
enum queue_stop_answer {
    QUEUE_STOP_GOES,
    QUEUE_STOP_ENDS,
    QUEUE_STOP_WANTS_BODY,
    QUEUE_STOP_YIELDS /* the store says what becomes of it: it goes back there. For all recipients of a message, or none */
};
struct queue_stop_why {
    const char *text;
    uint8_t drop; /* as which enum statistic it counts, or 0 */
};
struct queue_stop {
    void *ctx;
    enum queue_stop_answer (*stopped)(void *ctx, const struct store_message *message,
                                      const struct store_rcpt *rcpt, sgl_view body,
                                      struct queue_stop_why *why);
};
void queue_set_stop(struct queue *q, const struct queue_stop *stop);
/* Must each recipient of this message go by itself?  Asked on the loop, once for each time that a message comes into memory.  Without it none must. */
struct queue_alone {
    void *ctx;
    bool (*alone)(void *ctx, const struct store_message *message);
};
void queue_set_alone(struct queue *q, const struct queue_alone *alone); /* before queue_start() */
void queue_start(struct queue *q);
/* Stops claiming and handing out; calls done(ctx) when nothing is out with delivery. */
void queue_drain(struct queue *q, void (*done)(void *ctx), void *ctx);
/* After queue_drain(), or when the loop and the store have ended; delivery has given up its references. NULL accepted. */
void queue_free(struct queue *q);

/* Any thread: may a message of so many recipients and bytes be born claimed and be handed over by queue_offer()?  Reserves the room. */
bool queue_room(struct queue *q, size_t rcpts, size_t bytes);
void queue_unreserve(struct queue *q, size_t rcpts, size_t bytes);
/* Any thread: a message that was accepted with claim. Takes ownership of `m` (made by store_message_dup(), freed by the queue) and one reference of body. */
void queue_offer(struct queue *q, struct store_message *m, struct body *body);
/* Any thread: an administrator changed something (retry, release): look again now. */
void queue_nudge(struct queue *q);
/* Any thread: takes effect on the loop's next turn; config is copied. */
void queue_reconfigure(struct queue *q, const struct queue_config *config);

/* ---- for delivery, on the outgoing loop ---- */
/* The next job for this destination, fair between subscriptions; NULL when there is none. */
struct job *queue_take(struct queue *q, struct queue_dest *dest);
bool queue_dest_has_work(const struct queue_dest *dest);
/* Brings job->body in, then done(ctx, job). On failure body stays NULL: give RCPT_UNTRIED. */
void queue_load_body(struct queue *q, struct job *job, void (*done)(void *ctx, struct job *job),
                     void *ctx);
/* One outcome per job->rcpt, in order; events go to the trail. All views are copied by the call. The job is the queue's again. doubt_slot: from store_doubt(), or UINT32_MAX. */
void queue_outcome(struct queue *q, struct job *job, const struct rcpt_outcome *outcome,
                   const struct store_event *event, size_t events, uint32_t doubt_slot);

struct queue_stats {
    uint64_t in_memory, out, delivered, deferred, failed, expired, claims, bounces;
};
void queue_stats(struct queue *q, struct queue_stats *out); /* any thread; approximate */

#endif
