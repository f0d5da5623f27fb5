/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the doors that speak SMTP have in common: listeners on every loop, sessions between a socket and the engine, the way out.
 *
 *   door.c     loops, listeners, drain
 *   session.c  one connection: bytes to the engine, events to the door's own files, deadlines
 *   peers.c    who is connected from where
 *
 * A door embeds struct smtp_door as its first member, and each of its sessions struct smtp_session.
 */
#ifndef SERVER_DOORS_SMTP_DOOR_H
#define SERVER_DOORS_SMTP_DOOR_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../../loop/listener.h"
#include "../../loop/stream.h"
#include "../../loop/tls.h"
#include "peers.h"
#include "sigillo/smtp_server.h"

struct smtp_door;
struct smtp_session;

struct smtp_loop {
    struct smtp_door *door;
    struct loop *loop;
    struct smtp_session *first; /* all sessions of this loop */
    struct event sweep;
    struct loop_task drain;
    bool draining;
};

/* What a door does by itself. */
struct smtp_kind {
    const char *name; /* "submission", for the log */
    void (*accept)(struct smtp_loop *on, size_t listen, int fd, const struct sockaddr *peer);
    /* Every event but EHLO, STARTTLS and CLOSE, which the session has dealt with. */
    void (*event)(struct smtp_session *s, const struct sgl_smtp_server_event *e);
    bool (*pending)(const struct smtp_session *s); /* an answer is awaited: it must stay */
    void (*ended)(struct smtp_session *s);         /* gives up what is the door's; not s itself */
    /* Who is there, for logs; SMTP_PEER_SIZE. */
    sgl_view (*peer)(const struct smtp_session *s, char *out);
    void (*closed)(struct smtp_session *s, enum sgl_smtp_close reason); /* NULL: no matter */
    void (*swept)(struct smtp_door *d,
                  uint64_t now_ms); /* each second, on one loop; NULL: no matter */
};
#define SMTP_PEER_SIZE SGL_IP_TEXT_SIZE

struct smtp_acceptor;
struct smtp_door {
    const struct smtp_kind *kind;
    struct tls_server *tls; /* NULL: none */
    struct peers *peers;
    struct smtp_loop *loop;
    size_t loops;
    struct smtp_acceptor *acceptor;
    size_t acceptors, acceptors_max;

    pthread_mutex_t lock; /* drained, and what the door keeps under it */
    void (*drained)(void *ctx);
    void *drained_ctx;
    size_t loops_draining;

    _Atomic size_t sessions_now;
    _Atomic uint64_t sessions, refused, tls_sessions, tls_failures, timeouts;
};
/* false: memory; smtp_door_done() is due all the same. */
bool smtp_door_init(struct smtp_door *d, const struct smtp_kind *kind, struct tls_server *tls,
                    struct loop *const *loop, size_t loops, size_t sockets);
/* On every loop. */
bool smtp_door_listen(struct smtp_door *d, int fd, size_t listen);
/* No new sessions; 421 to those at rest; those with a message in hand finish it. done(ctx) on any of the loops when the last session is gone. Any thread. */
void smtp_door_drain(struct smtp_door *d, void (*done)(void *ctx), void *ctx);
/* The last session may have gone: tells whoever waits for the drain. */
void smtp_door_session_gone(struct smtp_door *d);
/* After the loops have stopped. */
void smtp_door_done(struct smtp_door *d);

struct smtp_session {
    struct smtp_session *next, *prev;
    struct smtp_loop *on;
    struct smtp_door *door;
    struct stream *stream; /* NULL: the client is gone, an answer is still awaited */
    struct sgl_smtp_server *smtp;
    char *hello;
    uint64_t deadline_ms; /* 0: none */
    struct sgl_ip ip;
    bool counted; /* in peers */
    bool closing; /* CLOSE came: nothing more is fed */
    bool paused;
    bool running;  /* within a turn: answers do not start another */
    bool tls_next; /* STARTTLS was agreed to */
};
/* A zeroed session of the door's own size, from calloc(), whose place among the connections of its address is taken; smtp becomes its own. */
void smtp_session_begin(struct smtp_session *s, struct smtp_loop *on, struct sgl_smtp_server *smtp,
                        const struct sgl_ip *ip);
/* Its socket.  false: the session is gone. */
bool smtp_session_open(struct smtp_session *s, int fd, bool implicit, unsigned idle_s);
/* The first turn. */
void smtp_session_greet(struct smtp_session *s);
/* After an answer that came later: goes on. The session may be gone when it returns. */
void smtp_session_go_on(struct smtp_session *s);
void smtp_session_free(struct smtp_session *s);
/* An answer of the engine's kind. */
void smtp_session_answer(struct smtp_session *s, uint16_t code, const char *enhanced,
                         const char *text);
/* "ESMTPS" and so on.  [RFC 3848, RFC 6531 s3.7.3] */
sgl_view smtp_session_protocol(const struct smtp_session *s, bool utf8);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty. */
sgl_view smtp_session_tls_text(const struct smtp_session *s, char *out, size_t size);
void smtp_session_sweep(struct smtp_loop *on);
void smtp_session_drain_all(struct smtp_loop *on);

struct sgl_ip smtp_ip_of(const struct sockaddr *peer);
/* Costs as little as it can: one send, no session. The socket is closed. */
void smtp_turn_away(struct smtp_door *d, bool implicit, int fd, const char *code, const char *text);
/* A place for one more session, also among those of its address; NULL, or why there is none. smtp_gave_up() gives back what was taken. */
const char *smtp_no_room(struct smtp_door *d, const struct sgl_ip *ip, size_t max,
                         size_t max_per_address);
void smtp_gave_up(struct smtp_door *d, const struct sgl_ip *ip);

#endif
