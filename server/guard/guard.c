/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts by organisation and receiver, behind one lock: a message holds it for some hundred nanoseconds.  What was counted once is kept until the end, so that a ticket's pointers
 * hold; COUNTED_MAX bounds how much that can be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard_internal.h"
#include "sigillo/psl.h"

struct metric guard_uncounted =
    METRIC_COUNTER("sigillo_guard_uncounted_total",
                   "Messages that the guard let through because it could not count them", NULL);

/* ---- life ---- */

struct guard *guard_new(struct store *store, const struct config *config)
{
    struct guard *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return NULL;
    g->store = store;
    snprintf(g->receiver[OTHER], RECEIVER_NAME_SIZE, "other");
    g->receivers = 1;
    g->rules = rules_new(g, config);
    if (g->rules == NULL) {
        free(g);
        return NULL;
    }
    pthread_mutex_init(&g->lock, NULL);
    table_init(&g->organisation);
    table_init(&g->sender);
    metrics_register(&guard_uncounted);
    cause_register_metrics();
    return g;
}

static void organisation_free(struct organisation *o)
{
    for (size_t i = 0; i < GUARD_RECEIVERS_MAX; i++)
        free(o->of[i]);
    free(o);
}

void guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->organisation.slots; i++)
        if (g->organisation.slot[i].name != NULL)
            organisation_free(g->organisation.slot[i].value);
    for (size_t i = 0; i < g->sender.slots; i++) {
        struct sender *s = g->sender.slot[i].value;

        if (g->sender.slot[i].name == NULL)
            continue;
        free(s->cause);
        free(s);
    }
    table_done(&g->organisation);
    table_done(&g->sender);
    rules_free(g->rules);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

bool guard_configure(struct guard *g, const struct config *config)
{
    struct rules *next, *old = NULL;

    pthread_mutex_lock(&g->lock);
    next = rules_new(g, config);
    if (next != NULL) {
        old = g->rules;
        g->rules = next;
    }
    pthread_mutex_unlock(&g->lock);
    rules_free(old);
    return next != NULL;
}

/* ---- who is counted ---- */

/* Below a public suffix, and one label more: receivers add up what comes from there. */
sgl_view organisation_part(sgl_view domain)
{
    const struct sgl_psl *psl = sgl_psl_builtin();
    struct sgl_arena arena = SGL_ARENA_INIT(4096);
    struct sgl_name name;
    size_t len = domain.len;
    enum sgl_status status = psl == NULL
                                 ? SGL_E_MISUSE
                                 : sgl_name_parse(domain, SGL_NAME_UNDERSCORE, &arena, NULL, &name);

    if (status == SGL_OK)
        len = sgl_psl_registrable(psl, name).text.len;
    sgl_arena_done(&arena);
    if (status == SGL_E_NOMEM)
        return sgl_view_of(NULL, 0);
    return len > domain.len ? domain : sgl_view_from(domain, domain.len - len);
}

struct organisation *organisation_named(struct guard *g, sgl_view name)
{
    struct organisation *o = table_find(&g->organisation, name);

    if (o != NULL)
        return o;
    o = calloc(1, sizeof(*o) + name.len + 1);
    if (o == NULL)
        return NULL;
    if (name.len > 0)
        memcpy(o->name, name.ptr, name.len);
    if (table_add(&g->organisation, o->name, o))
        return o;
    free(o);
    return NULL;
}

struct sender *sender_of(struct guard *g, sgl_view domain)
{
    struct sender *s = table_find(&g->sender, domain);
    struct organisation *o;
    sgl_view part;

    if (s != NULL)
        return s;
    part = organisation_part(domain);
    o = part.ptr == NULL ? NULL : organisation_named(g, part);
    s = o == NULL ? NULL : calloc(1, sizeof(*s) + domain.len + 1);
    if (s == NULL)
        return NULL;
    s->organisation = o;
    if (domain.len > 0)
        memcpy(s->name, domain.ptr, domain.len);
    if (table_add(&g->sender, s->name, s))
        return s;
    free(s);
    return NULL;
}

struct counted *counted_of(struct guard *g, struct organisation *o, unsigned receiver)
{
    size_t size = sizeof(TALLY_MESSAGES) + strlen(o->name) + 1 + RECEIVER_NAME_SIZE;
    struct counted *c = o->of[receiver];

    if (c != NULL)
        return c;
    c = g->counted < COUNTED_MAX ? calloc(1, sizeof(*c) + size) : NULL;
    if (c == NULL)
        return NULL;
    snprintf(c->name, size, TALLY_MESSAGES "%s/%s", o->name, g->receiver[receiver]);
    g->counted++;
    return o->of[receiver] = c;
}
