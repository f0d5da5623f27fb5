/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's half of an SMTP session, without a socket: bytes of the client and the time go in; events, and bytes for the client, come out.
 *
 *   feed(bytes, &used) -> next(event) -> the shell's answer -> ... -> pull(output) -> deadline(now)
 *
 * feed() takes bytes up to the next event and stops there; events marked "answer" hold the session still (feed() takes nothing) until the shell calls the function that is named,
 * at once or later.  So a shell loops: feed, next, answer, until feed() takes nothing or nothing is left; then it pulls all output and writes it in one go.
 *
 * States: GREETED -> (EHLO) IDLE -> MAIL -> RCPT -> DATA or BDAT -> IDLE; AUTH and STARTTLS from IDLE; CLOSED from anywhere.
 * Only CR LF . CR LF ends DATA.  A message with a bare CR, a bare LF or a NUL is read to its true end and refused.
 */
#ifndef SIGILLO_SMTP_SERVER_H
#define SIGILLO_SMTP_SERVER_H

#include "sigillo/smtp_command.h"
#include "sigillo/smtp_reply.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_smtp_server;

/* Shared by sessions, unchanged while one uses it. Zero in a limit: the default that is named. */
struct sgl_smtp_server_config {
    sgl_view hostname; /* in the greeting and EHLO */
    /* SGL_SMTP_... bits; SGL_SMTP_TLS is offered only before TLS, SGL_SMTP_HAS_AUTH only when allowed */
    unsigned offer;
    unsigned mechanisms; /* SGL_SASL_... bits */
    bool auth_required;  /* MAIL without AUTH: 530 5.7.0 */
    bool auth_in_plain;  /* AUTH without TLS (loopback tests); else 538 5.7.11 and not offered */
    uint64_t size_max;   /* bytes of a message; 0: no limit */
    uint32_t rcpt_max;   /* 1000: then 452 4.5.3 */
    uint32_t mail_max;   /* transactions a session; 0: no limit; then 421 4.7.0 */
    uint32_t errors_max; /* 20: then 421 4.7.0 */
    /* 200: commands without a message (NOOP, RSET, EHLO, ...) in a row; then 421 4.7.0 */
    uint32_t idle_commands_max;
    uint32_t command_ms; /* 5 min: a whole command must arrive within */
    uint32_t data_ms;    /* 3 min: silence within a message */
    uint32_t session_ms; /* 0: no limit; ends between messages only */
    /* Bytes a second within a message, on average, after rate_grace_ms; 0: none */
    uint32_t rate_min;
    uint32_t rate_grace_ms; /* 30 s */
};

enum sgl_smtp_server_event_kind {
    SGL_SMTP_SERVER_NONE,
    SGL_SMTP_SERVER_EHLO,     /* hello, extended: for the log; nothing to answer */
    SGL_SMTP_SERVER_STARTTLS, /* write all output (the 220), upgrade, then tls_started(); bytes that came before it in plaintext end the session */
    SGL_SMTP_SERVER_AUTH_START, /* answer: mechanism, data (initial response, has_data) -> challenge() or answer(235 | 4xx | 5xx) */
    SGL_SMTP_SERVER_AUTH_RESPONSE, /* answer: data, decoded -> challenge() or answer() */
    SGL_SMTP_SERVER_AUTH_CANCEL,   /* the client gave up (501 was said); forget the exchange */
    SGL_SMTP_SERVER_MAIL,          /* answer: mail -> answer(250 | ...) */
    SGL_SMTP_SERVER_RCPT,          /* answer: rcpt -> answer(250 | ...) */
    SGL_SMTP_SERVER_BODY, /* answer: a message begins (DATA or the first BDAT): answer(354) to take it, anything else refuses */
    SGL_SMTP_SERVER_CHUNK, /* data: the next bytes of the message, dots removed, borrowed from the bytes fed (valid until the next feed()) */
    SGL_SMTP_SERVER_MESSAGE, /* answer: the message is whole and clean -> answer(250 | 4xx | 5xx). The transaction is over then */
    SGL_SMTP_SERVER_RESET, /* the transaction is gone (RSET, EHLO, refused message, ...): forget envelope and bytes */
    SGL_SMTP_SERVER_CLOSE, /* write the output, then close. reason */
};

enum sgl_smtp_close {
    SGL_SMTP_CLOSE_QUIT,
    SGL_SMTP_CLOSE_ERRORS,  /* too many errors, commands without a message, transactions */
    SGL_SMTP_CLOSE_FRAMING, /* bare LF or CR in a command, plaintext behind STARTTLS, an end of data that others may read differently */
    SGL_SMTP_CLOSE_TIMEOUT,
    SGL_SMTP_CLOSE_ANSWER, /* the shell answered 421, or shut_down() */
    SGL_SMTP_CLOSE_NOMEM,
};

