/* SPDX-License-Identifier: Apache-2.0 */
/* Domains in memory: made, copied, counted; the words for what they consist of. */
#include <stdio.h>
#include <stdlib.h>

#include "domain_internal.h"

/* ---- words ---- */

static const char *const kind_name[DOMAIN_KINDS] = {"custom", "managed", "parked"};
static const char *const state_name[DOMAIN_STATES] = {"not_started", "in_progress", "verified",
                                                      "failed"};
static const struct {
    const char *name, *title;
} part[DOMAIN_PARTS] = {
    [PART_OWNERSHIP] = {"domain", "Domain"}, [PART_SPF] = {"spf", "SPF"},
    [PART_DKIM] = {"dkim", "DKIM"},          [PART_DKIM2] = {"dkim2", "DKIM2"},
    [PART_DMARC] = {"dmarc", "DMARC"},       [PART_RETURN_PATH] = {"return_path", "Return path"},
    [PART_MTA_STS] = {"mta_sts", "MTA-STS"}, [PART_TLS_RPT] = {"tls_rpt", "TLS-RPT"},
    [PART_NULL_MX] = {"null_mx", "Null MX"},
};

const char *domain_kind_name(enum domain_kind kind)
{
    return kind_name[kind];
}

const char *domain_part_name(enum domain_part p)
{
    return part[p].name;
}

const char *domain_part_title(enum domain_part p)
{
    return part[p].title;
}

const char *domain_state_name(enum domain_state state)
{
    return state_name[state];
}

bool domain_kind_parse(const char *name, enum domain_kind *out)
{
    for (int i = 0; name != NULL && i < DOMAIN_KINDS; i++)
        if (strcmp(kind_name[i], name) == 0) {
            *out = (enum domain_kind)i;
            return true;
        }
    return false;
}

static const char *const incoming_name[DOMAIN_INCOMINGS] = {"default", "follow", "quarantine",
                                                            "mark"};

const char *domain_incoming_name(enum domain_incoming incoming)
{
    return incoming_name[incoming];
}

bool domain_incoming_parse(sgl_view name, enum domain_incoming *out)
{
    for (int i = 0; i < DOMAIN_INCOMINGS; i++) {
        if (!sgl_view_eq(sgl_view_cstr(incoming_name[i]), name))
            continue;
        *out = (enum domain_incoming)i;
        return true;
    }
    return false;
}

bool domain_state_parse(const char *name, enum domain_state *out)
{
    for (int i = 0; name != NULL && i < DOMAIN_STATES; i++)
        if (strcmp(state_name[i], name) == 0) {
            *out = (enum domain_state)i;
            return true;
        }
    return false;
}

/* ---- statuses ---- */

void domain_status_done(struct domain_status *s)
{
    free(s->found);
    free(s->expected);
    free(s->why);
    *s = (struct domain_status){0};
}

static bool text_copy(const char *from, char **to)
{
    *to = from == NULL ? NULL : text_of(sgl_view_cstr(from));
    return from == NULL || *to != NULL;
}

bool domain_status_copy(struct domain_status *to, const struct domain_status *from)
{
    struct domain_status made = *from;
    bool whole = text_copy(from->found, &made.found);

    whole = text_copy(from->expected, &made.expected) && whole;
    whole = text_copy(from->why, &made.why) && whole;
    domain_status_done(to);
    *to = made;
    return whole;
}

/* ---- domains ---- */

struct domain *domain_ref(struct domain *domain)
{
    atomic_fetch_add_explicit(&domain->refs, 1, memory_order_relaxed);
    return domain;
}

static void texts_free(struct domain *d)
{
    if (d->pack != NULL) {
        free(d->pack);
        return;
    }
    for (size_t i = 0; i < d->selectors; i++)
        free(d->selector[i].name);
    free(d->selector);
    free(d->name);
    free(d->subscription);
    free(d->token);
    free(d->return_path);
    free(d->sts_policy);
    free(d->hosts);
}

void domain_unref(struct domain *domain)
{
    if (domain == NULL || !noun_last_reference(&domain->refs))
        return;
    for (size_t i = 0; i < domain->selectors; i++)
        selector_key_unref(domain->selector[i].key);
    for (size_t i = 0; i < DOMAIN_PARTS; i++)
        domain_status_done(&domain->status[i]);
    texts_free(domain);
    free(domain);
}

