/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "../loop/loop.h"
#include "route.h"
#include "sigillo/limits.h"

#define PLAN_MEMORY_MAX (1024 * 1024)
#define PLAN_PASSES_MAX                                                                            \
    12 /* MX, addresses, aliases, TLSA need 5; more is a bug or a hostile zone */
#define PLAN_LIVES_MAX_MS 60000 /* the resolver's cache makes finding it again cheap */
#define PLAN_LIVES_MIN_MS 2000
#define SITE_KEY_MAX      16384

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

const char *tls_demand_name(enum tls_demand demand)
{
    static const char *const names[] = {"none", "opportunistic", "encrypted", "verified", "dane"};

    return names[demand];
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
    sgl_dns_done(&p->dns);
    sgl_arena_done(&p->arena);
    config_unref(p->config);
    free(p);
}

static enum tls_demand demand_of_route(const struct config_route *route)
{
    if (route == NULL)
        return DEMAND_OPPORTUNISTIC;
    switch (route->tls) {
    case ROUTE_TLS_NONE:
        return DEMAND_NOTHING;
    case ROUTE_TLS_OPPORTUNISTIC:
        return DEMAND_OPPORTUNISTIC;
    case ROUTE_TLS_REQUIRED:
        return DEMAND_ENCRYPTED;
    case ROUTE_TLS_VERIFIED:
        return DEMAND_NAME;
    }
    return DEMAND_NAME;
}

/*
 * DANE never weakens what a route asks, and the route never weakens DANE; tls = none is the administrator's own decision for his own smart
 * host and is the only thing that does.
 */
static enum tls_demand demand_of_host(const struct config_route *route, enum sgl_dane_level level)
{
    enum tls_demand asked = demand_of_route(route);

    if (asked == DEMAND_NOTHING)
        return asked;
    if (level == SGL_DANE_AUTHENTICATE)
        return DEMAND_DANE;
    if (level == SGL_DANE_ENCRYPT && asked < DEMAND_ENCRYPTED)
        return DEMAND_ENCRYPTED;
    return asked;
}

static bool has_smart_host(const struct plan *plan)
{
    return plan->route != NULL && plan->route->host != NULL;
}

/* Addresses in loopback, private and other special ranges are not reached by somebody's DNS, only by the administrator's word. */
static bool may_reach(const struct plan *plan, const struct sgl_ip *ip)
{
    return has_smart_host(plan) || plan->config->delivery.allow_loopback || !sgl_ip_is_special(ip);
}

/* Those of one family that may be used, from a random one on, so that all of them get their share. Returns how many. */
static size_t list_family(const struct plan *plan, const struct sgl_dane *dane, uint8_t version,
                          uint64_t seed, struct sgl_ip *out)
{
    size_t n = 0, first, kept = 0;

    for (size_t i = 0; i < dane->addresses; i++)
        n += dane->address[i].version == version;
    first = n == 0 ? 0 : (size_t)(seed % n);
    for (size_t turn = 0; turn < 2; turn++) {
        size_t nth = 0;

        for (size_t i = 0; i < dane->addresses; i++) {
            if (dane->address[i].version != version)
                continue;
            if ((nth++ >= first) == (turn == 0) && may_reach(plan, &dane->address[i]))
                out[kept++] = dane->address[i];
        }
    }
    return kept;
}

/* The families take turns, IPv6 first: where one of them leads nowhere, the second address tried is of the other. */
static size_t list_addresses(const struct plan *plan, const struct sgl_dane *dane, uint64_t seed,
                             struct sgl_ip *out)
{
    struct sgl_ip six[SGL_LIMIT_MX_ADDRESSES], four[SGL_LIMIT_MX_ADDRESSES];
    size_t sixes = list_family(plan, dane, 6, seed, six);
    size_t fours = list_family(plan, dane, 4, seed, four), kept = 0;

    for (size_t i = 0; i < sixes || i < fours; i++) {
        if (i < sixes)
            out[kept++] = six[i];
        if (i < fours)
            out[kept++] = four[i];
    }
    return kept;
}

/* What the evaluator found about a host becomes what an attempt needs to know. */
static enum sgl_status judge_host(struct plan *plan, struct plan_host *host, uint64_t seed)
{
    struct sgl_ip *ip = SGL_NEW_N(&plan->arena, host->dane.addresses + 1, struct sgl_ip);
    size_t kept;

