/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's half of an SMTP session, without a socket: bytes of the server and the time go in; events, and bytes for the server, come out.
 *
 *   feed(bytes) ... next(event) ... pull(output) ... deadline(now)
 *
 * The shell (who has the socket) does after everything that happened: feed what arrived, take events until there are none, write what pull() gives,
 * and ask deadline().  Its calls (begin, start_tls, ...) are answers to events and are legal only where the event's comment says so; elsewhere they give SGL_E_MISUSE.
 *
 *   new -> READY -> start_tls() -> TLS -> tls_started() -> READY -> auth() -> READY -> begin() -> BODY -> body() -> COMMIT -> commit() -> DONE -> begin() ... quit() -> END
 *
 * Whatever a server says that is not SMTP ends the session (END with a reason): nothing is guessed.
 */
#ifndef SIGILLO_SMTP_CLIENT_H
#define SIGILLO_SMTP_CLIENT_H

#include "sigillo/smtp_command.h"
#include "sigillo/smtp_reply.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_smtp_client;

/* Shared by sessions, unchanged while one uses it. */
struct sgl_smtp_client_config {
    sgl_view helo;        /* our name for EHLO; "host.example" or "[192.0.2.1]" */
    uint32_t greeting_ms; /* waits; 0 gives the minimum of RFC 5321 s4.5.3.2: 5 min ... */
    uint32_t command_ms;  /* 5 min: EHLO, MAIL, RCPT, STARTTLS, AUTH, RSET */
    uint32_t data_ms;     /* 2 min: for the 354 */
    uint32_t block_ms;    /* 3 min: for some of the body to be taken by the peer */
    uint32_t dot_ms;      /* 10 min: for the reply to the final dot */
    uint32_t quit_ms;     /* 10 s here */
    bool
        lmtp; /* LMTP is spoken: LHLO, and an answer for each recipient behind the final dot [RFC 2033] */
};

/* Where in the dialogue something was said or went wrong. */
enum sgl_smtp_stage {
    SGL_SMTP_AT_GREETING,
    SGL_SMTP_AT_EHLO,
    SGL_SMTP_AT_STARTTLS,
    SGL_SMTP_AT_AUTH,
    SGL_SMTP_AT_MAIL,
    SGL_SMTP_AT_RCPT,
    SGL_SMTP_AT_DATA,
    SGL_SMTP_AT_BODY, /* body partly sent, final dot not: nothing was taken over */
    SGL_SMTP_AT_DOT,  /* final dot sent: the server may have taken the message */
    SGL_SMTP_AT_RSET,
    SGL_SMTP_AT_QUIT,
    SGL_SMTP_AT_REST, /* between transactions */
};
SGL_API const char *
sgl_smtp_stage_name(enum sgl_smtp_stage stage); /* "MAIL", "end of data"; never NULL */

/* What the server offered in its last EHLO reply. */
struct sgl_smtp_offer {
    unsigned extensions; /* SGL_SMTP_... bits */
    unsigned mechanisms; /* SGL_SASL_... bits */
    uint64_t size_max;   /* 0: none given */
    uint32_t rcpt_max;   /* LIMITS RCPTMAX; 0: none given */
    uint32_t mail_max;   /* LIMITS MAILMAX; 0: none given */
    bool esmtp;          /* false: HELO only */
};

/* One recipient of a transaction. Views borrowed until its end. */
struct sgl_smtp_to {
    sgl_view mailbox;
    uint8_t notify; /* sent when DSN is offered */
    sgl_view orcpt; /* decoded, "rfc822;a@b"; the engine encodes it */
};

struct sgl_smtp_envelope {
    sgl_view from; /* "" is the null sender */
    const struct sgl_smtp_to *to;
    size_t tos;     /* >= 1 */
    uint64_t size;  /* sent when SIZE is offered; 0: unknown */
    sgl_view envid; /* decoded; empty: none */
    char ret;       /* 'F', 'H' or 0 */
    bool body_8bit, smtputf8,
        require_tls; /* must be offered: begin() gives SGL_E_LIMIT otherwise, see sgl_smtp_client_lacks() */
    bool probe; /* only asks whether the recipients would be taken: no DATA, DONE follows */
};

