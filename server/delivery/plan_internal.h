/* SPDX-License-Identifier: Apache-2.0 */
/* A plan while it is being found; for the files of plan*.c. */
#ifndef SERVER_DELIVERY_PLAN_INTERNAL_H
#define SERVER_DELIVERY_PLAN_INTERNAL_H

#include "../loop/loop.h"
#include "plan.h"

struct planner {
    struct plan *plan;
    struct plan_request request; /* its domain is not kept */
    struct resolver_fill fill;
    struct sgl_name domain;
    bool literal; /* the domain is an address in brackets */
    struct sgl_ip literal_ip;
    unsigned passes;
    uint32_t ttl_s;
    struct sgl_arena_mark mark;
    struct sts_ask sts;
    bool sts_waits, dns_is_done;
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

/* ---- plan_arrival.c ---- */

/* Takes a reference: hosts and demands are those of the route, which is one of LMTP or SMTP. false: memory has ended. */
bool plan_take_arrival(struct plan *plan, struct arrival_route *route) SGL_MUST_USE;
/* One pass for it: as for a smart host, or for a socket. */
enum sgl_status plan_evaluate_socket(struct plan *plan) SGL_MUST_USE;
/* Are all addresses of the host so near that nobody proves himself there?  This machine; and where an operator said so, private networks. */
bool plan_is_near(const struct plan *plan, const struct plan_host *host);

/* ---- plan.c ---- */

void plan_pass(struct planner *p);

/* ---- plan_sts.c ---- */

/* Asks for the policy of the domain, if one can count. The plan has it, or p->sts_waits. */
void plan_ask_sts(struct planner *p, struct sts *sts);
/* What the policy says of the host; before its demand is found. */
void plan_note_sts(const struct plan *plan, struct plan_host *host);
/* Why it must not have the mail, in the plan's memory; NULL: it may. */
enum sgl_status plan_refused_by_sts(struct plan *plan, const struct plan_host *host,
                                    const char **why) SGL_MUST_USE;

/* ---- plan_key.c ---- */

enum sgl_status plan_make_site_key(struct planner *p, sgl_view domain);

#endif
