/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate for mail that arrives: who is known here, what the judge says, what becomes of it.
 *
 *   RCPT   reception_ask()     -> known, and how its domain wants to be protected
 *   DATA   reception_take()    -> judged -> handled now -> carried mail durable -> answer
 *
 * A message is accepted when all that its routes ask for is done or durable, never in part: what cannot be done now is 451 for all of it, and comes again; so whoever handles
 * mail does nothing twice.  Every function of another room that is set here is set before the loops run.
 */
#ifndef SERVER_RECEPTION_RECEPTION_H
#define SERVER_RECEPTION_RECEPTION_H

#include "../config/config.h"
#include "../directory/route.h"
#include "../judge/judge.h"
#include "../queue/queue.h"

struct reception;

struct reception_setup {
    struct directory *directory;
    struct judge *judge;
    struct store *store;
    struct queue *queue;
    struct config *config; /* a reference is taken */
    uint32_t lease_s;      /* of messages born claimed, as the queue's */
};
struct reception *reception_new(const struct reception_setup *setup); /* NULL: memory */
void reception_free(struct reception *r);                             /* NULL accepted */
/* Any thread: counts for messages from now on. */
void reception_reconfigure(struct reception *r, struct config *config);

struct reception_answer {
    uint16_t code;     /* 250, 451, 452, 550, 552, 554 */
    char enhanced[12]; /* "5.1.1" */
    char text[384];    /* one line, printable */
};

/* ---- RCPT ---------------------------------------------------------------------------------------------------------- */

/* One recipient.  The door keeps it until its message is over. */
struct reception_to {
    sgl_view address;     /* the mailbox, normalised; of the door */
    sgl_view orcpt;       /* decoded, or empty */
    uint8_t notify;       /* enum RCPT_NOTIFY_...  */
    enum judge_mode mode; /* of its domain */
    enum route_action action;
    struct arrival_route *route; /* a reference; NULL: somebody knows it without a route */
    const char *subscription;    /* "" where it is nobody's */
    char *text;                  /* reception's own */
};
void reception_to_done(struct reception_to *to); /* zeroed accepted */

struct reception_ask {
    struct reception_to *to;
    sgl_view env_from;
    struct loop *loop;
    void (*done)(struct reception_ask *ask, const struct reception_answer *answer);
    void *ctx;                   /* the door's */
    struct reception *reception; /* reception's own, as what follows */
    struct loop_task task;
};
/*
 * May mail go to this address?  250: *to is filled in.  550 5.1.1: nobody knows it.  done() may come within the call, or later on the loop.
 */
void reception_ask(struct reception *r, struct reception_ask *ask);

/* Addresses that are known without a route: return paths that were made here. */
enum reception_known {
    RECEPTION_NOT_MINE, /* another one may know it */
    RECEPTION_KNOWN, /* action, and subscription (a static text, or one that lives as long as the server) may be set */
    RECEPTION_FORGED, /* it looks like one, but was not made here, or too long ago: 550 5.1.1 */
};
struct reception_knows {
    void *ctx;
    enum reception_known (*knows)(void *ctx, sgl_view address, enum route_action *action);
};
#define RECEPTION_KNOWS_MAX 4
void reception_add_known(struct reception *r, const struct reception_knows *knows);

/* For a route with `ask`: is the recipient known behind it?  answered() on the loop of the question, also within the call: 250, 451, 550. */
struct reception_callout {
    void *ctx;
    void (*ask)(void *ctx, struct reception_ask *question,
                void (*answered)(struct reception_ask *question,
                                 const struct reception_answer *answer));
};
void reception_set_callout(struct reception *r, const struct reception_callout *callout);

/* ---- a message ------------------------------------------------------------------------------------------------------ */

struct reception_mail { /* the door's; alive until done() */
    struct sgl_ip ip;
    sgl_view helo, env_from, env_id; /* env_from: the mailbox; empty: the null sender */
    char ret;
    bool smtputf8, require_tls;
    sgl_view peer;      /* "192.0.2.1" */
    sgl_view peer_text; /* for Received: "[192.0.2.1]" */
    sgl_view protocol;  /* "ESMTPS" */
    sgl_view tls_text;  /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
    struct reception_to *to;
    size_t tos;   /* at least one; all of one mode */
    sgl_view raw; /* header and body as received, CRLF lines, dots removed */
    struct loop *loop;
    void (*done)(struct reception_mail *m, const struct reception_answer *answer);
    uint64_t id;    /* for the log: of the first message that is carried, or of what was handled */
    void *private_; /* reception's own */
};
/* done() comes later, on m->loop; 250 means: handled, and durable.  false: there is no memory even to begin; done() does not come. */
bool reception_take(struct reception *r, struct reception_mail *m);
/* Is there room for a message of so many bytes?  false: *out has the refusal. */
bool reception_has_room(struct reception *r, uint64_t bytes, struct reception_answer *out);

