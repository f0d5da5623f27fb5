/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check.  Every step runs on the loop and ends in the next one or in finish():
 *
 *   find (the zone's servers) -> judge (a probe asks each of them, all at the same time) -> added_up (what they agree on) -> look_at_hosts (who take its mail)
 *   -> keep (in the directory) -> finish
 *
 * When the domain was changed while it was checked, the rows are judged once more with the answers that are there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "agree.h"
#include "authority.h"
#include "hosts.h"
#include "probe.h"
#include "request.h"
#include "setup_internal.h"
#include "sigillo/limits.h"

#define OWN_CACHE      (1024u * 1024u)
#define TRIES_MAX      3
#define OTHERS_WAIT_MS 2000 /* a packet or two may be lost on the way */

struct verification {
    struct verification *next, **prev; /* of the setup's */
    struct setup *setup;
    void (*done)(struct verification *v, void *ctx);
    void *ctx;
    struct config *config; /* a reference */
    struct domain *domain; /* a reference */
    char name[256];
    uint64_t deadline_ms;
    unsigned tries;

    struct sgl_dns find_dns, hosts_dns;
    sgl_view hosts;                /* as they are to be kept */
    struct sgl_arena names, arena; /* arena: of one judging; names: what lives through all of it */
    struct resolver_fill fill;
    struct probe probe[AUTHORITY_HOSTS_MAX];
    size_t probes, open;
    uint64_t asked_ms;
    struct event *late;
    struct loop_later all_over;
    struct sgl_setup_request request;
    struct sgl_setup seen;
    struct state_next state;
    struct domain_change what;
    struct directory_change change;
    struct verified result;
    struct loop_later later;
};

const char *verification_name(const struct verification *v)
{
    return v->name;
}

const struct verified *verification_result(const struct verification *v)
{
    return &v->result;
}

const struct sgl_setup *verification_seen(const struct verification *v)
{
    return &v->seen;
}

struct domain *verification_domain(const struct verification *v)
{
    return v->domain;
}

/* ---- ends ---- */

static void unlink_it(struct verification *v)
{
    if (v->prev == NULL)
        return;
    *v->prev = v->next;
    if (v->next != NULL)
        v->next->prev = v->prev;
    v->prev = NULL;
}

/* Of another thread, too: what belongs to the loop is gone by then. */
void verification_free(struct verification *v)
{
    if (v == NULL)
        return;
    domain_unref(v->domain);
    config_unref(v->config);
    sgl_dns_done(&v->find_dns);
    sgl_dns_done(&v->hosts_dns);
    for (size_t i = 0; i < v->probes; i++)
        probe_done(&v->probe[i]);
    sgl_arena_done(&v->names);
    sgl_arena_done(&v->arena);
    free(v);
}

static void stop_asking(struct verification *v)
{
    for (size_t i = 0; i < v->probes; i++)
        probe_stop(&v->probe[i]);
    if (v->late != NULL)
        event_free(v->late);
    v->late = NULL;
}

static void finish(struct verification *v)
{
    unlink_it(v);
    stop_asking(v);
    log_line(LOG_DEBUG_, "domain checked", LOG_STR("domain", v->name),
             LOG_STR("why", v->result.why == NULL ? "" : v->result.why),
             LOG_INT("unknown", v->result.unknown), LOG_INT("complete", v->result.complete),
             LOG_INT("changed", v->result.changed));
    v->done(v, v->ctx);
}

static void finish_later(struct loop_later *later)
{
    finish((struct verification *)((char *)later - offsetof(struct verification, later)));
}

static void fail(struct verification *v, enum setup_result result, const char *why)
{
    v->result = (struct verified){.result = result, .why = why, .unknown = true};
    loop_later(v->setup->parts.loop, &v->later);
}

void verifications_cut(struct setup *s)
{
    while (s->first != NULL) {
        struct verification *v = s->first;

        unlink_it(v);
        resolver_cancel(&v->fill);
        loop_later_cancel(&v->later);
        loop_later_cancel(&v->all_over);
        stop_asking(v);
        verification_free(v);
    }
}

/* ---- kept ---- */

static void judge(struct verification *v);

/* Also what changed nothing is remembered, in memory. */
static void note_time(struct verification *v, struct domain *d)
{
    int64_t now = clock_now_s();

    atomic_store(&d->checked_at_s, now);
    if (!v->result.unknown)
        atomic_store(&d->unknown_since_s, 0);
    else if (atomic_load(&d->unknown_since_s) == 0)
        atomic_store(&d->unknown_since_s, now);
}

/* The domain as it is now takes the place of the one that was judged. */
static bool take_newest(struct verification *v)
{
    struct domain *newest = directory_domain(v->setup->parts.directory, sgl_view_cstr(v->name));

    if (newest == NULL)
        return false;
    domain_unref(v->domain);
    v->domain = newest;
    return true;
}

static void kept(struct directory_change *c)
{
    struct verification *v =
        (struct verification *)(void *)((char *)c - offsetof(struct verification, change));
    struct domain *before = domain_ref(v->domain);

    if (!take_newest(v)) {
        fail(v, SETUP_NO_DOMAIN, "the domain was removed meanwhile");
    } else if (c->result == DIRECTORY_CONFLICT && ++v->tries < TRIES_MAX) {
        judge(v);
    } else if (c->result != DIRECTORY_OK) {
        log_line(LOG_WARN_, "what was seen of a domain is not stored", LOG_STR("domain", v->name),
                 LOG_STR("why", c->why));
        fail(v, SETUP_FAILED, "what was seen could not be stored");
    } else {
        note_time(v, v->domain);
        tell(v->setup, before, v->domain, &v->state);
        finish(v);
    }
    domain_unref(before);
}

static bool has_moved(const struct verification *v)
{
    return v->state.changed || v->domain->token[0] == '\0' ||
           (v->hosts.ptr != NULL && !sgl_view_eq(v->hosts, sgl_view_cstr(v->domain->hosts))) ||
           gate_has_moved(v->setup, v->domain);
}

static void keep(struct verification *v)
{
    v->result = (struct verified){.result = SETUP_CHECKED,
                                  .unknown = v->state.unknown,
                                  .complete = v->state.complete,
                                  .changed = v->state.changed};
    /* What is told once is stored, so that it is told once also over a restart. */
    if (!has_moved(v)) {
        note_time(v, v->domain);
        finish(v);
        return;
    }
    v->what = (struct domain_change){
        .status = v->state.status, .checked_at_s = clock_now_s(), .hosts = v->hosts};
    v->change = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                          .verb = DIRECTORY_CHANGE,
                                          .loop = v->setup->parts.loop,
                                          .done = kept,
                                          .name = sgl_view_cstr(v->name),
                                          .version = v->domain->version,
                                          .actor = SGL_LIT("system:verification"),
                                          .domain_change = &v->what};
    directory_change(v->setup->parts.directory, &v->change);
}

