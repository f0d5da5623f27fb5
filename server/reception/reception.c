/* SPDX-License-Identifier: Apache-2.0 */
#include "reception.h"

#include <stdlib.h>
#include <string.h>

#include "reception_internal.h"

#define RULES_MEMORY ((size_t)4 << 20)

_Static_assert((int)INCOMING_FOLLOW == (int)JUDGE_FOLLOW &&
                   (int)INCOMING_QUARANTINE == (int)JUDGE_QUARANTINE &&
                   (int)INCOMING_MARK == (int)JUDGE_MARK,
               "the same words");
_Static_assert((int)TEMPERROR_DEFER == (int)JUDGE_TEMPERROR_DEFER &&
                   (int)TEMPERROR_QUARANTINE == (int)JUDGE_TEMPERROR_QUARANTINE &&
                   (int)TEMPERROR_ACCEPT == (int)JUDGE_TEMPERROR_ACCEPT,
               "the same words");

/* ---- rules ---- */

static bool views(struct sgl_arena *arena, const char **text, size_t count, const sgl_view **out)
{
    sgl_view *v = SGL_NEW_N(arena, count, sgl_view);

    for (size_t i = 0; v != NULL && i < count; i++)
        v[i] = sgl_view_cstr(text[i]);
    *out = v;
    return v != NULL;
}

static bool networks(struct sgl_arena *arena, const struct config_override *from,
                     struct judge_override *to)
{
    struct sgl_ip_prefix *p = SGL_NEW_N(arena, from->networks, struct sgl_ip_prefix);

    for (size_t i = 0; p != NULL && i < from->networks; i++) {
        const struct config_network *n = &from->network[i];

        p[i].ip = n->family == AF_INET ? sgl_ip_v4(n->bytes) : sgl_ip_v6(n->bytes);
        p[i].bits = (uint8_t)n->prefix;
    }
    to->network = p;
    to->networks = from->networks;
    return p != NULL;
}

static bool overrides(struct reception_rules *rules)
{
    static const enum judge_reason reason[] = {[REASON_TRUSTED_FORWARDER] = JUDGE_TRUSTED_FORWARDER,
                                               [REASON_MAILING_LIST] = JUDGE_MAILING_LIST,
                                               [REASON_LOCAL_POLICY] = JUDGE_LOCAL_POLICY,
                                               [REASON_OTHER] = JUDGE_OTHER};
    const struct config *c = rules->config;
    struct judge_override *o = SGL_NEW_N(&rules->arena, c->overrides, struct judge_override);

    for (size_t i = 0; o != NULL && i < c->overrides; i++) {
        const struct config_override *from = &c->override[i];

        o[i] = (struct judge_override){.name = from->name,
                                       .domains = from->domains,
                                       .reason = reason[from->reason],
                                       .comment = from->comment};
        if (!networks(&rules->arena, from, &o[i]) ||
            !views(&rules->arena, from->domain, from->domains, &o[i].domain))
            return false;
    }
    rules->policy.override = o;
    rules->policy.overrides = c->overrides;
    return o != NULL;
}

struct reception_rules *gate_rules_new(struct config *config)
{
    static const enum judge_action spf_fail[] = {[SPF_FAIL_MARK] = JUDGED_ACCEPT,
                                                 [SPF_FAIL_QUARANTINE] = JUDGED_QUARANTINE,
                                                 [SPF_FAIL_REJECT] = JUDGED_REJECT};
    struct reception_rules *rules = calloc(1, sizeof(*rules));

    if (rules == NULL)
        return NULL;
    rules->refs = 1;
    rules->config = config_ref(config);
    sgl_arena_init(&rules->arena, RULES_MEMORY);
    rules->authserv_id = sgl_view_cstr(
        config->inbound.authserv_id != NULL ? config->inbound.authserv_id : config->hostname);
    rules->policy =
        (struct judge_policy){.dmarc = (enum judge_mode)config->inbound.dmarc,
                              .spf_fail = spf_fail[config->inbound.spf_fail],
                              .on_temperror = (enum judge_temperror)config->inbound.on_temperror};
    rules->trust.sealers = config->inbound.trusted_sealers;
    if (!views(&rules->arena, config->inbound.trusted_sealer, config->inbound.trusted_sealers,
               &rules->trust.sealer) ||
        !overrides(rules)) {
        gate_rules_unref(rules);
        return NULL;
    }
    return rules;
}

