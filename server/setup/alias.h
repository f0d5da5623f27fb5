/* SPDX-License-Identifier: Apache-2.0 */
/* Where does a name's alias lead now, or which hosts take its mail?  The zone's own name servers are asked, or the resolver, as verification.ask says; without a cache, DNSSEC validated. */
#ifndef SERVER_SETUP_ALIAS_H
#define SERVER_SETUP_ALIAS_H

#include "setup.h"

#define SETUP_MX_MAX 16

enum setup_alias_of { SETUP_ALIAS, SETUP_MX };
struct setup_alias { /* the caller's; alive until done() */
    char name[256];  /* in */
    enum setup_alias_of of;
    struct loop *loop;
    void (*done)(struct setup_alias *a); /* on loop, always later, within verification.timeout */
    /* out */
    enum setup_result result; /* CHECKED, BUSY, FAILED: `why` */
    char why[300];
    char target[256]; /* in lower case, without the last dot; "": there is no alias */
    char mx[SETUP_MX_MAX]
           [256]; /* of MX: the names of the hosts, each once, sorted; no more are looked at */
    size_t mxs;   /* "" alone: the name takes no mail  [RFC 7505] */
    struct loop_task task; /* setup's own */
};
/* Any thread. */
void setup_alias(struct setup *s, struct setup_alias *a);
void aliases_cut(struct setup *s); /* at the end: those that run, without done() */

#endif
