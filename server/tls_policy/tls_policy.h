/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies of a delivery for Postfix: its socketmap protocol, as `smtp_tls_policy_maps = socketmap:unix:PATH:QUERY` speaks it.  MTA-STS that is enforced becomes "secure",
 * DANE is left to Postfix, what cannot be known is TEMP, so that mail waits.  Lives on one loop.
 */
#ifndef SERVER_TLS_POLICY_TLS_POLICY_H
#define SERVER_TLS_POLICY_TLS_POLICY_H

#include "../sts/sts.h"

#define TLS_POLICY_CLIENTS_MAX 1000
#define TLS_POLICY_IDLE_MS                                                                         \
    (10 * 60 * 1000) /* Postfix keeps its connections open between questions */

struct tls_policy;

struct tls_policy_config {
    struct loop *loop;
    struct resolver *resolver;
    struct sts *sts;
    bool says_dane;      /* see answer.h */
    uint64_t timeout_ms; /* for one answer; TEMP then */
};
/* NULL: no memory. */
struct tls_policy *tls_policy_new(const struct tls_policy_config *config);
/* Takes a listening socket over; before or while the loop runs. false: no memory, it is closed. */
bool tls_policy_listen(struct tls_policy *t, int fd);
/* No more clients; those without a question go at once, the others when they have their answer; then gone(ctx), later on the loop. */
void tls_policy_drain(struct tls_policy *t, void (*gone)(void *ctx), void *ctx);
void tls_policy_free(struct tls_policy *t); /* on its loop, or after it has ended; NULL accepted */

/*
 * A socket to listen on: "unix:/run/x/tls-policy.sock" (mode 0666; a socket there that nobody answers at is removed), "inet:127.0.0.1:8461", "inet:[::1]:8461".
 * -1: why says what is wrong.
 */
int tls_policy_open(const char *where, char *why, size_t why_size);
/* Removes the file of a unix socket. */
void tls_policy_close(const char *where);

#endif
