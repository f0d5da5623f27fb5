/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches whether domains publish what they have to.  Each domain is checked when somebody asks, and on a schedule: often at first, ever more rarely while something is missing,
 * every few hours when all is there.  A check asks the zone's own name servers with a resolver of its own that has no cache, so that an answer of before never hides a record that
 * was just published; DNSSEC is validated all the same.
 *
 *   zone and servers found (shared resolver) -> rows judged (lib/setup, own resolver) -> state_next() -> stored with the domain, when something changed -> audit -> planned again
 *
 * Lives on the outgoing loop.
 */
#ifndef SERVER_SETUP_SETUP_H
#define SERVER_SETUP_SETUP_H

#include "../config/config.h"
#include "../directory/directory.h"
#include "../resolver/resolver.h"
#include "sigillo/setup.h"

struct setup;

struct setup_parts {
    struct loop *loop;
    struct directory *directory;
    struct store *store; /* for the audit */
    struct resolver *resolver;
    const struct resolver_config
        *resolver_config; /* for those of its own; copied but for the strings, which stay */
};
/* NULL when memory ends. */
struct setup *setup_new(const struct setup_parts *parts, struct config *config);
/* Before the loop runs: from now on domains are checked on schedule. */
bool setup_start(struct setup *s);
void setup_free(struct setup *s); /* after its loop has ended; NULL accepted */
/* On the loop. */
void setup_reconfigure(struct setup *s, struct config *config);

/* ---- a check that somebody asks for ---- */

enum setup_result {
    SETUP_CHECKED,
    SETUP_NO_DOMAIN,
    SETUP_BUSY,  /* too many at once */
    SETUP_FAILED /* it could not be done: `why` */
};
struct setup_check { /* the caller's; alive until done() */
    char name[256];  /* in: the domain's */
    struct loop *loop;
    void (*done)(struct setup_check *c); /* on loop, always later, within verification.timeout */
    void *ctx;
    /* out */
    enum setup_result result;
    const char *why;
    bool unknown;                 /* something that is required could not be asked */
    struct domain *domain;        /* as it is now */
    const struct sgl_setup *seen; /* the rows, judged */
    struct loop_task task;        /* setup's own, as is private_ */
    void *private_;
};
/* Any thread. */
void setup_verify(struct setup *s, struct setup_check *c);
/* What `seen` and `domain` mean is gone then. */
void setup_check_done(struct setup_check *c);

/* ---- records that the server publishes itself, when somebody asks for it ---- */

enum setup_publish_verb {
    SETUP_PUBLISH,
    SETUP_PUBLISH_PLAN, /* only says what it would do */
    SETUP_WITHDRAW /* what stands there as we publish it goes; of `domain`, which need not be in the directory any more */
};
struct publishing;     /* publishing.h: what was planned and done */
struct setup_publish { /* the caller's; alive until done() */
    enum setup_publish_verb verb;
    char name[256];        /* in: the domain's */
    struct domain *domain; /* in, withdraw: borrowed until done() */
    bool replace;          /* also what somebody else put there */
    struct loop *loop;
    void (*done)(struct setup_publish *p); /* on loop, always later */
    void *ctx;
    /* out */
    enum setup_result result; /* not CHECKED: nothing was done, `why` */
    const char *why;
    struct publishing *publishing; /* with CHECKED; publishing_free()d by the caller */
    struct loop_task task;         /* setup's own */
};
/* Any thread. */
void setup_publish(struct setup *s, struct setup_publish *p);
/* Looks at the domain as soon as possible. Any thread. */
void setup_look_soon(struct setup *s, const char *name);

struct setup_stats {
    uint64_t checks, unknown; /* since the start */
};
void setup_stats(struct setup *s, struct setup_stats *out);

#endif