/* ---- asked ---- */

static uint64_t left_ms(const struct verification *v)
{
    uint64_t now = clock_mono_ms();

    return now < v->deadline_ms ? v->deadline_ms - now : 0;
}

static void look_at_hosts(struct verification *v);

static void hosts_answered(struct resolver_fill *fill)
{
    look_at_hosts(
        (struct verification *)(void *)((char *)fill - offsetof(struct verification, fill)));
}

/* One that has answered everything, as no cache of another answers; else the shared one. */
static struct resolver *knows_most(const struct verification *v)
{
    for (size_t i = 0; i < v->probes; i++)
        if (v->probe[i].status == SGL_OK && !v->probe[i].seen.failed)
            return v->probe[i].asked;
    return v->setup->parts.resolver;
}

/* What it cannot find out leaves the rest as good as it is. */
static void look_at_hosts(struct verification *v)
{
    enum sgl_status status;

    while ((status = hosts_see(v->domain, &v->hosts_dns, &v->arena, &v->hosts)) == SGL_NEED_DNS) {
        uint64_t left = left_ms(v);

        if (left > 0) {
            v->fill = (struct resolver_fill){
                .dns = &v->hosts_dns, .timeout_ms = left, .done = hosts_answered};
            resolver_fill(knows_most(v), &v->fill);
            return;
        }
        sgl_dns_fail_open(&v->hosts_dns, "no answer in time");
    }
    if (status != SGL_OK)
        v->hosts = sgl_view_of(NULL, 0);
    keep(v);
}