struct reception_rules *gate_rules_of(struct reception *r)
{
    struct reception_rules *rules;

    pthread_mutex_lock(&r->lock);
    rules = r->rules;
    atomic_fetch_add(&rules->refs, 1);
    pthread_mutex_unlock(&r->lock);
    return rules;
}

void gate_rules_unref(struct reception_rules *rules)
{
    if (rules == NULL || atomic_fetch_sub(&rules->refs, 1) != 1)
        return;
    sgl_arena_done(&rules->arena);
    config_unref(rules->config);
    free(rules);
}

void reception_reconfigure(struct reception *r, struct config *config)
{
    struct reception_rules *new = gate_rules_new(config), *old;

    if (new == NULL)
        return; /* what was goes on */
    pthread_mutex_lock(&r->lock);
    old = r->rules;
    r->rules = new;
    pthread_mutex_unlock(&r->lock);
    gate_rules_unref(old);
}

/* ---- others ---- */

void reception_set_handler(struct reception *r, enum route_action action,
                           void (*take)(void *ctx, struct arrival *a), void *ctx)
{
    r->handler[action] = (struct reception_handler){take, ctx};
}

void reception_add_known(struct reception *r, const struct reception_knows *knows)
{
    if (r->knowers < RECEPTION_KNOWS_MAX)
        r->knows[r->knowers++] = *knows;
}

void reception_set_callout(struct reception *r, const struct reception_callout *callout)
{
    r->callout = *callout;
}

void reception_set_forward(struct reception *r,
                           void (*make)(void *ctx, struct reception_forward *f), void *ctx)
{
    r->forward = make;
    r->forward_ctx = ctx;
}

void reception_set_judged(struct reception *r,
                          void (*judged)(void *ctx, const struct reception_judged *j), void *ctx)
{
    if (r->judgeds < RECEPTION_OBSERVERS_MAX)
        r->judged[r->judgeds++] = (struct reception_observer){judged, ctx};
}

void reception_set_trapped(struct reception *r,
                           void (*trapped)(void *ctx, const struct reception_judged *j), void *ctx)
{
    if (r->trappeds < RECEPTION_OBSERVERS_MAX)
        r->trapped[r->trappeds++] = (struct reception_observer){trapped, ctx};
}

/* ---- life ---- */

/* What a trap or nothing asks for is done once it was noted. */
static void noted(void *ctx, struct arrival *a)
{
    (void)ctx;
    a->done(a, ARRIVAL_DONE, NULL);
}

struct reception *reception_new(const struct reception_setup *setup)
{
    struct reception *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    r->directory = setup->directory;
    r->judge = setup->judge;
    r->store = setup->store;
    r->queue = setup->queue;
    r->lease_s = setup->lease_s;
    r->rules = gate_rules_new(setup->config);
    reception_set_handler(r, ROUTE_TRAP, noted, NULL);
    reception_set_handler(r, ROUTE_DISCARD, noted, NULL);
    if (r->rules == NULL) {
        reception_free(r);
        return NULL;
    }
    return r;
}

void reception_free(struct reception *r)
{
    if (r == NULL)
        return;
    gate_rules_unref(r->rules);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void reception_stats(struct reception *r, struct reception_stats *out)
{
    *out = (struct reception_stats){.accepted = atomic_load(&r->accepted),
                                    .refused = atomic_load(&r->refused),
                                    .deferred = atomic_load(&r->deferred),
                                    .quarantined = atomic_load(&r->quarantined),
                                    .overridden = atomic_load(&r->overridden),
                                    .unknown = atomic_load(&r->unknown),
                                    .handled = atomic_load(&r->handled),
                                    .carried = atomic_load(&r->carried),
                                    .dmarc_pass = atomic_load(&r->dmarc_pass),
                                    .dmarc_fail = atomic_load(&r->dmarc_fail),
                                    .dmarc_none = atomic_load(&r->dmarc_none),
                                    .dmarc_error = atomic_load(&r->dmarc_error),
                                    .bytes = atomic_load(&r->bytes),
                                    .busy = atomic_load(&r->busy)};
}
