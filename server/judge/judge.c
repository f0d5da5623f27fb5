/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message through the evaluators: passes on the message's own loop, questions on the resolver's.
 *
 *   pass -> (missing answers) -> resolver's loop: fill -> message's loop: pass -> ... -> done
 *
 * A message belongs to one of the two loops at a time; posting hands it over.  When the time is over, what is open has failed, and passes go on without asking until there is a verdict.
 */
#include "judge.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "../resolver/resolver.h"
#include "sigillo/limits.h"

#define TIMEOUT_MS 20000u /* [RFC 7208 s4.6.4]: at least so long */
#define MEMORY_MAX ((size_t)64 << 20)

struct judge {
    struct judge_setup setup;
    struct sgl_crypto *crypto;
    _Atomic uint64_t messages, failed, late;
    _Atomic size_t memory;
};

struct judging {
    struct judge *judge;
    struct sgl_arena arena;
    struct sgl_dns dns;
    struct sgl_verdict_state state;
    struct sgl_verdict verdict;
    enum sgl_status status; /* SGL_NEED_DNS: on its way */
    size_t counted;         /* in judge->memory */
    uint64_t deadline_ms;
    struct loop *loop;
    void (*done)(void *ctx, struct judging *g);
    void *ctx;
    struct loop_task task;
    struct resolver_fill fill;
};

/* ---- memory ---- */

static bool has_room(struct judging *g)
{
    struct judge *j = g->judge;
    size_t now = g->arena.used + g->dns.arena.used, all;

    all = atomic_fetch_add(&j->memory, now - g->counted) + (now - g->counted);
    g->counted = now;
    return all <= j->setup.memory_max;
}

static void give_up(struct judging *g, enum sgl_status status)
{
    sgl_verdict_end(&g->state);
    g->status = status;
}

/* ---- passes ---- */

static void ask(struct loop_task *task);

static void over(struct loop_task *task)
{
    struct judging *g = (struct judging *)(void *)((char *)task - offsetof(struct judging, task));

    atomic_fetch_add_explicit(&g->judge->messages, 1, memory_order_relaxed);
    if (g->status != SGL_OK)
        atomic_fetch_add_explicit(&g->judge->failed, 1, memory_order_relaxed);
    g->done(g->ctx, g);
}

/* true: more has to be known, and there is time to ask. */
static bool has_questions(struct judging *g)
{
    while ((g->status = sgl_verdict_finish(&g->state, &g->dns, &g->verdict)) == SGL_NEED_DNS) {
        if (!has_room(g)) {
            give_up(g, SGL_E_NOMEM);
            return false;
        }
        if (clock_mono_ms() < g->deadline_ms)
            return true;
        atomic_fetch_add_explicit(&g->judge->late, 1, memory_order_relaxed);
        sgl_dns_fail_open(&g->dns, "no answer in time");
    }
    sgl_verdict_end(&g->state);
    (void)has_room(g);
    return false;
}

static void pass(struct loop_task *task)
{
    struct judging *g = (struct judging *)(void *)((char *)task - offsetof(struct judging, task));

    if (!has_questions(g)) {
        over(task);
        return;
    }
    g->task.run = ask;
    loop_post(g->judge->setup.resolver_loop, &g->task);
}

static void answered(struct resolver_fill *fill)
{
    struct judging *g = (struct judging *)(void *)((char *)fill - offsetof(struct judging, fill));

    g->task.run = pass;
    loop_post(g->loop, &g->task);
}

static void ask(struct loop_task *task)
{
    struct judging *g = (struct judging *)(void *)((char *)task - offsetof(struct judging, task));
    uint64_t now = clock_mono_ms();

    g->fill = (struct resolver_fill){.dns = &g->dns,
                                     .timeout_ms = now < g->deadline_ms ? g->deadline_ms - now : 1,
                                     .done = answered};
    resolver_fill(g->judge->setup.resolver, &g->fill);
}

void judge_finish(struct judging *g, struct loop *loop, void (*done)(void *ctx, struct judging *g),
                  void *ctx)
{
    g->loop = loop;
    g->done = done;
    g->ctx = ctx;
    g->deadline_ms = clock_mono_ms() + g->judge->setup.timeout_ms;
    if (g->status == SGL_NEED_DNS && has_questions(g)) {
        g->task.run = ask;
        loop_post(g->judge->setup.resolver_loop, &g->task);
        return;
    }
    g->task.run = over;
    loop_post(loop, &g->task);
}

/* ---- a message ---- */

static bool keep(struct judging *g, sgl_view from, sgl_view *to)
{
    g->status = sgl_arena_dup(&g->arena, from, to);
    return g->status == SGL_OK;
}

struct judging *judge_begin(struct judge *j, const struct judge_request *request, sgl_view header)
{
    struct judging *g = calloc(1, sizeof(*g));
    struct sgl_verdict_request q = {.ip = request->ip,
                                    .now = request->now,
                                    .rules = j->setup.rules,
                                    .psl = j->setup.psl,
                                    .trust = request->trust};

    if (g == NULL)
        return NULL;
    g->judge = j;
    sgl_arena_init(&g->arena, SGL_LIMIT_JUDGE_MEMORY);
    sgl_dns_init(&g->dns, SGL_LIMIT_JUDGE_QUESTIONS);
    if (!keep(g, request->helo, &q.helo) || !keep(g, request->sender, &q.sender) ||
        !keep(g, request->authserv_id, &q.authserv_id))
        return g;
    g->status = sgl_verdict_begin(&g->state, j->crypto, &q, header, &g->arena, NULL);
    if (g->status != SGL_OK)
        give_up(g, g->status);
    else if (!has_room(g))
        give_up(g, SGL_E_NOMEM);
    else
        g->status = SGL_NEED_DNS;
    return g;
}

void judge_body(struct judging *g, sgl_view piece)
{
    if (g->status == SGL_NEED_DNS)
        sgl_verdict_body(&g->state, piece);
}

enum sgl_status judging_status(const struct judging *g)
{
    return g->status;
}

const struct sgl_verdict *judging_verdict(const struct judging *g)
{
    return g->status == SGL_OK ? &g->verdict : NULL;
}

const struct sgl_headers *judging_headers(const struct judging *g)
{
    return g->status == SGL_OK ? &g->state.headers : NULL;
}

void judging_free(struct judging *g)
{
    if (g == NULL)
        return;
    if (g->fill.done != NULL)
        resolver_cancel(&g->fill);
    sgl_verdict_end(&g->state);
    atomic_fetch_sub(&g->judge->memory, g->counted);
    sgl_dns_done(&g->dns);
    sgl_arena_done(&g->arena);
    free(g);
}

/* ---- all ---- */

struct judge *judge_new(const struct judge_setup *setup)
{
    struct judge *j = calloc(1, sizeof(*j));

    if (j == NULL)
        return NULL;
    j->setup = *setup;
    if (j->setup.timeout_ms == 0)
        j->setup.timeout_ms = TIMEOUT_MS;
    if (j->setup.memory_max == 0)
        j->setup.memory_max = MEMORY_MAX;
    j->crypto = sgl_crypto_new();
    if (j->crypto == NULL) {
        free(j);
        return NULL;
    }
    return j;
}

void judge_free(struct judge *j)
{
    if (j == NULL)
        return;
    sgl_crypto_free(j->crypto);
    free(j);
}

void judge_stats(const struct judge *j, struct judge_stats *out)
{
    *out = (struct judge_stats){.messages = atomic_load(&j->messages),
                                .failed = atomic_load(&j->failed),
                                .late = atomic_load(&j->late),
                                .memory = atomic_load(&j->memory)};
}
