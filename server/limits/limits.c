/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters by name (of a subscription, of an identity with limits of its own) behind one lock: a charge holds it for some hundred nanoseconds.
 *
 * Time here is the wall clock at the start plus what the monotonic clock has run since, so that nobody frees or prolongs a limit by setting the clock.  What goes into the store
 * has the later of that and the wall clock; what comes back from there and lies in the future counts from now on.  Both err late, never early.
 */
#include "limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../directory/table.h"

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

struct tenant {
    struct counter counter;
    char name[];
};

struct limits {
    pthread_mutex_t lock;
    struct table tenant;
    struct limit_profile *own;
    size_t owns;
    int64_t ahead_ms; /* of the monotonic clock */
};

static int64_t now_ms(const struct limits *l)
{
    return l->ahead_ms + (int64_t)clock_mono_ms();
}

struct limits *limits_new(void)
{
    struct limits *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    pthread_mutex_init(&l->lock, NULL);
    table_init(&l->tenant);
    l->ahead_ms = clock_now_ms() - (int64_t)clock_mono_ms();
    return l;
}

static void profiles_free(struct limit_profile *profile, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)profile[i].name);
    free(profile);
}

void limits_free(struct limits *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->tenant.slots; i++) {
        struct tenant *t = l->tenant.slot[i].value;

        if (l->tenant.slot[i].name == NULL)
            continue;
        counter_done(&t->counter);
        free(t);
    }
    table_done(&l->tenant);
    profiles_free(l->own, l->owns);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- profiles ---- */

bool limits_configure(struct limits *l, const struct limit_profile *own, size_t count)
{
    struct limit_profile *copy = calloc(count + 1, sizeof(*copy)), *old;
    size_t olds;

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = own[i];
        copy[i].name = strdup(own[i].name);
        if (copy[i].name == NULL) {
            profiles_free(copy, i);
            return false;
        }
    }
    pthread_mutex_lock(&l->lock);
    old = l->own;
    olds = l->owns;
    l->own = copy;
    l->owns = count;
    pthread_mutex_unlock(&l->lock);
    profiles_free(old, olds);
    return true;
}

/* With the lock held. */
static const struct limit_profile *profile_named(const struct limits *l, const char *name)
{
    if (name[0] == '\0')
        name = LIMITS_DEFAULT;
    for (size_t i = 0; i < l->owns; i++)
        if (strcmp(l->own[i].name, name) == 0)
            return &l->own[i];
    for (size_t i = 0; i < limit_shipped_count; i++)
        if (strcmp(limit_shipped[i].name, name) == 0)
            return &limit_shipped[i];
    return NULL;
}

bool limits_profile(struct limits *l, const char *name, struct limit_profile *out)
{
    const struct limit_profile *found;

    pthread_mutex_lock(&l->lock);
    found = profile_named(l, name);
    if (found != NULL) {
        *out = *found;
        out->name = NULL; /* the caller has the name; ours may go with the next configuration */
    }
    pthread_mutex_unlock(&l->lock);
    return found != NULL;
}

void limits_each_profile(struct limits *l, bool (*each)(void *ctx, const struct limit_profile *p),
                         void *ctx)
{
    bool more = true;

    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; more && i < l->owns; i++)
        more = each(ctx, &l->own[i]);
    for (size_t i = 0; more && i < limit_shipped_count; i++)
        if (profile_named(l, limit_shipped[i].name) == &limit_shipped[i])
            more = each(ctx, &limit_shipped[i]);
    pthread_mutex_unlock(&l->lock);
}

/* ---- counters ---- */

/* With the lock held; NULL when memory ends. */
static struct tenant *tenant_of(struct limits *l, sgl_view name)
{
    struct tenant *t = table_find(&l->tenant, name);

    if (t != NULL)
        return t;
    t = calloc(1, sizeof(*t) + name.len + 1);
    if (t == NULL)
        return NULL;
    if (name.len > 0)
        memcpy(t->name, name.ptr, name.len);
    if (table_add(&l->tenant, t->name, t))
        return t;
    free(t);
    return NULL;
}

