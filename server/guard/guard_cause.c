/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that a domain breaks: since when, who hears of it, how it reads. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "../metrics/metrics.h"
#include "guard_internal.h"

#define NAME_SHOWN 48
#define OPEN_MS    (WINDOW_DAY_MS + WINDOW_CELL_MS) /* not seen for so long, a cause is over */

static const char *const names[GUARD_CAUSES] = {[GUARD_NO_DMARC] = "no-dmarc",
                                                [GUARD_NO_AUTH] = "no-spf-dkim",
                                                [GUARD_COMPLAINTS] = "complaints",
                                                [GUARD_NO_ONE_CLICK] = "no-one-click"};

#define WARNINGS(cause)                                                                            \
    METRIC_COUNTER("sigillo_guard_warnings_total", "Events of the bulk-sender guard", cause)
#define STOPPED(cause)                                                                             \
    METRIC_COUNTER("sigillo_guard_stopped_total", "Messages that the bulk-sender guard refused",   \
                   cause)
static struct metric warnings[GUARD_CAUSES] = {
    [GUARD_NO_DMARC] = WARNINGS("cause=\"no-dmarc\""),
    [GUARD_NO_AUTH] = WARNINGS("cause=\"no-spf-dkim\""),
    [GUARD_COMPLAINTS] = WARNINGS("cause=\"complaints\""),
    [GUARD_NO_ONE_CLICK] = WARNINGS("cause=\"no-one-click\"")};
static struct metric stopped[GUARD_CAUSES] = {[GUARD_NO_DMARC] = STOPPED("cause=\"no-dmarc\""),
                                              [GUARD_NO_AUTH] = STOPPED("cause=\"no-spf-dkim\""),
                                              [GUARD_COMPLAINTS] = STOPPED("cause=\"complaints\""),
                                              [GUARD_NO_ONE_CLICK] =
                                                  STOPPED("cause=\"no-one-click\"")};

const char *guard_cause_name(enum guard_cause cause)
{
    return names[cause];
}

void cause_register_metrics(void)
{
    for (size_t i = 0; i < GUARD_CAUSES; i++) {
        metrics_register(&warnings[i]);
        metrics_register(&stopped[i]);
    }
}

enum level complaint_level(const struct rules *rules, uint64_t messages, uint64_t complaints)
{
    uint64_t share = complaints * 10000;

    if (complaints == 0 || messages < rules->complaints_messages)
        return LEVEL_NONE;
    if (rules->complaints_stop > 0 && share >= messages * rules->complaints_stop)
        return LEVEL_STOP;
    return rules->complaints_warn > 0 && share >= messages * rules->complaints_warn ? LEVEL_WARN
                                                                                    : LEVEL_NONE;
}

/* ---- how it reads ---- */

static void complaints_text(const struct guard *g, const struct sender *s, const struct found *f,
                            char *out, size_t size)
{
    uint64_t share = f->messages == 0 ? 0 : f->complaints * 10000 / f->messages;

    snprintf(out, size,
             "%" PRIu64 " complaints about %" PRIu64 " messages of %.*s to %s in 24 hours are "
             "%" PRIu64 ".%02" PRIu64 " %%, from %u.%02u %% on they are too many: send only to "
             "people who asked for it, and make it easy to leave",
             f->complaints, f->messages, NAME_SHOWN, s->organisation->name,
             g->receiver[f->receiver], share / 100, share % 100, g->rules->complaints_warn / 100,
             g->rules->complaints_warn % 100);
}

void cause_text(const struct guard *g, const struct sender *s, const struct found *f, char *out,
                size_t size)
{
    const char *receiver = g->receiver[f->receiver];
    unsigned limit = g->rules->messages[f->receiver];

    switch (f->kind) {
    case GUARD_NO_DMARC:
        snprintf(out, size,
                 "%" PRIu64 " messages of %.*s to %s in 24 hours and no DMARC record, which it "
                 "wants from %u on: publish one at _dmarc.%.*s, as sigillo domain records says",
                 f->messages, NAME_SHOWN, s->organisation->name, receiver, limit, NAME_SHOWN,
                 s->name);
        break;
    case GUARD_NO_AUTH:
        snprintf(out, size,
                 "%" PRIu64 " messages of %.*s to %s in 24 hours without both SPF and DKIM, which "
                 "it wants from %u on: publish what sigillo domain show %.*s misses",
                 f->messages, NAME_SHOWN, s->organisation->name, receiver, limit, NAME_SHOWN,
                 s->name);
        break;
    case GUARD_COMPLAINTS:
        complaints_text(g, s, f, out, size);
        break;
    case GUARD_NO_ONE_CLICK:
        snprintf(out, size,
                 "List mail of %.*s that one click does not unsubscribe from (RFC 8058): mark it "
                 "with X-Sigillo-List, or give List-Unsubscribe with https and "
                 "List-Unsubscribe-Post",
                 NAME_SHOWN, s->name);
        break;
    }
}

