/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about one connection share: connection.c (its life), dialogue.c (SMTP), connect.c (hosts, addresses, TLS), outcome.c (what is told to the queue). */
#ifndef SERVER_DELIVERY_CONNECTION_H
#define SERVER_DELIVERY_CONNECTION_H

#include "internal.h"
#include "sigillo/limits.h"

#define HOSTS_TRIED_MAX                                                                            \
    5 /* addresses asked in one attempt at a message [RFC 5321 s5.1: at least 2] */
#define REASON_MAX        1000
#define EVENT_MAX         4096
#define EVENTS_BEFORE_MAX HOSTS_TRIED_MAX

enum phase {
    PHASE_CONNECTING,
    PHASE_TALKING,
    PHASE_LOADING, /* waits for the body; the session is at rest */
    PHASE_SENDING,
    PHASE_IDLE,
    PHASE_QUITTING,
};

#define SESSION_DOMAINS_MAX 16

/* What is told of a session, and for which domains it has been. */
struct session {
    bool known;
    enum sgl_tls_result result;
    enum sgl_tls_result sts_certificate;  /* what the domain's MTA-STS policy thinks of it */
    const char *reason;                   /* static, or the connection's */
    struct sgl_ip from;                   /* version 0: not connected */
    uint64_t domain[SESSION_DOMAINS_MAX]; /* hashes of the last ones */
    unsigned domains;
};

struct connection {
    struct connection *prev, *next; /* delivery->connections */
    struct connection *next_idle;
    struct site *site;
    struct delivery *delivery;
    struct plan *plan;
    struct job *job;
    struct stream *stream;
    struct pool_source source; /* where it connects from; of the plan's configuration */
    struct sgl_smtp_client *client;
    struct sgl_smtp_client_config settings; /* of the client, which borrows them */
    struct sgl_smtp_envelope envelope;      /* the same */
    enum phase phase;
    size_t host, address; /* being tried, or connected to */
    unsigned tried;       /* addresses in this attempt */
    bool joined;          /* the job came to a session that was there */
    bool may_pass;        /* a host failed this job in a way that time may mend */
    bool plain_only;      /* opportunistic TLS failed here: the same address again without */
    bool shaking;         /* hands, for TLS */
    bool tls_on, authenticated;
    bool load_pending; /* the queue is bringing the body */
    bool resting;      /* the engine waits for our next step */
    bool aborted;      /* goes as soon as the body has come */
    bool committed;    /* the final dot is on its way */
    bool dot_gone;     /* and the kernel has it */
    unsigned carried;  /* messages over this connection */
    uint32_t doubt;
    uint64_t began_ms, connected_ms, attempt_ms, deadline_ms, idle_since_ms;
    struct session session;
    struct tls_sessions listener;
    struct resume_key resume_key;
    struct resume_entry *resume; /* what this handshake is to resume; NULL */
    SSL_SESSION *made;           /* by a handshake that is not judged yet; NULL */
    uint64_t verified_ms;        /* when the full handshake was */
    bool unresumed;              /* a session led nowhere here: a full handshake */
    struct tls_seen seen;        /* of the handshake; version NULL: there was none */
    const char *tls_why;         /* why there is no TLS; static */
    char tls_error[SGL_LIMIT_NAME_TEXT + 200];
    char address_text[SGL_IP_TEXT_SIZE];
    char peer[SGL_LIMIT_NAME_TEXT + SGL_IP_TEXT_SIZE + 8]; /* "mx1.example.net [192.0.2.1]" */
    struct sgl_smtp_to *to;
    size_t tos, to_room;
    char return_path[DELIVERY_RETURN_PATH_SIZE]; /* of the only recipient; "": the sender's */
    char *before[EVENTS_BEFORE_MAX];             /* attempts at other hosts for this job, as JSON */
    size_t befores;
    uint8_t before_cause; /* what TLS failed at there first: enum transit_cause */
    struct loop_task gone;
};

static inline const struct plan_host *connection_host(const struct connection *c)
{
    return &c->plan->host[c->host];
}

/* ---- connection.c ---- */

