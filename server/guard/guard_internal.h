/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the guard: guard.c (what there is), guard_mail.c, guard_complaint.c, guard_receivers.c (who is which receiver), guard_cause.c (what is broken, and who hears of it), guard_report.c. */
#ifndef SERVER_GUARD_GUARD_INTERNAL_H
#define SERVER_GUARD_GUARD_INTERNAL_H

#include <pthread.h>

#include "../directory/table.h"
#include "../metrics/metrics.h"
#include "guard.h"
#include "window.h"

#define RECEIVER_NAME_SIZE 32
#define OTHER              0 /* receiver: all that are not named */
#define COUNTED_MAX        65536u
#define TALLY_MESSAGES     "guard:"
#define TALLY_COMPLAINTS   "guard-complaints:"
#define GUARD_NOUN         "guard"

/* A place among the receivers' domains. */
struct place {
    unsigned receiver;
    char domain[];
};
/* One configuration. */
struct rules {
    enum config_guard action;
    unsigned near_percent, complaints_warn, complaints_stop;
    uint32_t complaints_messages;
    uint32_t messages[GUARD_RECEIVERS_MAX];
    bool named[GUARD_RECEIVERS_MAX]; /* by this configuration */
    struct table place;
};

struct counted { /* an organisation's mail to a receiver */
    struct window window;
    char name[]; /* "guard:ORGANISATION/RECEIVER" */
};
struct organisation {
    struct counted *of[GUARD_RECEIVERS_MAX];
    char name[];
};
struct cause {
    enum guard_cause kind;
    unsigned receiver;
    int64_t since_ms, last_ms; /* last_ms 0: it is over */
    int64_t warned_ms, stopped_ms;
    uint64_t messages, complaints; /* when it was last seen */
};
struct sender { /* a domain that signs */
    struct organisation *organisation;
    struct cause *cause;
    size_t causes;
    char name[];
};

struct guard {
    pthread_mutex_t lock;
    struct store *store;
    struct rules *rules;
    char receiver[GUARD_RECEIVERS_MAX]
                 [RECEIVER_NAME_SIZE]; /* those of former configurations, too */
    size_t receivers;
    struct table organisation, sender;
    size_t counted; /* of all organisations */
};

/* ---- guard_receivers.c ---- */

/* NULL when memory ends. With the lock held, or before anybody else has the guard. */
struct rules *rules_new(struct guard *g, const struct config *config);
void rules_free(struct rules *rules); /* NULL accepted */
unsigned receiver_of(const struct guard *g, sgl_view destination);
/* OTHER when there is none of this name. */
unsigned receiver_named(const struct guard *g, sgl_view name);

extern struct metric guard_uncounted;

/* ---- guard.c: with the lock held; NULL when memory, or the room for it, ends ---- */

struct organisation *organisation_named(struct guard *g, sgl_view name);
struct sender *sender_of(struct guard *g, sgl_view domain);
struct counted *counted_of(struct guard *g, struct organisation *o, unsigned receiver);
/* The organisation's part of a domain; borrows from it. Empty when memory ends. */
sgl_view organisation_part(sgl_view domain);

/* ---- guard_cause.c: with the lock held ---- */

enum level { LEVEL_NONE, LEVEL_WARN, LEVEL_STOP };
struct found {
    enum guard_cause kind;
    unsigned receiver;
    enum level level;
    uint64_t messages, complaints;
};
enum level complaint_level(const struct rules *rules, uint64_t messages, uint64_t complaints);
void cause_register_metrics(void);
/* Notes what was found of the domain; LEVEL_NONE: the cause is over. true: the message is to be refused for it. */
bool cause_found(struct guard *g, struct sender *s, sgl_view subscription, const struct found *f,
                 int64_t now_ms);
void cause_text(const struct guard *g, const struct sender *s, const struct found *f, char *out,
                size_t size);
bool cause_is_open(const struct cause *c, int64_t now_ms);
/* A cause of the former life. */
void cause_load(struct guard *g, sgl_view key, sgl_view value, int64_t now_ms);

#endif
