/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: where mail goes that arrives for an address, or for all of a domain.  What becomes of it is one of these:
 *
 *   carried   to a mail store (lmtp, smtp), to a program (webhook), to other addresses (forward): it waits in the queue
 *   handled   at once, before it is accepted: bounces, complaints, reports, trap, discard
 *
 * A route is of the subscription whose custom domain its pattern is of.
 */
#ifndef SERVER_DIRECTORY_ROUTE_H
#define SERVER_DIRECTORY_ROUTE_H

#include "directory.h"
#include "route_target.h"

enum route_action {
    ROUTE_LMTP,
    ROUTE_SMTP,
    ROUTE_WEBHOOK,
    ROUTE_FORWARD,
    ROUTE_BOUNCES,
    ROUTE_COMPLAINTS,
    ROUTE_REPORTS,
    ROUTE_TRAP,
    ROUTE_DISCARD
};
#define ROUTE_ACTIONS 9
const char *route_action_name(enum route_action action); /* "lmtp" */
bool route_action_parse(sgl_view name, enum route_action *out);
bool route_is_carried(enum route_action action);

#define ROUTE_TARGETS_MAX  20
#define ROUTE_SECRET       32    /* bytes of a webhook's secret */
#define ROUTE_KEY_PREFIX   "r_"  /* of every key */
#define ROUTES_MAX         10000 /* of a subscription: all are in memory */
#define ROUTE_CONTEXT_SIZE 64
#define ROUTE_PATTERN_SIZE (ACCESS_TEXT_MAX + 2)

/* Immutable; a change makes another one of the same key. */
struct arrival_route {
    struct owned owned; /* first; its key: "r_…", never reused */
    char *pattern;      /* "user@example.org", or "@example.org": all else of it; lower case */
    enum route_action action;
    char **target;  /* as route_target_parse() reads them */
    size_t targets; /* forward: one or more; handled: none; else one */
    char *junk;     /* quarantined mail goes to this address instead; NULL: the same way, marked */
    bool ask;       /* recipients that are not known are asked of the target first */
    bool inside;    /* an operator said so: it may lead to this machine and private networks */
    char *secret;   /* webhook: signs; base64 of what KEYS_OPEN opens. NULL: none */
};
struct arrival_route *arrival_route_ref(struct arrival_route *r);
void arrival_route_unref(struct arrival_route *r); /* NULL accepted */
/* What the secret of a route is sealed for: "route:r_…". */
void arrival_route_context(const struct arrival_route *r, char out[ROUTE_CONTEXT_SIZE]);

/* Which of an address's names found its route. */
enum route_match { ROUTE_MATCH_NONE, ROUTE_MATCH_ADDRESS, ROUTE_MATCH_DETAIL, ROUTE_MATCH_DOMAIN };
const char *route_match_name(enum route_match match); /* "address", "without detail", "domain" */

/*
 * The route that takes mail for this address: the one of just the address, else of the address without "+detail", else of its domain.  The case of ASCII letters does not count.
 * None where its domain is gone, is another subscription's now, or is no custom one.  A pure look-up, any thread: a reference, or NULL.
 */
struct arrival_route *directory_route(struct directory *d, sgl_view address);
/* The same, and why; match may be NULL. */
struct arrival_route *directory_route_match(struct directory *d, sgl_view address,
                                            enum route_match *match);
struct arrival_route *directory_route_by_key(struct directory *d, sgl_view key);
/* By its pattern or its key: a reference, or NULL. */
struct arrival_route *directory_route_named(struct directory *d, sgl_view name);
/* A pattern as it is kept, from what people write: also "*@example.org".  Returns SGL_OK, or as access_address_parse() does with *why. */
enum sgl_status route_pattern_read(sgl_view text, char out[ROUTE_PATTERN_SIZE], const char **why);
/* Is there a route for anything of this domain?  Also one for single addresses. */
bool directory_receives_for(struct directory *d, sgl_view domain);
/* In order of their keys. */
void directory_each_route(struct directory *d, bool (*each)(void *ctx, struct arrival_route *r),
                          void *ctx);

enum route_ask { ROUTE_ASK_AS_IT_IS, ROUTE_ASK_YES, ROUTE_ASK_NO };
/* The change's name is the pattern; to change or remove one, its key is as good. */
struct route_change {
    bool set_action; /* added, or changed: the action and all of its targets are given */
    enum route_action action;
    const sgl_view *target;
    size_t targets;
    sgl_view junk; /* ptr NULL: as it was; empty: none */
    enum route_ask ask;
    bool
        new_secret; /* changed: the webhook gets another one; it is shown this once, as is the first */
};

#endif
