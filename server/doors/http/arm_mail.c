/* SPDX-License-Identifier: Apache-2.0 */
/* E-mail services as resources: what holds domains in the cloud.  Here they are kept as they were given, and nothing is made of them: a domain is its subscription's. */
#include <stdio.h>
#include <stdlib.h>

#include "arm_internal.h"

#define TYPE     "emailServices"
#define SERVICES ARM_GROUP TYPE
#define SERVICE  SERVICES "/{service}"

static const struct arm_property known[] = {{"dataLocation", JSON_STRING, true},
                                            {"provisioningState", JSON_STRING, false},
                                            {NULL, JSON_NULL, false}};

/* "emailServices/NAME" of the path; false: answered. */
static bool name_of(struct http_request *r, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(RESOURCE_NAME_MAX);

    sgl_buf_addf(&text, TYPE "/%.*s", SGL_FMT(http_param(r, "service")));
    if (text.status == SGL_OK && sgl_arena_dup(http_arena(r), sgl_buf_view(&text), out) == SGL_OK)
        return true;
    http_reply_problem(r, 422, "member-value", "emailServiceName", "The name is too long.");
    return false;
}

static json_t *one_json(struct http_request *r, const struct resource *one)
{
    return arm_resource_json(r, TYPE, sgl_view_from(sgl_view_cstr(one->name), sizeof(TYPE)),
                             sgl_view_cstr(one->facts), json_object());
}

/* ---- read ---- */

struct listing {
    struct http_request *r;
    const char *subscription;
    json_t *list;
};

static bool list_one(void *ctx, struct resource *one)
{
    const struct listing *l = ctx;

    if (strcmp(one->owned.subscription, l->subscription) == 0 &&
        sgl_view_starts(sgl_view_cstr(one->name), SGL_LIT(TYPE "/")) &&
        arm_in_group(l->r, sgl_view_cstr(one->facts)))
        json_array_append_new(l->list, one_json(l->r, one));
    return true;
}

static void all_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who;
    struct subscription *s;
    struct listing l = {.r = r};

    arm_begin(r);
    who = admin_who(r, admin);
    s = who == NULL ? NULL : arm_subscription(r, admin, who);
    identity_unref(who);
    if (s == NULL)
        return;
    l.subscription = s->name;
    l.list = json_array();
    directory_each_resource(admin->directory, list_one, &l);
    subscription_unref(s);
    arm_reply_list(r, admin, l.list);
}

/* Begins a request for one; *there: a reference to it, or NULL. false: answered. */
static bool named(struct http_request *r, const struct admin *admin, struct resource **there)
{
    struct identity *who;
    struct subscription *s;
    sgl_view name;

    arm_begin(r);
    who = admin_who(r, admin);
    s = who == NULL ? NULL : arm_subscription(r, admin, who);
    identity_unref(who);
    if (s == NULL || !name_of(r, &name)) {
        subscription_unref(s);
        return false;
    }
    *there = directory_resource(admin->directory, sgl_view_cstr(s->name), name);
    subscription_unref(s);
    return true;
}

static void not_found(struct http_request *r)
{
    if (strcmp(http_method(r), "DELETE") == 0)
        http_reply_empty(r, 204);
    else
        http_reply_problem(r, 404, "not-found", "emailServiceName",
                           "There is no such e-mail service in this group.");
}

static void one_get(struct http_request *r, void *ctx)
{
    struct resource *there;

    if (!named(r, ctx, &there))
        return;
    if (there != NULL && arm_in_group(r, sgl_view_cstr(there->facts)))
        http_reply_json(r, 200, one_json(r, there));
    else
        not_found(r);
    resource_unref(there);
}

/* ---- changed ---- */

static void take_query(struct admin_change *n)
{
    struct subscription *s =
        directory_tenant(n->admin->directory, http_param(n->r, "subscription"));

    n->change.resource = &n->resource;
    n->change.name = SGL_LIT("");
    if (s != NULL && arm_keep(n->r, s->name, &n->change.subscription))
        (void)name_of(n->r, &n->change.name);
    subscription_unref(s);
}

static struct resource *there_now(const struct admin_change *n)
{
    return directory_resource(n->admin->directory, n->change.subscription, n->change.name);
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    json_t *facts;

    take_query(n);
    if (!arm_take_facts(n, NULL, member, known, &facts, &n->resource.facts))
        return false;
    json_decref(facts);
    return true;
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    struct resource *there = there_now(n);
    bool put = strcmp(http_method(n->r), "PUT") == 0;
    json_t *before = there == NULL || put ? NULL : json_loads(there->facts, 0, NULL), *facts = NULL;
    bool fine = arm_take_facts(n, before, member, known, &facts, &n->resource.facts);

    json_decref(before);
    json_decref(facts);
    resource_unref(there);
    return fine;
}

static json_t *answer(const struct admin_change *n)
{
    struct resource *there = there_now(n);
    json_t *json = there == NULL ? json_object() : one_json(n->r, there);

    resource_unref(there);
    return json;
}

#define ROW                                                                                        \
    .noun = DIRECTORY_RESOURCE, .name = "resource", .param = "service",                            \
    .member = {ARM_PUT_MEMBERS}, .take = take, .added = answer, .take_change = take_change,        \
    .changed = answer, .take_query = take_query
static const struct admin_noun put_row = {ROW, .change_member = {ARM_PUT_MEMBERS}};
static const struct admin_noun patch_row = {ROW, .change_member = {ARM_PATCH_MEMBERS}};

static void one_put(struct http_request *r, void *ctx)
{
    struct resource *there;

    if (!named(r, ctx, &there))
        return;
    if (there == NULL || !arm_in_group(r, sgl_view_cstr(there->facts)))
        admin_noun_add(r, ctx, &put_row); /* in another group its name is taken */
    else
        admin_noun_change(r, ctx, &put_row);
    resource_unref(there);
}

static void one_patch(struct http_request *r, void *ctx)
{
    struct resource *there;

    if (!named(r, ctx, &there))
        return;
    if (there == NULL || !arm_in_group(r, sgl_view_cstr(there->facts)))
        not_found(r);
    else
        admin_noun_change(r, ctx, &patch_row);
    resource_unref(there);
}

static void one_delete(struct http_request *r, void *ctx)
{
    struct resource *there;

    if (!named(r, ctx, &there))
        return;
    if (there == NULL || !arm_in_group(r, sgl_view_cstr(there->facts)))
        not_found(r);
    else
        admin_noun_remove(r, ctx, &put_row);
    resource_unref(there);
}

void arm_mail_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", ARM_SUBSCRIPTION TYPE, all_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", SERVICES, all_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", SERVICE, one_get, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", SERVICE, one_put, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", SERVICE, one_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", SERVICE, one_delete, ctx);
}