static enum limits_answer message_fits(const struct limit_profile *p,
                                       const struct limit_charge *want,
                                       struct limits_refusal *refusal)
{
    if (p->recipients_max > 0 && want->n[LIMIT_RECIPIENTS] > p->recipients_max) {
        refusal->limit.what = LIMIT_RECIPIENTS;
        refusal->limit.max = p->recipients_max;
        return LIMITS_RECIPIENTS;
    }
    if (p->size_max > 0 && want->n[LIMIT_BYTES] > p->size_max) {
        refusal->limit.what = LIMIT_BYTES;
        refusal->limit.max = p->size_max;
        return LIMITS_SIZE;
    }
    return LIMITS_OK;
}

static enum limits_answer windows_fit(const struct limit_profile *p, const struct counter *c,
                                      const struct limit_charge *want,
                                      struct limits_refusal *refusal)
{
    int64_t last = c->now_ms;

    for (size_t i = 0; i < p->limits; i++) {
        const struct limit *limit = &p->limit[i];
        uint64_t n = want->n[limit->what];
        int64_t frees =
            n == 0 ? c->now_ms : counter_frees_ms(c, limit->window, limit->what, n, limit->max);

        if (frees >= 0 && frees <= last)
            continue;
        refusal->limit = *limit;
        if (frees < 0)
            return LIMITS_NEVER;
        last = frees;
    }
    refusal->frees_in_ms = last - c->now_ms;
    return last == c->now_ms ? LIMITS_OK : LIMITS_REACHED;
}

/*
 * How exactly a moment is stored: to the millisecond where the profile itself bounds how many rows of a day that can be.  Limits of bytes alone do not; there it is what the
 * counter would make of a busy day.  Where nothing is limited, a row a minute is enough for reports, and for a limit that is set later.
 */
static int64_t stored_grid_ms(const struct limit_profile *p)
{
    bool has[LIMIT_WHATS] = {false};
    enum limit_window shortest = LIMIT_DAY;

    if (p->limits == 0)
        return MINUTE_MS;
    for (size_t i = 0; i < p->limits; i++) {
        has[p->limit[i].what] = true;
        if (p->limit[i].window < shortest)
            shortest = p->limit[i].window;
    }
    if (has[LIMIT_MESSAGES] || has[LIMIT_RECIPIENTS] ||
        (has[LIMIT_INTERNAL] && has[LIMIT_EXTERNAL]))
        return 1;
    return counter_window_ms(shortest) / COUNTER_GRID;
}

/* Dated at the end of its grid's cell: late, never early. */
static void stored_charge(struct limits_ticket *ticket, int64_t grid_ms)
{
    const struct limit_charge *c = &ticket->charge;
    int64_t wall = clock_now_ms(), at = wall > ticket->of[0].at_ms ? wall : ticket->of[0].at_ms;

    ticket->stored = (struct store_charge){.at_ms = (at / grid_ms + 1) * grid_ms - 1,
                                           .messages = c->n[LIMIT_MESSAGES],
                                           .recipients = c->n[LIMIT_RECIPIENTS],
                                           .internal = c->n[LIMIT_INTERNAL],
                                           .external = c->n[LIMIT_EXTERNAL],
                                           .bytes = c->n[LIMIT_BYTES]};
}

/* Would this one take it?  Its counter is at the present then. */
static enum limits_answer ask_one(struct limits *l, const struct limits_scope *scope,
                                  const struct limit_charge *want, struct limits_refusal *refusal,
                                  struct tenant **out)
{
    const struct limit_profile *p = profile_named(l, scope->profile);
    enum limits_answer answer;

    if (p == NULL)
        return LIMITS_NO_PROFILE;
    *out = tenant_of(l, scope->name);
    if (*out == NULL)
        return LIMITS_NO_MEMORY;
    counter_advance(&(*out)->counter, now_ms(l));
    answer = message_fits(p, want, refusal);
    return answer == LIMITS_OK ? windows_fit(p, &(*out)->counter, want, refusal) : answer;
}

