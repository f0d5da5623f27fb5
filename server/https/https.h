/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET over HTTPS, for what an issuer publishes: certificates verified, names looked up by our own resolver, no redirect followed, no proxy, bounded in size and time.  The one
 * file that knows libcurl's multi interface; lives on one loop.
 */
#ifndef SERVER_HTTPS_HTTPS_H
#define SERVER_HTTPS_HTTPS_H

#include "../resolver/resolver.h"
#include "sigillo/buf.h"

#define HTTPS_TIMEOUT_MS 10000 /* all of it */
#define HTTPS_ADDRESSES  8
#define HTTPS_OPEN_MAX   64

struct https;
struct https_config {
    const char *ca_file;   /* trusted roots, read for each connection; copied */
    bool loopback_allowed; /* addresses of this machine may be asked */
};
/* NULL: no memory. */
struct https *https_new(struct loop *loop, struct resolver *resolver,
                        const struct https_config *config);
void https_free(struct https *h); /* after its loop has ended; done() is not called any more */

struct https_get { /* embedded in the caller's struct; alive until done() */
    const char *url;
    size_t size_max;
    void (*done)(struct https_get *g); /* on the loop, always later */
    /* out */
    bool ok; /* 200, and all of it is there */
    char why[160];
    struct sgl_buf body; /* the caller's to free, in either case */
    /* private */
    struct https *https;
    struct https_get *next, **link;
    struct resolver_fill fill;
    struct sgl_dns dns;
    void *easy, *resolved;
    char *host;
    unsigned port;
    struct loop_later later;
};
void https_get(struct https *h, struct https_get *g);

/* May an issuer be at this address? */
bool https_may_ask(const struct sgl_ip *ip, bool loopback_allowed);

#endif