    if (ip == NULL)
        return plan->arena.status;
    host->why = host->dane.why;
    host->demand = demand_of_host(plan->route, host->dane.level);
    if (host->dane.addresses_state == SGL_DANE_ADDRESSES_FAILED) {
        host->failure = FAILURE_ADDRESSES;
        return SGL_OK;
    }
    if (host->dane.addresses_state == SGL_DANE_ADDRESSES_NONE || host->dane.addresses == 0) {
        host->failure = FAILURE_NO_ADDRESS;
        return SGL_OK;
    }
    if (host->dane.level == SGL_DANE_LOOKUP_ERROR && host->demand != DEMAND_NOTHING) {
        host->failure = FAILURE_DANE_LOOKUP;
        return SGL_OK;
    }
    kept = list_addresses(plan, &host->dane, seed, ip);
    if (kept == 0) {
        host->failure = FAILURE_NO_ADDRESS;
        host->why = "all its addresses are in loopback, private or reserved ranges";
        return SGL_OK;
    }
    host->dane.address = ip;
    host->dane.addresses = kept;
    host->usable = true;
    return SGL_OK;
}

/* Hosts in the order to try, each with its addresses and TLSA records; all questions of all hosts travel together. */
static enum sgl_status check_hosts(struct planner *p, const struct sgl_mx *mx)
{
    struct plan *plan = p->plan;
    struct plan_host *host = SGL_NEW_N(&plan->arena, mx->hosts, struct plan_host);
    enum sgl_status st = SGL_OK;

    if (host == NULL)
        return plan->arena.status;
    for (size_t i = 0; i < mx->hosts; i++) {
        struct sgl_dane_request request = {
            .host = mx->host[i].name,
            .port = plan->port,
            .ipv4 = plan->config->delivery.ipv4,
            .ipv6 = plan->config->delivery.ipv6,
            .domain = p->domain,
            .canonical = mx->canonical,
            .mx_secure = mx->security == SGL_DNS_SECURE,
        };

        host[i].name = mx->host[i].name;
        st = sgl_join(st, sgl_dane_check(&request, &plan->dns, &plan->arena, &host[i].dane));
    }
    SGL_TRY(st);
    for (size_t i = 0; i < mx->hosts; i++) {
        SGL_TRY(judge_host(plan, &host[i], p->seed));
        if (host[i].dane.ttl_s < p->ttl_s)
            p->ttl_s = host[i].dane.ttl_s;
    }
    plan->host = host;
    plan->hosts = mx->hosts;
    return SGL_OK;
}

static void fail(struct plan *plan, enum failure failure, const char *why)
{
    plan->failed = true;
    plan->failure = failure;
    plan->why = why;
}

static struct sgl_ip ip_of(const struct sockaddr_storage *addr, uint16_t *port)
{
    if (addr->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;

        *port = ntohs(in->sin_port);
        return sgl_ip_v4((const uint8_t *)&in->sin_addr);
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)addr;

    *port = ntohs(in6->sin6_port);
    return sgl_ip_v6((const uint8_t *)&in6->sin6_addr);
}

/* Address and port: another server of this machine may well take the domain's mail.  Which addresses "*" stands for is not known here. */
static bool is_own_door(const struct plan *plan, const struct sgl_ip *ip)
{
    for (size_t i = 0; i < plan->config->listens; i++) {
        const struct config_listen *listen = &plan->config->listen[i];

        for (size_t k = 0; k < listen->addresses; k++) {
            uint16_t port = 0;
            struct sgl_ip own = ip_of(&listen->address[k].addr, &port);

            if (port == plan->port && sgl_ip_eq(&own, ip))
                return true;
        }
    }
    return false;
}

static bool is_ourselves(const struct plan *plan, const struct plan_host *host)
{
    for (size_t i = 0; i < host->dane.addresses; i++)
        if (is_own_door(plan, &host->dane.address[i]))
            return true;
    return false;
}

/* The evaluator knows us by name; a host with an address of ours goes the same way, with all that are not better. [RFC 5321 s5.1] */
static void leave_out_own_doors(struct plan *plan, const struct sgl_mx *mx)
{
    for (size_t i = 0; i < plan->hosts; i++) {
        if (!is_ourselves(plan, &plan->host[i]))
            continue;
        while (i > 0 && mx->host[i - 1].preference == mx->host[i].preference)
            i--;
        plan->hosts = i;
    }
    if (plan->hosts == 0)
        fail(plan, FAILURE_MX_LOOP, "its address is one of this server's own doors");
}

static enum sgl_status check_mx(struct planner *p)
{
    struct plan *plan = p->plan;
    struct sgl_name self;
    struct sgl_mx_request request = {.domain = p->domain, .self = &self, .seed = p->seed};
    struct sgl_mx mx;
    enum sgl_status st;

