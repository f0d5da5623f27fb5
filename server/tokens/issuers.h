/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key sets of issuers that operators named, asked for when they are needed and kept.
 *
 *   asked for -> fresh, an hour -> asked for again while the old one is used, up to a day -> refused
 *
 * A key id that is not in the set is a reason to ask again, once a minute at most: keys roll over.  An issuer that cannot be asked is not asked again for ten seconds.
 */
#ifndef SERVER_TOKENS_ISSUERS_H
#define SERVER_TOKENS_ISSUERS_H

#include "../https/https.h"
#include "jwks.h"

#define ISSUERS_MAX        256
#define ISSUER_WAITING_MAX 1000 /* for one issuer's answer */
#define ISSUER_FRESH_S     3600
#define ISSUER_KEEP_S      86400
#define ISSUER_AGAIN_S     60 /* after an answer */
#define ISSUER_RETRY_S     10 /* after none */

struct issuers;
/* Lives on the loop of `https`. NULL: no memory. */
struct issuers *issuers_new(struct loop *loop, struct https *https);
void issuers_free(struct issuers *s); /* after its loop and those of all who wait; NULL accepted */

struct issuer_wait { /* alive until done() */
    struct loop *loop;
    void (*done)(struct issuer_wait *w); /* on loop: ask again, and do not wait */
    struct issuer_wait *next;
    struct loop_task task;
};
/*
 * Any thread.  The set of an issuer, which has the key wherever that can be found: a reference, or NULL: *waiting, w->done() will be called; or it cannot be had now.
 * w NULL: what is there now.
 */
struct jwks *issuers_keys(struct issuers *s, const char *url, const char *key_id, int64_t now,
                          struct issuer_wait *w, bool *waiting);

#endif