struct sgl_smtp_server_event {
    enum sgl_smtp_server_event_kind kind;
    sgl_view hello;     /* EHLO: the client's name as given, at most 255 printable bytes */
    bool extended;      /* EHLO: not HELO */
    unsigned mechanism; /* AUTH_START: one SGL_SASL_ bit */
    bool has_data;      /* AUTH_START: there was an initial response (maybe empty) */
    /* AUTH_*: decoded; CHUNK. Valid until the next call of feed(), challenge() or answer() */
    sgl_view data;
    struct sgl_smtp_mail mail; /* MAIL: views valid until the next feed() */
    struct sgl_smtp_rcpt rcpt; /* RCPT: the same */
    uint64_t size; /* MESSAGE: bytes of it; BODY: announced by BDAT or by SIZE=, else 0 */
    enum sgl_smtp_close reason; /* CLOSE */
    const char *text;           /* CLOSE and RESET: why, static; never NULL there */
};

/* NULL when memory ends. tls: encrypted from the first byte. The greeting is ready to pull. */
SGL_API struct sgl_smtp_server *sgl_smtp_server_new(const struct sgl_smtp_server_config *config,
                                                    bool tls) SGL_MUST_USE;
/* The same, but the greeting is a refusal ("421 4.7.0 too many connections") and the session closes. */
SGL_API struct sgl_smtp_server *
sgl_smtp_server_new_refused(const struct sgl_smtp_server_config *config, uint16_t code,
                            sgl_view enhanced, sgl_view text) SGL_MUST_USE;
SGL_API void sgl_smtp_server_free(struct sgl_smtp_server *s); /* NULL accepted */

/*
 * *used: bytes taken from the front.  Less than all: an event waits in next(), or an answer is awaited; offer the rest again afterwards.
 * Partial command lines are taken and kept.  After CLOSE everything is taken and thrown away.
 */
SGL_API void sgl_smtp_server_feed(struct sgl_smtp_server *s, sgl_view bytes, size_t *used);
/* The next event; false when there is none. */
SGL_API bool sgl_smtp_server_next(struct sgl_smtp_server *s, struct sgl_smtp_server_event *out);
/* All output that waits, at once; false when there is none. Valid until the next call of any function here; counts as sent. */
SGL_API bool sgl_smtp_server_pull(struct sgl_smtp_server *s, sgl_view *out);

/*
 * The shell's answer to the event that waits for one.  code 2xx (BODY: 354) accepts; 4xx and 5xx refuse; 421 closes.  enhanced ("2.1.0") may be empty;
 * text holds no CR, LF, NUL (such an answer becomes 451 4.3.0).  SGL_E_MISUSE when nothing waits.
 */
SGL_API enum sgl_status sgl_smtp_server_answer(struct sgl_smtp_server *s, uint16_t code,
                                               sgl_view enhanced, sgl_view text) SGL_MUST_USE;
/* AUTH: the next challenge, not yet encoded (may be empty). */
SGL_API enum sgl_status sgl_smtp_server_challenge(struct sgl_smtp_server *s,
                                                  sgl_view challenge) SGL_MUST_USE;
/* The identity is known without AUTH (trusted network): MAIL is allowed. */
SGL_API void sgl_smtp_server_trust(struct sgl_smtp_server *s);
/* After STARTTLS: the stream is encrypted; everything said before is forgotten. */
SGL_API enum sgl_status sgl_smtp_server_tls_started(struct sgl_smtp_server *s) SGL_MUST_USE;
/*
 * Ends the session politely: 421 now when no transaction is under way, else after the message in hand was answered.  enhanced and text static.
 */
SGL_API void sgl_smtp_server_shut_down(struct sgl_smtp_server *s, const char *enhanced,
                                       const char *text);

/*
 * When does patience end?  Call after each turn and when the time it gave has come, with any monotonic milliseconds.  Returns the next deadline; 0: none (the shell's own answer is awaited).
 * When one has passed, a 421 is ready to pull and CLOSE follows.
 */
SGL_API uint64_t sgl_smtp_server_deadline(struct sgl_smtp_server *s, uint64_t now_ms);

/* Between commands: gives back every buffer that is empty. Cheap; call when the socket has nothing more to say. */
SGL_API void sgl_smtp_server_relax(struct sgl_smtp_server *s);

enum sgl_smtp_server_wait {
    SGL_SMTP_SERVER_RUNS,
    SGL_SMTP_SERVER_WANTS_ANSWER,
    SGL_SMTP_SERVER_WANTS_TLS,
    SGL_SMTP_SERVER_CLOSED
};
SGL_API enum sgl_smtp_server_wait sgl_smtp_server_wait(const struct sgl_smtp_server *s);
SGL_API bool sgl_smtp_server_in_transaction(
    const struct sgl_smtp_server *s); /* MAIL was accepted and is not answered for yet */
SGL_API bool sgl_smtp_server_is_tls(const struct sgl_smtp_server *s);
SGL_API bool sgl_smtp_server_is_authenticated(const struct sgl_smtp_server *s);
SGL_API bool sgl_smtp_server_is_extended(const struct sgl_smtp_server *s); /* EHLO, not HELO */
SGL_API size_t
sgl_smtp_server_memory(const struct sgl_smtp_server *s); /* bytes held, struct included */
/* The invariant, for asserts, tests and fuzzers. */
SGL_API bool sgl_smtp_server_sane(const struct sgl_smtp_server *s);

#ifdef __cplusplus
}
#endif
#endif
