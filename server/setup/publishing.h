/* SPDX-License-Identifier: Apache-2.0 */
/* A plan of publish.h is carried out: one update for each zone, one after the other, on a worker thread; done() comes on the room's loop. */
#ifndef SERVER_SETUP_PUBLISHING_H
#define SERVER_SETUP_PUBLISHING_H

#include "publish.h"
#include "setup.h"

struct publishing {
    /* in, by who makes it; plan and config as publishing_plan() left them */
    void (*done)(struct publishing *p, void *ctx);
    void *ctx;
    /* What is to be done; texts live in `arena`, zones in `config`. */
    struct publish_plan plan;
    size_t shown; /* items of the plan, for who asked: also those that are not sent */
    struct sgl_arena arena;
    struct config *config; /* a reference */
    /* out */
    enum update_result result; /* of the zone that failed; those before it are changed */
    size_t changed;            /* records */
    const char *why;

    /* its own */
    struct setup *setup;
    struct publishing *next, **prev;
    struct work work;
    struct loop_task later;
    struct update update;
    struct update_change *batch;
    bool *sent;
    char name[256]; /* the domain's, for who made it */
};
/* With an empty plan, for the caller to fill. NULL when memory ends. */
struct publishing *publishing_new(struct setup *s, const char *name);
/* done() comes later, never inside. */
void publishing_start(struct publishing *p);
void publishing_free(struct publishing *p); /* NULL accepted */
void publishings_cut(struct setup *s);      /* at the end, when the threads have ended */

#endif
