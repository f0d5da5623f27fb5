/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen, and what is asked. */
#include <stdlib.h>
#include <string.h>

#include "reputation_internal.h"
#include "sigillo/banned.h"

#define TIMER_S    5
#define TIDY_LINES 1024 /* at each tick: all of them in eleven minutes */

static struct metric noted[REPUTATION_EVENTS] = {
    METRIC_COUNTER("sigillo_reputation_events_total", "What was seen of those who send to us",
                   "event=\"good\""),
    METRIC_COUNTER("sigillo_reputation_events_total", "What was seen of those who send to us",
                   "event=\"failed\""),
    METRIC_COUNTER("sigillo_reputation_events_total", "What was seen of those who send to us",
                   "event=\"unknown_recipients\""),
    METRIC_COUNTER("sigillo_reputation_events_total", "What was seen of those who send to us",
                   "event=\"junk\""),
    METRIC_COUNTER("sigillo_reputation_events_total", "What was seen of those who send to us",
                   "event=\"complaints\""),
    METRIC_COUNTER("sigillo_reputation_events_total", "What was seen of those who send to us",
                   "event=\"traps\""),
};
static struct metric entries =
    METRIC_GAUGE("sigillo_reputation_entries",
                 "Addresses, networks and domains of which something is known", NULL);

const char *reputation_kind_name(enum reputation_kind kind)
{
    static const char *const name[REPUTATION_KINDS] = {"address", "network", "domain"};

    return name[kind];
}

/* ---- rules ---- */

static bool rules_of(const struct config *config, struct rules *out)
{
    struct sgl_ip_prefix *exempt = calloc(config->reputation.exempts + 1, sizeof(*exempt));

    if (exempt == NULL)
        return false;
    for (size_t i = 0; i < config->reputation.exempts; i++) {
        const struct config_network *n = &config->reputation.exempt[i];

        exempt[i].ip = n->family == AF_INET ? sgl_ip_v4(n->bytes) : sgl_ip_v6(n->bytes);
        exempt[i].bits = (uint8_t)n->prefix;
    }
    *out = (struct rules){.score = {.half_life_s = config->reputation.half_life_s,
                                    .defer_below = config->reputation.defer_below,
                                    .refuse_below = config->reputation.refuse_below},
                          .exempt = exempt,
                          .exempts = config->reputation.exempts};
    return true;
}

bool reputation_configure(struct reputation *r, const struct config *config)
{
    struct rules next, old;

    if (!rules_of(config, &next))
        return false;
    pthread_mutex_lock(&r->lock);
    old = r->rules;
    r->rules = next;
    r->seen.half_life_s = next.score.half_life_s;
    pthread_mutex_unlock(&r->lock);
    free(old.exempt);
    return true;
}

static bool is_exempt(const struct reputation *r, const struct sgl_ip *ip)
{
    struct sgl_ip plain = sgl_ip_unmap(ip);

    for (size_t i = 0; i < r->rules.exempts; i++)
        if (sgl_ip_in_prefix(&plain, &r->rules.exempt[i]))
            return true;
    return false;
}

/* ---- life ---- */

struct reputation *reputation_new(const struct reputation_parts *parts, const struct config *config)
{
    struct reputation *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->parts = *parts;
    if (!rules_of(config, &r->rules) || !seen_init(&r->seen, REPUTATION_ENTRIES_MAX)) {
        free(r->rules.exempt);
        free(r);
        return NULL;
    }
    r->seen.half_life_s = r->rules.score.half_life_s;
    pthread_mutex_init(&r->lock, NULL);
    for (int i = 0; i < REPUTATION_EVENTS; i++)
        metrics_register(&noted[i]);
    metrics_register(&entries);
    return r;
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    struct reputation *r = arg;
    int64_t now;

    (void)fd;
    (void)what;
    pthread_mutex_lock(&r->lock);
    now = score_clock(&r->clock, clock_now_s());
    seen_tidy(&r->seen, r->tidied, r->tidied + TIDY_LINES, now);
    r->tidied = (r->tidied + TIDY_LINES) % SEEN_LINES;
    metric_set(&entries, (int64_t)r->seen.used);
    pthread_mutex_unlock(&r->lock);
    reputation_write(r);
}

bool reputation_start(struct reputation *r, int64_t now_s)
{
    struct timeval every = {TIMER_S, 0};

    reputation_load(r, now_s);
    r->timer = event_new(loop_base(r->parts.loop), -1, EV_PERSIST, tick, r);
    return r->timer != NULL && event_add(r->timer, &every) == 0;
}

