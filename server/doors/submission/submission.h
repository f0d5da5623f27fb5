/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door for applications that speak SMTP: 587 with STARTTLS, 465 with TLS from the first byte.  Sessions live on the door loops, each on one; admission decides, this room translates.
 */
#ifndef SERVER_DOORS_SUBMISSION_SUBMISSION_H
#define SERVER_DOORS_SUBMISSION_SUBMISSION_H

#include "../../admission/admission.h"
#include "../../config/config.h"
#include "../../loop/tls.h"
#include "../../tokens/tokens.h"

struct submission_door;

/* A socket that the supervisor bound, and the `listen` section it belongs to. */
struct submission_socket {
    int fd;
    size_t listen; /* index in config->listen */
};

struct submission_setup {
    struct config *config; /* a reference is taken */
    struct loop **loop;    /* the door loops; every one of them accepts on every socket */
    size_t loops;
    const struct submission_socket *socket;
    size_t sockets;
    int local; /* where processes of this machine connect, told by their uid; 0, -1: nowhere. The caller's to close, as the others */
    struct admission *admission;
    struct directory *directory;
    struct tokens *tokens;   /* NULL: nobody logs in by one */
    struct workers *workers; /* look at tokens */
    /* Borrowed; a new certificate goes into it by tls_server_swap(). NULL: no TLS: then STARTTLS is not offered and LISTEN_IMPLICIT fails. */
    struct tls_server *tls;
};

/* Before the loops run, or on any thread while they do. Sockets stay the caller's to close, after submission_free(). NULL: memory, or `why`. */
struct submission_door *submission_new(const struct submission_setup *setup, char *why,
                                       size_t why_size);
/* SIGHUP: new sessions use these; sessions under way keep what they have. The listen sections' order and number must be as before. Any thread. */
void submission_reload(struct submission_door *d, struct config *config);
/* No new sessions; 421 to those at rest; those with a message in hand finish it. done(ctx) on any of the loops when the last session is gone. Any thread. */
void submission_drain(struct submission_door *d, void (*done)(void *ctx), void *ctx);
/* After the loops have stopped. What is in flight with admission must be over. */
void submission_free(struct submission_door *d);

struct submission_stats {
    uint64_t sessions, sessions_now, refused_connections, tls_sessions, tls_failures;
    uint64_t auth_ok, auth_failed, messages_accepted, messages_refused, messages_deferred, bytes_in,
        timeouts;
};
void submission_stats(struct submission_door *d,
                      struct submission_stats *out); /* any thread; approximate */

#endif
