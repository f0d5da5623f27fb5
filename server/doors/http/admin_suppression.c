/* SPDX-License-Identifier: Apache-2.0 */
/* Suppressed addresses: listed by the page, from the store. */
#include <stdlib.h>

#include "admin_suppression.h"
#include "sigillo/ascii.h"

#define LIST_DEFAULT 100

/* ---- listed ---- */

struct page_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct store_noun_page page;
    struct sgl_buf after, before;
    json_t *list;
    char *last; /* the key of the last one on the page */
    size_t rows;
    int64_t now;
    bool more;
    enum store_result result;
};

static void page_free(struct page_read *p)
{
    json_decref(p->list);
    free(p->last);
    sgl_buf_done(&p->after);
    sgl_buf_done(&p->before);
    free(p);
}

void admin_suppression_read(const struct store_noun *noun, struct admin_suppression *out)
{
    sgl_view rest;

    out->subscription = sgl_view_split(noun->key, '/', &rest);
    out->domain = sgl_view_split(rest, '/', &out->address);
    out->json = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    out->reason = admin_text(json_object_get(out->json, "reason"));
    out->reply = admin_text(json_object_get(out->json, "reply"));
    out->exact = json_integer_value(json_object_get(out->json, "exact")) != 0;
    out->created_at = json_integer_value(json_object_get(out->json, "created_at"));
    out->expires_at = json_integer_value(json_object_get(out->json, "expires_at"));
}

static json_t *suppression_json(const struct admin_suppression *s)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "address",
                     admin_json_view(s->address), "subscription", admin_json_view(s->subscription),
                     "domain", s->domain.len == 0 ? json_null() : admin_json_view(s->domain),
                     "reason", admin_json_view(s->reason), "case_sensitive", (int)s->exact, "reply",
                     admin_json_view(s->reply), "created_at", admin_time(s->created_at * 1000),
                     "expires_at", admin_time(s->expires_at * 1000));
}

/* One more than was asked for is read: then there is a next page. What is over is on none, though it counts as a row of one. */
static bool add_one(void *ctx, const struct store_noun *noun)
{
    struct page_read *p = ctx;
    struct admin_suppression s;

    p->more = ++p->rows == p->page.max;
    if (p->more)
        return false;
    admin_suppression_read(noun, &s);
    if (s.expires_at == 0 || s.expires_at > p->now)
        json_array_append_new(p->list, suppression_json(&s));
    json_decref(s.json);
    free(p->last);
    p->last = strndup((const char *)noun->key.ptr, noun->key.len);
    return true;
}

static void page_on_worker(struct work *w)
{
    struct page_read *p = (struct page_read *)(void *)w;

    p->list = json_array();
    p->now = clock_now_s();
    p->result = store_read_noun_page(p->admin->store, &p->page, add_one, p);
}

static void page_done(struct work *w)
{
    struct page_read *p = (struct page_read *)(void *)w;

    if (p->result != STORE_OK)
        http_reply_problem(p->r, 503, "store", NULL, store_result_text(p->result));
    else
        http_reply_json(p->r, 200,
                        json_pack("{s:O, s:o}", "suppressions", p->list, "next",
                                  p->more && p->last != NULL ? json_string(p->last) : json_null()));
    page_free(p);
}

bool admin_suppression_bounds(struct http_request *r, sgl_view subscription, struct sgl_buf *after,
                              struct sgl_buf *before)
{
    sgl_view domain = http_query(r, "domain"), from = http_query(r, "after");

    if (subscription.len == 0 && domain.len > 0)
        subscription = SGL_LIT("default");
    if (subscription.len > 0) {
        sgl_buf_add(after, subscription);
        if (domain.len > 0) {
            sgl_buf_add_byte(after, '/');
            for (size_t i = 0; i < domain.len; i++)
                sgl_buf_add_byte(after, sgl_ascii_lower(domain.ptr[i]));
        }
        sgl_buf_add(before, sgl_buf_view(after));
        sgl_buf_add_byte(after, '/');
        sgl_buf_add_byte(before, '/' + 1);
    }
    if (from.len > 0) {
        if (!sgl_view_starts(from, sgl_buf_view(after)))
            return false;
        sgl_buf_reset(after);
        sgl_buf_add(after, from);
    }
    return after->status == SGL_OK && before->status == SGL_OK;
}

static void suppressions_get(struct http_request *r, void *ctx)
{
    sgl_view scope, subscription = http_query(r, "subscription");
    struct page_read *p;
    uint64_t n = LIST_DEFAULT;

    if (!admin_may_read(r, ctx, &scope) || !admin_take_scope(r, scope, &subscription) ||
        !admin_take_count(r, "max", &n))
        return;
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    sgl_buf_init(&p->after, ADMIN_SUPPRESSION_KEY_MAX);
    sgl_buf_init(&p->before, ADMIN_SUPPRESSION_KEY_MAX);
    p->work = (struct work){.work = page_on_worker, .done = page_done, .loop = http_loop(r)};
    p->r = r;
    p->admin = ctx;
    p->page.kind = SGL_LIT(SUPPRESSION_KIND);
    p->page.max = (size_t)n + 1;
    if (!admin_suppression_bounds(r, subscription, &p->after, &p->before)) {
        http_reply_problem(r, 400, "id-syntax", "after",
                           "This is not the end of a page of this list.");
        page_free(p);
        return;
    }
    p->page.after = sgl_buf_view(&p->after);
    p->page.before = sgl_buf_view(&p->before);
    if (workers_submit(p->admin->workers, &p->work))
        return;
    http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
    page_free(p);
}

void admin_suppression_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/suppressions", suppressions_get, ctx);
    admin_suppression_change_routes(http, ctx);
    admin_suppression_export_routes(http, ctx);
    admin_suppression_import_routes(http, ctx);
}