/* After anything that happened: events, then the next step, then output, until nothing moves; then the deadline. */
void connection_turn(struct connection *c);
/* The connection (without a job) goes; its memory in the next turn of the loop, because callbacks of its stream may be below us on the stack. */
void connection_end(struct connection *c);
/* The session goes; the job gets a fresh one, from the first host on. */
void connection_start_over(struct connection *c);
/*
 * The session can't go on (or never came to be).  With a job: the next address, or its outcome.  A connection that carried messages before and was closed while at rest is no
 * failure of the host: the job gets a fresh one.
 */
void connection_failed(struct connection *c, enum failure failure, enum sgl_smtp_stage stage,
                       const struct sgl_smtp_reply *reply, const char *detail);

extern const struct stream_events connection_events;

/* ---- dialogue.c ---- */

/* At rest and with a job: TLS and AUTH first, as far as they are wanted. false: a step was begun, or the session ended. */
bool connection_is_prepared(struct connection *c);
/* Begins the transaction for the job; where the server can't carry it, the job has its outcome. */
void connection_transact(struct connection *c);
/* One event of the engine. Afterwards the session may be no more: c->client is NULL then. */
void connection_on_event(struct connection *c, const struct sgl_smtp_client_event *e);

/* What this failure is to the present job. */
enum failure connection_failure(const struct connection *c, enum failure failure,
                                enum sgl_smtp_stage stage);

/* ---- connect.c ---- */

/* Connects to the next address that can be tried, from (host, address) on; the job has its outcome when there is none. */
void connection_try_next(struct connection *c);
/* Where to try next. */
void connection_go_to(struct connection *c, size_t host, size_t address);
/* Others of the host's addresses may be well: it is the network's failure, and not the host's. */
bool failure_is_of_address(enum failure failure);
/* Is there another address to try after this failure? */
bool connection_may_go_on(const struct connection *c, enum failure failure);
/* An SSL that proves what the host's demand asks; NULL: none can be made. */
SSL *connection_tls(struct connection *c);
/* `what` (not the connection's own text) with the name of the policy that asks for it, where one does. */
const char *connection_sts_says(struct connection *c, const char *what);
const char *connection_hostname(const struct connection *c); /* for EHLO */
bool demand_requires_tls(enum tls_demand demand);

/* ---- handshake.c ---- */

/* The SSL for this target by the roots of a route (NULL: the default ones), which may resume a session; NULL: none can be made. */
SSL *handshake_begin(struct connection *c, struct tls_target *target,
                     const struct config_route *route);
/* It is through: c->seen says with whom. false: it proves less than it has to. */
bool handshake_done(struct connection *c);
/* It failed: true when that may be the fault of the session, so that a full one has to be tried. */
bool handshake_once_more(struct connection *c);
void handshake_forget(struct connection *c); /* before the stream goes */

/* ---- session.c ---- */

/* What became of TLS is known: it is told for the present job's domain. The first word stays. */
void session_is(struct connection *c, enum sgl_tls_result result, const char *reason);
/* A session that is known carries another job: told for its domain, unless it was. */
void session_carries(struct connection *c);
/* What the session (or that there is none) is worth to the domain's MTA-STS policy, be it enforced or tested. false: it has none, or that is not known. */
struct session_sts {
    enum sgl_tls_result result;
    bool mx_mismatch;
    const char *reason; /* "" for SGL_TLS_OK */
};
bool session_sts(const struct connection *c, struct session_sts *out);
/* The host can't be tried: told if that says something of the receiver. */
void session_is_not(struct connection *c);

/* ---- evidence.c ---- */

/* What is known of the attempt but for what was said; its texts are the connection's. */
struct attempt evidence_of(const struct connection *c, enum failure failure, bool failed,
                           enum sgl_smtp_stage stage);

/* ---- outcome.c ---- */

/*
 * The transaction is over, well or not.  Recipients beyond `tos` were not part of it (the server takes fewer at once) and go back.
 * failure, stage, reply, detail: for recipients of whom nothing was said.
 */
void connection_finish_job(struct connection *c, enum failure failure, enum sgl_smtp_stage stage,
                           const struct sgl_smtp_reply *reply, const char *detail);
/* A host was tried in vain and another one is next: for the trail. */
void connection_note_before(struct connection *c, enum failure failure, enum sgl_smtp_stage stage,
                            sgl_view reason);
void connection_forget_befores(struct connection *c);

#endif
