/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the addresses that reports tell of: what their reverse zone says, and only where that name leads back to the address, since the owner of an address may write any name
 * there.  Asked for on the outgoing loop and remembered; a question waits a little, and what is not known then comes the next time.
 */
#ifndef SERVER_HEARD_HEARD_NAMES_H
#define SERVER_HEARD_HEARD_NAMES_H

#include "../loop/loop.h"
#include "../resolver/resolver.h"
#include "sigillo/limits.h"

#define HEARD_NAMES_WAIT_MS 2000 /* that a question waits at most */
#define HEARD_NAMES_EACH    40   /* addresses that one question has looked up */
#define HEARD_NAMES_OPEN    100  /* looked up at the same time, for all */
#define HEARD_NAMES_KEPT    4096 /* remembered */
#define HEARD_NAME_SIZE     (SGL_LIMIT_NAME_TEXT + 1)

struct heard_names;
/* NULL: out of memory. */
struct heard_names *heard_names_new(struct loop *outgoing, struct resolver *resolver);
/* After all loops have ended and before its resolver; NULL accepted. */
void heard_names_free(struct heard_names *n);

struct heard_name {
    struct sgl_ip ip;           /* in; version 0: none */
    char name[HEARD_NAME_SIZE]; /* out: ""; none that leads back, or not known yet */
};
/* The caller's, zeroed, alive until done(). */
struct heard_names_ask {
    struct heard_name *row; /* what matters most comes first: it is looked up first */
    size_t rows;
    struct loop *loop;
    void (*done)(struct heard_names_ask *a); /* on loop, always later */
    /* private */
    struct loop_task task;
    struct heard_names *names;
    size_t open; /* lookups that are waited for */
    struct event *timer;
};
/* Any thread. */
void heard_names_ask(struct heard_names *n, struct heard_names_ask *a);

#endif
