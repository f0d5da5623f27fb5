/* SPDX-License-Identifier: Apache-2.0 */
/* The audit, read by the page. There is no call that changes it. */
#include <stdlib.h>

#include "admin_internal.h"

#define LIST_DEFAULT 100

struct audit_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct store_audit_filter filter;
    json_t *list;
    uint64_t last; /* the id of the last one on the page */
    bool more;
    enum store_result result;
};

static json_t *line_json(const struct store_audit *a)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)a->id, "at",
                     admin_time(a->at_ms), "actor", admin_json_view(a->actor), "peer",
                     admin_json_view(a->peer), "action", admin_json_view(a->action), "object",
                     admin_json_view(a->object), "subscription", admin_json_view(a->subscription),
                     "result", admin_json_view(a->result), "detail", admin_json_view(a->detail));
}

/* One more than was asked for is read: then there is a next page. */
static bool add_line(void *ctx, const struct store_audit *a)
{
    struct audit_read *g = ctx;

    g->more = json_array_size(g->list) + 1 == g->filter.max;
    if (g->more)
        return false;
    g->last = a->id;
    return json_array_append_new(g->list, line_json(a)) == 0;
}

static void read_on_worker(struct work *w)
{
    struct audit_read *g = (struct audit_read *)(void *)w;

    g->list = json_array();
    g->result = store_read_audit(g->admin->store, &g->filter, add_line, g);
}

static void read_done(struct work *w)
{
    struct audit_read *g = (struct audit_read *)(void *)w;

    if (g->result != STORE_OK)
        http_reply_problem(g->r, 503, "store", NULL, store_result_text(g->result));
    else
        http_reply_json(g->r, 200,
                        json_pack("{s:O, s:o}", "audit", g->list, "next",
                                  g->more ? json_integer((json_int_t)g->last) : json_null()));
    json_decref(g->list);
    free(g);
}

/* false: answered. */
static bool take_filter(struct http_request *r, struct store_audit_filter *f)
{
    sgl_view after = http_query(r, "after");
    uint64_t n = LIST_DEFAULT;

    f->action = http_query(r, "action");
    f->actor = http_query(r, "by");
    f->object = http_query(r, "object");
    if (!admin_take_time(r, "since", &f->since_ms))
        return false;
    if (after.ptr != NULL && (!sgl_view_u64(after, INT64_MAX, &f->after) || f->after == 0)) {
        http_reply_problem(r, 400, "id-syntax", "after", "This is not the end of a page.");
        return false;
    }
    if (!admin_take_count(r, "max", &n))
        return false;
    f->max = (size_t)n + 1;
    return true;
}

static void audit_get(struct http_request *r, void *ctx)
{
    struct store_audit_filter filter = {.subscription = http_query(r, "subscription")};
    sgl_view scope;
    struct audit_read *g;

    if (!admin_may_read(r, ctx, &scope) || !admin_take_scope(r, scope, &filter.subscription) ||
        !take_filter(r, &filter))
        return;
    g = calloc(1, sizeof(*g));
    if (g != NULL) {
        *g = (struct audit_read){
            .work = {.work = read_on_worker, .done = read_done, .loop = http_loop(r)},
            .r = r,
            .admin = ctx,
            .filter = filter};
        if (workers_submit(g->admin->workers, &g->work))
            return;
    }
    free(g);
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

void admin_audit_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/audit", audit_get, (void *)(uintptr_t)admin);
}
