/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a snapshot of DNS answers (struct sgl_dns) from libunbound, which validates DNSSEC itself and keeps the shared cache.  Lives on the outgoing loop.
 *
 *   while ((st = evaluator(..., dns, ...)) == SGL_NEED_DNS)
 *       resolver_fill(resolver, &fill);    -> done() -> evaluate again, from the start
 */
#ifndef SERVER_RESOLVER_RESOLVER_H
#define SERVER_RESOLVER_RESOLVER_H

#include "../loop/loop.h"
#include "sigillo/dns.h"

struct resolver;

struct resolver_config {        /* strings are read during the call only */
    const char *const *forward; /* "192.0.2.1@53", "2001:db8::1@5353"; none: recursion */
    size_t forwards;
    /* A file, or NULL: the built-in ones. With a root of one's own, libunbound's own answer that "test." does not exist
     * must go: ub_ctx_zone_remove(ctx, "test."), after all options. */
    const char *root_hints;
    const char *
        trust_anchor; /* a file with DS or DNSKEY records of the root, or NULL: the system's, else the built-in one */
    bool
        unvalidated; /* no trust anchor at all, trust_anchor is not read: every answer is insecure */
    bool
        loopback_allowed; /* name servers may be on loopback addresses (test worlds, a local forwarder) */
    size_t cache_bytes; /* 0: 16 MiB */
    /* The servers of one zone, asked for it and what lies below, whatever else is configured. */
    const char *stub_zone;          /* "example.org."; NULL: none */
    const char *const *stub_server; /* "192.0.2.53" */
    size_t stub_servers;
};
/* Call from the loop's thread, or before it runs. NULL on a mistake, `why` names the option at fault. */
struct resolver *resolver_new(struct loop *loop, const struct resolver_config *config, char *why,
                              size_t why_size);
/* Calls every done() that is open (its questions are marked failed), then ends. */
void resolver_free(struct resolver *r);

struct resolver_fill { /* embedded in the caller's struct; alive until done() */
    struct sgl_dns *dns;
    uint64_t timeout_ms; /* from the call; what is open then is marked SGL_DNS_FAILED */
    void (*done)(struct resolver_fill *fill);
    size_t failed; /* for done(): questions that got no answer */
    /* private */
    struct resolver *resolver;
    struct resolver_fill *next, *prev;
    struct resolver_question *question; /* asked and not answered */
    struct loop_later later;
    struct event *timer;
};
/* Resolves all open questions of fill->dns and adds the answers, with their security. done() comes later on the loop, never inside the call; afterwards dns has no open question. */
void resolver_fill(struct resolver *r, struct resolver_fill *fill);
/* Gives up: done() will not be called. Harmless when it is over. */
void resolver_cancel(struct resolver_fill *fill);

struct resolver_stats {
    uint64_t queries, answers, failures, bogus, timeouts;
};
void resolver_stats(const struct resolver *r,
                    struct resolver_stats *out); /* any thread; approximate */

#endif
