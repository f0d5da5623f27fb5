/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS and DMARC reports that were made, where each went and what came of it. They are the server's, so that an operator alone sees them. */
#include <stdlib.h>

#include "../../store/report.h"
#include "admin_internal.h"

#define LIST_DEFAULT 100
#define DAY_MS       INT64_C(86400000)

struct sent_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct report_query query;
    json_t *list;
    bool more;
    enum store_result result;
};

static json_t *day_json(int64_t day)
{
    json_t *time = admin_time(day * DAY_MS);
    json_t *date = json_stringn(json_string_value(time), 10);

    json_decref(time);
    return date;
}

static json_t *report_json(const struct store_report *r)
{
    bool waits = r->state == REPORT_TRY;
    char id[ID_TEXT_SIZE];

    id_text(r->message, id);
    return json_pack("{s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:o, s:o}", "day", day_json(r->day),
                     "domain", admin_json_view(r->domain), "to", admin_json_view(r->destination),
                     "state", report_state_name(r->state), "attempts", (json_int_t)r->attempts,
                     "message", r->message != 0 ? json_string(id) : json_null(), "at",
                     admin_time(r->changed_at * 1000), "next_at",
                     waits ? admin_time(r->next_at * 1000) : json_null(), "detail",
                     admin_json_view(r->detail));
}

/* One more than was asked for is read: then there is a next page. */
static bool add_report(void *ctx, const struct store_report *report)
{
    struct sent_read *g = ctx;

    g->more = json_array_size(g->list) + 1 == g->query.max;
    return !g->more && json_array_append_new(g->list, report_json(report)) == 0;
}

static void read_on_worker(struct work *w)
{
    struct sent_read *g = (struct sent_read *)(void *)w;

    g->list = json_array();
    g->result = store_read_reports(g->admin->store, &g->query, add_report, g);
}

static void read_done(struct work *w)
{
    struct sent_read *g = (struct sent_read *)(void *)w;
    json_int_t next = (json_int_t)(g->query.skip + g->query.max - 1);

    if (g->result != STORE_OK)
        http_reply_problem(g->r, 503, "store", NULL, store_result_text(g->result));
    else
        http_reply_json(g->r, 200,
                        json_pack("{s:O, s:o}", "reports", g->list, "next",
                                  g->more ? json_integer(next) : json_null()));
    json_decref(g->list);
    free(g);
}

/* false: answered. */
static bool take_query(struct http_request *r, struct report_query *q)
{
    sgl_view skip = http_query(r, "skip");
    int64_t since_ms = clock_now_ms() - 30 * DAY_MS;
    uint64_t n = LIST_DEFAULT;

    q->domain = http_query(r, "domain");
    if (!admin_take_time(r, "since", &since_ms) || !admin_take_count(r, "max", &n))
        return false;
    if (skip.ptr != NULL && !sgl_view_u64(skip, INT32_MAX, &q->skip)) {
        http_reply_problem(r, 400, "number", "skip", "A number is wanted.");
        return false;
    }
    q->from_day = since_ms < 0 ? 0 : since_ms / DAY_MS;
    q->max = n + 1;
    return true;
}

static void sent_get(struct http_request *r, const struct admin *admin, enum report_kind kind)
{
    struct report_query query = {.kind = kind};
    struct sent_read *g;
    sgl_view scope;

    if (!admin_may_read(r, admin, &scope) || !take_query(r, &query))
        return;
    g = calloc(1, sizeof(*g));
    if (g != NULL) {
        *g = (struct sent_read){
            .work = {.work = read_on_worker, .done = read_done, .loop = http_loop(r)},
            .r = r,
            .admin = admin,
            .query = query};
        if (workers_submit(g->admin->workers, &g->work))
            return;
    }
    free(g);
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

static void tls_get(struct http_request *r, void *ctx)
{
    sent_get(r, ctx, REPORT_TLS);
}

static void dmarc_get(struct http_request *r, void *ctx)
{
    sent_get(r, ctx, REPORT_DMARC);
}

void admin_reports_sent_routes(struct http *http, const struct admin *admin)
{
    void *ctx = (void *)(uintptr_t)admin;

    http_route(http, HTTP_BOTH, "GET", "/admin/v1/reports/tls/sent", tls_get, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/reports/dmarc/sent", dmarc_get, ctx);
}
