/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail that comes back: what a report of another server, or a notice written for people, says became of each recipient.  [RFC 3464, 6522, 6533; RFC 3834]
 * Whether the report can be believed is for the caller to know: anybody can write one.
 */
#ifndef SIGILLO_BOUNCE_H
#define SIGILLO_BOUNCE_H

#include "sigillo/arena.h"
#include "sigillo/diag.h"
#include "sigillo/header.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What it means for the address. Their words: sgl_bounce_class_name(). */
enum sgl_bounce_class {
    SGL_BOUNCE_UNKNOWN,    /* failed, and nothing says why */
    SGL_BOUNCE_HARD,       /* the address will never work: unknown, moved, no such domain */
    SGL_BOUNCE_SOFT,       /* it may work later: time-outs, disabled accounts, broken servers */
    SGL_BOUNCE_BLOCK,      /* who sent it is refused: address lists, reputation, no reverse name */
    SGL_BOUNCE_POLICY,     /* this message is refused: content, size, authentication, rules */
    SGL_BOUNCE_FULL,       /* the mailbox is full */
    SGL_BOUNCE_AUTO_REPLY, /* somebody's machine answers: vacation, challenge, acknowledgement */
    SGL_BOUNCE_COMPLAINT,  /* the recipient called it unwanted */
    SGL_BOUNCE_DELIVERED,  /* a success notice */
};

enum sgl_bounce_action {
    SGL_BOUNCE_FAILED,
    SGL_BOUNCE_DELAYED,          /* still being tried: not a failure */
    SGL_BOUNCE_ACTION_DELIVERED, /* also where an automatic reply shows it */
    SGL_BOUNCE_RELAYED,
    SGL_BOUNCE_EXPANDED,
    SGL_BOUNCE_COMPLAINED,
};

enum sgl_bounce_kind {
    SGL_BOUNCE_NONE,     /* a letter: no recipient is set */
    SGL_BOUNCE_REPORT,   /* the fields of RFC 3464 are there */
    SGL_BOUNCE_NOTICE,   /* text for people only */
    SGL_BOUNCE_REPLY,    /* an automatic reply [RFC 3834] */
    SGL_BOUNCE_FEEDBACK, /* a complaint; sgl_arf_parse() tells more */
};

/* Views point into the message or the arena; they are foreign bytes, and may be empty. */
struct sgl_bounce_rcpt {
    sgl_view
        recipient; /* "user@example.org", as it was sent to if that is told (Original-Recipient), without brackets */
    sgl_view final;      /* whom that led to (Final-Recipient); not always an address */
    sgl_view status;     /* "5.1.1": the most telling one of all that are given */
    uint16_t code;       /* 550, or 0 */
    sgl_view diagnostic; /* one line */
    sgl_view remote_mta;
    enum sgl_bounce_action action;
    enum sgl_bounce_class class_;
    const char *cause; /* a word: "user-unknown", "mailbox-full", ...; "" when there is none */
};

struct sgl_bounce {
    enum sgl_bounce_kind kind;
    const char *form; /* who is recognised to have written it: "rfc3464", "qmail", "exim", ... */
    sgl_view reporting_mta;
    sgl_view env_id;           /* Original-Envelope-Id */
    sgl_view original;         /* the message that came back, or its header, or empty */
    struct sgl_headers header; /* of that, as far as it can be read */
    sgl_view message_id;       /* of that, with its brackets */
    struct sgl_bounce_rcpt *rcpt;
    size_t rcpts;
    bool more; /* there were more recipients than SGL_LIMIT_BOUNCE_RCPTS */
};

SGL_API const char *sgl_bounce_class_name(enum sgl_bounce_class class_);
SGL_API const char *sgl_bounce_action_name(enum sgl_bounce_action action);

/*
 * What does this message report?
 *
 * message  whole, lines ended by CRLF or LF. Borrowed as long as the result is used.
 * out      set only with SGL_OK. A message that reports nothing is SGL_OK with SGL_BOUNCE_NONE.
 * Returns SGL_OK; SGL_E_SYNTAX: it has no header that can be read; SGL_E_LIMIT: its parts are too many or too deep, or the arena is full; SGL_E_NOMEM.
 * Time grows with the length; text over SGL_LIMIT_BOUNCE_TEXT is not looked at.
 */
SGL_API enum sgl_status sgl_bounce_parse(sgl_view message, struct sgl_arena *arena,
                                         struct sgl_bounce *out) SGL_MUST_USE;

/* What a server said when it refused: of a report, or in a session of our own. */
struct sgl_bounce_said {
    sgl_view status;    /* "5.1.1" or empty */
    uint16_t code;      /* 550 or 0 */
    sgl_view text;      /* may have several lines, each with its codes */
    bool after_message; /* said after DATA, when the recipient had been accepted */
};
/*
 * The class of that and a word for its cause; the text counts more than the codes, which are often put there without care.  [RFC 3463, 5248, 7372, 7505]
 * Returns SGL_OK, SGL_E_LIMIT (arena), SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_bounce_classify(const struct sgl_bounce_said *said,
                                            struct sgl_arena *arena, enum sgl_bounce_class *class_,
                                            const char **cause) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
