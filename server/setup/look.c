/* SPDX-License-Identifier: Apache-2.0 */
/* find (the zone's servers) -> ask (the next one, all names) -> judge -> ask ... -> finish: every step on the loop. */
#include "look.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "authority.h"
#include "publish.h"
#include "setup_internal.h"
#include "sigillo/limits.h"

#define OWN_CACHE     (1024u * 1024u)
#define MEMORY_MAX    (4u * 1024u * 1024u)
#define ANSWER_MAX    (1024u * 1024u)
#define SELECTORS_MAX 8

struct looking {
    struct look look; /* first: cast from it */
    struct looking *next, **prev;
    struct setup *setup;
    struct config *config; /* references, both */
    struct domain *domain;
    enum look_for what;
    void (*done)(struct look *l);
    struct sgl_name name[SELECTORS_MAX];
    const struct selector *selector[SELECTORS_MAX];
    size_t names;
    struct sgl_arena arena;
    struct sgl_dns find_dns, dns;
    struct authority authority;
    size_t host;      /* of the authority, that is asked now */
    size_t answered;  /* how many did */
    char silent[200]; /* of the first that did not; "": all did so far */
    char where[AUTHORITY_WHERE_SIZE];
    struct resolver *own;
    struct resolver_fill fill;
    struct loop_later later;
};

static void unlink_it(struct looking *l)
{
    if (l->prev == NULL)
        return;
    *l->prev = l->next;
    if (l->next != NULL)
        l->next->prev = l->prev;
    l->prev = NULL;
}

void look_free(struct look *look)
{
    struct looking *l = (struct looking *)(void *)look;

    if (l == NULL)
        return;
    unlink_it(l);
    domain_unref(l->domain);
    config_unref(l->config);
    sgl_dns_done(&l->find_dns);
    sgl_dns_done(&l->dns);
    sgl_arena_done(&l->arena);
    free(l);
}

void looks_cut(struct setup *s)
{
    while (s->looks != NULL) {
        struct looking *l = s->looks;

        resolver_cancel(&l->fill);
        loop_later_cancel(&l->later);
        resolver_free(l->own);
        look_free(&l->look);
    }
}

static void finish_later(struct loop_later *later)
{
    struct looking *l = (struct looking *)(void *)((char *)later - offsetof(struct looking, later));

    resolver_free(l->own);
    l->own = NULL;
    unlink_it(l);
    l->done(&l->look);
}

static void finish(struct looking *l, enum look_result result, const char *format, ...)
    SGL_PRINTF(3, 4);
static void finish(struct looking *l, enum look_result result, const char *format, ...)
{
    va_list args;

    l->look.result = result;
    va_start(args, format);
    vsnprintf(l->look.why, sizeof(l->look.why), format, args);
    va_end(args);
    loop_later(l->setup->parts.loop, &l->later);
}

/* ---- judged ---- */

/* RSA keys are published with or without the SubjectPublicKeyInfo around them. [RFC 6376 s3.6.1] */
static bool is_same(const struct selector *s, sgl_view whole, sgl_view key)
{
    return key.len > 0 &&
           (sgl_view_eq(whole, key) || (s->algorithm != KEYS_ED25519 && key.len + 32 >= whole.len &&
                                        sgl_view_ends(whole, key)));
}

/* What could not be read for want of memory is not "no key". */
static enum sgl_status has_key(const struct sgl_dns_answer *a, const struct selector *s,
                               sgl_view whole, bool *has)
{
    *has = false;
    for (size_t i = 0; i < a->count && !*has; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ANSWER_MAX);
        struct sgl_dkim_key key;
        enum sgl_status status = sgl_dkim_key_parse(a->rr[i].txt, &arena, &key, NULL);

        if (status == SGL_OK)
            *has = is_same(s, whole, key.bytes);
        else if (status != SGL_E_SYNTAX)
            return status;
    }
    return SGL_OK;
}

/* false: it is over, and said. */
static bool judge_one(struct looking *l, size_t i, const struct sgl_dns_answer *a)
{
    bool waits = l->what == LOOK_WAITING;
    uint8_t space[SELECTOR_PUBLIC_MAX];
    sgl_view key = selector_key_public(l->selector[i]->key, space);
    bool has;

    if (a->outcome == SGL_DNS_BOGUS) {
        finish(l, LOOK_UNKNOWN, "what %s answers for %.*s is not to be believed: %s", l->where,
               SGL_FMT(l->name[i].text), a->why);
        return false;
    }
    if (key.len == 0) {
        finish(l, LOOK_UNKNOWN, "the key of %.*s cannot be read", SGL_FMT(l->name[i].text));
        return false;
    }
    if (a->ttl_s > l->look.ttl_s)
        l->look.ttl_s = a->ttl_s;
    if (has_key(a, l->selector[i], key, &has) != SGL_OK) {
        finish(l, LOOK_UNKNOWN, "there is no memory left for what stands at %.*s",
               SGL_FMT(l->name[i].text));
        return false;
    }
    if (has == waits)
        return true;
    finish(l, LOOK_NOT_YET,
           waits ? "the key is not yet at %.*s, as %s has it"
                 : "the old key still stands at %.*s, as %s has it",
           SGL_FMT(l->name[i].text), l->where);
    return false;
}

