/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a certificate with another key take the place of the one in use?  Who proves us by TLSA records must find the new key there before we show it: at all our hosts, and for twice the
 * TTL, so that nobody remembers a time without it.  Pure.  [RFC 7671 s8.1] [RFC 7672 s8.4]
 */
#ifndef SERVER_CERTS_ROLL_H
#define SERVER_CERTS_ROLL_H

#include "../loop/tls.h"
#include "sigillo/dns.h"

/* What one host says, the worst last: several are as bad as the worst. */
enum roll_seen {
    ROLL_NONE,    /* nobody proves it by DANE: no secure records that could be used */
    ROLL_MATCHES, /* one of them is of this key, or of its certificate */
    ROLL_OTHERS,  /* none of them is */
    ROLL_UNKNOWN, /* it could not be asked */
};
/* pair: the certificate; NULL: there is only the hash of its public key yet. */
enum roll_seen roll_look(const struct sgl_dns_answer *tlsa, const struct tls_pair *pair,
                         const uint8_t hash[32]);

struct roll { /* what is remembered of a key that waits */
    uint8_t hash[32];
    int64_t since_s; /* it has been seen everywhere since then; 0: it is not */
    uint32_t ttl_s;  /* the longest that was met */
};
enum roll_do {
    ROLL_TAKE,
    ROLL_PUBLISH, /* its record has to be published first */
    ROLL_SETTLE,  /* it is there: *until_s it is waited for */
    ROLL_ASK,     /* nothing is known: the old one stays */
};
struct roll_facts {
    enum roll_seen seen;
    uint32_t ttl_s;
    int64_t now_s, old_expires_s;
};
enum roll_do roll_decide(struct roll *r, const struct roll_facts *f, int64_t *until_s);

#endif
