/* SPDX-License-Identifier: Apache-2.0 */
/* A plan while it is being found; for the files of plan*.c. */
#ifndef SERVER_DELIVERY_PLAN_INTERNAL_H
#define SERVER_DELIVERY_PLAN_INTERNAL_H

#include "../loop/loop.h"
#include "plan.h"

struct planner {
    struct plan *plan;
    struct resolver *resolver;
    struct resolver_fill fill;
    struct sgl_name domain;
    bool literal; /* the domain is an address in brackets */
    struct sgl_ip literal_ip;
    uint64_t seed;
    unsigned passes;
    uint32_t ttl_s;
    struct sgl_arena_mark mark;
    void (*done)(void *ctx, struct plan *plan);
    void *ctx;
    struct loop_task task;
    bool posted;    /* the task is with the loop */
    bool cancelled; /* nobody waits any more */
};

/* ---- plan_hosts.c ---- */

/* One pass, from the start: the plan's hosts, or why there are none. SGL_NEED_DNS: answers are missing. */
enum sgl_status plan_evaluate(struct planner *p);
void plan_fail(struct plan *plan, enum failure failure, const char *why);
bool plan_has_smart_host(const struct plan *plan);

/* ---- plan_key.c ---- */

enum sgl_status plan_make_site_key(struct planner *p, sgl_view domain);

#endif
