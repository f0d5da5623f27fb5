/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGILLO_SMTP_SERVER_INTERNAL_H
#define SIGILLO_SMTP_SERVER_INTERNAL_H

#include "sigillo/limits.h"
#include "sigillo/smtp_server.h"

/*
 * What the next byte is part of:
 *   COMMAND   a command line                      -> AUTH, DATA, BDAT, DISCARD, SKIP, CLOSED
 *   AUTH      a line of a SASL exchange           -> COMMAND
 *   SKIP      a line that is too long, to its end -> COMMAND
 *   DATA      a message with dots                 -> COMMAND
 *   BDAT      `left` octets of a message          -> COMMAND
 *   DISCARD   `left` octets of a refused BDAT     -> COMMAND
 *   CLOSED    nothing any more
 */
enum server_state { ST_COMMAND, ST_AUTH, ST_SKIP, ST_DATA, ST_BDAT, ST_DISCARD, ST_CLOSED };

/* Where in a line of the message the next byte stands. DOT and DOT_CR: a dot (and a CR) at the start of a line was seen and is not given out yet. */
enum text_place { AT_LINE_START, AT_MID, AT_AFTER_CR, AT_DOT, AT_DOT_CR };

enum text_fault { TEXT_CLEAN, TEXT_BARE_CR, TEXT_BARE_LF, TEXT_NUL, TEXT_TOO_BIG };

struct sgl_smtp_server {
    const struct sgl_smtp_server_config *config;
    struct sgl_buf line; /* the part of a line that has come */
    struct sgl_buf out;  /* replies that wait */
    struct sgl_buf
        decoded; /* SASL bytes; in DISCARD the reply that waits for the end of the octets */
    struct sgl_arena arena; /* addresses of the command in hand */
    struct sgl_smtp_server_event event;

    enum server_state state;
    enum sgl_smtp_server_wait wait;
    enum sgl_smtp_server_event_kind asked; /* what the awaited answer answers */
    enum sgl_smtp_close close_reason;
    const char *close_text, *reset_text;
    const char *shut_enhanced, *shut_text; /* shut_down() was called */

    bool has_event, has_reset, has_close;
    bool pulled;     /* `out` was given to the shell: empty it before the next reply */
    bool skip_auth;  /* SKIP began in AUTH */
    bool line_spent; /* `line` was a whole line: empty it before the next */
    bool tls, extended, greeted, authenticated, trusted;
    bool mail; /* MAIL was accepted */
    bool body; /* a message was begun by DATA or BDAT and is not answered for */
    bool
        bdat_failed; /* a BDAT of this transaction was refused: only RSET, EHLO, MAIL's 503 remain */
    bool smtputf8, body_8bit;
    bool
        data_refused; /* and the client has not heard it yet: bytes that come now are the message */
    bool early;       /* bytes came before the shell agreed to DATA */
    bool bdat_asked;  /* BODY is asked by BDAT, not DATA */
    uint64_t announced; /* SIZE= of MAIL */
    uint64_t size;      /* bytes of the message so far */
    uint64_t left;      /* BDAT, DISCARD */
    bool last;          /* this BDAT is the LAST */

    enum text_place place;
    enum text_fault fault;
    bool odd_line;      /* the present line began behind CR CR LF */
    size_t line_number; /* of the present line, from 1 */
    size_t fault_line;

    uint32_t rcpts, rcpt_commands, mails, errors, idle_commands;

    /* time */
    bool started, progress, body_clock;
    uint64_t session_at, mark_at, body_at;
    uint64_t body_bytes; /* since body_at */
};

/* smtp_server.c */
/* Before writing to s->out directly. */
void sgl_smtp_server_reply_begin(struct sgl_smtp_server *s);
/* Closes when there were too many errors. */
void sgl_smtp_server_errors_check(struct sgl_smtp_server *s);
void sgl_smtp_server_put_reply(struct sgl_smtp_server *s, uint16_t code, sgl_view enhanced,
                               sgl_view text);
/* 421, and the end. */
void sgl_smtp_server_give_up(struct sgl_smtp_server *s, enum sgl_smtp_close reason,
                             const char *enhanced, const char *text);
void sgl_smtp_server_reply(struct sgl_smtp_server *s, uint16_t code, const char *enhanced,
                           const char *text);
void sgl_smtp_server_close(struct sgl_smtp_server *s, enum sgl_smtp_close reason, const char *text);
/* A reply that counts as the client's mistake. */
void sgl_smtp_server_mistake(struct sgl_smtp_server *s, uint16_t code, const char *enhanced,
                             const char *text);
/* Something without a message was done; too many of these close. */
void sgl_smtp_server_idle_command(struct sgl_smtp_server *s);
/* Sets the event; the session stands still until answered. */
void sgl_smtp_server_ask(struct sgl_smtp_server *s, enum sgl_smtp_server_event_kind kind);
/* The transaction is gone; with tell, a RESET event says so to the shell. */
void sgl_smtp_server_end_transaction(struct sgl_smtp_server *s, bool tell, const char *text);

/* smtp_server_command.c */
void sgl_smtp_server_command(struct sgl_smtp_server *s, sgl_view line);
void sgl_smtp_server_auth_line(struct sgl_smtp_server *s, sgl_view line);
void sgl_smtp_server_discarded(struct sgl_smtp_server *s);

/* smtp_server_data.c: take bytes of a message; how many were used. */
size_t sgl_smtp_server_data(struct sgl_smtp_server *s, sgl_view bytes);
size_t sgl_smtp_server_bdat(struct sgl_smtp_server *s, sgl_view bytes);
void sgl_smtp_server_end_chunk(struct sgl_smtp_server *s);
void sgl_smtp_server_begin_text(struct sgl_smtp_server *s);

#endif
