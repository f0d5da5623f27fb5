/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and what is broken, for those who ask; and what the last life has left. */
#include <stdio.h>

#include "../log/log.h"
#include "guard_internal.h"

static void report_counts(struct guard *g, struct organisation *o, int64_t now_ms,
                          struct guard_report *out)
{
    for (unsigned r = 0; r < g->receivers; r++) {
        struct counted *c = o->of[r];

        if (c == NULL)
            continue;
        window_advance(&c->window, now_ms);
        if (c->window.messages_sum == 0 && c->window.complaints_sum == 0)
            continue;
        out->count[out->counts++] = (struct guard_count){.receiver = g->receiver[r],
                                                         .limit = g->rules->messages[r],
                                                         .messages = c->window.messages_sum,
                                                         .complaints = c->window.complaints_sum};
    }
}

static void report_causes(struct guard *g, const struct sender *s, int64_t now_ms,
                          struct guard_report *out)
{
    for (size_t i = 0; i < s->causes; i++) {
        const struct cause *c = &s->cause[i];
        struct found f = {.kind = c->kind,
                          .receiver = c->receiver,
                          .messages = c->messages,
                          .complaints = c->complaints};
        struct guard_told *t = &out->told[out->causes];

        if (!cause_is_open(c, now_ms))
            continue;
        *t = (struct guard_told){.cause = c->kind,
                                 .receiver =
                                     c->kind == GUARD_NO_ONE_CLICK ? "" : g->receiver[c->receiver],
                                 .since_ms = c->since_ms,
                                 .last_ms = c->last_ms,
                                 .stopped = c->stopped_ms != 0};
        cause_text(g, s, &f, t->text, sizeof(t->text));
        out->causes++;
    }
}

void guard_report(struct guard *g, sgl_view domain, int64_t now_ms, struct guard_report *out)
{
    sgl_view organisation = organisation_part(domain);
    struct organisation *o;
    struct sender *s;

    out->counts = out->causes = 0;
    snprintf(out->organisation, sizeof(out->organisation), "%.*s", SGL_FMT(organisation));
    pthread_mutex_lock(&g->lock);
    o = table_find(&g->organisation, organisation);
    s = table_find(&g->sender, domain);
    if (o != NULL)
        report_counts(g, o, now_ms, out);
    if (s != NULL)
        report_causes(g, s, now_ms, out);
    pthread_mutex_unlock(&g->lock);
}

void guard_settings(struct guard *g, struct guard_settings *out)
{
    const struct rules *rules;

    pthread_mutex_lock(&g->lock);
    rules = g->rules;
    *out = (struct guard_settings){.action = rules->action,
                                   .near_percent = rules->near_percent,
                                   .complaints_warn = rules->complaints_warn,
                                   .complaints_stop = rules->complaints_stop,
                                   .complaints_messages = rules->complaints_messages};
    for (unsigned r = 1; r < g->receivers; r++)
        if (rules->named[r])
            out->receiver[out->receivers++] =
                (struct guard_count){.receiver = g->receiver[r], .limit = rules->messages[r]};
    pthread_mutex_unlock(&g->lock);
}

/* ---- the former life ---- */

struct loading {
    struct guard *g;
    int64_t now_ms;
    bool no_memory;
};

/* "guard:example.org/gmail" */
static bool load_tally(void *ctx, const struct store_usage *u)
{
    struct loading *l = ctx;
    bool complaints = sgl_view_starts(u->identity, SGL_LIT(TALLY_COMPLAINTS));
    sgl_view rest, organisation, name = u->identity;
    int64_t at = u->charge.at_ms < l->now_ms ? u->charge.at_ms : l->now_ms;
    uint32_t n = u->charge.messages > UINT32_MAX ? UINT32_MAX : (uint32_t)u->charge.messages;
    struct organisation *o;
    struct counted *c;

    if (u->subscription.len > 0 || (!complaints && !sgl_view_starts(name, SGL_LIT(TALLY_MESSAGES))))
        return true;
    name =
        sgl_view_from(name, complaints ? sizeof(TALLY_COMPLAINTS) - 1 : sizeof(TALLY_MESSAGES) - 1);
    organisation = sgl_view_split(name, '/', &rest);
    o = organisation_named(l->g, organisation);
    c = o == NULL ? NULL : counted_of(l->g, o, receiver_named(l->g, rest));
    if (c != NULL)
        window_add(&c->window, at, complaints ? 0 : n, complaints ? n : 0);
    l->no_memory |= c == NULL;
    return true;
}

static bool load_cause(void *ctx, const struct store_noun *n)
{
    struct loading *l = ctx;

    cause_load(l->g, n->key, n->value, l->now_ms);
    return true;
}

void guard_load(struct guard *g, int64_t now_ms)
{
    struct loading l = {.g = g, .now_ms = now_ms};
    int64_t since_ms = now_ms - WINDOW_DAY_MS - WINDOW_CELL_MS;
    enum store_result result;

    pthread_mutex_lock(&g->lock);
    result = store_read_charges(g->store, since_ms, load_tally, &l);
    if (result == STORE_OK)
        result = store_read_nouns(g->store, SGL_LIT(GUARD_NOUN), load_cause, &l);
    pthread_mutex_unlock(&g->lock);
    if (result != STORE_OK || l.no_memory)
        log_line(LOG_ERROR_, "the guard does not count all of the last day",
                 LOG_STR("why", result != STORE_OK ? store_result_text(result) : "out of memory"));
}
