/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the keys of a domain there, or gone, at every single name server of their zone?  Each is asked by itself, without a cache; DNSSEC is validated.  On the room's loop.
 * A server is its name: one that answers by its IPv4 address has answered.
 */
#ifndef SERVER_SETUP_LOOK_H
#define SERVER_SETUP_LOOK_H

#include "../directory/domain.h"
#include "setup.h"

enum look_for { LOOK_WAITING, LOOK_RETIRED };
enum look_result {
    LOOK_SEEN,    /* waiting: each key stands there; retired: none of them does any more */
    LOOK_NOT_YET, /* `why` says where not */
    LOOK_SILENT, /* seen at all servers that answer, and one at least does; others give no answer: `why` */
    LOOK_UNKNOWN /* none of them answered, or the keys cannot be told: `why` */
};
struct look {
    /* out */
    enum look_result result;
    uint32_t ttl_s;
    char why[300];
    void *ctx; /* the caller's */
};
/* done() comes later; it frees the look. NULL when memory ends. */
struct look *look_new(struct setup *s, struct domain *domain, enum look_for what,
                      void (*done)(struct look *l), void *ctx);
void look_free(struct look *l);
void looks_cut(struct setup *s); /* at the end: those that run, without done() */

#endif
