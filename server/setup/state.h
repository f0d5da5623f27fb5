/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check saw becomes what is known of a domain.  Pure: statuses and time go in, statuses and what is worth telling come out.
 *
 *   nothing there     in progress; failed and lost, if it was verified before
 *   something wrong   failed; and lost, if it was verified before
 *   there             verified; no longer lost
 *   no answer         as it was: what cannot be asked has neither vanished nor been proved
 *   no such record    not started: nothing of the kind is wanted (any more)
 */
#ifndef SERVER_SETUP_STATE_H
#define SERVER_SETUP_STATE_H

#include "../directory/domain.h"
#include "sigillo/setup.h"

#define STATE_TEXT_MAX 2000

struct state_next {
    struct domain_status status[DOMAIN_PARTS]; /* texts live in the arena */
    bool changed;
    bool unknown;                  /* something that is required could not be asked */
    bool complete;                 /* all that is required of this kind of domain was seen */
    unsigned verified, lost, back; /* parts, a bit each: for the first time, gone, there again */
};

/*
 * was    what was known
 * seen   of sgl_setup_check()
 * Returns SGL_OK; SGL_E_NOMEM, SGL_E_LIMIT: of the arena.
 */
enum sgl_status state_next(const struct domain *was, const struct sgl_setup *seen, int64_t now_s,
                           struct sgl_arena *arena, struct state_next *out) SGL_MUST_USE;

/* Which part of a domain a row belongs to. */
enum domain_part state_part(enum sgl_setup_purpose purpose);

#endif
