/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v3/suppression: the noun's entries in five lists, by their reasons.  Entries for a list or a group are in none of them; asm has those.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sendgrid_walk.h"

#define LIMIT_MAX 500
#define BASE      "/v3/suppression/"

/* ---- the lists ---- */

static json_t *with_status(const struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    (void)l;
    return json_pack("{s:I, s:s%, s:s%, s:s%}", "created", (json_int_t)e->created_at, "email",
                     e->address.ptr, e->address.len, "reason",
                     e->reply.len == 0 ? "" : (const char *)e->reply.ptr, e->reply.len, "status",
                     e->status.len == 0 ? "" : (const char *)e->status.ptr, e->status.len);
}

static json_t *with_reason(const struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    json_t *json = with_status(l, e);

    json_object_del(json, "status");
    return json;
}

/* From which address the message had gone is not kept. */
static json_t *with_ip(const struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    (void)l;
    return json_pack("{s:I, s:s%, s:s}", "created", (json_int_t)e->created_at, "email",
                     e->address.ptr, e->address.len, "ip", "");
}

static json_t *plain(const struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    (void)l;
    return json_pack("{s:I, s:s%}", "created", (json_int_t)e->created_at, "email", e->address.ptr,
                     e->address.len);
}

#define BIT SUPPRESSION_REASON_BIT
struct kind {
    const char *path, *read, *delete;
    unsigned reasons;
    bool all_mail; /* only entries that are for no single domain */
    json_t *(*json)(const struct sendgrid_listing *l, const struct sendgrid_entry *e);
};
static const struct kind kinds[] = {
    {BASE "bounces", "suppression.bounces.read", "suppression.bounces.delete",
     BIT(SUPPRESSION_HARD_BOUNCE), false, with_status},
    {BASE "blocks", "suppression.blocks.read", "suppression.blocks.delete",
     BIT(SUPPRESSION_BLOCKED), false, with_status},
    {BASE "invalid_emails", "suppression.invalid_emails.read", "suppression.invalid_emails.delete",
     BIT(SUPPRESSION_INVALID), false, with_reason},
    {BASE "spam_reports", "suppression.spam_reports.read", "suppression.spam_reports.delete",
     BIT(SUPPRESSION_COMPLAINT), false, with_ip},
    {BASE "unsubscribes", "suppression.unsubscribes.read", NULL,
     BIT(SUPPRESSION_UNSUBSCRIBE) | BIT(SUPPRESSION_MANUAL), true, plain},
};

/* By the pattern of the request's route. */
static const struct kind *kind_of(const struct http_request *r)
{
    sgl_view pattern = sgl_view_cstr(http_pattern(r));
    size_t i = 0;

    while (!sgl_view_starts(pattern, sgl_view_cstr(kinds[i].path)))
        i++; /* each route is one of theirs */
    return &kinds[i];
}

/* ---- listed ---- */

static bool take_query(struct http_request *r, struct sendgrid_listing *l)
{
    l->left = LIMIT_MAX;
    l->email = http_query(r, "email");
    return sendgrid_query_number(r, "limit", 1, LIMIT_MAX, &l->left) &&
           sendgrid_query_number(r, "offset", 0, INT64_MAX, &l->skip) &&
           sendgrid_query_number(r, "start_time", 0, INT64_MAX, &l->from) &&
           sendgrid_query_number(r, "end_time", 0, INT64_MAX, &l->until);
}

/* Scopes that begin with "list:" stand between "list:" and "list;". */
static bool add_ranges(struct sendgrid_walk *w, const struct kind *kind)
{
    if (kind->all_mail)
        return sendgrid_walk_between(w, "//", "/0");
    return sendgrid_walk_between(w, "/", "/list:") && sendgrid_walk_between(w, "/list;", "0");
}

static void list_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    const struct kind *kind = kind_of(r);
    struct identity *who = http_caller(r, api->directory, kind->read);
    struct sendgrid_listing *l;

    if (who == NULL)
        return;
    l = sendgrid_listing_new(r, api, who, 2);
    identity_unref(who);
    if (l == NULL)
        return;
    l->walk.reasons = kind->reasons;
    l->json = kind->json;
    if (take_query(r, l))
        sendgrid_listing_run(l, add_ranges(&l->walk, kind));
    else
        sendgrid_listing_drop(l);
}

/* ---- one address ---- */

struct of_one {
    struct sendgrid_listing *l;
    sgl_view folded;
    bool fine;
};

static bool add_scope(struct of_one *o, sgl_view scope)
{
    o->fine =
        o->fine && sendgrid_walk_one(&o->l->walk, scope, o->folded) &&
        (sgl_view_eq(o->folded, o->l->only) || sendgrid_walk_one(&o->l->walk, scope, o->l->only));
    return o->fine;
}

static bool add_domain(void *ctx, struct domain *d)
{
    struct of_one *o = ctx;

    return strcmp(d->subscription, o->l->walk.subscription) != 0 ||
           add_scope(o, sgl_view_cstr(d->name));
}

static bool count_domain(void *ctx, struct domain *d)
{
    (void)d;
    ++*(size_t *)ctx;
    return true;
}

static void one_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    const struct kind *kind = kind_of(r);
    struct identity *who = http_caller(r, api->directory, kind->read);
    struct of_one o = {.fine = true};
    size_t domains = 0;
    sgl_view email;

    if (who == NULL)
        return;
    directory_each_domain(api->directory, count_domain, &domains);
    if (sendgrid_take_email(r, &email))
        o.l = sendgrid_listing_new(r, api, who, 2 * (domains + 1) + 2);
    identity_unref(who);
    if (o.l == NULL)
        return;
    o.l->walk.reasons = kind->reasons;
    o.l->json = kind->json;
    o.l->only = email;
    o.l->left = 1;
    o.fine = sendgrid_lower(r, email, &o.folded);
    if (add_scope(&o, SGL_LIT("")) && !kind->all_mail)
        directory_each_domain(api->directory, add_domain, &o);
    sendgrid_listing_run(o.l, o.fine);
}

/* ---- removed ---- */

static void remove_from(struct http_request *r, const struct api *api, sgl_view one)
{
    const struct kind *kind = kind_of(r);
    const struct sendgrid_removal what = {.reasons = kind->reasons, .one = one};
    struct identity *who = http_caller(r, api->directory, kind->delete);

    if (who != NULL)
        sendgrid_remove(r, api, who, &what);
}

static void list_delete(struct http_request *r, void *ctx)
{
    remove_from(r, ctx, (sgl_view){NULL, 0});
}

static void one_delete(struct http_request *r, void *ctx)
{
    remove_from(r, ctx, http_param(r, "email"));
}

void sendgrid_suppression_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    sendgrid_class_routes(http, api); /* below bounces, so before its addresses */
    http_route(http, HTTP_PUBLIC, "GET", BASE "bounces", list_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "blocks", list_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "invalid_emails", list_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "spam_reports", list_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "unsubscribes", list_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "bounces/{email}", one_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "blocks/{email}", one_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "invalid_emails/{email}", one_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", BASE "spam_reports/{email}", one_get, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "bounces", list_delete, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "blocks", list_delete, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "invalid_emails", list_delete, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "spam_reports", list_delete, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "bounces/{email}", one_delete, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "blocks/{email}", one_delete, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "invalid_emails/{email}", one_delete, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", BASE "spam_reports/{email}", one_delete, ctx);
}
