/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suppressed addresses as CSV: read from the store by the page, sent by the page, so that a list of any length takes the memory of one.
 *
 *   read (a worker) -> put -> gone out -> read ... -> the last one has gone out -> ended
 */
#include <stdlib.h>

#include "admin_suppression.h"
#include "csv.h"

#define ROWS_A_TIME 1000u
#define PIECE_MAX   (ROWS_A_TIME * 8192u)

struct export
{
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct store_noun_page page;
    struct sgl_buf after, before, piece;
    size_t rows;
    int64_t now;
    bool begun, last;
    enum store_result result;
};

static void export_free(struct export *e)
{
    sgl_buf_done(&e->after);
    sgl_buf_done(&e->before);
    sgl_buf_done(&e->piece);
    free(e);
}

/* ---- on a worker ---- */

static void put_time(struct sgl_buf *out, int64_t s)
{
    json_t *text = admin_time(s * 1000);

    csv_put(out, admin_text(text), ',');
    json_decref(text);
}

/* Deleted ones that come between two pages do not matter: the next page begins behind the last key. */
static bool add_row(void *ctx, const struct store_noun *noun)
{
    struct export *e = ctx;
    struct admin_suppression s;

    e->rows++;
    sgl_buf_reset(&e->after);
    sgl_buf_add(&e->after, noun->key);
    admin_suppression_read(noun, &s);
    if (s.expires_at == 0 || s.expires_at > e->now) {
        csv_put(&e->piece, s.address, ',');
        csv_put(&e->piece, s.domain, ',');
        csv_put(&e->piece, s.reason, ',');
        csv_put(&e->piece, s.exact ? SGL_LIT("true") : SGL_LIT("false"), ',');
        put_time(&e->piece, s.created_at);
        put_time(&e->piece, s.expires_at);
        csv_put(&e->piece, s.reply, '\n');
    }
    json_decref(s.json);
    return e->after.status == SGL_OK && e->piece.status == SGL_OK;
}

static void put_head(struct sgl_buf *out)
{
    for (unsigned i = 0; i < SUPPRESSION_PARTS; i++)
        csv_put(out, sgl_view_cstr(admin_suppression_part[i]),
                i + 1 < SUPPRESSION_PARTS ? ',' : '\n');
}

static void read_on_worker(struct work *w)
{
    struct export *e = (struct export *)(void *)w;

    sgl_buf_reset(&e->piece);
    if (!e->begun)
        put_head(&e->piece);
    do {
        e->rows = 0;
        e->page.after = sgl_buf_view(&e->after);
        e->result = store_read_noun_page(e->admin->store, &e->page, add_row, e);
        if (e->after.status != SGL_OK || e->piece.status != SGL_OK)
            e->result = STORE_NOMEM;
        e->last = e->rows < ROWS_A_TIME;
    } while (e->result == STORE_OK && !e->last && e->piece.len == 0);
}

/* ---- on the loop ---- */

static void fail(struct export *e, int status, const char *code, const char *why)
{
    if (e->begun)
        http_stream_abort(e->r);
    else
        http_reply_problem(e->r, status, code, NULL, why);
    export_free(e);
}

static void read_further(struct export *e)
{
    if (!workers_submit(e->admin->workers, &e->work))
        fail(e, 503, "busy", "Too much is waiting to be read; try again soon.");
}

static void piece_gone_out(struct http_request *r, void *ctx)
{
    struct export *e = ctx;

    if (!e->last && !http_stream_gone(r)) {
        read_further(e);
        return;
    }
    http_stream_end(r);
    export_free(e);
}

static void read_done(struct work *w)
{
    struct export *e = (struct export *)(void *)w;

    if (e->result != STORE_OK) {
        fail(e, 503, "store", store_result_text(e->result));
        return;
    }
    if (!e->begun) {
        http_reply_header(e->r, "Content-Disposition",
                          SGL_LIT("attachment; filename=\"suppressions.csv\""));
        http_stream_start(e->r, 200, "text/csv; charset=utf-8; header=present");
    }
    e->begun = true;
    if (e->piece.len == 0)
        piece_gone_out(e->r, e);
    else if (!http_stream_put(e->r, sgl_buf_view(&e->piece), piece_gone_out, e))
        fail(e, 503, "memory-full", "The server has no memory left for this.");
}

static void export_get(struct http_request *r, void *ctx)
{
    sgl_view scope, subscription = http_query(r, "subscription");
    struct export *e;

    if (!admin_may_read(r, ctx, &scope) || !admin_take_scope(r, scope, &subscription))
        return;
    e = calloc(1, sizeof(*e));
    if (e == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    sgl_buf_init(&e->after, ADMIN_SUPPRESSION_KEY_MAX);
    sgl_buf_init(&e->before, ADMIN_SUPPRESSION_KEY_MAX);
    sgl_buf_init(&e->piece, PIECE_MAX);
    e->work = (struct work){.work = read_on_worker, .done = read_done, .loop = http_loop(r)};
    e->r = r;
    e->admin = ctx;
    e->now = clock_now_s();
    e->page = (struct store_noun_page){.kind = SGL_LIT(SUPPRESSION_KIND), .max = ROWS_A_TIME};
    if (subscription.len == 0)
        subscription = SGL_LIT("default");
    if (!admin_suppression_bounds(r, subscription, &e->after, &e->before)) {
        fail(e, 400, "id-syntax", "These are no names of a subscription and a domain.");
        return;
    }
    e->page.before = sgl_buf_view(&e->before);
    read_further(e);
}

void admin_suppression_export_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/suppressions/export", export_get, ctx);
}