static enum sgl_status add_up(struct verification *v)
{
    struct agree_seen each[AUTHORITY_HOSTS_MAX];

    for (size_t i = 0; i < v->probes; i++) {
        SGL_TRY(v->probe[i].status);
        each[i] = (struct agree_seen){v->probe[i].where, &v->probe[i].seen};
    }
    SGL_TRY(agree(each, v->probes, &v->arena, &v->seen));
    return state_next(v->domain, &v->seen, clock_now_s(), &v->arena, &v->state);
}

/* All of them are over. */
static void added_up(struct loop_later *later)
{
    struct verification *v =
        (struct verification *)((char *)later - offsetof(struct verification, all_over));
    enum sgl_status status = add_up(v);

    if (status == SGL_OK)
        look_at_hosts(v);
    else
        fail(v, SETUP_FAILED,
             status == SGL_E_MISUSE ? "the settings in the section domains do not fit together"
                                    : "the records need more memory than there is for them");
}

static void too_late(evutil_socket_t fd, short what, void *arg)
{
    struct verification *v = arg;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < v->probes; i++)
        probe_give_up(&v->probe[i], "the other name servers answered long ago");
}

/* One knows everything: the others get as long as it took, and a little more. A server that is dead costs no more time than that. */
static void hurry(struct verification *v)
{
    uint64_t took = clock_mono_ms() - v->asked_ms;
    uint64_t wait_ms = took > OTHERS_WAIT_MS ? took : OTHERS_WAIT_MS;
    struct timeval tv = {(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000) * 1000};

    if (v->late == NULL)
        v->late = event_new(loop_base(v->setup->parts.loop), -1, EV_TIMEOUT, too_late, v);
    if (v->late != NULL && !event_pending(v->late, EV_TIMEOUT, NULL))
        (void)event_add(v->late, &tv);
}

static void probed(struct probe *p)
{
    struct verification *v = p->ctx;

    if (--v->open == 0)
        loop_later(v->setup->parts.loop, &v->all_over);
    else if (p->status == SGL_OK && !p->seen.failed)
        hurry(v);
}

/* With the answers known so far; from the start, or again when the domain has changed. */
static void judge(struct verification *v)
{
    sgl_arena_reset(&v->arena);
    if (setup_request(v->domain, v->config, &v->arena, &v->request) != SGL_OK) {
        fail(v, SETUP_FAILED, "the domain is too long for the names of its records");
        return;
    }
    v->open = v->probes;
    v->asked_ms = clock_mono_ms();
    for (size_t i = 0; i < v->probes; i++)
        probe_ask(&v->probe[i]);
}

static void add_probe(struct verification *v, const char *where, struct resolver *own)
{
    struct probe *p = &v->probe[v->probes++];

    *p = (struct probe){
        .request = &v->request, .deadline_ms = v->deadline_ms, .done = probed, .ctx = v};
    probe_init(p, where, own, v->setup->parts.resolver);
}

/* ---- found ---- */