/* ---- handlers: bounces, complaints, reports, trap, discard ----------------------------------------------------------- */

enum arrival_result {
    ARRIVAL_DONE,    /* and durable, where there is something to keep */
    ARRIVAL_LATER,   /* not now: 451 for the whole message */
    ARRIVAL_REFUSED, /* 550 with the reason */
};
struct arrival {                       /* of one recipient; everything is borrowed until done() */
    const char *subscription;          /* "" where it is nobody's */
    const struct arrival_route *route; /* NULL: known without one */
    sgl_view rcpt, env_from;           /* mailboxes; env_from empty: the null sender */
    struct sgl_ip ip;
    sgl_view helo;
    sgl_view raw;                      /* as received, without our new fields */
    const struct sgl_headers *headers; /* of raw */
    const struct sgl_verdict *verdict;
    const struct judge_decision *decision; /* ACCEPT or QUARANTINE */
    int64_t at_ms;                         /* wall milliseconds */
    struct loop *loop;                     /* it runs here */
    /* Once; within the call, or later on the loop. why: one printable line, for REFUSED and LATER; may be NULL. */
    void (*done)(struct arrival *a, enum arrival_result result, const char *why);
    void *private_; /* the handler's */
};
/* Without one: 451, but ROUTE_TRAP and ROUTE_DISCARD, which are done as soon as they are noted. */
void reception_set_handler(struct reception *r, enum route_action action,
                           void (*take)(void *ctx, struct arrival *a), void *ctx);

/* ---- mail that is sent on ------------------------------------------------------------------------------------------- */

/*
 * One recipient with ROUTE_FORWARD (or known without a route, with that action): whoever forwards composes the message.  He fills message (recipients, size, envelope; all views
 * in `arena`) and made, whose reference becomes reception's.  Then all is committed with the rest.
 */
struct reception_forward {
    struct arrival arrival; /* its done() is not used */
    /* Our fields; those that came, without what was forged; what stands behind the blank line: with that line between them the message as we would deliver it */
    sgl_view fields, header, body;
    sgl_view authserv_id;
    bool
        authenticated; /* env_from was proved; else nobody is told of what fails later: notify NEVER */
    sgl_view results;              /* "spf=pass ...; dmarc=pass": as they stand in our field */
    struct store_message *message; /* filled in but for rcpt, rcpts and size; env_from as it came */
    struct sgl_arena *arena;
    struct body *made; /* its bytes */
    void (*done)(struct reception_forward *f, enum arrival_result result, const char *why);
    void *private_;
};
void reception_set_forward(struct reception *r,
                           void (*make)(void *ctx, struct reception_forward *f), void *ctx);

/* ---- observers ------------------------------------------------------------------------------------------------------ */

/* A message that was judged, also one that is refused, once its answer stands; what could not be taken now is told when it has come again. On its loop, everything borrowed for the call. */
struct reception_judged {
    struct sgl_ip ip;
    sgl_view helo, env_from;
    const char *subscription; /* of the first recipient */
    const struct reception_to *to;
    size_t tos;
    sgl_view raw;
    const struct sgl_headers *headers;
    const struct sgl_verdict *verdict;
    const struct judge_decision *decision;
    int64_t at_ms;
};
#define RECEPTION_OBSERVERS_MAX 4
void reception_set_judged(struct reception *r,
                          void (*judged)(void *ctx, const struct reception_judged *j), void *ctx);
/* Mail to an address that is a trap; not reports of failures, which answer what somebody else forged. */
void reception_set_trapped(struct reception *r,
                           void (*trapped)(void *ctx, const struct reception_judged *j), void *ctx);

struct reception_stats {
    uint64_t accepted, refused, deferred; /* messages */
    uint64_t quarantined, overridden;     /* of accepted ones */
    uint64_t unknown;                     /* recipients */
    uint64_t handled, carried;            /* recipients of accepted messages */
    uint64_t dmarc_pass, dmarc_fail, dmarc_none, dmarc_error;
    uint64_t bytes, busy;
};
void reception_stats(struct reception *r,
                     struct reception_stats *out); /* any thread; approximate */

#endif
