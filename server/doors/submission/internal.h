/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder know of each other.
 *
 *   submission.c  the door: listeners on every loop, generations of the configuration, drain
 *   session.c     one connection: bytes to the engine, events to the files below, deadlines
 *   session_auth.c, session_token.c, session_mail.c   what AUTH and what a message need
 *   peers.c       who is connected from where, and who failed to log in
 */
#ifndef SERVER_DOORS_SUBMISSION_INTERNAL_H
#define SERVER_DOORS_SUBMISSION_INTERNAL_H

#include <event2/event_struct.h>
#include <pthread.h>

#include "../../loop/listener.h"
#include "../../loop/stream.h"
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

/* ---- peers.c ---- */

struct peers;
struct peers *peers_new(void);
void peers_free(struct peers *p);
/* false: as many as `max` connections are there from this address (IPv6: from its /64). */
bool peers_enter(struct peers *p, const struct sgl_ip *ip, size_t max);
void peers_leave(struct peers *p, const struct sgl_ip *ip);
/* Logins that failed from there of late. */
unsigned peers_failures(struct peers *p, const struct sgl_ip *ip, uint64_t now_ms);
void peers_failed(struct peers *p, const struct sgl_ip *ip, uint64_t now_ms);
/*
 * Logins that failed as one user from one address.  After ten of them the next is not looked at before a pause is over, which doubles each time up to ten minutes; a right one
 * ends that.  Who guesses from elsewhere keeps nobody out.  A table of fixed size: when two fall together, the older is forgotten.
 */
uint64_t peers_pause_ms(struct peers *p, const struct sgl_ip *ip, sgl_view user, uint64_t now_ms);
void peers_guessed(struct peers *p, const struct sgl_ip *ip, sgl_view user, bool right,
                   uint64_t now_ms);
/* Forgets what is old. */
void peers_sweep(struct peers *p, uint64_t now_ms);

/* ---- submission.c ---- */

struct door_loop {
    struct submission_door *door;
    struct loop *loop;
    struct session *first; /* all sessions of this loop */
    struct event sweep;
    struct loop_task drain;
    bool draining;
};

struct submission_door {
    struct admission *admission;
    struct directory *directory;
    struct tokens *tokens; /* NULL: none are taken */
    struct workers *workers;
    struct tls_server *tls;
    struct sgl_crypto *crypto;
    struct peers *peers;
    struct door_loop *loop;
    size_t loops;
    struct acceptor *acceptor;
    size_t acceptors;

    pthread_mutex_t lock; /* generation, drained */
    struct generation *generation;
    void (*drained)(void *ctx);
    void *drained_ctx;
    size_t loops_draining;

    _Atomic size_t sessions_now;
    _Atomic size_t collecting; /* bytes of messages that are coming in */
    _Atomic uint64_t sessions, refused, tls_sessions, tls_failures, auth_ok, auth_failed;
    _Atomic uint64_t accepted, declined, deferred, bytes_in, timeouts;
};

/* The last session may have gone: tells whoever waits for the drain. */
void door_session_gone(struct submission_door *d);

/* ---- session.c ---- */

struct session {
    struct session *next, *prev;
    struct door_loop *on;
    struct submission_door *door;
    struct generation *generation;
    struct stream *stream; /* NULL: the client is gone, an answer is still awaited */
    struct sgl_smtp_server *smtp;
    struct identity *who;
    struct auth_exchange *auth;
    struct transaction *mail;
    char *hello;
    uint64_t deadline_ms; /* 0: none */
    struct sgl_ip ip;     /* of a local process: one that stands for its uid */
    bool local;
    uint32_t uid; /* of a local process */
    bool counted; /* in peers */
    bool closing; /* CLOSE came: nothing more is fed */
    bool paused;
    bool running;  /* within session_run(): answers do not start another */
    bool tls_next; /* STARTTLS was agreed to */
};

void session_accept(struct door_loop *on, size_t listen, int fd, const struct sockaddr *peer);
/* After an answer that came later: goes on. The session may be gone when it returns. */
void session_go_on(struct session *s);
void session_free(struct session *s);
void session_sweep(struct door_loop *on);
void session_drain_all(struct door_loop *on);
const struct config *session_config(const struct session *s);
/* Who is there, for logs and trails: "192.0.2.1", "unix:uid=1000". */
#define SESSION_PEER_SIZE SGL_IP_TEXT_SIZE
sgl_view session_peer(const struct session *s, char out[SESSION_PEER_SIZE]);
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
