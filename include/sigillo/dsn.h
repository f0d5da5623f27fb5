/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery status notifications: what became of a message, for people (first part) and for programs (second part), with
 * the message or its header (third). [RFC 3461, 3464, 6522, 6533, 3834]  Pure: the caller knows the time, draws the random
 * bytes, and decides whether one may be sent at all.
 */
#ifndef SIGILLO_DSN_H
#define SIGILLO_DSN_H

#include "sigillo/buf.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_dsn_action {
    SGL_DSN_FAILED,    /* given up */
    SGL_DSN_DELAYED,   /* still trying */
    SGL_DSN_DELIVERED, /* into the mailbox (a final delivery we know of) */
    SGL_DSN_RELAYED, /* handed to a server that does not do DSN: success on request, no more will be heard */
};

/* NOTIFY of one recipient as RFC 3461 s4.1 has it; 0: not given, which means FAILURE and DELAY. Same bits as the store's. */
enum {
    SGL_DSN_NOTIFY_NEVER = 1,
    SGL_DSN_NOTIFY_SUCCESS = 2,
    SGL_DSN_NOTIFY_FAILURE = 4,
    SGL_DSN_NOTIFY_DELAY = 8
};

/*
 * Must the sender hear of this?  false for the null sender, for NEVER, and for what was not asked for.
 * [RFC 3461 s4.1, s5.2; RFC 5321 s4.5.5: never answer a null sender]
 */
SGL_API bool sgl_dsn_wanted(sgl_view env_from, unsigned notify, enum sgl_dsn_action action);

/* One recipient of the report; all texts are borrowed and may be hostile: they are made harmless here. */
struct sgl_dsn_rcpt {
    sgl_view address; /* as it was tried: "user@example.org" */
    sgl_view orcpt;   /* RFC 3461 ORCPT decoded, "rfc822;a@b"; empty: no Original-Recipient */
    enum sgl_dsn_action action;
    /* "5.1.1"; anything that is not class.subject.detail with the action's class becomes 5.0.0, 4.0.0 or 2.0.0 */
    sgl_view status;
    /* The server that spoke, "mx1.example.net [192.0.2.1]" or a name; empty: none was asked */
    sgl_view remote_mta;
    sgl_view reply;  /* its answer, "550 5.1.1 no such user": Diagnostic-Code smtp; empty: none */
    sgl_view reason; /* ours, when no server spoke: "no TLSA record matches"; empty: none */
    sgl_time last_attempt; /* 0: none */
    unsigned attempts;
    sgl_time will_retry_until; /* DELAYED: when we give up; 0 unknown */
    sgl_time next_attempt;     /* DELAYED: 0 unknown */
};

struct sgl_dsn {
    sgl_view reporting_mta; /* our host name */
    sgl_view from_address;  /* "mailer-daemon@example.org", for the From field */
    sgl_view to;            /* the envelope sender of the message reported on; never empty */
    sgl_view env_id;        /* ENVID decoded, or empty */
    sgl_view message_id;    /* of this report: "<...@...>" */
    sgl_view queue_id;      /* our id of the message reported on, for people */
    sgl_time now;
    sgl_time arrival;   /* when we accepted it; 0 unknown */
    uint8_t random[16]; /* for the boundary */
    /* 'F' whole message, 'H' header only, 0 not given: a failure then returns the header only over return_max, else all */
    char ret;
    size_t return_max; /* the original is returned whole only up to this size, even for 'F' */
    /* The message: header and body, CRLF lines; may hold the header only (then it is returned so) */
    sgl_view original;
    bool smtputf8; /* the message went as SMTPUTF8: the report uses the types of RFC 6533 */
    const struct sgl_dsn_rcpt *rcpt;
    size_t rcpts; /* at least one */
};

/* What the report turned out to be: for the envelope it is sent in (MAIL FROM:<>, RCPT TO:<to>). */
struct sgl_dsn_result {
    bool eightbit; /* needs 8BITMIME */
    bool smtputf8; /* needs SMTPUTF8 */
};

/*
 * Writes the whole report as a message, CRLF lines, none over 998. One report may speak of several recipients of one message, with different actions; success and
 * delay never return the body.
 * Returns SGL_OK; SGL_E_MISUSE: no recipient, an empty `to`, or an address with control characters; SGL_E_LIMIT: out is full; SGL_E_NOMEM. On failure `out` is as it was.
 */
SGL_API enum sgl_status sgl_dsn_put(struct sgl_buf *out, const struct sgl_dsn *d,
                                    struct sgl_dsn_result *result) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