void domain_pack(struct domain *d)
{
    size_t selectors = d->selectors * sizeof(*d->selector);
    size_t size = selectors + strlen(d->name) + strlen(d->subscription) + strlen(d->token) +
                  strlen(d->return_path) + strlen(d->sts_policy) + strlen(d->hosts) + 6;
    struct domain packed = {.selectors = d->selectors};
    char *to;

    for (size_t i = 0; i < d->selectors; i++)
        size += strlen(d->selector[i].name) + 1;
    packed.pack = d->pack == NULL ? malloc(size) : NULL;
    if (packed.pack == NULL)
        return;
    packed.selector = packed.pack;
    to = (char *)packed.pack + selectors;
    packed.name = text_move(&to, d->name);
    packed.subscription = text_move(&to, d->subscription);
    packed.token = text_move(&to, d->token);
    packed.return_path = text_move(&to, d->return_path);
    packed.sts_policy = text_move(&to, d->sts_policy);
    packed.hosts = text_move(&to, d->hosts);
    for (size_t i = 0; i < d->selectors; i++) {
        packed.selector[i] = d->selector[i];
        packed.selector[i].name = text_move(&to, d->selector[i].name);
    }
    texts_free(d);
    d->pack = packed.pack;
    d->selector = packed.selector;
    d->name = packed.name;
    d->subscription = packed.subscription;
    d->token = packed.token;
    d->return_path = packed.return_path;
    d->sts_policy = packed.sts_policy;
    d->hosts = packed.hosts;
}

struct domain *domain_new(sgl_view name, sgl_view subscription, size_t selectors_max)
{
    struct domain *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    atomic_init(&d->refs, 1);
    d->name = text_of(name);
    d->subscription = text_of(subscription);
    d->token = text_of(SGL_LIT(""));
    d->return_path = text_of(SGL_LIT(""));
    d->sts_policy = text_of(SGL_LIT(""));
    d->hosts = text_of(SGL_LIT(""));
    d->selector = calloc(selectors_max + 1, sizeof(*d->selector));
    if (d->name != NULL && d->subscription != NULL && d->token != NULL && d->return_path != NULL &&
        d->sts_policy != NULL && d->hosts != NULL && d->selector != NULL)
        return d;
    domain_unref(d);
    return NULL;
}

static bool selectors_copy(struct domain *to, const struct domain *from)
{
    for (size_t i = 0; i < from->selectors; i++) {
        struct selector *s = &to->selector[i];

        *s = from->selector[i];
        s->name = text_of(sgl_view_cstr(from->selector[i].name));
        if (s->key != NULL)
            atomic_fetch_add_explicit(&s->key->refs, 1, memory_order_relaxed);
        to->selectors = i + 1;
        if (s->name == NULL)
            return false;
    }
    return true;
}

struct domain *domain_copy(const struct domain *from)
{
    struct domain *d = domain_new(sgl_view_cstr(from->name), sgl_view_cstr(from->subscription),
                                  from->selectors + DOMAIN_SELECTORS_MORE);
    bool whole;

    if (d == NULL)
        return NULL;
    free(d->token);
    free(d->return_path);
    free(d->sts_policy);
    free(d->hosts);
    whole = text_copy(from->token, &d->token);
    whole = text_copy(from->return_path, &d->return_path) && whole;
    whole = text_copy(from->sts_policy, &d->sts_policy) && whole;
    whole = text_copy(from->hosts, &d->hosts) && whole;
    d->sts_until_s = from->sts_until_s;
    d->kind = from->kind;
    d->rotation = from->rotation;
    d->created_at = from->created_at;
    d->default_at = from->default_at;
    d->tls_verified = from->tls_verified;
    d->incoming = from->incoming;
    d->bounces_plain = from->bounces_plain;
    d->version = from->version;
    atomic_init(&d->checked_at_s, atomic_load(&((struct domain *)(uintptr_t)from)->checked_at_s));
    atomic_init(&d->unknown_since_s,
                atomic_load(&((struct domain *)(uintptr_t)from)->unknown_since_s));
    whole = whole && selectors_copy(d, from);
    for (size_t i = 0; whole && i < DOMAIN_PARTS; i++)
        whole = domain_status_copy(&d->status[i], &from->status[i]);
    if (whole)
        return d;
    domain_unref(d);
    return NULL;
}