    st = sgl_name_parse(sgl_view_cstr(plan->config->hostname),
                        SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &plan->arena, NULL, &self);
    if (st != SGL_OK && st != SGL_E_SYNTAX)
        return st;
    request.selves = st == SGL_OK;
    SGL_TRY(sgl_mx_check(&request, &plan->dns, &plan->arena, &mx));
    p->ttl_s = mx.ttl_s;
    switch (mx.state) {
    case SGL_MX_NULL:
        fail(plan, FAILURE_NULL_MX, "");
        return SGL_OK;
    case SGL_MX_NO_DOMAIN:
        fail(plan, FAILURE_NO_DOMAIN, "");
        return SGL_OK;
    case SGL_MX_UNUSABLE:
        fail(plan, FAILURE_MX_UNUSABLE, "");
        return SGL_OK;
    case SGL_MX_LOOP:
        fail(plan, FAILURE_MX_LOOP, "");
        return SGL_OK;
    case SGL_MX_FAILED:
        fail(plan, FAILURE_MX_LOOKUP, mx.why);
        return SGL_OK;
    case SGL_MX_HOSTS:
        break;
    }
    SGL_TRY(check_hosts(p, &mx));
    if (mx.implicit && plan->hosts == 1 && plan->host[0].failure == FAILURE_NO_ADDRESS &&
        !plan->host[0].usable && plan->host[0].dane.addresses == 0)
        fail(plan, FAILURE_NO_DOMAIN, "it has neither MX nor address records");
    leave_out_own_doors(plan, &mx);
    return SGL_OK;
}

/* A smart host: its name (or address) stands in the configuration, so it counts as securely found [RFC 7672 s2.2.2]. */
static enum sgl_status check_smart_host(struct planner *p)
{
    struct plan *plan = p->plan;
    struct sgl_mx_host one = {.preference = 0};
    struct sgl_mx mx = {.state = SGL_MX_HOSTS,
                        .security = SGL_DNS_SECURE,
                        .host = &one,
                        .hosts = 1,
                        .ttl_s = UINT32_MAX};
    struct sgl_diag diag = {0};
    enum sgl_status st;

    st = sgl_name_parse(sgl_view_cstr(plan->route->host),
                        SGL_NAME_HOST | SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &plan->arena,
                        &diag, &one.name);
    if (st != SGL_OK && st != SGL_E_SYNTAX)
        return st;
    if (st != SGL_OK) {
        fail(plan, FAILURE_NO_ADDRESS, "the route's host is not a host name");
        return SGL_OK;
    }
    mx.canonical = one.name;
    p->domain = one.name;
    p->ttl_s = UINT32_MAX;
    return check_hosts(p, &mx);
}

static enum sgl_status literal_host(struct planner *p)
{
    struct plan *plan = p->plan;
    struct plan_host *host = SGL_NEW(&plan->arena, struct plan_host);
    struct sgl_ip *ip = SGL_NEW(&plan->arena, struct sgl_ip);

    if (host == NULL || ip == NULL)
        return plan->arena.status;
    *ip = p->literal_ip;
    host->demand = demand_of_route(plan->route);
    host->why = "";
    host->dane.address = ip;
    host->dane.addresses = may_reach(plan, ip) ? 1 : 0;
    host->usable = host->dane.addresses == 1;
    host->failure = FAILURE_NO_ADDRESS;
    if (!host->usable)
        host->why = "the address is in a loopback, private or reserved range";
    plan->host = host;
    plan->hosts = 1;
    p->ttl_s = UINT32_MAX;
    return SGL_OK;
}

static enum sgl_status evaluate(struct planner *p)
{
    sgl_arena_rewind(&p->plan->arena, p->mark);
    if (p->literal)
        return literal_host(p);
    return has_smart_host(p->plan) ? check_smart_host(p) : check_mx(p);
}

static int by_name(const void *a, const void *b)
{
    return sgl_view_cmp((*(const struct plan_host *const *)a)->name.text,
                        (*(const struct plan_host *const *)b)->name.text);
}

/* May the certificate have to carry a name that depends on the destination?  With DANE-EE names do not count [RFC 7672 s3.1.1]. */
static bool proves_destination(const struct plan_host *host)
{
    if (host->demand != DEMAND_DANE || host->dane.names < 2)
        return false;
    for (size_t i = 0; i < host->dane.tlsas; i++)
        if (host->dane.tlsa[i].usage != 3)
            return true;
    return false;
}

/*
 * Destinations share connections when they have the same hosts and ask the same of them.  Where a name has to be proved that depends on the destination (DANE-TA), the
 * destination is a part of the key; whether the way to the host was secure is, too, because the trail tells it.  A host that can't be tried (its TLSA lookup failed) is not the
 * same as one that can: a connection to it, made when the lookup went well, carries nothing for those who must not use it.
 */