/* host: of the authority; with none of them whoever the root leads to is asked. */
static bool add_own(struct verification *v, const struct authority *a, size_t host)
{
    struct setup *s = v->setup;
    struct resolver_config config = s->resolver_config;
    const char *server[AUTHORITY_EACH_MAX];
    char zone[SGL_LIMIT_NAME_TEXT + 2], where[AUTHORITY_WHERE_SIZE] = "", why[256];
    struct resolver *own;

    config.cache_bytes = OWN_CACHE;
    if (host < a->hosts) {
        for (size_t i = 0; i < a->host[host].count; i++)
            server[i] = a->server[a->host[host].first + i];
        snprintf(zone, sizeof(zone), "%.*s.", SGL_FMT(a->zone.text));
        authority_where(a, host, where);
        config.stub_zone = zone;
        config.stub_server = server;
        config.stub_servers = a->host[host].count;
    }
    own = resolver_new(s->parts.loop, &config, why, sizeof(why));
    if (own == NULL) {
        log_line(LOG_WARN_, "no resolver for a check", LOG_STR("domain", v->name),
                 LOG_STR("why", why));
        return false;
    }
    add_probe(v, where, own);
    return true;
}

static bool add_all(struct verification *v, const struct authority *a)
{
    bool ok = true;

    for (size_t i = 0; ok && (i < a->hosts || i == 0); i++)
        ok = add_own(v, a, i);
    return ok;
}

static void find(struct verification *v);

static void found(struct resolver_fill *filled)
{
    find((struct verification *)(void *)((char *)filled - offsetof(struct verification, fill)));
}

static void find(struct verification *v)
{
    struct sgl_name name = v->request.domain;
    struct authority authority;
    enum sgl_status status = sgl_name_dup(name, &v->names, &name);

    if (status == SGL_OK)
        status = authority_find(name, &v->find_dns, &authority);
    if (status == SGL_NEED_DNS) {
        /* half of the time is for this, and what is not found is not asked at its servers */
        v->fill = (struct resolver_fill){
            .dns = &v->find_dns, .timeout_ms = left_ms(v) / 2 + 1, .done = found};
        resolver_fill(v->setup->parts.resolver, &v->fill);
    } else if (status != SGL_OK || !add_all(v, &authority)) {
        fail(v, SETUP_FAILED, "the zone's name servers could not be set up to be asked");
    } else {
        judge(v);
    }
}

static void ask_resolver(struct verification *v)
{
    add_probe(v, "", NULL);
    judge(v);
}

static void begin(struct verification *v)
{
    struct setup *s = v->setup;

    v->domain = directory_domain(s->parts.directory, sgl_view_cstr(v->name));
    if (v->domain == NULL)
        fail(v, SETUP_NO_DOMAIN, "there is no such domain here");
    else if (v->config->verification.ask == ASK_RESOLVER)
        ask_resolver(v);
    else if (setup_request(v->domain, v->config, &v->arena, &v->request) != SGL_OK)
        fail(v, SETUP_FAILED, "the domain is too long for the names of its records");
    else
        find(v);
}

struct verification *verification_new(struct setup *s, const char *name,
                                      void (*done)(struct verification *v, void *ctx), void *ctx)
{
    struct verification *v = calloc(1, sizeof(*v));

    if (v == NULL)
        return NULL;
    v->setup = s;
    v->done = done;
    v->ctx = ctx;
    v->config = config_ref(s->config);
    v->later.run = finish_later;
    v->all_over.run = added_up;
    v->deadline_ms = clock_mono_ms() + v->config->verification.timeout_ms;
    snprintf(v->name, sizeof(v->name), "%s", name);
    sgl_dns_init(&v->find_dns, AUTHORITY_QUESTIONS);
    sgl_dns_init(&v->hosts_dns, HOSTS_QUESTIONS);
    sgl_arena_init(&v->names, 64 * 1024);
    sgl_arena_init(&v->arena, SGL_LIMIT_SETUP_MEMORY);
    v->next = s->first;
    v->prev = &s->first;
    if (v->next != NULL)
        v->next->prev = &v->next;
    s->first = v;
    begin(v);
    return v;
}