/* What will not do at all comes before what will do later; of two that will, the later one. */
static bool is_worse(enum limits_answer answer, const struct limits_refusal *refusal,
                     enum limits_answer worst, const struct limits_refusal *than)
{
    if (answer == LIMITS_OK || worst == LIMITS_OK)
        return answer != LIMITS_OK;
    if (answer == LIMITS_REACHED && worst == LIMITS_REACHED)
        return refusal->frees_in_ms > than->frees_in_ms;
    return worst == LIMITS_REACHED;
}

static enum limits_answer ask_all(struct limits *l, const struct limits_scope *scope, size_t scopes,
                                  const struct limit_charge *want, struct limits_refusal *refusal,
                                  struct tenant **tenant)
{
    enum limits_answer worst = LIMITS_OK;

    for (size_t i = 0; i < scopes; i++) {
        struct limits_refusal why = {.scope = i};
        enum limits_answer answer = ask_one(l, &scope[i], want, &why, &tenant[i]);

        if (!is_worse(answer, &why, worst, refusal))
            continue;
        worst = answer;
        *refusal = why;
    }
    return worst;
}

static void give_back_locked(struct limits_ticket *ticket)
{
    for (size_t i = 0; i < ticket->scopes; i++)
        counter_give_back(ticket->of[i].counter, ticket->of[i].at_ms, &ticket->charge);
    *ticket = (struct limits_ticket){0};
}

static enum limits_answer charge_all(struct limits *l, const struct limits_scope *scope,
                                     size_t scopes, struct tenant **tenant,
                                     struct limits_ticket *ticket)
{
    int64_t grid_ms = DAY_MS;

    for (size_t i = 0; i < scopes; i++) {
        int64_t grid = stored_grid_ms(profile_named(l, scope[i].profile));

        if (!counter_add(&tenant[i]->counter, now_ms(l), &ticket->charge, &ticket->of[i].at_ms)) {
            give_back_locked(ticket);
            return LIMITS_NO_MEMORY;
        }
        ticket->of[i].counter = &tenant[i]->counter;
        ticket->scopes++;
        if (grid < grid_ms)
            grid_ms = grid;
    }
    stored_charge(ticket, grid_ms);
    return LIMITS_OK;
}

enum limits_answer limits_take_all(struct limits *l, const struct limits_scope *scope,
                                   size_t scopes, const struct limit_charge *want,
                                   struct limits_ticket *ticket, struct limits_refusal *refusal)
{
    struct tenant *tenant[LIMITS_SCOPES_MAX] = {NULL};
    enum limits_answer answer;

    *ticket = (struct limits_ticket){.charge = *want};
    *refusal = (struct limits_refusal){0};
    pthread_mutex_lock(&l->lock);
    answer = ask_all(l, scope, scopes, want, refusal, tenant);
    if (answer == LIMITS_OK)
        answer = charge_all(l, scope, scopes, tenant, ticket);
    pthread_mutex_unlock(&l->lock);
    refusal->frees_at_ms = clock_now_ms() + refusal->frees_in_ms;
    return answer;
}

enum limits_answer limits_take(struct limits *l, sgl_view subscription, const char *profile,
                               const struct limit_charge *want, struct limits_ticket *ticket,
                               struct limits_refusal *refusal)
{
    const struct limits_scope one = {subscription, profile};

    return limits_take_all(l, &one, 1, want, ticket, refusal);
}

enum limits_answer limits_ask(struct limits *l, const struct limits_scope *scope, size_t scopes,
                              const struct limit_charge *want, struct limits_refusal *refusal)
{
    struct tenant *tenant[LIMITS_SCOPES_MAX] = {NULL};
    enum limits_answer answer;

    *refusal = (struct limits_refusal){0};
    pthread_mutex_lock(&l->lock);
    answer = ask_all(l, scope, scopes, want, refusal, tenant);
    pthread_mutex_unlock(&l->lock);
    refusal->frees_at_ms = clock_now_ms() + refusal->frees_in_ms;
    return answer;
}

void limits_give_back(struct limits *l, struct limits_ticket *ticket)
{
    if (ticket->scopes == 0)
        return;
    pthread_mutex_lock(&l->lock);
    give_back_locked(ticket);
    pthread_mutex_unlock(&l->lock);
}

static bool is_narrower(const struct limits_room *room, bool found, const struct limits_room *than)
{
    return !found || room->left < than->left ||
           (room->left == than->left && room->frees_at_ms > than->frees_at_ms);
}

