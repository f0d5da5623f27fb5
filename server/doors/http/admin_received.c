/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that others have sent: brought by hand, and shown. */
#include <stdlib.h>

#include "../../intake/intake.h"
#include "../../store/received.h"
#include "admin_internal.h"
#include "received.h"

#define PATH         "/admin/v1/reports/tls/received"
#define REPORTS_MAX  5000 /* summed up at most, the newest */
#define DAYS_DEFAULT 30
#define DAY_S        86400

struct received_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct received_query query;
    sgl_view scope; /* only of this subscription, or empty */
    struct received_sum *sum;
    uint64_t seen;
    bool memory_ended;
    enum store_result result;
};

static void read_free(struct received_read *g)
{
    received_sum_free(g->sum);
    free(g);
}

/* ---- on a worker ---- */

static bool sees(const struct received_read *g, sgl_view domain)
{
    struct domain *d = directory_domain(g->admin->directory, domain);
    bool ours =
        g->scope.len == 0 || (d != NULL && sgl_view_eq(g->scope, sgl_view_cstr(d->subscription)));

    domain_unref(d);
    return ours;
}

static bool add(void *ctx, const struct received_report *r)
{
    struct received_read *g = ctx;

    g->seen++;
    if (!sees(g, r->domain))
        return true;
    g->memory_ended = !received_sum_add(g->sum, r);
    return !g->memory_ended;
}

static void read_on_worker(struct work *w)
{
    struct received_read *g = (struct received_read *)(void *)w;

    g->result = store_read_received(g->admin->store, &g->query, add, g);
    if (g->memory_ended)
        g->result = STORE_NOMEM;
}

/* ---- the requests ---- */

static void read_done(struct work *w)
{
    struct received_read *g = (struct received_read *)(void *)w;

    if (g->result != STORE_OK)
        http_reply_problem(g->r, 503, "store", NULL, store_result_text(g->result));
    else
        http_reply_json(g->r, 200,
                        json_pack("{s:o, s:o, s:b}", "since", admin_time(g->query.since * 1000),
                                  "domains", received_sum_json(g->sum), "more",
                                  (int)(g->seen == REPORTS_MAX)));
    read_free(g);
}

static bool take_query(struct http_request *r, struct received_query *q)
{
    int64_t ms = clock_now_ms() - DAYS_DEFAULT * INT64_C(1000) * DAY_S;

    if (!admin_take_time(r, "since", &ms))
        return false;
    *q = (struct received_query){
        .domain = http_query(r, "domain"), .since = ms / 1000, .max = REPORTS_MAX};
    return true;
}

static void received_get(struct http_request *r, void *ctx)
{
    sgl_view scope, subscription = http_query(r, "subscription");
    struct received_query query;
    struct received_read *g;

    if (!admin_may_read(r, ctx, &scope) || !admin_take_scope(r, scope, &subscription) ||
        !take_query(r, &query))
        return;
    g = calloc(1, sizeof(*g));
    if (g != NULL) {
        *g = (struct received_read){
            .work = {.work = read_on_worker, .done = read_done, .loop = http_loop(r)},
            .r = r,
            .admin = ctx,
            .query = query,
            .scope = subscription,
            .sum = received_sum_new()};
        if (g->sum != NULL && workers_submit(g->admin->workers, &g->work))
            return;
        read_free(g);
    }
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

static void received_post(struct http_request *r, void *ctx)
{
    struct identity *who = admin_who(r, ctx);
    sgl_view scope = {NULL, 0};

    if (who == NULL)
        return;
    if (sgl_arena_dup(http_arena(r), admin_scope(who), &scope) == SGL_OK)
        received_take(r, ctx, scope, RECEIVED_TEXT_MAX);
    else
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    identity_unref(who);
}

void admin_received_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_BOTH, "GET", PATH, received_get, (void *)(uintptr_t)admin);
    http_route(http, HTTP_BOTH, "POST", PATH, received_post, (void *)(uintptr_t)admin);
}
