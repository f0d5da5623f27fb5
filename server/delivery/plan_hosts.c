/* SPDX-License-Identifier: Apache-2.0 */
/* From answers to hosts: which may be tried, in what order, at which addresses, and what TLS must prove there.  Evaluated from the start with each new answer. */
#include <netinet/in.h>

#include "plan_internal.h"
#include "sigillo/limits.h"

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

/* Does nothing count that the receiver publishes?  Where the route wants a proof, DANE is one, and stays. [RFC 8689 s3, s4.2.2] */
static bool is_lax(const struct plan *plan)
{
    return plan->tls == DEST_TLS_LAX && demand_of_route(plan->route) < DEMAND_NAME;
}

/* The administrator's own word on who may issue the certificate: it is narrower than what the public authorities say. */
static bool has_own_roots(const struct plan *plan)
{
    return plan->tls == DEST_TLS_PROVED && plan->route != NULL && plan->route->ca_file != NULL;
}

/*
 * DANE never weakens what a route or the mail asks, and they never weaken DANE, but for mail with "TLS-Required: No"; tls = none is the administrator's own decision for his
 * own smart host and does, too.
 */
static enum tls_demand demand_of_host(const struct plan *plan, const struct plan_host *host)
{
    enum tls_demand asked = demand_of_route(plan->route);
    enum sgl_dane_level level = host->dane.level;

    if (plan->arrival != NULL && asked != DEMAND_NOTHING && plan_is_near(plan, host))
        asked = DEMAND_OPPORTUNISTIC;
    if (asked == DEMAND_NOTHING || is_lax(plan))
        return asked;
    if (level == SGL_DANE_AUTHENTICATE)
        return DEMAND_DANE;
    if (host->sts_demands && !has_own_roots(plan))
        return DEMAND_STS;
    if (plan->tls == DEST_TLS_PROVED)
        return DEMAND_NAME;
    if ((level == SGL_DANE_ENCRYPT || plan->tls == DEST_TLS_ENCRYPTED) && asked < DEMAND_ENCRYPTED)
        return DEMAND_ENCRYPTED;
    return asked;
}

/* Why no connection to the host can be what the mail asks for; NULL: one can. */
static const char *why_unmet(const struct plan *plan, const struct plan_host *host)
{
    if (plan->tls != DEST_TLS_PROVED && plan->tls != DEST_TLS_ENCRYPTED)
        return NULL;
    if (host->demand == DEMAND_NOTHING)
        return "its route says that no TLS is used";
    if (plan->tls == DEST_TLS_PROVED && !host->named && !host->sts_listed)
        return "nothing proves that this host is the domain's: its MX records are not signed, and "
               "no MTA-STS policy lists it";
    return NULL;
}

bool plan_has_smart_host(const struct plan *plan)
{
    return plan->route != NULL && plan->route->host != NULL;
}

