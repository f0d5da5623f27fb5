/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS sessions that may be resumed: a handshake without certificates, which counts for what the full one before it proved.  So a session is used again only where everything that
 * the full handshake depended on is the same: it is all in the key.  Nothing here knows a clock; outgoing loop only.
 */
#ifndef SERVER_DELIVERY_RESUME_H
#define SERVER_DELIVERY_RESUME_H

#include "../loop/tls.h"
#include "sigillo/ip.h"

#define RESUME_MAX        512  /* sessions kept in all */
#define RESUME_PER_KEY    20   /* of one host's address: connections_per_site connect at once */
#define RESUME_TICKET_MAX 8192 /* bytes of a ticket; more is not kept */
#define RESUME_LIVES_MS                                                                            \
    (UINT64_C(600000)) /* after the full handshake, however often it was resumed */

struct resume_key {
    uint8_t digest[32];
};
struct resume_entry {
    struct resume_entry *prev, *next;
    struct resume_key key;
    SSL_SESSION *session;
    struct tls_seen seen; /* of the full handshake */
    uint64_t verified_ms; /* when that was */
    uint64_t ends_ms;
};
struct resume {                        /* zeroed: empty */
    struct resume_entry *first, *last; /* the newest first */
    unsigned count;
};

/* What the trusted roots are called: others after each change of configuration. */
struct resume_trust {
    const char *ca_file; /* NULL: the default ones */
    uint64_t generation;
};
/* false: no digest could be made, nothing is to be kept. */
bool resume_key_of(const struct resume_trust *trust, const struct tls_target *target,
                   const struct sgl_ip *address, uint16_t port, struct resume_key *out);
/* Copies.  verified_ms: of the full handshake, maybe some resumptions ago.  What can't be kept is left out. */
void resume_put(struct resume *r, const struct resume_key *key, SSL_SESSION *session,
                const struct tls_seen *seen, uint64_t verified_ms, uint64_t now_ms);
/* The newest, no longer kept here: who resumes with a ticket uses it once [RFC 8446 s C.4].  NULL: there is none. */
struct resume_entry *resume_take(struct resume *r, const struct resume_key *key, uint64_t now_ms,
                                 time_t now_s);
/* It was resumed, and may be again (TLS 1.2). */
void resume_give_back(struct resume *r, struct resume_entry *entry);
void resume_entry_free(struct resume_entry *entry); /* NULL accepted */
void resume_forget(struct resume *r, const struct resume_key *key);
void resume_clear(struct resume *r);

#endif
