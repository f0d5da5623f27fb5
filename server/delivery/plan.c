/* SPDX-License-Identifier: Apache-2.0 */
/* A plan is found: a pass over the answers known so far, more answers, another pass, until nothing is missing. */
#include <stdlib.h>

#include "plan_internal.h"
#include "route.h"

#define PLAN_MEMORY_MAX (1024 * 1024)
#define PLAN_PASSES_MAX                                                                            \
    12 /* MX, addresses, aliases, TLSA need 5; more is a bug or a hostile zone */
#define PLAN_LIVES_MAX_MS 60000 /* the resolver's cache makes finding it again cheap */
#define PLAN_LIVES_MIN_MS 2000

const char *tls_demand_name(enum tls_demand demand)
{
    static const char *const names[] = {"none",     "opportunistic", "encrypted",
                                        "verified", "mta-sts",       "dane"};

    return names[demand];
}

const char *dnssec_name(enum dnssec state)
{
    static const char *const names[] = {NULL, "secure", "insecure", "bogus", "indeterminate"};

    return names[state];
}

struct plan *plan_ref(struct plan *p)
{
    p->refs++;
    return p;
}

void plan_unref(struct plan *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    sts_policy_unref(p->sts);
    arrival_route_unref(p->arrival);
    sgl_dns_done(&p->dns);
    sgl_arena_done(&p->arena);
    config_unref(p->config);
    free(p);
}

static void finish(struct planner *p, enum sgl_status st)
{
    struct plan *plan = p->plan;
    uint64_t lives_ms = (uint64_t)p->ttl_s * 1000;
    sgl_view domain = p->domain.text;

    if (st != SGL_OK && st != SGL_E_NOMEM)
        plan_fail(plan, FAILURE_MX_LOOKUP, "too many DNS questions or answers");
    if (st == SGL_E_NOMEM || plan_make_site_key(p, domain) != SGL_OK) {
        plan_unref(plan);
        plan = NULL;
    } else {
        if (lives_ms > PLAN_LIVES_MAX_MS)
            lives_ms = PLAN_LIVES_MAX_MS;
        if (lives_ms < PLAN_LIVES_MIN_MS)
            lives_ms = PLAN_LIVES_MIN_MS;
        plan->ends_ms = clock_mono_ms() + (plan->failed ? PLAN_LIVES_MIN_MS : lives_ms);
    }
    sts_cancel(&p->sts);
    p->done(p->ctx, plan);
    free(p);
}

static void answered(struct resolver_fill *fill);

void plan_pass(struct planner *p)
{
    enum sgl_status st = plan_evaluate(p);

    if (st == SGL_NEED_DNS && ++p->passes < PLAN_PASSES_MAX) {
        p->fill = (struct resolver_fill){.dns = &p->plan->dns,
                                         .timeout_ms = p->plan->config->resolver.timeout_ms,
                                         .done = answered};
        resolver_fill(p->request.resolver, &p->fill);
        return;
    }
    p->dns_is_done = true;
    if (st == SGL_OK && p->sts_waits && !p->plan->failed)
        return; /* once more with its answer */
    finish(p, st == SGL_NEED_DNS ? SGL_E_LIMIT : st);
}

static void answered(struct resolver_fill *fill)
{
    plan_pass((struct planner *)(void *)((char *)fill - offsetof(struct planner, fill)));
}

/* The first pass runs from the loop, so that done() is never called inside plan_find(). */
static void first_pass(struct loop_task *task)
{
    struct planner *p = (struct planner *)(void *)((char *)task - offsetof(struct planner, task));

    p->posted = false;
    if (p->cancelled) {
        plan_unref(p->plan);
        free(p);
        return;
    }
    if (p->plan->failed) {
        finish(p, SGL_OK);
        return;
    }
    plan_ask_sts(p, p->request.sts);
    plan_pass(p);
}

void planner_cancel(struct planner *p)
{
    if (p->posted) {
        p->cancelled = true;
        return;
    }
    resolver_cancel(&p->fill);
    sts_cancel(&p->sts);
    plan_unref(p->plan);
    free(p);
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" [RFC 5321 s4.1.3] */
static bool is_literal(sgl_view domain, struct sgl_ip *out)
{
    sgl_view text;

    if (domain.len < 3 || domain.ptr[0] != '[' || domain.ptr[domain.len - 1] != ']')
        return false;
    text = sgl_view_sub(domain, 1, domain.len - 2);
    if (sgl_view_starts_nocase(text, SGL_LIT("IPv6:")))
        text = sgl_view_from(text, 5);
    return sgl_ip_parse(text, out) == SGL_OK;
}

/* A domain whose mail the administrator wants to be verified is asked for as much as a message can ask. */
static enum dest_tls demanded_of(const struct config_route *route, enum dest_tls tls)
{
    bool verified = route != NULL && route->host == NULL && route->tls == ROUTE_TLS_VERIFIED;

    return verified ? DEST_TLS_PROVED : tls;
}

struct planner *plan_find(const struct plan_request *request,
                          void (*done)(void *ctx, struct plan *plan), void *ctx)
{
    struct config *config = request->config;
    sgl_view domain = request->domain;
    struct planner *p = calloc(1, sizeof *p);
    struct plan *plan = calloc(1, sizeof *plan);
    struct sgl_diag diag = {0};
    enum sgl_status named;

    if (p == NULL || plan == NULL) {
        free(p);
        free(plan);
        return NULL;
    }
    *plan = (struct plan){.refs = 1, .config = config_ref(config), .why = ""};
    sgl_dns_init(&plan->dns, 0);
    sgl_arena_init(&plan->arena, PLAN_MEMORY_MAX);
    if (request->arrival == NULL) {
        plan->route = route_find(config, domain);
    } else if (!plan_take_arrival(plan, request->arrival)) {
        plan_unref(plan);
        free(p);
        return NULL;
    }
    plan->tls = demanded_of(plan->route, request->tls);
    plan->port =
        plan->route != NULL && plan->route->port != 0 ? plan->route->port : config->delivery.port;
    *p = (struct planner){.plan = plan, .request = *request, .ttl_s = 0, .done = done, .ctx = ctx};
    if (plan_has_smart_host(plan)) {
        p->literal = sgl_ip_parse(sgl_view_cstr(plan->route->host), &p->literal_ip) == SGL_OK ||
                     is_literal(sgl_view_cstr(plan->route->host), &p->literal_ip);
        named = SGL_OK;
    } else {
        p->literal = is_literal(domain, &p->literal_ip);
        named = p->literal ? SGL_OK
                           : sgl_name_parse(domain, SGL_NAME_HOST | SGL_NAME_UNDERSCORE,
                                            &plan->arena, &diag, &p->domain);
    }
    p->mark = sgl_arena_mark(&plan->arena);
    if (named != SGL_OK && named != SGL_E_SYNTAX) {
        plan_unref(plan);
        free(p);
        return NULL;
    }
    if (named != SGL_OK)
        plan_fail(plan, FAILURE_NO_DOMAIN, "it is not a domain name");
    p->task.run = first_pass;
    p->posted = true;
    loop_post(request->loop, &p->task);
    return p;
}
