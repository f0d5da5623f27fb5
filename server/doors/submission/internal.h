/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder know of each other.
 *
 *   submission.c  the door: generations of the configuration
 *   session.c     a new connection, and what of it goes to the files below
 *   session_auth.c, session_token.c, session_mail.c   what AUTH and what a message need
 */
#ifndef SERVER_DOORS_SUBMISSION_INTERNAL_H
#define SERVER_DOORS_SUBMISSION_INTERNAL_H

#include "../smtp/door.h"
#include "sigillo/ip.h"
#include "sigillo/limits.h"
#include "sigillo/sasl.h"
#include "sigillo/smtp_server.h"
#include "submission.h"

/* One configuration; sessions keep the one that they began with. */
struct generation {
    _Atomic unsigned refs;
    struct config *config;
    struct sgl_smtp_server_config smtp
        []; /* two for each listen section: as they are, then with tokens; then that of local processes */
};
/* In place of the number of a section: the socket of local processes. */
#define LISTEN_LOCAL SIZE_MAX
const struct config_listen *generation_listen(const struct generation *g, size_t listen);
/* What a new session of that section offers: tokens, too, while there is an application that could have one. */
const struct sgl_smtp_server_config *
generation_smtp(const struct generation *g, const struct submission_door *d, size_t listen);
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g);

/* ---- submission.c ---- */

struct submission_door {
    struct smtp_door smtp; /* first */
    struct admission *admission;
    struct directory *directory;
    struct tokens *tokens; /* NULL: none are taken */
    struct workers *workers;
    struct sgl_crypto *crypto;
    struct generation *generation; /* under smtp.lock */
    _Atomic size_t collecting;     /* bytes of messages that are coming in */
    _Atomic uint64_t auth_ok, auth_failed, accepted, declined, deferred, bytes_in;
};

/* ---- session.c ---- */

struct session {
    struct smtp_session smtp; /* first; its ip: of a local process one that stands for its uid */
    struct submission_door *door;
    struct generation *generation;
    struct identity *who;
    struct auth_exchange *auth;
    struct transaction *mail;
    bool local;
    uint32_t uid; /* of a local process */
};

void session_accept(struct smtp_loop *on, size_t listen, int fd, const struct sockaddr *peer);
void session_event(struct smtp_session *s, const struct sgl_smtp_server_event *e);
bool session_pending(const struct smtp_session *s);
void session_ended(struct smtp_session *s);
const struct config *session_config(const struct session *s);
/* Who is there, for logs and trails: "192.0.2.1", "unix:uid=1000". */
sgl_view session_peer(const struct smtp_session *s, char *out);
/* An answer of the engine's kind. */
void session_answer(struct session *s, uint16_t code, const char *enhanced, const char *text);

/* ---- session_auth.c ---- */

void auth_event(struct session *s, const struct sgl_smtp_server_event *e);
void auth_free(struct session *s);          /* the exchange is over, or the session */
bool auth_pending(const struct session *s); /* a check is under way: the session must stay */

/* ---- session_mail.c ---- */

void mail_event(struct session *s, const struct sgl_smtp_server_event *e);
void mail_free(struct session *s);
bool mail_pending(const struct session *s); /* admission has it: the session must stay */

#endif
