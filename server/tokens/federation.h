/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application proves itself without a secret: by a token that another issuer made for it  [RFC 7521 s4.2, RFC 7523 s3].  Which issuer, subject and audience count is written
 * at the application; nobody else is asked.
 */
#ifndef SERVER_TOKENS_FEDERATION_H
#define SERVER_TOKENS_FEDERATION_H

#include "issuers.h"
#include "replay.h"

#define ASSERTION_TYPE  "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define ASSERTION_MAX_S 86400 /* longer than this no assertion lives that counts once */

struct federation {
    struct directory *directory;
    struct https *https;
    struct issuers *issuers;
    struct replay_table replay;
};
/* Lives on the resolver's loop. NULL: no memory. */
struct federation *federation_new(struct loop *loop, struct resolver *resolver,
                                  struct directory *directory, const struct https_config *https);
void federation_free(struct federation *f); /* after all loops have ended; NULL accepted */

enum federated {
    FEDERATED_OK,
    FEDERATED_UNKNOWN,   /* no such application */
    FEDERATED_BROKEN,    /* no JWT, or one with what we do not know how to obey */
    FEDERATED_ALGORITHM, /* none, HMAC, ... */
    FEDERATED_ISSUER,    /* the application does not trust it */
    FEDERATED_SUBJECT,
    FEDERATED_AUDIENCE,
    FEDERATED_EXPIRED,
    FEDERATED_EARLY,
    FEDERATED_LONG, /* it ends too late */
    FEDERATED_KEY,  /* not in the issuer's set */
    FEDERATED_SIGNATURE,
    FEDERATED_SEEN, /* it was taken before */
    FEDERATED_UNAVAILABLE, /* the issuer cannot be asked, too many assertions are kept, or memory has ended: try again */
};
const char *federated_text(enum federated result); /* for the log */

struct federated_check {
    struct loop *loop;
    void (*done)(struct federated_check *c); /* on loop, always later */
    sgl_view client_id, subscription; /* borrowed, as is the assertion; subscription empty: any */
    sgl_view assertion;
    /* out */
    enum federated result;
    struct identity *who; /* a reference, with FEDERATED_OK only */
    /* private */
    struct federation *federation;
    struct identity *app;
    struct app_trusts *trusts;
    const struct app_trust *trust;
    struct jwt jwt;
    struct issuer_wait wait;
    struct loop_task task;
    uint8_t once[32];
};
void federation_check(struct federation *f, struct federated_check *c);
/* After FEDERATED_OK: nothing came of it, so it may be shown again. */
void federation_give_back(struct federation *f, const struct federated_check *c);

#endif
