/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of those who send to this server, and an operator's hand. It is the server's, so that an operator alone sees it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../reputation/reputation.h"
#include "admin_internal.h"

#define TOP_DEFAULT 25

struct reputation_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    enum reputation_kind kind;
    size_t top, lines;
    struct reputation_line line[];
};

/* Decayed counts are no whole numbers; a tenth is all that matters to people. */
static json_t *line_json(const struct reputation_line *line)
{
    json_t *json =
        json_pack("{s:s, s:i, s:s}", "name", line->name, "score", (int)line->opinion.score,
                  "advice", reputation_advice_name(line->opinion.advice));

    for (int i = 0; i < REPUTATION_EVENTS; i++)
        json_object_set_new(json, reputation_event_name((enum reputation_event)i),
                            json_real(round(line->counts.of[i] * 10) / 10));
    json_object_set_new(json, "last", admin_time(line->last_s * 1000));
    return json;
}

static json_t *answer_json(enum reputation_kind kind, const struct reputation_line *line,
                           size_t lines)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < lines; i++)
        json_array_append_new(rows, line_json(&line[i]));
    return json_pack("{s:s, s:o}", "by", reputation_kind_name(kind), "rows", rows);
}

/* ---- the worst of a kind ---- */

static void read_on_worker(struct work *w)
{
    struct reputation_read *g = (struct reputation_read *)(void *)w;

    g->lines = reputation_top(g->admin->reputation, g->kind, g->top, clock_now_s(), g->line);
}

static void read_done(struct work *w)
{
    struct reputation_read *g = (struct reputation_read *)(void *)w;

    http_reply_json(g->r, 200, answer_json(g->kind, g->line, g->lines));
    free(g);
}

static void read_top(struct http_request *r, const struct admin *admin, enum reputation_kind kind,
                     size_t top)
{
    struct reputation_read *g = calloc(1, sizeof(*g) + top * sizeof(g->line[0]));

    if (g != NULL) {
        g->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(r)};
        g->r = r;
        g->admin = admin;
        g->kind = kind;
        g->top = top;
        if (workers_submit(admin->workers, &g->work))
            return;
    }
    free(g);
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
}

/* ---- one by name ---- */

static void read_one(struct http_request *r, const struct admin *admin, sgl_view name)
{
    struct reputation_line line;
    enum reputation_kind kind;

    if (reputation_find(admin->reputation, name, clock_now_s(), &kind, &line))
        http_reply_json(r, 200, answer_json(kind, &line, 1));
    else
        http_reply_problem(r, 404, "not-found", "name",
                           "Nothing is known of it. An address, a network (/24, of IPv6 /48) or a "
                           "domain is wanted.");
}

/* false: answered. */
static bool take_by(struct http_request *r, enum reputation_kind *kind)
{
    sgl_view by = http_query(r, "by");

    for (int i = 0; i < REPUTATION_KINDS; i++)
        if ((by.ptr == NULL && i == 0) ||
            sgl_view_eq(by, sgl_view_cstr(reputation_kind_name((enum reputation_kind)i)))) {
            *kind = (enum reputation_kind)i;
            return true;
        }
    http_reply_problem(r, 400, "by", "by", "One of address, network, domain is wanted.");
    return false;
}

static void reputation_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    sgl_view scope, name = http_query(r, "name");
    enum reputation_kind kind;
    uint64_t n = TOP_DEFAULT;

    if (!admin_may_read(r, admin, &scope) || !take_by(r, &kind) || !admin_take_count(r, "top", &n))
        return;
    if (admin->reputation == NULL)
        http_reply_problem(r, 503, "unavailable", NULL, "Nothing is counted at the moment.");
    else if (name.ptr != NULL)
        read_one(r, admin, name);
    else
        read_top(r, admin, kind, (size_t)n);
}

/* ---- forgetting ---- */

static void audit_forgotten(struct http_request *r, const struct admin *admin,
                            const struct identity *who, sgl_view name)
{
    char object[REPUTATION_NAME_SIZE + 16];
    struct store_audit line = {.actor = sgl_view_cstr(who->name),
                               .peer = sgl_view_cstr(http_peer(r)),
                               .action = SGL_LIT("reputation forget"),
                               .result = SGL_LIT("done")};

    snprintf(object, sizeof(object), "reputation:%.*s", SGL_FMT(name));
    line.object = sgl_view_cstr(object);
    audit_append(admin->store, &line);
    admin_audit(r, who, "reputation forget", object, "done");
}

static void reputation_delete(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = admin_who(r, admin);
    sgl_view name;

    if (who == NULL)
        return; /* answered: the request is gone */
    name = http_param(r, "name");
    if (admin->reputation != NULL && reputation_forget(admin->reputation, name)) {
        audit_forgotten(r, admin, who, name);
        http_reply_json(r, 200, json_pack("{s:o}", "forgotten", admin_json_view(name)));
    } else {
        http_reply_problem(r, 404, "not-found", "name",
                           "Nothing is known of it. An address, a network (/24, of IPv6 /48) or a "
                           "domain is wanted.");
    }
    identity_unref(who);
}

void admin_reputation_routes(struct http *http, const struct admin *admin)
{
    void *ctx = (void *)(uintptr_t)admin;

    http_route(http, HTTP_BOTH, "GET", "/admin/v1/reports/reputation", reputation_get, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/reputation/{name}", reputation_delete, ctx);
}
