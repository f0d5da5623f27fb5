/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door for other mail servers: port 25, STARTTLS, nobody logs in.  Sessions live on the door loops, each on one; reception decides, this room translates and keeps the measure: connections
 * and rates by address, the null sender, recipients that nobody knows.
 */
#ifndef SERVER_DOORS_INBOUND_INBOUND_H
#define SERVER_DOORS_INBOUND_INBOUND_H

#include "../../config/config.h"
#include "../../loop/tls.h"
#include "../../reception/reception.h"
#include "../../reputation/reputation.h"

struct inbound_door;

struct inbound_socket {
    int fd;
    size_t listen; /* index in config->listen */
};

struct inbound_setup {
    struct config *config; /* a reference is taken */
    struct loop **loop;    /* the door loops; every one of them accepts on every socket */
    size_t loops;
    const struct inbound_socket *socket;
    size_t sockets;
    struct reception *reception;
    struct reputation *reputation; /* NULL: everybody is welcome as he is */
    struct tls_server *tls;        /* borrowed; NULL: STARTTLS is not offered */
};

/* Before the loops run, or on any thread while they do. Sockets stay the caller's to close, after inbound_free(). NULL: memory; `why` says so. */
struct inbound_door *inbound_new(const struct inbound_setup *setup, char *why, size_t why_size);
/* New sessions use these; sessions under way keep what they have. The listen sections' order and number must be as before. Any thread. */
void inbound_reload(struct inbound_door *d, struct config *config);
/* As submission_drain(). */
void inbound_drain(struct inbound_door *d, void (*done)(void *ctx), void *ctx);
/* After the loops have stopped. What is in flight with reception must be over. */
void inbound_free(struct inbound_door *d);

struct inbound_stats {
    uint64_t sessions, sessions_now, refused_connections, tls_sessions, tls_failures, timeouts;
    uint64_t early;   /* talked before the greeting */
    uint64_t limited; /* commands that a rate refused */
    uint64_t unknown; /* recipients */
    uint64_t messages_accepted, messages_refused, messages_deferred, bytes_in;
};
void inbound_stats(struct inbound_door *d, struct inbound_stats *out); /* any thread; approximate */

#endif