static enum sgl_status make_site_key(struct planner *p, sgl_view domain)
{
    struct plan *plan = p->plan;
    sgl_auto(sgl_buf) key = SGL_BUF_INIT(SITE_KEY_MAX);
    const struct plan_host **sorted =
        SGL_NEW_N(&plan->arena, plan->hosts + 1, const struct plan_host *);
    bool own = plan->failed;
    char text[SGL_IP_TEXT_SIZE];

    if (sorted == NULL)
        return plan->arena.status;
    if (plan->route != NULL)
        sgl_buf_addf(&key, "route %s ", plan->route->name);
    for (size_t i = 0; i < plan->hosts; i++)
        sorted[i] = &plan->host[i];
    if (plan->hosts > 1)
        qsort(sorted, plan->hosts, sizeof *sorted, by_name);
    for (size_t i = 0; i < plan->hosts; i++) {
        sgl_buf_add(&key, sorted[i]->name.text);
        if (p->literal)
            sgl_buf_add(&key, sgl_ip_text(&p->literal_ip, text));
        sgl_buf_addf(&key, ":%u/%s%s ", (unsigned)plan->port,
                     sorted[i]->usable ? tls_demand_name(sorted[i]->demand)
                                       : failure_name(sorted[i]->failure),
                     sorted[i]->dane.domain_protected ? "+" : "");
        own = own || proves_destination(sorted[i]);
    }
    if (own)
        sgl_buf_add(&key, domain);
    SGL_TRY(key.status);
    return sgl_arena_dup(&plan->arena, sgl_buf_view(&key), &plan->site_key);
}

static void finish(struct planner *p, enum sgl_status st)
{
    struct plan *plan = p->plan;
    uint64_t lives_ms = (uint64_t)p->ttl_s * 1000;
    sgl_view domain = p->domain.text;

    if (st != SGL_OK && st != SGL_E_NOMEM)
        fail(plan, FAILURE_MX_LOOKUP, "too many DNS questions or answers");
    if (st == SGL_E_NOMEM || make_site_key(p, domain) != SGL_OK) {
        plan_unref(plan);
        plan = NULL;
    } else {
        if (lives_ms > PLAN_LIVES_MAX_MS)
            lives_ms = PLAN_LIVES_MAX_MS;
        if (lives_ms < PLAN_LIVES_MIN_MS)
            lives_ms = PLAN_LIVES_MIN_MS;
        plan->ends_ms = clock_mono_ms() + (plan->failed ? PLAN_LIVES_MIN_MS : lives_ms);
    }
    p->done(p->ctx, plan);
    free(p);
}

static void answered(struct resolver_fill *fill);

static void pass(struct planner *p)
{
    enum sgl_status st = evaluate(p);

    if (st == SGL_NEED_DNS && ++p->passes < PLAN_PASSES_MAX) {
        p->fill = (struct resolver_fill){.dns = &p->plan->dns,
                                         .timeout_ms = p->plan->config->resolver.timeout_ms,
                                         .done = answered};
        resolver_fill(p->resolver, &p->fill);
        return;
    }
    finish(p, st == SGL_NEED_DNS ? SGL_E_LIMIT : st);
}

static void answered(struct resolver_fill *fill)
{
    pass((struct planner *)(void *)((char *)fill - offsetof(struct planner, fill)));
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
    if (p->plan->failed)
        finish(p, SGL_OK);
    else
        pass(p);
}

void planner_cancel(struct planner *p)
{
    if (p->posted) {
        p->cancelled = true;
        return;
    }
    resolver_cancel(&p->fill);
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

struct planner *plan_find(struct loop *loop, struct resolver *resolver, struct config *config,
                          sgl_view domain, uint64_t seed,
                          void (*done)(void *ctx, struct plan *plan), void *ctx)
{
    struct planner *p = calloc(1, sizeof *p);
    struct plan *plan = calloc(1, sizeof *plan);
    struct sgl_diag diag = {0};
    enum sgl_status named;

    if (p == NULL || plan == NULL) {
        free(p);
        free(plan);
        return NULL;
    }
    *plan = (struct plan){
        .refs = 1, .config = config_ref(config), .route = route_find(config, domain), .why = ""};
    plan->port =
        plan->route != NULL && plan->route->port != 0 ? plan->route->port : config->delivery.port;
    sgl_dns_init(&plan->dns, 0);
    sgl_arena_init(&plan->arena, PLAN_MEMORY_MAX);
    *p = (struct planner){
        .plan = plan, .resolver = resolver, .seed = seed, .ttl_s = 0, .done = done, .ctx = ctx};
    if (has_smart_host(plan)) {
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
        fail(plan, FAILURE_NO_DOMAIN, "it is not a domain name");
    p->task.run = first_pass;
    p->posted = true;
    loop_post(loop, &p->task);
    return p;
}
