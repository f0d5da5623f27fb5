/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a subscription may send, and who of it: profiles, and the counters that all doors charge.  docs/limits.md explains both.
 *
 * A message is charged when it has been checked, before it is made durable, and given back when it is refused after that.  What was charged goes into the same transaction as the
 * message (struct store_charge): after a crash exactly the messages that were accepted have counted.  Any thread.
 */
#ifndef SERVER_LIMITS_LIMITS_H
#define SERVER_LIMITS_LIMITS_H

#include "../store/store.h"
#include "counter.h"

struct limits;

struct limit_profile {
    const char *name;
    uint32_t recipients_max; /* of one message; 0: as the server's */
    uint64_t size_max;       /* of one message, bytes; 0: as the server's */
    struct limit limit[LIMITS_OF_PROFILE];
    size_t limits;
};

/* ---- profiles (profile.c) ---- */

#define LIMITS_DEFAULT "unlimited"
#define LIMITS_MANAGED "managed-test" /* of every managed domain */
extern const struct limit_profile limit_shipped[];
extern const size_t limit_shipped_count;
/* "30 messages a minute". */
void limit_text(const struct limit *limit, char *out, size_t size);

/* ---- the counter ---- */

struct limits *limits_new(void);
void limits_free(struct limits *l); /* NULL accepted */
/* The operator's own profiles, beside the shipped ones; of two with the same name the own one counts. Copied. false when memory ends: the former ones stay. */
bool limits_configure(struct limits *l, const struct limit_profile *own, size_t count);
#define LIMITS_SCOPES_MAX                                                                          \
    3 /* that one message is charged to: its subscription, and those beside it */
/* Under which names a stored charge counts beside its subscription's: at most LIMITS_SCOPES_MAX - 1. */
struct limits_names {
    char name[LIMITS_SCOPES_MAX - 1][192];
    size_t count;
};
typedef void (*limits_beside)(void *ctx, sgl_view subscription, sgl_view identity,
                              struct limits_names *out);
/* What was charged in the last day, at start. false with a reason. beside may be NULL. */
bool limits_load(struct limits *l, struct store *store, limits_beside beside, void *ctx, char *why,
                 size_t why_size);
/* A copy of the profile, without its name. "" is the default. false: there is none of this name. */
bool limits_profile(struct limits *l, const char *name, struct limit_profile *out);
/* All of them, in no order; the configured ones first. Called with a lock held: each() calls nothing here. */
void limits_each_profile(struct limits *l, bool (*each)(void *ctx, const struct limit_profile *p),
                         void *ctx);

enum limits_answer {
    LIMITS_OK,
    LIMITS_REACHED,    /* refusal: which limit and when it frees */
    LIMITS_NEVER,      /* this message alone is over the limit */
    LIMITS_RECIPIENTS, /* over the profile's recipients of one message */
    LIMITS_SIZE,
    LIMITS_NO_PROFILE, /* the subscription's profile is not known (any more) */
    LIMITS_NO_MEMORY
};
/* Who is charged: a name to count under, and the profile that bounds it. */
struct limits_scope {
    sgl_view name;
    const char *profile;
};
struct limits_refusal {
    size_t scope;        /* whose limit it is */
    struct limit limit;  /* REACHED, NEVER; RECIPIENTS, SIZE: only its max */
    int64_t frees_at_ms; /* wall time, REACHED */
    int64_t frees_in_ms;
};
struct limits_ticket { /* what was charged; zeroed: nothing */
    struct {
        struct counter *counter;
        int64_t at_ms;
    } of[LIMITS_SCOPES_MAX];
    size_t scopes;
    struct limit_charge charge;
    struct store_charge stored; /* for the transaction of the message */
};
/*
 * subscription: or "domain:NAME", which is no subscription's name, for a domain with limits of its own.
 * Everything that the profile limits at once, or nothing, is charged. Of several limits that are reached the refusal names the one that frees last.
 */
enum limits_answer limits_take(struct limits *l, sgl_view subscription, const char *profile,
                               const struct limit_charge *want, struct limits_ticket *ticket,
                               struct limits_refusal *refusal);
/* The same for several scopes: all are charged, or none. */
enum limits_answer limits_take_all(struct limits *l, const struct limits_scope *scope,
                                   size_t scopes, const struct limit_charge *want,
                                   struct limits_ticket *ticket, struct limits_refusal *refusal);
/* Would it be taken now?  Nothing is charged. */
enum limits_answer limits_ask(struct limits *l, const struct limits_scope *scope, size_t scopes,
                              const struct limit_charge *want, struct limits_refusal *refusal);
/*
 * How many messages to one recipient in another domain would go in now, one after the other, and the limit that says so: of several that leave as many, the one that frees last.
 * Nothing is charged.  false: there is no such limit.
 */
struct limits_room {
    struct limit limit;
    uint64_t left;
    int64_t frees_at_ms; /* wall time, when it leaves more than that; now, when nothing is used */
};
bool limits_room(struct limits *l, const struct limits_scope *scope, size_t scopes,
                 struct limits_room *out);
void limits_give_back(struct limits *l, struct limits_ticket *ticket); /* empties it */
/* What counts now, for reports: sums of minute, hour, day. */
void limits_now(struct limits *l, sgl_view subscription, struct limit_charge sum[LIMIT_WINDOWS]);

#endif
