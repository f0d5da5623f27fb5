/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failure means.  The one place that decides between the next host, another try of a recipient, patience with a whole site, and a bounce; the protocol and the
 * connection only report what happened.  Pure: no clock, no state.
 */
#ifndef SERVER_DELIVERY_POLICY_H
#define SERVER_DELIVERY_POLICY_H

#include "delivery.h"
#include "sigillo/buf.h"
#include "sigillo/smtp_client.h"

enum failure {
    FAILURE_REPLY,   /* the server answered 4xx or 5xx: stage and reply say what */
    FAILURE_REFUSED, /* connection refused or unreachable */
    FAILURE_CONNECT_TIMEOUT,
    FAILURE_TIMEOUT,     /* silence within the dialogue */
    FAILURE_LOST,        /* the connection broke within the dialogue */
    FAILURE_PROTOCOL,    /* what it said was not SMTP */
    FAILURE_NO_STARTTLS, /* TLS is required and not offered */
    FAILURE_TLS,         /* handshake failed, TLS is required */
    FAILURE_TLS_VERIFY,  /* TLS, but not with whom it must be */
    FAILURE_AUTH,        /* the smart host refused our credentials */
    FAILURE_NO_8BITMIME, /* the message needs what the server does not offer */
    FAILURE_NO_SMTPUTF8,
    FAILURE_NO_REQUIRETLS,
    FAILURE_NO_ENCRYPTION, /* the message has REQUIRETLS, and the server does not offer STARTTLS */
    FAILURE_DEMAND,      /* the connection can't be what the message, or the administrator, wants */
    FAILURE_TOO_LARGE,   /* above the SIZE it announced */
    FAILURE_ADDRESSES,   /* the host's addresses are not known for now */
    FAILURE_NO_ADDRESS,  /* the host has none, or none we may use */
    FAILURE_DANE_LOOKUP, /* TLSA or address lookup failed or was forged */
    FAILURE_STS_MX,      /* the domain's MTA-STS policy does not allow the host */
    FAILURE_STS_UNKNOWN, /* whether there is such a policy cannot be found out now */
    FAILURE_MX_LOOKUP,   /* the domain's MX lookup failed or was forged */
    FAILURE_NO_DOMAIN,
    FAILURE_NULL_MX,
    FAILURE_MX_UNUSABLE,
    FAILURE_MX_LOOP,
    FAILURE_LOCAL, /* ours: memory, descriptors, the body could not be read */
};

enum action {
    ACTION_NEXT_HOST, /* another host may take it; after the last one DEFER */
    ACTION_DEFER,     /* the recipient is tried again by the schedule */
    ACTION_BOUNCE,    /* the recipient has failed for good */
    ACTION_PUT_BACK, /* not the recipient's fault and no attempt: when the site (or we) can again */
};

/* What becomes of the site: of all the mail for those hosts. */
enum site_effect {
    SITE_UNTOUCHED,
    SITE_SLOWER, /* fewer connections at once */
    SITE_REST,   /* no new connection for a while */
};

struct decision {
    enum action action;
    enum site_effect site;
    bool session_over;      /* the connection can't be used for another message */
    bool possibly_repeated; /* the server may have taken it: the final dot had been sent */
    bool
        overflow; /* too many recipients at once: where others of the transaction were taken, this one was not tried */
    char status[12]; /* "4.4.1": the server's own where it gave one */
};

/*
 * stage: where it happened; reply: NULL unless FAILURE_REPLY (a 421 anywhere closes the session).
 * last_try: no other host is left for this attempt: ACTION_NEXT_HOST is then never given.
 */
struct decision policy_decide(enum failure failure, enum sgl_smtp_stage stage,
                              const struct sgl_smtp_reply *reply, bool last_try);

/*
 * What a failure is to a message with REQUIRETLS: what time does not mend is told to the sender at once  [RFC 8689 s4.2.1].  may_pass: another host of this attempt failed in
 * a way that may, so that nothing is final.
 */
enum failure policy_requiretls(enum failure failure, enum sgl_smtp_stage stage, bool may_pass);

/* For `queue show` and reports, printable, one line: "mx1.example.net [192.0.2.1] said at RCPT: 450 4.2.0 greylisted". host and detail may be empty. */
/*
 * What does a permanent failure say of the recipient?  false: nothing, since nobody was asked.
 *
 * Does it say that the address itself is no good, so that nothing should be sent to it again?  Only with one of the codes 5.1.1, 5.1.2, 5.1.3, 5.1.6 and 5.1.10
 * [RFC 3463 s3.2, RFC 7505 s4], and only where it can mean this recipient: before any dialogue (stage NULL), at RCPT, or after the dot of a message for it alone.  A refusal
 * for policy or reputation is none.
 */
bool policy_bounce_kind(const char *stage, sgl_view status, size_t rcpts,
                        enum delivery_bounce *kind);

void policy_reason_put(struct sgl_buf *out, enum failure failure, enum sgl_smtp_stage stage,
                       const struct sgl_smtp_reply *reply, sgl_view host, sgl_view detail);
/* A short stable word for events and metrics: "reply", "refused", "no-starttls". */
const char *failure_name(enum failure failure);

#endif