/* ---- who hears of it ---- */

struct note {
    struct store_noun_op op; /* first: cast from it */
    struct store_noun noun;
    struct store_audit audit;
    char key[320], value[160], subscription[256], object[272], detail[300];
};

static void noted(struct store_op *op)
{
    struct note *n = (struct note *)(void *)op;

    if (op->result != STORE_OK)
        log_line(LOG_ERROR_, "the guard's line of the audit is lost", LOG_STR("object", n->object),
                 LOG_STR("detail", n->detail), LOG_STR("why", store_result_text(op->result)));
    free(n);
}

/* NULL when memory ends. */
static struct note *note_new(const struct guard *g, const struct sender *s, const struct cause *c)
{
    struct note *n = calloc(1, sizeof(*n));

    if (n == NULL)
        return NULL;
    snprintf(n->key, sizeof(n->key), "%s/%s/%s", s->name, g->receiver[c->receiver], names[c->kind]);
    n->noun = (struct store_noun){
        .kind = SGL_LIT(GUARD_NOUN), .key = sgl_view_cstr(n->key), .version = STORE_NOUN_ANY};
    n->op = (struct store_noun_op){.op = {.done = noted}, .noun = &n->noun, .nouns = 1};
    return n;
}

static bool tell(struct guard *g, const struct sender *s, sgl_view subscription,
                 const struct found *f, const struct cause *c, bool stops)
{
    struct note *n = note_new(g, s, c);
    char text[256];

    if (n == NULL) {
        log_line(LOG_ERROR_, "the guard's line of the audit is lost", LOG_STR("domain", s->name),
                 LOG_STR("cause", names[c->kind]), LOG_STR("why", "out of memory"));
        return false;
    }
    cause_text(g, s, f, text, sizeof(text));
    snprintf(n->value, sizeof(n->value),
             "{\"since\":%" PRId64 ",\"last\":%" PRId64 ",\"warned\":%" PRId64
             ",\"stopped\":%" PRId64 ",\"messages\":%" PRIu64 ",\"complaints\":%" PRIu64 "}",
             c->since_ms, c->last_ms, stops ? c->warned_ms : c->last_ms,
             stops ? c->last_ms : c->stopped_ms, c->messages, c->complaints);
    snprintf(n->subscription, sizeof(n->subscription), "%.*s", SGL_FMT(subscription));
    snprintf(n->object, sizeof(n->object), "domain:%s", s->name);
    snprintf(n->detail, sizeof(n->detail), "%s: %s", names[c->kind], text);
    n->noun.subscription = sgl_view_cstr(n->subscription);
    n->noun.value = sgl_view_cstr(n->value);
    n->audit = (struct store_audit){.at_ms = c->last_ms,
                                    .actor = SGL_LIT("system:guard"),
                                    .action = stops ? SGL_LIT("guard stop") : SGL_LIT("guard warn"),
                                    .object = sgl_view_cstr(n->object),
                                    .subscription = sgl_view_cstr(n->subscription),
                                    .result = SGL_LIT("noted"),
                                    .detail = sgl_view_cstr(n->detail)};
    n->op.op.kind = STORE_NOUN_PUT;
    n->op.audit = &n->audit;
    store_submit(g->store, &n->op.op);
    metric_add(&warnings[c->kind], 1);
    return true;
}

/* Forgotten in the store, too. Without memory for that it is found to be old at the next start. */
static void forget(struct guard *g, const struct sender *s, struct cause *c)
{
    struct note *n = note_new(g, s, c);

    c->last_ms = 0;
    if (n == NULL)
        return;
    n->op.op.kind = STORE_NOUN_DELETE;
    store_submit(g->store, &n->op.op);
}

/* ---- since when ---- */

bool cause_is_open(const struct cause *c, int64_t now_ms)
{
    return c->last_ms != 0 && now_ms - c->last_ms < OPEN_MS;
}

