/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the room, for its own folder. */
#ifndef SERVER_SETUP_SETUP_INTERNAL_H
#define SERVER_SETUP_SETUP_INTERNAL_H

#include <event2/event.h>
#include <stdatomic.h>

#include "../directory/table.h"
#include "setup.h"
#include "state.h"

/* Kinds of trouble with publishing; each is told when it is another than before. */
enum plan_told { TOLD_HELD, TOLD_FAILED, TOLD_NOT_REVOKED, TOLD_WAITS, PLAN_TOLDS };

/* When a domain is checked next. */
struct plan {
    char *name;
    uint64_t due_ms; /* monotonic */
    uint64_t walk;   /* the last one that met its domain */
    unsigned step;   /* in verification.pending */
    bool busy;
    unsigned turn; /* the same for a step of a rotation */
    enum rotation_step rotation;
    char told[PLAN_TOLDS][200]; /* the trouble that was told last, of each kind; "": none */
};

struct due {
    struct plan *plan;
    uint64_t since_ms; /* as the plan had it then */
};

struct setup {
    struct setup_parts parts;
    struct resolver_config resolver_config;
    struct config *config; /* a reference */
    struct table plans;
    struct due *due; /* what the last walk found, the one that has waited longest first; plan.c */
    size_t dues, due_next, due_room;
    struct event *tick;
    uint64_t walk;
    unsigned running, asked_for; /* by schedule, by somebody */
    struct verification *first;  /* all that run */
    struct act *acts;            /* the same of these: see act.c, publishing.h, look.h */
    struct publishing *publishings;
    struct looking *looks;
    struct aliasing *aliases;
    unsigned aliases_open;
    struct workers *updaters; /* NULL until the first update */
    _Atomic uint64_t checks, unknown;
};

struct verification;
struct verified {
    enum setup_result result;
    const char *why;
    bool unknown, complete, changed;
};

/*
 * Checks the domain, stores what changed, tells the audit.  done() comes later on the loop; the verification, with what `seen` and `domain` mean, is the receiver's to
 * free.  NULL when memory ends.
 */
struct verification *verification_new(struct setup *s, const char *name,
                                      void (*done)(struct verification *v, void *ctx), void *ctx);
const char *verification_name(const struct verification *v);
const struct verified *verification_result(const struct verification *v);
const struct sgl_setup *verification_seen(const struct verification *v);
struct domain *verification_domain(const struct verification *v); /* borrowed, or NULL */
void verification_free(struct verification *v);
void verifications_cut(struct setup *s); /* at the end: those that run, without done() */

/* ---- audit.c ---- */

/* What a check found, as lines in the audit and the log. before: the domain as it was. */
void tell(struct setup *s, const struct domain *before, const struct domain *after,
          const struct state_next *next);

/* May the domain send no longer, or again, only because time has passed since it was looked at? */
bool gate_has_moved(const struct setup *s, const struct domain *d);

/* ---- plan.c ---- */

bool plans_start(struct setup *s);
void plans_done(struct setup *s);
/* A check of the domain has ended. */
void plan_after(struct setup *s, const struct verification *v);

#endif
