/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks others over HTTPS: keys of issuers, policies of domains; and brings them reports.  Certificates verified, names looked up by our own resolver and connected to at the addresses that were looked at,
 * no redirect followed, no proxy, no cookie, nothing decompressed, bounded in size and time.  The one room that knows libcurl; lives on one loop.
 */
#ifndef SERVER_HTTPS_HTTPS_H
#define SERVER_HTTPS_HTTPS_H

#include "../resolver/resolver.h"
#include "sigillo/buf.h"

#define HTTPS_TIMEOUT_MS 10000 /* all of it, unless the request says otherwise */
#define HTTPS_ADDRESSES  8
#define HTTPS_OPEN_MAX   64
#define HTTPS_TYPE_SIZE  80
#define HTTPS_LINES      8

struct https;

/* Where may who is asked be? */
enum https_reach {
    HTTPS_PUBLIC,   /* not in loopback, private and other special ranges */
    HTTPS_PRIVATE,  /* private networks as well */
    HTTPS_LOOPBACK, /* this machine as well */
};
struct https_config {
    const char *ca_file; /* trusted roots, read for each connection; copied */
    enum https_reach reach;
};
/* NULL: no memory. */
struct https *https_new(struct loop *loop, struct resolver *resolver,
                        const struct https_config *config);
/* On the loop: for what is asked from now on. false: no memory, all stays as it was. */
bool https_reconfigure(struct https *h, const struct https_config *config);
void https_free(struct https *h); /* after its loop has ended; done() is not called any more */

enum https_end {
    HTTPS_OK,     /* 200, and all of it is there; what was sent: any 2xx */
    HTTPS_LOCAL,  /* ours: memory, descriptors, too many at once, an address that cannot be read */
    HTTPS_LOOKUP, /* the lookup of its name failed */
    HTTPS_NO_ADDRESS,  /* its name has none, or none that may be asked */
    HTTPS_CONNECTION,  /* not reached, broken off, or no TLS 1.2 */
    HTTPS_CERTIFICATE, /* it did not prove who it is */
    HTTPS_TIMEOUT,
    HTTPS_STATUS, /* it answered something else */
    HTTPS_TOO_LARGE,
};

struct https_get { /* embedded in the caller's struct; alive until done() */
    const char *url;
    size_t size_max;
    uint64_t timeout_ms;   /* 0: HTTPS_TIMEOUT_MS */
    const char *send_type; /* POST these bytes, of this media type; NULL: GET */
    sgl_view send;         /* alive until done() */
    /* With what is sent: "webhook-id: msg_1", at most HTTPS_LINES of them, NULL at the end; or NULL. Alive until done() */
    const char *const *header_line;
    void (*done)(struct https_get *g); /* on the loop, always later */
    /* out */
    bool ok; /* HTTPS_OK */
    enum https_end end;
    unsigned status; /* of the answer, or 0 */
    int64_t
        retry_after_s; /* so long it asks to be left alone [RFC 9110 s10.2.3]; 0: it does not say */
    char type[HTTPS_TYPE_SIZE]; /* "text/plain": lower case, without parameters; or "" */
    char why[160];              /* printable */
    struct sgl_buf body;        /* the caller's to free, in either case */
    /* private */
    struct https *https;
    struct https_get *next, **link;
    struct resolver_fill fill;
    struct sgl_dns dns;
    void *easy, *resolved, *header;
    char *host;
    unsigned port;
    uint64_t began_ms;
    size_t header_size;
    bool no_socket; /* none could be made */
    struct loop_later later;
};
void https_get(struct https *h, struct https_get *g);

bool https_may_ask(const struct sgl_ip *ip, enum https_reach reach);

#endif
