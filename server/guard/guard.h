/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the large receivers ask of who sends them much: is it near, and is it met?  docs/bulk.md explains it.
 *
 * Counted are messages of an organisation's domain to a receiver (all domains of Gmail are one), a copy for each recipient, over a rolling day, as the receivers count.  A cause is
 * one of their rules that a domain breaks.  It is told once a day, as a line of the audit; when the configuration says so, what breaks it is refused.
 *
 * The guard fails open: what it cannot count it lets through.  What was counted goes into the same transaction as the message (struct store_tally); causes are nouns.  Any thread.
 */
#ifndef SERVER_GUARD_GUARD_H
#define SERVER_GUARD_GUARD_H

#include "../config/config.h"
#include "../store/store.h"

struct guard;

#define GUARD_RECEIVERS_MAX (1 + 3 + CONFIG_RECEIVERS_MAX) /* "other", the shipped ones, own ones */

enum guard_cause {
    GUARD_NO_DMARC,    /* much mail, and no DMARC record */
    GUARD_NO_AUTH,     /* much mail, and not both of SPF and DKIM */
    GUARD_COMPLAINTS,  /* too many of the recipients complain */
    GUARD_NO_ONE_CLICK /* list mail that one click does not end */
};
#define GUARD_CAUSES 4
const char *guard_cause_name(enum guard_cause cause); /* "no-dmarc" */

/* NULL when memory ends. The store is borrowed. */
struct guard *guard_new(struct store *store, const struct config *config);
void guard_free(struct guard *g); /* NULL accepted */
/* false when memory ends: what counted goes on. */
bool guard_configure(struct guard *g, const struct config *config);
/* What was sent in the last day, at start. What cannot be read is logged and does not count. */
void guard_load(struct guard *g, int64_t now_ms);

/* ---- a message ---- */

/* Is a record published?  What is not known is not held against anybody. */
enum guard_seen { GUARD_UNKNOWN, GUARD_PRESENT, GUARD_MISSING };

struct guard_mail {
    sgl_view domain, subscription;       /* that signs, as the directory has it; and whose it is */
    const struct store_message *message; /* its recipients, accepted_at */
    bool list_without_one_click;
    enum guard_seen dmarc, spf, dkim;
};
struct guard_refusal {
    enum guard_cause cause;
    char text[256]; /* a sentence: the rule, the figure, how to mend it */
};
struct counted;
struct guard_ticket { /* what was counted; zeroed: nothing */
    struct {
        struct counted *counted;
        uint32_t messages;
        int64_t cell;
    } of[GUARD_RECEIVERS_MAX];
    size_t used;
    struct store_tally tally[GUARD_RECEIVERS_MAX]; /* for the transaction of the message */
};
/* true: counted, as the ticket says. false: it is to be refused, and nothing is counted. */
bool guard_take(struct guard *g, const struct guard_mail *mail, struct guard_ticket *ticket,
                struct guard_refusal *refusal);
void guard_give_back(struct guard *g, struct guard_ticket *ticket); /* empties it */

/* ---- a complaint ---- */

/* So many recipients at this destination complained about mail of the domain. */
void guard_complaint(struct guard *g, sgl_view domain, sgl_view subscription, sgl_view destination,
                     uint32_t complaints, int64_t now_ms);

/* ---- reports ---- */

struct guard_count {
    const char *receiver; /* lives as long as the guard */
    uint32_t limit;       /* from which it makes its demands; 0: none known */
    uint64_t messages, complaints;
};
struct guard_told {
    enum guard_cause cause;
    const char *receiver; /* "": it is of no receiver */
    int64_t since_ms, last_ms;
    bool stopped; /* something was refused for it */
    char text[256];
};
struct guard_report {
    char organisation[256]; /* under which it is counted */
    struct guard_count count[GUARD_RECEIVERS_MAX];
    size_t counts;
    struct guard_told told[GUARD_CAUSES * GUARD_RECEIVERS_MAX];
    size_t causes;
};
/* Of a domain, as the directory has it. */
void guard_report(struct guard *g, sgl_view domain, int64_t now_ms, struct guard_report *out);
/* A copy of what is configured; names live as long as the guard. */
struct guard_settings {
    enum config_guard action;
    unsigned near_percent, complaints_warn, complaints_stop;
    uint32_t complaints_messages;
    struct guard_count receiver[GUARD_RECEIVERS_MAX];
    size_t receivers;
};
void guard_settings(struct guard *g, struct guard_settings *out);

#endif
