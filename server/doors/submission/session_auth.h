/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange of AUTH, as the files know it that answer it. */
#ifndef SERVER_DOORS_SUBMISSION_SESSION_AUTH_H
#define SERVER_DOORS_SUBMISSION_SESSION_AUTH_H

#include "../../tokens/login.h"
#include "internal.h"

#define AUTH_TEXT_SIZE 384

struct auth_exchange {
    struct session *s;
    unsigned mechanism;
    bool checking; /* the directory has `check`, or a worker `token` */
    bool proven;   /* SCRAM: only the client's empty answer is missing */
    bool delayed;  /* `delay` runs */
    struct sgl_sasl_login login;
    struct sgl_scram_server scram;
    struct sgl_sasl_bearer bearer;
    struct auth_check check;
    struct token_login token;
    struct event delay;
    uint16_t code; /* of the refusal that comes */
    char text[AUTH_TEXT_SIZE];
};

static inline bool auth_is_token(unsigned mechanism)
{
    return (mechanism & (SGL_SASL_OAUTHBEARER | SGL_SASL_XOAUTH2)) != 0;
}

/* ---- session_auth.c ---- */

/* The exchange is over. */
void auth_finish(struct session *s, uint16_t code, const char *enhanced, const char *text);
void auth_succeed(struct session *s, struct identity *who); /* takes the reference */
/* A login that failed: counted, logged and, a while later, refused with this code (534, 535) and text. */
void auth_fail(struct session *s, sgl_view user, uint16_t code, const char *text);
void auth_finish_refused(struct session *s); /* with that code and text */
void auth_broken(struct session *s);         /* not the mechanism's grammar */
void auth_challenge(struct session *s, const struct sgl_buf *text);
/* Before anything is looked at. false: answered, since too many were wrong. */
bool auth_may_guess(struct session *s, sgl_view user);

/* ---- session_token.c ---- */

void token_step(struct session *s, bool has_data, sgl_view data);
/* The while is over: says why, and waits for the client's empty answer. */
void token_refuse(struct session *s);

#endif