static struct cause *cause_of(struct sender *s, enum guard_cause kind, unsigned receiver)
{
    for (size_t i = 0; i < s->causes; i++)
        if (s->cause[i].kind == kind && s->cause[i].receiver == receiver)
            return &s->cause[i];
    return NULL;
}

static struct cause *cause_add(struct sender *s, enum guard_cause kind, unsigned receiver)
{
    struct cause *more = realloc(s->cause, (s->causes + 1) * sizeof(*more));

    if (more == NULL)
        return NULL;
    s->cause = more;
    more[s->causes] = (struct cause){.kind = kind, .receiver = receiver};
    return &more[s->causes++];
}

/* A clock that was set back does not silence it for long. */
static bool is_due(int64_t last_ms, int64_t now_ms)
{
    return last_ms == 0 || now_ms - last_ms >= WINDOW_DAY_MS || last_ms - now_ms > WINDOW_DAY_MS;
}

static void keep(struct guard *g, struct sender *s, sgl_view subscription, const struct found *f,
                 bool stops, int64_t now_ms)
{
    struct cause *c = cause_of(s, f->kind, f->receiver);

    if (c == NULL)
        c = cause_add(s, f->kind, f->receiver);
    if (c == NULL) {
        log_line(LOG_ERROR_, "the guard's line of the audit is lost", LOG_STR("domain", s->name),
                 LOG_STR("cause", names[f->kind]), LOG_STR("why", "out of memory"));
        return;
    }
    if (!cause_is_open(c, now_ms))
        c->since_ms = now_ms;
    c->last_ms = now_ms;
    c->messages = f->messages;
    c->complaints = f->complaints;
    if (stops && is_due(c->stopped_ms, now_ms)) {
        if (tell(g, s, subscription, f, c, true))
            c->stopped_ms = now_ms;
    } else if (!stops && is_due(c->warned_ms, now_ms)) {
        if (tell(g, s, subscription, f, c, false))
            c->warned_ms = now_ms;
    }
}

bool cause_found(struct guard *g, struct sender *s, sgl_view subscription, const struct found *f,
                 int64_t now_ms)
{
    bool stops = f->level == LEVEL_STOP && g->rules->action == GUARD_STOP;

    if (f->level == LEVEL_NONE) {
        struct cause *c = cause_of(s, f->kind, f->receiver);

        if (c != NULL && c->last_ms != 0)
            forget(g, s, c);
        return false;
    }
    keep(g, s, subscription, f, stops, now_ms);
    if (stops)
        metric_add(&stopped[f->kind], 1);
    return stops;
}

/* ---- the former life ---- */

static int64_t member(const json_t *json, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(json, name));
}

/* "example.org/gmail/no-dmarc" */
static bool key_parts(const struct guard *g, sgl_view key, sgl_view *domain, unsigned *receiver,
                      enum guard_cause *kind)
{
    sgl_view rest, name;

    *domain = sgl_view_split(key, '/', &rest);
    name = sgl_view_split(rest, '/', &rest);
    *receiver = receiver_named(g, name);
    for (int i = 0; i < GUARD_CAUSES; i++)
        if (sgl_view_eq(sgl_view_cstr(names[i]), rest)) {
            *kind = (enum guard_cause)i;
            return *receiver != OTHER || sgl_view_eq(name, sgl_view_cstr(g->receiver[OTHER]));
        }
    return false;
}

void cause_load(struct guard *g, sgl_view key, sgl_view value, int64_t now_ms)
{
    enum guard_cause kind = GUARD_NO_DMARC;
    unsigned receiver = OTHER;
    struct sender *s;
    struct cause *c;
    sgl_view domain;
    json_t *json;

    if (!key_parts(g, key, &domain, &receiver, &kind))
        return;
    json = json_loadb((const char *)value.ptr, value.len, 0, NULL);
    s = json == NULL ? NULL : sender_of(g, domain);
    c = s == NULL ? NULL : cause_add(s, kind, receiver);
    if (c != NULL) {
        c->since_ms = member(json, "since");
        c->last_ms = member(json, "last");
        c->warned_ms = member(json, "warned");
        c->stopped_ms = member(json, "stopped");
        c->messages = (uint64_t)member(json, "messages");
        c->complaints = (uint64_t)member(json, "complaints");
        if (!cause_is_open(c, now_ms))
            forget(g, s, c);
    }
    json_decref(json);
}
