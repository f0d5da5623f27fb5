/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_RETURNS_RETURNS_INTERNAL_H
#define SERVER_RETURNS_RETURNS_INTERNAL_H

#include <pthread.h>

#include "../store/returned.h"
#include "../store/statistics.h"
#include "return_path.h"
#include "returns.h"
#include "sigillo/arf.h"
#include "sigillo/bounce.h"

struct returns {
    struct returns_setup setup;
    pthread_rwlock_t lock;
    struct config *config; /* under the lock */
};

/* What the configuration says, copied. */
struct returns_rules {
    bool receives;          /* a door takes mail from the world */
    int64_t trail_s;        /* so old may a return path be */
    unsigned suppress_s;    /* a hard bounce suppresses for so long; 0: not at all */
    unsigned refusing_days; /* of RETURNED_DAYS, after which a soft one does; 0: never */
};
void returns_rules(struct returns *r, struct returns_rules *out);
/* Is this d= one of those whose complaints are believed? */
bool returns_believes(struct returns *r, sgl_view domain);
enum return_path_kind returns_open(struct returns *r, sgl_view address, struct return_path *out);

/* One thing that came back, from its arrival to its end. */
struct taking {
    struct work work; /* first */
    struct returns *r;
    struct arrival *arrival;
    struct sgl_arena arena;
    struct return_path path;
    struct returns_rules rules;
    struct store_message *message; /* NULL: nothing is to be done */
    const struct store_rcpt *rcpt;
    struct sgl_bounce bounce;
    const struct sgl_bounce_rcpt *said;
    bool of_another; /* it names somebody else: the recipient has his mail sent on */
    bool complaint;
    const char *why; /* for the log, when nothing is done */
    bool later;      /* not now: a store or memory failed */
    struct directory_suppress suppress;
    struct suppression item;
    struct returned returned;
    struct returned_op op;
    struct sgl_buf detail;
    struct report *report; /* to the sender; NULL: none */
};

/* The next server had refused him already: that is told and counted. */
bool taking_failed_before(const struct taking *t);

/* returns_find.c: on a worker thread. Which message, which recipient, what is said of him. */
void taking_find(struct work *work);

/* returns_report.c: a bounce of ours to the sender of the message; on any thread. */
struct report;
bool report_is_wanted(const struct taking *t);
/* NULL: there is no memory for it. */
struct report *report_new(const struct taking *t, sgl_view hostname, int64_t expire_s);
/* Signs it, then done(ctx), on another thread. */
void report_sign(struct report *p, const struct queue_signer *signer, void (*done)(void *ctx),
                 void *ctx);
struct store_accept *report_accept(struct report *p); /* NULL: there was no memory */
void report_free(struct report *p);                   /* NULL accepted */

#endif
