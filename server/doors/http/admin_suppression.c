/* SPDX-License-Identifier: Apache-2.0 */
/* Suppressed addresses: listed by the page from the store, added one or many, removed. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"

#define LIST_MAX     1000
#define LIST_DEFAULT 100
#define PREFIX_MAX   512u
#define KIND         SGL_LIT(SUPPRESSION_KIND)

/* ---- listed ---- */

struct page_read {
    struct work work; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct store_noun_page page;
    struct sgl_buf after, before;
    json_t *list;
    char *last; /* the key of the last one on the page */
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

/* "SUBSCRIPTION/DOMAIN/ADDRESS" and its document as one object for people and programs. */
static json_t *suppression_json(const struct store_noun *noun)
{
    sgl_view rest, subscription = sgl_view_split(noun->key, '/', &rest);
    sgl_view address, domain = sgl_view_split(rest, '/', &address);
    json_t *value = json_loadb((const char *)noun->value.ptr, noun->value.len, 0, NULL);
    const char *reply = json_string_value(json_object_get(value, "reply"));
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:O?, s:s, s:o, s:o}", "address", admin_json_view(address), "subscription",
        admin_json_view(subscription), "domain",
        domain.len == 0 ? json_null() : admin_json_view(domain), "reason",
        json_object_get(value, "reason"), "reply", reply == NULL ? "" : reply, "created_at",
        admin_time(json_integer_value(json_object_get(value, "created_at")) * 1000), "expires_at",
        admin_time(json_integer_value(json_object_get(value, "expires_at")) * 1000));

    json_decref(value);
    return json;
}

/* One more than was asked for is read: then there is a next page. */
static bool add_one(void *ctx, const struct store_noun *noun)
{
    struct page_read *p = ctx;

    p->more = json_array_size(p->list) + 1 == p->page.max;
    if (p->more)
        return false;
    json_array_append_new(p->list, suppression_json(noun));
    free(p->last);
    p->last = strndup((const char *)noun->key.ptr, noun->key.len);
    return true;
}

