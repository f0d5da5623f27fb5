/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check.  Every step runs on the loop and ends in the next one or in finish():
 *
 *   find (the zone's servers) -> ask (the rows, again from the start after every round of answers) -> keep (in the directory) -> finish
 *
 * When the domain was changed while it was checked, the rows are judged once more with the answers that are there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../log/log.h"
#include "authority.h"
#include "request.h"
#include "setup_internal.h"
#include "sigillo/limits.h"

#define OWN_CACHE (1024u * 1024u)
#define TRIES_MAX 3

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

    struct sgl_dns find_dns, dns;
    struct sgl_arena names, arena; /* arena: of one judging; names: what lives through all of it */
    struct resolver_fill fill;
    struct resolver *own;
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
    sgl_dns_done(&v->dns);
    sgl_arena_done(&v->names);
    sgl_arena_done(&v->arena);
    free(v);
}

static void finish(struct verification *v)
{
    unlink_it(v);
    resolver_free(v->own);
    v->own = NULL;
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
        resolver_free(v->own);
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

static void keep(struct verification *v)
{
    v->result = (struct verified){.result = SETUP_CHECKED,
                                  .unknown = v->state.unknown,
                                  .complete = v->state.complete,
                                  .changed = v->state.changed};
    /* What is told once is stored, so that it is told once also over a restart. */
    if (!v->state.changed && v->domain->token[0] != '\0' && !gate_has_moved(v->setup, v->domain)) {
        note_time(v, v->domain);
        finish(v);
        return;
    }
    v->what = (struct domain_change){.status = v->state.status, .checked_at_s = clock_now_s()};
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

static void answered(struct resolver_fill *fill);

static void fill(struct verification *v, struct resolver *resolver, struct sgl_dns *dns,
                 uint64_t timeout_ms, void (*done)(struct resolver_fill *fill))
{
    v->fill = (struct resolver_fill){.dns = dns, .timeout_ms = timeout_ms, .done = done};
    resolver_fill(resolver, &v->fill);
}

static void ask(struct verification *v)
{
    enum sgl_status status;

    while ((status = sgl_setup_check(&v->request, &v->dns, &v->arena, &v->seen)) == SGL_NEED_DNS) {
        if (left_ms(v) > 0) {
            fill(v, v->own != NULL ? v->own : v->setup->parts.resolver, &v->dns, left_ms(v),
                 answered);
            return;
        }
        sgl_dns_fail_open(&v->dns, "no answer in time");
    }
    if (status == SGL_OK)
        status = state_next(v->domain, &v->seen, clock_now_s(), &v->arena, &v->state);
    if (status == SGL_OK)
        keep(v);
    else
        fail(v, SETUP_FAILED,
             status == SGL_E_MISUSE ? "the settings in the section domains do not fit together"
                                    : "the records need more memory than there is for them");
}

static void answered(struct resolver_fill *filled)
{
    ask((struct verification *)(void *)((char *)filled - offsetof(struct verification, fill)));
}

/* With the answers known so far; from the start, or again when the domain has changed. */
static void judge(struct verification *v)
{
    sgl_arena_reset(&v->arena);
    if (setup_request(v->domain, v->config, &v->arena, &v->request) != SGL_OK)
        fail(v, SETUP_FAILED, "the domain is too long for the names of its records");
    else
        ask(v);
}

/* ---- found ---- */

static bool own_resolver(struct verification *v, const struct authority *a)
{
    struct setup *s = v->setup;
    struct resolver_config config = s->resolver_config;
    const char *server[AUTHORITY_SERVERS_MAX];
    char zone[SGL_LIMIT_NAME_TEXT + 2], why[256];

    snprintf(zone, sizeof(zone), "%.*s.", SGL_FMT(a->zone.text));
    for (size_t i = 0; i < a->servers; i++)
        server[i] = a->server[i];
    config.cache_bytes = OWN_CACHE;
    config.stub_zone = a->servers > 0 ? zone : NULL;
    config.stub_server = server;
    config.stub_servers = a->servers;
    v->own = resolver_new(s->parts.loop, &config, why, sizeof(why));
    if (v->own == NULL)
        log_line(LOG_WARN_, "no resolver for a check", LOG_STR("domain", v->name),
                 LOG_STR("why", why));
    return v->own != NULL;
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
    if (status ==
        SGL_NEED_DNS) /* half of the time is for this, and what is not found is not asked at its servers */
        fill(v, v->setup->parts.resolver, &v->find_dns, left_ms(v) / 2 + 1, found);
    else if (status != SGL_OK || !own_resolver(v, &authority))
        fail(v, SETUP_FAILED, "the zone's name servers could not be set up to be asked");
    else
        judge(v);
}

static void begin(struct verification *v)
{
    struct setup *s = v->setup;

    v->domain = directory_domain(s->parts.directory, sgl_view_cstr(v->name));
    if (v->domain == NULL)
        fail(v, SETUP_NO_DOMAIN, "there is no such domain here");
    else if (v->config->verification.ask == ASK_RESOLVER)
        judge(v);
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
    v->deadline_ms = clock_mono_ms() + v->config->verification.timeout_ms;
    snprintf(v->name, sizeof(v->name), "%s", name);
    sgl_dns_init(&v->find_dns, AUTHORITY_QUESTIONS);
    sgl_dns_init(&v->dns, SGL_LIMIT_SETUP_QUESTIONS);
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