void reputation_free(struct reputation *r)
{
    if (r == NULL)
        return;
    if (r->timer != NULL)
        event_free(r->timer);
    seen_done(&r->seen);
    free(r->rules.exempt);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- what is seen ---- */

static struct seen *find_or_add(struct reputation *r, enum reputation_kind kind, const char *name,
                                int64_t now)
{
    struct seen *e = reputation_seen(r, kind, name, now);

    return e != NULL ? e : seen_add(&r->seen, (uint8_t)kind, sgl_view_cstr(name), now);
}

static void count(struct reputation *r, struct seen *e, enum reputation_event event, double part)
{
    if (e == NULL || part <= 0)
        return;
    e->counts.of[event] += part;
    e->last = e->at;
    seen_changed(&r->seen, e);
}

/* The network before the address: room for one may cost the other its place. */
static void note_address(struct reputation *r, const struct sgl_ip *ip, enum reputation_event event,
                         int64_t now)
{
    static const struct score_counts none;
    char address[REPUTATION_NAME_SIZE], network[REPUTATION_NAME_SIZE];
    const struct seen *own;
    double part;

    name_address(ip, address);
    name_network(ip, network);
    own = reputation_seen(r, REPUTATION_ADDRESS, address, now);
    part = score_network_part(own != NULL ? &own->counts : &none, event);
    if (part > 0)
        count(r, find_or_add(r, REPUTATION_NETWORK, network, now), event, part);
    count(r, find_or_add(r, REPUTATION_ADDRESS, address, now), event, 1);
}

void reputation_note(struct reputation *r, const struct sgl_ip *ip, sgl_view domain,
                     enum reputation_event event, int64_t now_s)
{
    char name[REPUTATION_NAME_SIZE];
    int64_t now;

    pthread_mutex_lock(&r->lock);
    now = score_clock(&r->clock, now_s);
    if (ip != NULL && ip->version != 0 && !is_exempt(r, ip))
        note_address(r, ip, event, now);
    if (name_domain(domain, name))
        count(r, find_or_add(r, REPUTATION_DOMAIN, name, now), event, 1);
    pthread_mutex_unlock(&r->lock);
    metric_add(&noted[event], 1);
}

bool reputation_forget(struct reputation *r, sgl_view text)
{
    char name[REPUTATION_NAME_SIZE];
    enum reputation_kind kind;
    struct seen *e = NULL;

    if (!name_read(text, &kind, name))
        return false;
    pthread_mutex_lock(&r->lock);
    e = seen_find(&r->seen, (uint8_t)kind, sgl_view_cstr(name));
    if (e != NULL)
        seen_remove(&r->seen, e);
    pthread_mutex_unlock(&r->lock);
    return e != NULL;
}

/* ---- what is asked ---- */

struct seen *reputation_seen(struct reputation *r, enum reputation_kind kind, const char *name,
                             int64_t now)
{
    struct seen *e = seen_find(&r->seen, (uint8_t)kind, sgl_view_cstr(name));

    if (e != NULL)
        seen_age(&r->seen, e, now);
    return e;
}

struct reputation_opinion reputation_of(struct reputation *r, const struct sgl_ip *ip,
                                        int64_t now_s)
{
    static const struct score_counts none;
    char address[REPUTATION_NAME_SIZE], network[REPUTATION_NAME_SIZE];
    struct reputation_opinion out = {score_of(&none, NULL), REPUTATION_NORMAL};
    int64_t now;

    name_address(ip, address);
    name_network(ip, network);
    pthread_mutex_lock(&r->lock);
    now = score_clock(&r->clock, now_s);
    if (!is_exempt(r, ip)) {
        const struct seen *own = reputation_seen(r, REPUTATION_ADDRESS, address, now);
        const struct seen *net = reputation_seen(r, REPUTATION_NETWORK, network, now);
        const struct score_counts *mine = own != NULL ? &own->counts : &none;

        out.score = score_of(mine, net != NULL ? &net->counts : NULL);
        out.advice = score_advice(&r->rules.score, mine, net != NULL ? &net->counts : NULL);
    }
    pthread_mutex_unlock(&r->lock);
    return out;
}

/* Neither a network nor a domain is somebody who did something. */
static struct reputation_opinion opinion_of_many(const struct reputation *r,
                                                 const struct score_counts *c)
{
    struct reputation_opinion out = {score_of(c, NULL), score_advice(&r->rules.score, c, NULL)};

    if (out.advice == REPUTATION_REFUSE)
        out.advice = REPUTATION_DEFER;
    return out;
}

struct reputation_opinion reputation_of_domain(struct reputation *r, sgl_view domain, int64_t now_s)
{
    static const struct score_counts none;
    char name[REPUTATION_NAME_SIZE];
    struct reputation_opinion out = {score_of(&none, NULL), REPUTATION_NORMAL};
    const struct seen *e;

    if (!name_domain(domain, name))
        return out;
    pthread_mutex_lock(&r->lock);
    e = reputation_seen(r, REPUTATION_DOMAIN, name, score_clock(&r->clock, now_s));
    if (e != NULL)
        out = opinion_of_many(r, &e->counts);
    pthread_mutex_unlock(&r->lock);
    return out;
}

/* The address whose name it is; that of an IPv6 address is its /64. */
static bool ip_named(const char *name, struct sgl_ip *ip)
{
    struct sgl_ip_prefix p;

    if (sgl_ip_prefix_parse(sgl_view_cstr(name), &p) != SGL_OK)
        return false;
    *ip = p.ip;
    return true;
}

struct reputation_opinion reputation_opinion_of(struct reputation *r, const struct seen *e)
{
    char network[REPUTATION_NAME_SIZE];
    struct reputation_opinion out = opinion_of_many(r, &e->counts);
    const struct score_counts *around = NULL;
    struct seen *net;
    struct sgl_ip ip;

    if (e->kind != REPUTATION_ADDRESS || !ip_named(e->name, &ip))
        return out;
    if (is_exempt(r, &ip)) {
        out.advice = REPUTATION_NORMAL;
        return out;
    }
    name_network(&ip, network);
    net = reputation_seen(r, REPUTATION_NETWORK, network, e->at);
    around = net != NULL ? &net->counts : NULL;
    out.score = score_of(&e->counts, around);
    out.advice = score_advice(&r->rules.score, &e->counts, around);
    return out;
}
