/* SPDX-License-Identifier: Apache-2.0 */
/* Where does a name's alias lead now?  The zone's own name servers are asked, or the resolver, as verification.ask says; without a cache, DNSSEC validated. */
#ifndef SERVER_SETUP_ALIAS_H
#define SERVER_SETUP_ALIAS_H

#include "setup.h"

struct setup_alias { /* the caller's; alive until done() */
    char name[256];  /* in */
    struct loop *loop;
    void (*done)(struct setup_alias *a); /* on loop, always later, within verification.timeout */
    /* out */
    enum setup_result result; /* CHECKED, BUSY, FAILED: `why` */
    char why[300];
    char target[256];      /* in lower case, without the last dot; "": there is no alias */
    struct loop_task task; /* setup's own */
};
/* Any thread. */
void setup_alias(struct setup *s, struct setup_alias *a);
void aliases_cut(struct setup *s); /* at the end: those that run, without done() */

#endif
