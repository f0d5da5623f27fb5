/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share: reports.c (what is due), count.c (what goes to the store), errand.c (one thing that is due, to its end), errand_send.c (by mail, by HTTPS), kind_tls.c and
 * kind_dmarc.c (what is different).
 */
#ifndef SERVER_REPORTS_INTERNAL_H
#define SERVER_REPORTS_INTERNAL_H

#include <pthread.h>

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "../store/dmarc_judged.h"
#include "../store/report.h"
#include "../store/tlsrpt.h"
#include "compose.h"
#include "reports.h"
#include "tally.h"

#define ERRANDS_MAX     8           /* at once */
#define DUE_MAX         64          /* of one look */
#define TRY_FOR_S       (24 * 3600) /* from the first attempt [RFC 8460 s5.5] */
#define TRY_AGAIN_S     900         /* and twice that, and so on */
#define TRY_AGAIN_STEPS 5
#define REST_S          900
#define DAY_S           86400
#define RAW_MAX         ((size_t)16 << 20) /* of a mail with its report */

struct errand {
    struct errand *next, **link; /* of those that are under way, or that wait for it */
    struct reports *reports;
    const struct kind *kind;
    struct config *config; /* a reference */
    struct store_report about;
    struct sgl_arena arena;
    struct report_op op;
    sgl_view destination[REPORT_DESTINATIONS_MAX];
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
    struct sgl_mailbox to;
    char message_id[300], detail[300];
    enum { ERRAND_IDLE, ERRAND_WORKS, ERRAND_ASKS, ERRAND_POSTS } waits;
};

/* A kind of report: what is different about it. */
struct kind {
    enum report_kind id;
    const char *name,
        *waits; /* "report about TLS", and of one that can't be sent yet: in the log */
    const char *door, *subject; /* of its mail */
    bool tls_optional;          /* its mail goes even where TLS fails */
    const struct config_reports *(*settings)(const struct config *c); /* from NULL: none are made */
    const struct tally_form *tally;
    enum store_op_kind count; /* of what the tally gives */
    /* One pass: SGL_OK: destination[] and op.destinations are set; SGL_NEED_DNS; *why: a lookup failed, again later */
    enum sgl_status (*find)(struct errand *e, const char **why);
    const char *(*compose)(struct compose *c); /* on a worker; NULL, or why not */
    /* The mail to e->to into e->raw: what the message is made of is there */
    enum sgl_status (*put_mail)(struct errand *e, sgl_view message_id);
    struct metric *counted, *lost, *made; /* made: 3, by result */
};
extern const struct kind kind_tls, kind_dmarc;
extern const struct kind *const kinds[REPORT_KINDS];

struct count_op { /* of which a kind's begins */
    union {
        struct store_op op;
        struct tlsrpt_op tls;
        struct dmarc_count_op dmarc;
    } is;
    void *array;
    struct tally_row *rows;
};
struct counting { /* of a kind */
    struct reports *reports;
    const struct kind *kind;
    pthread_mutex_t lock; /* of the tally: messages are judged on any loop */
    struct tally tally;
    struct count_op flush, last;
    bool flushing;
};

struct look { /* for what is due */
    struct work work;
    struct reports *reports;
    unsigned kinds;
    struct errand *first, **tail;
    enum store_result result;
    size_t found;
};

struct reports {
    struct reports_parts parts;
    pthread_mutex_t config_lock; /* for those who are not on the loop */
    struct config *config;
    _Atomic bool counts[REPORT_KINDS]; /* is asked for: for those who are not on the loop */
    _Atomic unsigned delay_s[REPORT_KINDS];
    struct counting counting[REPORT_KINDS];
    struct event *timer;
    struct report_op forget[REPORT_KINDS];
    unsigned forgetting; /* so many */
    bool looking;
    struct look look;
    struct errand *waiting, *busy; /* busy: linked */
    unsigned errands;
    uint64_t rest_until_ms; /* monotonic: the store notes nothing, so that nothing is begun */
    int64_t forgotten_day;
};

/* ---- reports.c ---- */
void reports_next(struct reports *r, struct errand *done); /* done: over, freed here */
void reports_rest(struct reports *r); /* what was done could not be noted: it would be done again */
void reports_flushed(struct reports *r);

/* ---- count.c ---- */
bool counting_init(struct counting *c, struct reports *r, const struct kind *kind);
void counting_done(struct counting *c);
/* day and due_at are set here. Any thread. */
void counting_add(struct counting *c, struct tally_count *count);
bool counting_flush(struct counting *c); /* false: there is nothing to do */
void counting_end(struct counting *c);   /* as reports_end() */

/* ---- errand.c ---- */
struct errand *errand_new(struct reports *r, const struct store_report *about); /* any thread */
void errand_free(struct errand *e);
void errand_start(struct errand *e);
void errand_cut(struct errand *e); /* what it waits for on the loop is given up */
/* What is known of it now becomes durable; why: printable. mail: goes with it. */
void errand_step(struct errand *e, enum report_state state, const char *why,
                 struct store_accept *mail);
void errand_again(struct errand *e, const char *why); /* later, or it has failed */
bool errand_may_wait(const struct errand *e);         /* is there time left to try again? */
/* The one more destination, unless there are enough, it is there already, or its host is to get none. */
void errand_add_destination(struct errand *e, sgl_view uri, sgl_view host);
bool errand_skips(const struct errand *e, sgl_view domain);

/* ---- errand_send.c ---- */
void errand_send(struct errand *e); /* the report is composed */

#endif