/* The answer to one recipient, at whatever stage it was decided. */
struct sgl_smtp_result {
    enum sgl_smtp_stage stage;
    /* 2xx at SGL_SMTP_AT_DOT: the server has taken responsibility, with LMTP for this recipient. reply.code 0: nothing was said, the session broke (END follows or came) */
    struct sgl_smtp_reply reply;
};

enum sgl_smtp_client_event_kind {
    SGL_SMTP_CLIENT_NONE,
    SGL_SMTP_CLIENT_READY, /* at rest; offer() is known: start_tls(), auth(), begin(), quit(). Also after auth() succeeded */
    SGL_SMTP_CLIENT_TLS, /* the server agreed to STARTTLS: upgrade, then tls_started(). feed() refuses plaintext until then */
    SGL_SMTP_CLIENT_REFUSED, /* start_tls() or auth() was refused (event.reply, event.stage); the session is at rest as after READY */
    SGL_SMTP_CLIENT_BODY,    /* 354: body(), or abandon() to end without a message */
    SGL_SMTP_CLIENT_COMMIT, /* the body has been pulled but for the final dot: mark the attempt in doubt, then commit(); or abandon() */
    SGL_SMTP_CLIENT_DONE, /* the transaction is over: result() for each recipient; at rest as after READY, unless END follows */
    SGL_SMTP_CLIENT_END, /* the session is over: event.stage, event.why, and event.reply where one was given (554 greeting, 421). result() is still valid */
};

enum sgl_smtp_end {
    SGL_SMTP_END_QUIT,     /* we said QUIT */
    SGL_SMTP_END_REFUSED,  /* greeting or EHLO refused: reply says why */
    SGL_SMTP_END_CLOSING,  /* the server said 421, or refused a message before its end: reply */
    SGL_SMTP_END_PROTOCOL, /* not SMTP: text says what */
    SGL_SMTP_END_TIMEOUT,  /* deadline() passed */
    SGL_SMTP_END_LOST,     /* the shell reported the end of the stream */
    SGL_SMTP_END_NOMEM,
};

struct sgl_smtp_client_event {
    enum sgl_smtp_client_event_kind kind;
    enum sgl_smtp_stage stage;
    enum sgl_smtp_end why; /* END */
    const char *text; /* END: a static sentence, "reply lines carry different codes"; never NULL */
    struct sgl_smtp_reply reply; /* code 0: none. Borrowed until the next feed() */
};

/* NULL when memory ends. The session starts by waiting for the greeting. */
SGL_API struct sgl_smtp_client *
sgl_smtp_client_new(const struct sgl_smtp_client_config *config) SGL_MUST_USE;
SGL_API void sgl_smtp_client_free(struct sgl_smtp_client *c); /* NULL accepted */

/* Bytes of the server. All are taken. */
SGL_API void sgl_smtp_client_feed(struct sgl_smtp_client *c, sgl_view bytes);
/* The invariant, for asserts, tests and fuzzers. */
SGL_API bool sgl_smtp_client_sane(const struct sgl_smtp_client *c);
/* The stream ended, for whatever reason. An END event follows. */
SGL_API void sgl_smtp_client_lost(struct sgl_smtp_client *c);
/* The next event; false when there is none. */
SGL_API bool sgl_smtp_client_next(struct sgl_smtp_client *c, struct sgl_smtp_client_event *out);

/* A piece of output. borrowed: it points into the body given by the shell and stays valid until DONE or END; else until the next call of any function here. */
struct sgl_smtp_out {
    sgl_view bytes;
    bool borrowed;
};
/* The next piece to write; false when there is none. What was pulled counts as sent. */
SGL_API bool sgl_smtp_client_pull(struct sgl_smtp_client *c, struct sgl_smtp_out *out);

/*
 * When must something have happened?  Call after each turn, with any monotonic milliseconds; 0: no deadline.  When now_ms has reached the one given before, the session is over (END, TIMEOUT).
 * Whole replies and pieces pulled are progress, single bytes are not; moved() tells of progress the engine can't see: the peer taking output.
 */
SGL_API uint64_t sgl_smtp_client_deadline(struct sgl_smtp_client *c, uint64_t now_ms);
SGL_API void sgl_smtp_client_moved(struct sgl_smtp_client *c);

