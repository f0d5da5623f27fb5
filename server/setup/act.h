/* SPDX-License-Identifier: Apache-2.0 */
/* What a check leads to: records that are lacking are published where the zone's key was given to us, and keys are rotated.  One thing at a time for each domain. */
#ifndef SERVER_SETUP_ACT_H
#define SERVER_SETUP_ACT_H

#include "setup_internal.h"

/* After a check; p->busy while something is done, and then p->due_ms says when to look again. */
void act_after(struct setup *s, struct plan *p, const struct verification *v);
void acts_cut(struct setup *s); /* at the end */

#endif