/* With the lock held; frees_at_ms is in the counter's time. */
static bool room_of(struct limits *l, const struct limits_scope *scope, bool found,
                    struct limits_room *out)
{
    static const struct counter empty;
    const struct limit_profile *p = profile_named(l, scope->profile);
    struct tenant *t = table_find(&l->tenant, scope->name);
    const struct counter *c = t == NULL ? &empty : &t->counter;

    if (t != NULL)
        counter_advance(&t->counter, now_ms(l));
    for (size_t i = 0; p != NULL && i < p->limits; i++) {
        const struct limit *limit = &p->limit[i];
        uint64_t sum = c->sum[limit->window].n[limit->what];
        struct limits_room room = {.limit = *limit, .frees_at_ms = now_ms(l)};

        if (limit->what == LIMIT_BYTES || limit->what == LIMIT_INTERNAL)
            continue;
        room.left = sum < limit->max ? limit->max - sum : 0;
        if (room.left < limit->max)
            room.frees_at_ms =
                counter_frees_ms(c, limit->window, limit->what, room.left + 1, limit->max);
        if (is_narrower(&room, found, out))
            *out = room;
        found = true;
    }
    return found;
}

bool limits_room(struct limits *l, const struct limits_scope *scope, size_t scopes,
                 struct limits_room *out)
{
    bool found = false;

    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < scopes; i++)
        found = room_of(l, &scope[i], found, out);
    if (found)
        out->frees_at_ms += clock_now_ms() - now_ms(l);
    pthread_mutex_unlock(&l->lock);
    return found;
}

void limits_now(struct limits *l, sgl_view subscription, struct limit_charge sum[LIMIT_WINDOWS])
{
    struct tenant *t;

    memset(sum, 0, LIMIT_WINDOWS * sizeof(*sum));
    pthread_mutex_lock(&l->lock);
    t = table_find(&l->tenant, subscription);
    if (t != NULL) {
        counter_advance(&t->counter, now_ms(l));
        memcpy(sum, t->counter.sum, sizeof(t->counter.sum));
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- the former life ---- */

struct loading {
    struct limits *l;
    limits_beside beside;
    void *ctx;
    int64_t now_ms;
    bool no_memory;
};

static void load_under(struct loading *g, sgl_view name, const struct store_charge *c)
{
    struct limit_charge charge = {
        .n = {c->messages, c->recipients, c->internal, c->external, c->bytes}};
    struct tenant *t = tenant_of(g->l, name);
    int64_t at = c->at_ms < g->now_ms ? c->at_ms : g->now_ms;

    g->no_memory |= t == NULL || !counter_add(&t->counter, at, &charge, &at);
}

static bool load_one(void *ctx, const struct store_usage *u)
{
    struct loading *g = ctx;
    struct limits_names names = {.count = 0};

    /* a charge of no subscription is that of a domain with limits of its own, or somebody else's tally */
    if (u->subscription.len == 0 && !sgl_view_starts(u->identity, SGL_LIT("domain:")))
        return true;
    load_under(g, u->subscription.len > 0 ? u->subscription : u->identity, &u->charge);
    if (g->beside != NULL && u->subscription.len > 0)
        g->beside(g->ctx, u->subscription, u->identity, &names);
    for (size_t i = 0; i < names.count; i++)
        load_under(g, sgl_view_cstr(names.name[i]), &u->charge);
    return !g->no_memory;
}

bool limits_load(struct limits *l, struct store *store, limits_beside beside, void *ctx, char *why,
                 size_t why_size)
{
    struct loading g = {.l = l, .beside = beside, .ctx = ctx, .now_ms = now_ms(l)};
    enum store_result result;

    pthread_mutex_lock(&l->lock);
    result = store_read_charges(store, g.now_ms - DAY_MS, load_one, &g);
    pthread_mutex_unlock(&l->lock);
    if (result == STORE_OK && !g.no_memory)
        return true;
    snprintf(why, why_size, "what was sent in the last day cannot be counted: %s",
             g.no_memory ? "out of memory" : store_result_text(result));
    return false;
}
