/* SPDX-License-Identifier: Apache-2.0 */
/* Where a domain takes its mail. [RFC 5321 s5.1] */
#ifndef SIGILLO_MX_H
#define SIGILLO_MX_H

#include "sigillo/dns.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_mx_state {
    SGL_MX_HOSTS,     /* there are hosts to try */
    SGL_MX_NULL,      /* the domain takes no mail [RFC 7505] */
    SGL_MX_NO_DOMAIN, /* no such domain */
    SGL_MX_UNUSABLE, /* MX records, but none names a possible host; its address records are not a substitute */
    SGL_MX_LOOP,   /* the best host is ourselves */
    SGL_MX_FAILED, /* the lookup failed or was forged: try again later */
};

struct sgl_mx_host {
    struct sgl_name name;
    uint16_t preference;
};

struct sgl_mx {
    enum sgl_mx_state state;
    enum sgl_dns_security security; /* of the MX records, or of the denial that there are any */
    /* No MX records: the domain is its own host; its addresses decide whether it exists */
    bool implicit;
    struct sgl_name canonical; /* the domain at the end of its alias chain; itself without one */
    const struct sgl_mx_host *host; /* in the order to try */
    size_t hosts;
    size_t left_out; /* hosts above SGL_LIMIT_MX_HOSTS and ones removed because we are as good */
    uint32_t ttl_s;
    const char *why; /* FAILED: the resolver's reason; else "" */
    bool bogus;      /* FAILED: an answer came, and was forged or is wrongly signed */
};

struct sgl_mx_request {
    struct sgl_name domain;
    /* Our own names: these hosts, and all that are not better than them, are left out [RFC 5321 s5.1] */
    const struct sgl_name *self;
    size_t selves;
    /* For the order among hosts of equal preference; the same seed gives the same order */
    uint64_t seed;
};

/*
 * Finds the hosts for a domain.  Asks 1 question (MX).
 *
 * arena    takes the host list
 * out      set only with SGL_OK; its views live as long as dns and arena
 * Returns SGL_OK, SGL_NEED_DNS, or the errors of sgl_dns_get() and the arena.
 */
SGL_API enum sgl_status sgl_mx_check(const struct sgl_mx_request *request, struct sgl_dns *dns,
                                     struct sgl_arena *arena, struct sgl_mx *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