/* true: it gives no answer, for one of the names at least. */
static bool is_silent(struct looking *l, const struct sgl_dns_answer *const *answer)
{
    for (size_t i = 0; i < l->names; i++) {
        if (answer[i]->outcome != SGL_DNS_FAILED)
            continue;
        if (l->silent[0] == '\0')
            snprintf(l->silent, sizeof(l->silent), "%.100s did not answer for %.*s: %s", l->where,
                     SGL_FMT(sgl_view_sub(l->name[i].text, 0, 60)), answer[i]->why);
        return true;
    }
    return false;
}

/* ---- asked ---- */

static void next_server(struct looking *l);
static void ask(struct looking *l);

static void answered(struct resolver_fill *fill)
{
    ask((struct looking *)(void *)((char *)fill - offsetof(struct looking, fill)));
}

static void fill(struct looking *l, struct resolver *resolver, struct sgl_dns *dns,
                 void (*done)(struct resolver_fill *fill))
{
    l->fill = (struct resolver_fill){
        .dns = dns, .timeout_ms = l->config->verification.timeout_ms, .done = done};
    resolver_fill(resolver, &l->fill);
}

static void ask(struct looking *l)
{
    const struct sgl_dns_answer *answer[SELECTORS_MAX];
    enum sgl_status status = SGL_OK;

    for (size_t i = 0; i < l->names; i++)
        status = sgl_join(status, sgl_dns_get(&l->dns, l->name[i], SGL_RR_TXT, &answer[i]));
    if (status == SGL_NEED_DNS) {
        fill(l, l->own != NULL ? l->own : l->setup->parts.resolver, &l->dns, answered);
        return;
    }
    if (status != SGL_OK) {
        finish(l, LOOK_UNKNOWN, "there is no memory left");
        return;
    }
    if (!is_silent(l, answer)) {
        for (size_t i = 0; i < l->names; i++)
            if (!judge_one(l, i, answer[i]))
                return;
        l->answered++;
    }
    l->host++;
    next_server(l);
}

static void sum_up(struct looking *l)
{
    if (l->silent[0] == '\0')
        finish(l, LOOK_SEEN, "all name servers have it");
    else
        finish(l, l->answered > 0 ? LOOK_SILENT : LOOK_UNKNOWN, "%s", l->silent);
}

static void next_server(struct looking *l)
{
    struct resolver_config config = l->setup->resolver_config;
    const char *server[AUTHORITY_EACH_MAX];
    char zone[SGL_LIMIT_NAME_TEXT + 2], why[256];

    if (l->host >= l->authority.hosts && l->host > 0) {
        sum_up(l);
        return;
    }
    resolver_free(l->own);
    l->own = NULL;
    sgl_dns_reset(&l->dns);
    snprintf(l->where, sizeof(l->where), "the resolver");
    if (l->authority.hosts > 0) {
        const struct authority_host *h = &l->authority.host[l->host];

        authority_where(&l->authority, l->host, l->where);
        for (size_t i = 0; i < h->count; i++)
            server[i] = l->authority.server[h->first + i];
        snprintf(zone, sizeof(zone), "%.*s.", SGL_FMT(l->authority.zone.text));
        config.cache_bytes = OWN_CACHE;
        config.stub_zone = zone;
        config.stub_server = server;
        config.stub_servers = h->count;
        l->own = resolver_new(l->setup->parts.loop, &config, why, sizeof(why));
        if (l->own == NULL) {
            finish(l, LOOK_UNKNOWN, "no resolver could be made: %s", why);
            return;
        }
    }
    ask(l);
}

/* ---- found ---- */

static void find(struct looking *l);

static void found(struct resolver_fill *filled)
{
    find((struct looking *)(void *)((char *)filled - offsetof(struct looking, fill)));
}

static void find(struct looking *l)
{
    enum sgl_status status = SGL_OK;

    if (l->config->verification.ask == ASK_AUTHORITATIVE)
        status = authority_find(l->name[0], &l->find_dns, &l->authority);
    if (status == SGL_NEED_DNS)
        fill(l, l->setup->parts.resolver, &l->find_dns, found);
    else if (status != SGL_OK)
        finish(l, LOOK_UNKNOWN, "the zone's name servers could not be found");
    else
        next_server(l);
}

static bool take_names(struct looking *l)
{
    for (size_t i = 0; i < l->domain->selectors && l->names < SELECTORS_MAX; i++) {
        const struct selector *s = &l->domain->selector[i];

        if (l->what == LOOK_WAITING ? s->active || s->retires : !s->retires)
            continue;
        if (publish_key_name(l->domain, s->name, l->config, &l->arena, &l->name[l->names]) !=
            SGL_OK)
            return false;
        l->selector[l->names++] = s;
    }
    return true;
}

struct look *look_new(struct setup *s, struct domain *domain, enum look_for what,
                      void (*done)(struct look *l), void *ctx)
{
    struct looking *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    *l = (struct looking){.setup = s,
                          .domain = domain_ref(domain),
                          .config = config_ref(s->config),
                          .what = what,
                          .done = done,
                          .look = {.ctx = ctx},
                          .later = {.run = finish_later}};
    sgl_arena_init(&l->arena, MEMORY_MAX);
    sgl_dns_init(&l->find_dns, AUTHORITY_QUESTIONS);
    sgl_dns_init(&l->dns, SELECTORS_MAX);
    l->next = s->looks;
    l->prev = &s->looks;
    if (l->next != NULL)
        l->next->prev = &l->next;
    s->looks = l;
    if (!take_names(l))
        finish(l, LOOK_UNKNOWN, "the domain is too long for the names of its keys");
    else if (l->names == 0)
        finish(l, LOOK_SEEN, "there is nothing to look for");
    else
        find(l);
    return &l->look;
}
