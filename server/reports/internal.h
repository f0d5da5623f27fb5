/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: reports.c (counting, what is due), errand.c (one thing that is due, to its end), errand_send.c (by mail, by HTTPS). */
#ifndef SERVER_REPORTS_INTERNAL_H
#define SERVER_REPORTS_INTERNAL_H

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "compose.h"
#include "reports.h"
#include "tally.h"

#define ERRANDS_MAX     8           /* at once */
#define DUE_MAX         64          /* of one look */
#define TRY_FOR_S       (24 * 3600) /* from the first attempt [RFC 8460 s5.5] */
#define TRY_AGAIN_S     900         /* and twice that, and so on */
#define TRY_AGAIN_STEPS 5
#define REST_S          900

struct errand {
    struct errand *next, **link; /* of those that are under way, or that wait for it */
    struct reports *reports;
    struct config *config; /* a reference */
    struct tlsrpt_report about;
    struct sgl_arena arena;
    struct tlsrpt_op op;
    sgl_view destination[TLSRPT_DESTINATIONS_MAX];
    /* FIND */
    struct resolver_fill fill;
    struct sgl_dns dns;
    /* TRY */
    struct work work;
    struct compose compose;
    const char *wrong;
    struct sgl_buf raw;
    struct queue_notice notice;
    struct https_get get;
    struct store_accept accept;
    struct store_message message;
    struct store_rcpt rcpt;
    char message_id[300], detail[300];
    enum { ERRAND_IDLE, ERRAND_WORKS, ERRAND_ASKS, ERRAND_POSTS } waits;
};

struct look { /* for what is due */
    struct work work;
    struct reports *reports;
    struct errand *first, **tail;
    enum store_result result;
    size_t found;
};

struct reports {
    struct reports_parts parts;
    struct config *config;
    struct tally tally;
    struct event *timer;
    struct tlsrpt_op flush, forget, last;
    struct tlsrpt_count *taken, *last_taken;
    struct tally_row *taken_rows, *last_rows;
    bool flushing, forgetting, looking;
    struct look look;
    struct errand *waiting, *busy; /* busy: linked */
    unsigned errands;
    uint64_t rest_until_ms; /* monotonic: the store notes nothing, so that nothing is begun */
    int64_t forgotten_day;
};

/* ---- reports.c ---- */
void reports_next(struct reports *r, struct errand *done); /* done: over, freed here */
void reports_rest(struct reports *r); /* what was done could not be noted: it would be done again */

/* ---- errand.c ---- */
struct errand *errand_new(struct reports *r, const struct tlsrpt_report *about); /* any thread */
void errand_free(struct errand *e);
void errand_start(struct errand *e);
void errand_cut(struct errand *e); /* what it waits for on the loop is given up */
/* What is known of it now becomes durable; why: printable. mail: goes with it. */
void errand_step(struct errand *e, enum tlsrpt_state state, const char *why,
                 struct store_accept *mail);
void errand_again(struct errand *e, const char *why); /* later, or it has failed */

/* ---- errand_send.c ---- */
void errand_send(struct errand *e); /* the report is composed */

extern struct metric reports_made[3];

#endif