/* Addresses in loopback, private and other special ranges are not reached by somebody's DNS, only by the administrator's word. */
static bool may_reach(const struct plan *plan, const struct sgl_ip *ip)
{
    if (plan->arrival != NULL)
        return plan->arrival->inside || !sgl_ip_is_special(ip);
    return plan_has_smart_host(plan) || plan->config->delivery.allow_loopback ||
           !sgl_ip_is_special(ip);
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

static void cannot(struct plan_host *host, enum failure failure, const char *why)
{
    host->failure = failure;
    host->why = why;
}

/* Has it addresses at all? */
static bool has_addresses(struct plan_host *host)
{
    if (host->dane.addresses_state == SGL_DANE_ADDRESSES_FAILED) {
        cannot(host, FAILURE_ADDRESSES, host->dane.why);
        return false;
    }
    if (host->dane.addresses_state == SGL_DANE_ADDRESSES_NONE || host->dane.addresses == 0) {
        cannot(host, FAILURE_NO_ADDRESS, host->dane.why);
        return false;
    }
    return true;
}

/* Can a connection to it be what is asked for? */
static enum sgl_status check_policy(struct plan *plan, struct plan_host *host, bool *good)
{
    const char *unmet = why_unmet(plan, host), *why = NULL;

    *good = false;
    if (host->dane.level == SGL_DANE_LOOKUP_ERROR && host->demand != DEMAND_NOTHING &&
        !is_lax(plan)) {
        cannot(host, FAILURE_DANE_LOOKUP, host->dane.why);
        return SGL_OK;
    }
    SGL_TRY(plan_refused_by_sts(plan, host, &why));
    if (why != NULL)
        cannot(host, plan->sts_state == STS_UNKNOWN ? FAILURE_STS_UNKNOWN : FAILURE_STS_MX, why);
    else if (unmet != NULL)
        cannot(host, FAILURE_DEMAND, unmet);
    else
        *good = true;
    return SGL_OK;
}

/* What the evaluator found about a host becomes what an attempt needs to know. */
static enum sgl_status judge_host(struct plan *plan, struct plan_host *host, uint64_t seed)
{
    struct sgl_ip *ip = SGL_NEW_N(&plan->arena, host->dane.addresses + 1, struct sgl_ip);
    bool good;
    size_t kept;

    if (ip == NULL)
        return plan->arena.status;
    host->why = host->dane.why;
    plan_note_sts(plan, host);
    host->demand = demand_of_host(plan, host);
    if (!has_addresses(host))
        return SGL_OK;
    SGL_TRY(check_policy(plan, host, &good));
    if (!good)
        return SGL_OK;
    kept = list_addresses(plan, &host->dane, seed, ip);
    if (kept == 0) {
        cannot(host, FAILURE_NO_ADDRESS,
               "all its addresses are in loopback, private or reserved ranges");
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
        host[i].named = request.mx_secure || (mx->implicit && sgl_name_eq(host[i].name, p->domain));
        st = sgl_join(st, sgl_dane_check(&request, &plan->dns, &plan->arena, &host[i].dane));
    }
    SGL_TRY(st);
    for (size_t i = 0; i < mx->hosts; i++) {
        SGL_TRY(judge_host(plan, &host[i], p->request.seed));
        if (host[i].dane.ttl_s < p->ttl_s)
            p->ttl_s = host[i].dane.ttl_s;
    }
    plan->host = host;
    plan->hosts = mx->hosts;
    return SGL_OK;
}

void plan_fail(struct plan *plan, enum failure failure, const char *why)
{
    plan->failed = true;
    plan->failure = failure;
    plan->why = why;
}

struct sgl_ip plan_ip(const struct sockaddr_storage *addr, uint16_t *port)
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
            struct sgl_ip own = plan_ip(&listen->address[k].addr, &port);

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

/* Mail of our own for a domain that is received here comes in by the door as that of others; there its Received fields are counted. */
static bool is_received_here(const struct plan *plan)
{
    for (size_t i = 0; i < plan->config->listens; i++) {
        const struct config_listen *listen = &plan->config->listen[i];

        for (size_t k = 0; listen->door == DOOR_INBOUND && k < listen->addresses; k++) {
            uint16_t port = 0;

            (void)plan_ip(&listen->address[k].addr, &port);
            if (port == plan->port)
                return true;
        }
    }
    return false;
}

/* The evaluator knows us by name; a host with an address of ours goes the same way, with all that are not better. [RFC 5321 s5.1] */
static void leave_out_own_doors(struct plan *plan, const struct sgl_mx *mx)
{
    size_t all = plan->hosts;

    for (size_t i = 0; i < plan->hosts; i++) {
        if (!is_ourselves(plan, &plan->host[i]))
            continue;
        while (i > 0 && mx->host[i - 1].preference == mx->host[i].preference)
            i--;
        plan->hosts = i;
    }
    if (plan->hosts == 0 && all > 0 && is_received_here(plan))
        plan->hosts = all;
    else if (plan->hosts == 0)
        plan_fail(plan, FAILURE_MX_LOOP, "its address is one of this server's own doors");
}

static enum dnssec dnssec_of(const struct sgl_mx *mx)
{
    if (mx->state == SGL_MX_FAILED)
        return mx->bogus ? DNSSEC_BOGUS : DNSSEC_INDETERMINATE;
    return mx->security == SGL_DNS_SECURE ? DNSSEC_SECURE : DNSSEC_INSECURE;
}

static enum sgl_status check_mx(struct planner *p)
{
    struct plan *plan = p->plan;
    struct sgl_name self;
    struct sgl_mx_request request = {.domain = p->domain, .self = &self, .seed = p->request.seed};
    struct sgl_mx mx;
    enum sgl_status st;

    st = sgl_name_parse(sgl_view_cstr(plan->config->hostname),
                        SGL_NAME_UNDERSCORE | SGL_NAME_FINAL_DOT, &plan->arena, NULL, &self);
    if (st != SGL_OK && st != SGL_E_SYNTAX)
        return st;
    request.selves = st == SGL_OK;
    SGL_TRY(sgl_mx_check(&request, &plan->dns, &plan->arena, &mx));
    if (mx.state == SGL_MX_LOOP && is_received_here(plan)) { /* nobody is better than we are */
        request.selves = 0;
        SGL_TRY(sgl_mx_check(&request, &plan->dns, &plan->arena, &mx));
    }
    p->ttl_s = mx.ttl_s;
    plan->mx = dnssec_of(&mx);
    switch (mx.state) {
    case SGL_MX_NULL:
        plan_fail(plan, FAILURE_NULL_MX, "");
        return SGL_OK;
    case SGL_MX_NO_DOMAIN:
        plan_fail(plan, FAILURE_NO_DOMAIN, "");
        return SGL_OK;
    case SGL_MX_UNUSABLE:
        plan_fail(plan, FAILURE_MX_UNUSABLE, "");
        return SGL_OK;
    case SGL_MX_LOOP:
        plan_fail(plan, FAILURE_MX_LOOP, "");
        return SGL_OK;
    case SGL_MX_FAILED:
        plan_fail(plan, FAILURE_MX_LOOKUP, mx.why);
        return SGL_OK;
    case SGL_MX_HOSTS:
        break;
    }
    SGL_TRY(check_hosts(p, &mx));
    if (mx.implicit && plan->hosts == 1 && plan->host[0].failure == FAILURE_NO_ADDRESS &&
        !plan->host[0].usable && plan->host[0].dane.addresses == 0)
        plan_fail(plan, FAILURE_NO_DOMAIN, "it has neither MX nor address records");
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
        plan_fail(plan, FAILURE_NO_ADDRESS, "the route's host is not a host name");
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
    host->dane.address = ip;
    host->dane.addresses = 1;
    host->demand = demand_of_host(plan, host);
    host->why = why_unmet(plan, host);
    host->dane.addresses = may_reach(plan, ip) ? 1 : 0;
    host->usable = host->dane.addresses == 1 && host->why == NULL;
    host->failure = host->why != NULL ? FAILURE_DEMAND : FAILURE_NO_ADDRESS;
    if (host->why == NULL)
        host->why = host->usable ? "" : "the address is in a loopback, private or reserved range";
    plan->host = host;
    plan->hosts = 1;
    p->ttl_s = UINT32_MAX;
    return SGL_OK;
}

/* Mail that has come in by one of our doors must not come in by it again. */
static enum sgl_status check_arrival(struct planner *p)
{
    struct plan *plan = p->plan;
    enum sgl_status st = p->literal ? literal_host(p) : check_smart_host(p);

    if (st == SGL_OK && !plan->failed && is_ourselves(plan, &plan->host[0]))
        plan_fail(plan, FAILURE_NO_ADDRESS,
                  "the target of its route is one of this server's own doors");
    return st;
}

enum sgl_status plan_evaluate(struct planner *p)
{
    sgl_arena_rewind(&p->plan->arena, p->mark);
    if (p->plan->socket != NULL)
        return plan_evaluate_socket(p->plan);
    if (p->plan->arrival != NULL)
        return check_arrival(p);
    if (p->literal)
        return literal_host(p);
    return plan_has_smart_host(p->plan) ? check_smart_host(p) : check_mx(p);
}