static void page_on_worker(struct work *w)
{
    struct page_read *p = (struct page_read *)(void *)w;

    p->list = json_array();
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

/* The bounds of all keys that begin with "SUBSCRIPTION/" or "SUBSCRIPTION/DOMAIN/"; the sign behind the slash is '0'. */
static bool set_bounds(struct page_read *p, sgl_view subscription)
{
    sgl_view domain = http_query(p->r, "domain");
    sgl_view after = http_query(p->r, "after");

    if (domain.len > 0 && subscription.len == 0)
        subscription = SGL_LIT("default");
    if (subscription.len > 0) {
        sgl_buf_add(&p->after, subscription);
        if (domain.len > 0) {
            sgl_buf_add_byte(&p->after, '/');
            sgl_buf_add(&p->after, domain);
        }
        sgl_buf_add(&p->before, sgl_buf_view(&p->after));
        sgl_buf_add_byte(&p->after, '/');
        sgl_buf_add_byte(&p->before, '/' + 1);
    }
    if (after.len > 0) {
        if (!sgl_view_starts(after, sgl_buf_view(&p->after)))
            return false;
        sgl_buf_reset(&p->after);
        sgl_buf_add(&p->after, after);
    }
    p->page.after = sgl_buf_view(&p->after);
    p->page.before = sgl_buf_view(&p->before);
    return p->after.status == SGL_OK && p->before.status == SGL_OK;
}

static void suppressions_get(struct http_request *r, void *ctx)
{
    sgl_view max = http_query(r, "max");
    sgl_view scope, subscription = http_query(r, "subscription");
    struct page_read *p;
    uint64_t n = LIST_DEFAULT;

    if (!admin_may_read(r, ctx, &scope) || !admin_take_scope(r, scope, &subscription))
        return;
    if (max.ptr != NULL && (!sgl_view_u64(max, LIST_MAX, &n) || n == 0)) {
        http_reply_problem(r, 400, "number", "max", "A number from 1 to 1000 is wanted.");
        return;
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    sgl_buf_init(&p->after, PREFIX_MAX * 2);
    sgl_buf_init(&p->before, PREFIX_MAX * 2);
    p->work = (struct work){.work = page_on_worker, .done = page_done, .loop = http_loop(r)};
    p->r = r;
    p->admin = ctx;
    p->page.kind = KIND;
    p->page.max = (size_t)n + 1;
    if (!set_bounds(p, subscription))
        http_reply_problem(r, 400, "id-syntax", "after",
                           "This is not the end of a page of this list.");
    else if (!workers_submit(p->admin->workers, &p->work))
        http_reply_problem(r, 503, "busy", NULL, "Too much is waiting to be read; try again soon.");
    else
        return;
    page_free(p);
}

/* ---- added, removed ---- */

struct suppress {
    struct directory_suppress op; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    json_t *body;
    struct suppression one, *item;
    char about[80];
};

static void suppress_free(struct suppress *s)
{
    identity_unref(s->who);
    json_decref(s->body);
    if (s->item != &s->one)
        free(s->item);
    free(s);
}

static void suppress_done(struct directory_suppress *op)
{
    struct suppress *s = (struct suppress *)(void *)op;
    char field[64];

    admin_audit(s->r, s->who, op->remove ? "suppression remove" : "suppression add", s->about,
                admin_result_word(op->result));
    if (op->result == DIRECTORY_OK) {
        http_reply_json(s->r, op->remove ? 200 : 201,
                        op->remove ? json_pack("{s:I}", "removed", (json_int_t)op->items)
                                   : json_pack("{s:I, s:I}", "added", (json_int_t)op->fresh,
                                               "known", (json_int_t)(op->items - op->fresh)));
    } else {
        if (!op->remove && strcmp(op->field, "address") == 0)
            snprintf(field, sizeof(field), "addresses[%zu]", op->wrong);
        else
            snprintf(field, sizeof(field), "%s", op->field);
        http_reply_problem(s->r, admin_result_status(op->result), admin_result_word(op->result),
                           field, op->why);
    }
    suppress_free(s);
}

static struct suppress *suppress_new(struct http_request *r, const struct admin *admin, bool remove)
{
    struct identity *who = admin_who(r, admin);
    struct suppress *s;

    if (who == NULL)
        return NULL;
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return NULL;
    }
    s->op.remove = remove;
    s->op.loop = http_loop(r);
    s->op.done = suppress_done;
    s->op.item = s->item = &s->one;
    s->op.items = 1;
    s->op.actor = sgl_view_cstr(who->name);
    s->op.peer = sgl_view_cstr(http_peer(r));
    s->r = r;
    s->admin = admin;
    s->who = who;
    return s;
}

static void suppress_start(struct suppress *s)
{
    if (!admin_take_scope(s->r, admin_scope(s->who), &s->op.subscription)) {
        suppress_free(s);
        return;
    }
    snprintf(s->about, sizeof(s->about), "%.*s%s", SGL_FMT(sgl_view_sub(s->item[0].address, 0, 60)),
             s->op.items > 1 ? " ..." : "");
    directory_suppress(s->admin->directory, &s->op);
}

/* reason, reply, expires_at: the same for all addresses of a call. false: answered. */
static bool take_why(struct suppress *s, const json_t *reason, const json_t *reply,
                     const json_t *expires)
{
    int64_t ms = 0;

    s->one.reason = SUPPRESSION_MANUAL;
    if (reason != NULL && !suppression_reason_parse(admin_text(reason), &s->one.reason)) {
        http_reply_problem(s->r, 422, "invalid", "reason",
                           "One of hard-bounce, complaint, unsubscribe, manual is wanted.");
        return false;
    }
    if (expires != NULL && !admin_time_parse(admin_text(expires), 0, &ms)) {
        http_reply_problem(s->r, 422, "time-syntax", "expires_at",
                           "A time is RFC 3339, or seconds since 1970.");
        return false;
    }
    s->one.reply = admin_text(reply);
    s->one.expires_at = ms / 1000;
    return true;
}

static bool take_addresses(struct suppress *s, const json_t *list)
{
    const json_t *item;
    size_t at, count = json_array_size(list);

    if (count == 0 || count > DIRECTORY_SUPPRESSIONS_MAX) {
        http_reply_problem(s->r, 422, "too-many", "addresses",
                           "Name 1 to 1000 addresses at a time.");
        return false;
    }
    s->item = calloc(count, sizeof(*s->item));
    if (s->item == NULL) {
        s->item = &s->one;
        http_reply_problem(s->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
        return false;
    }
    json_array_foreach(list, at, item)
    {
        s->item[at] = s->one;
        s->item[at].address = admin_text(item);
    }
    s->op.item = s->item;
    s->op.items = count;
    return true;
}

static void suppressions_post(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "addresses", .type = JSON_ARRAY, .required = true},
                                    {.name = "subscription", .type = JSON_STRING},
                                    {.name = "domain", .type = JSON_STRING},
                                    {.name = "reason", .type = JSON_STRING},
                                    {.name = "reply", .type = JSON_STRING},
                                    {.name = "expires_at", .type = JSON_STRING}};
    struct suppress *s = suppress_new(r, ctx, false);

    if (s == NULL)
        return;
    s->body = admin_object(r, member, 6);
    if (s->body == NULL || !take_why(s, member[3].value, member[4].value, member[5].value) ||
        !take_addresses(s, member[0].value)) {
        suppress_free(s);
        return;
    }
    s->op.subscription = admin_text(member[1].value);
    s->op.domain = admin_text(member[2].value);
    suppress_start(s);
}

static void suppression_delete(struct http_request *r, void *ctx)
{
    struct suppress *s = suppress_new(r, ctx, true);

    if (s == NULL)
        return;
    s->one.address = http_param(r, "address");
    s->op.subscription = http_query(r, "subscription");
    s->op.domain = http_query(r, "domain");
    suppress_start(s);
}

void admin_suppression_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/suppressions", suppressions_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/suppressions", suppressions_post, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/suppressions/{address}", suppression_delete,
               ctx);
}