SGL_API const struct sgl_smtp_offer *sgl_smtp_client_offer(const struct sgl_smtp_client *c);
/* Which of the extensions that this envelope needs are not offered: SGL_SMTP_8BITMIME, _SMTPUTF8, _REQUIRETLS bits, SGL_SMTP_SIZE when it is larger than size_max. 0: none. */
SGL_API unsigned sgl_smtp_client_lacks(const struct sgl_smtp_client *c,
                                       const struct sgl_smtp_envelope *e);

/* At rest, STARTTLS offered. */
SGL_API enum sgl_status sgl_smtp_client_start_tls(struct sgl_smtp_client *c) SGL_MUST_USE;
/* After TLS: the stream is encrypted now. EHLO is said again; what was offered before is forgotten. */
SGL_API enum sgl_status sgl_smtp_client_tls_started(struct sgl_smtp_client *c) SGL_MUST_USE;
/* The stream is encrypted from its first byte (port 465). Before anything was fed. */
SGL_API void sgl_smtp_client_tls_implicit(struct sgl_smtp_client *c);
/* At rest, PLAIN or LOGIN offered, TLS on (SGL_E_MISUSE otherwise). Copies; wiped after use. SGL_E_LIMIT: no mechanism in common. */
SGL_API enum sgl_status sgl_smtp_client_auth(struct sgl_smtp_client *c, sgl_view user,
                                             sgl_view password) SGL_MUST_USE;
/*
 * At rest. Says MAIL, RCPT..., DATA: in one go where PIPELINING is offered. Everything in the envelope is borrowed until DONE or END.
 * SGL_E_SYNTAX: an address or parameter holds CR, LF, NUL, blanks or is too long: nothing was written. SGL_E_LIMIT: lacks() is not 0.
 */
SGL_API enum sgl_status
sgl_smtp_client_begin(struct sgl_smtp_client *c,
                      const struct sgl_smtp_envelope *envelope) SGL_MUST_USE;
/* After BODY: the whole message, CRLF lines, without dot-stuffing, borrowed until DONE or END. A bare CR or LF or a NUL: SGL_E_SYNTAX, nothing is sent; abandon() then. */
SGL_API enum sgl_status sgl_smtp_client_body(struct sgl_smtp_client *c, sgl_view body) SGL_MUST_USE;
/* The same for a body already scanned when it was made (sgl_smtp_scan()): not looked through again. */
SGL_API enum sgl_status sgl_smtp_client_body_scanned(struct sgl_smtp_client *c, sgl_view body,
                                                     bool stuffing) SGL_MUST_USE;
/* After COMMIT: the final dot goes out. */
SGL_API enum sgl_status sgl_smtp_client_commit(struct sgl_smtp_client *c) SGL_MUST_USE;
/* After BODY or COMMIT: the message is not to be sent. Ends the session (the only way out of DATA): END, LOST. */
SGL_API void sgl_smtp_client_abandon(struct sgl_smtp_client *c);
/* At rest. */
SGL_API enum sgl_status
sgl_smtp_client_rset(struct sgl_smtp_client *c) SGL_MUST_USE; /* READY follows */
SGL_API enum sgl_status sgl_smtp_client_quit(struct sgl_smtp_client *c)
    SGL_MUST_USE; /* END follows; the shell need not wait for it */

/* After DONE or END: recipient i of the last envelope. Borrowed until begin() or free. */
SGL_API struct sgl_smtp_result sgl_smtp_client_result(const struct sgl_smtp_client *c, size_t i);
/* How many recipients were taken at RCPT so far. */
SGL_API size_t sgl_smtp_client_accepted(const struct sgl_smtp_client *c);

/* What a body needs on its way out, found in one pass at memory speed. */
struct sgl_smtp_scan {
    bool stuffing;              /* a line starts with a dot */
    bool eightbit;              /* bytes above 127 */
    bool bare_cr, bare_lf, nul; /* may not be sent */
    bool open_end;              /* the last line has no CRLF */
    size_t line_max;            /* longest line, without CRLF */
    size_t bad_line; /* number of the first line (from 1) with a bare CR, bare LF or NUL; 0 none */
};
SGL_API void sgl_smtp_scan(sgl_view body, struct sgl_smtp_scan *out);

#ifdef __cplusplus
}
#endif
#endif
