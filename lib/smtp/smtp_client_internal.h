/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGILLO_SMTP_CLIENT_INTERNAL_H
#define SIGILLO_SMTP_CLIENT_INTERNAL_H

#include "sigillo/limits.h"
#include "sigillo/smtp_client.h"

/*
 * What the session waits for:
 *   GREETING -> EHLO (-> HELO) -> REST
 *   REST -> STARTTLS -> TLS (the shell) -> EHLO
 *   REST -> AUTH, AUTH_USER, AUTH_PASSWORD -> REST
 *   REST -> ENVELOPE -> BODY (the shell) -> SENDING -> COMMIT (the shell) -> DOT -> REST
 *           ENVELOPE -> LONE_DOT (354 although nobody was accepted) -> REST
 *   REST -> RSET -> REST;  REST -> QUIT -> OVER;  anything -> OVER
 */
enum client_state {
    CL_GREETING,
    CL_EHLO,
    CL_HELO,
    CL_REST,
    CL_STARTTLS,
    CL_TLS,
    CL_AUTH,
    CL_AUTH_USER,
    CL_AUTH_PASSWORD,
    CL_ENVELOPE,
    CL_LONE_DOT,
    CL_BODY,
    CL_SENDING,
    CL_COMMIT,
    CL_DOT,
    CL_RSET,
    CL_QUIT,
    CL_OVER,
};

struct sgl_smtp_client {
    const struct sgl_smtp_client_config *config;
    struct sgl_smtp_reply_parser parser;
    struct sgl_buf out;
    struct sgl_buf user, password; /* while AUTH LOGIN asks for them */
    struct sgl_smtp_offer offer;
    enum client_state state;
    bool tls, pulled, secret_out, progress, rset_first;
    bool has_event, has_end;
    struct sgl_smtp_client_event event, end;

    /* the transaction */
    struct sgl_arena arena; /* results and their texts; the text of a REFUSED event */
    const struct sgl_smtp_envelope *envelope;
    struct sgl_smtp_result *result;
    bool *accepted; /* at RCPT */
    size_t tos;     /* of the last envelope, for result() */
    size_t accepted_count;
    size_t commands; /* of this transaction: [RSET] MAIL RCPT... DATA */
    size_t said, heard;
    bool mail_refused;
    size_t
        answered; /* LMTP: so many of the recipients are decided behind the dot, accepted or not */

    /* the body */
    sgl_view body;
    size_t at;
    bool stuffing, dot_done, body_ended;

    bool started;
    uint64_t mark_ms;
};

/* smtp_client.c */
struct sgl_buf *sgl_smtp_client_output(struct sgl_smtp_client *c);
void sgl_smtp_client_add_event(struct sgl_smtp_client *c, enum sgl_smtp_client_event_kind kind);
void sgl_smtp_client_over(struct sgl_smtp_client *c, enum sgl_smtp_end why, const char *text,
                          const struct sgl_smtp_reply *reply);

/* smtp_client_transaction.c */
void sgl_smtp_client_envelope_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *reply);
void sgl_smtp_client_dot_reply(struct sgl_smtp_client *c, const struct sgl_smtp_reply *reply);
/* Recipients without a result get this one; reply NULL: nothing was said. */
void sgl_smtp_client_settle(struct sgl_smtp_client *c, enum sgl_smtp_stage stage,
                            const struct sgl_smtp_reply *reply);
bool sgl_smtp_client_pull_body(struct sgl_smtp_client *c, struct sgl_smtp_out *out);

/* smtp_offer.c */
void sgl_smtp_offer_parse(sgl_view text, bool tls, struct sgl_smtp_offer *out);

#endif
