/* SPDX-License-Identifier: Apache-2.0 */
/* Suppression lists as resources: a list is of a sender user name of the domain, and who is on it gets no mail from that sender. */
#include "arm_suppression.h"

#include <stdio.h>
#include <stdlib.h>

#define LISTS ARM_DOMAIN_ "/" ARM_LISTS
#define LIST  LISTS "/{list}"

/* ---- what both share ---- */

bool arm_refuse(struct http_request *r, int status, const char *field, const char *detail)
{
    http_reply_problem(r, status, status == 409 ? "in-use" : "member-value", field, detail);
    return false;
}

static bool name_put(struct http_request *r, const char *type, sgl_view domain, sgl_view list,
                     sgl_view address, sgl_view *out)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(RESOURCE_NAME_MAX);

    sgl_buf_addf(&text, "%s/%.*s/%.*s", type, SGL_FMT(domain), SGL_FMT(list));
    if (address.ptr != NULL)
        sgl_buf_addf(&text, "/%.*s", SGL_FMT(address));
    return (text.status == SGL_OK &&
            sgl_arena_dup(http_arena(r), sgl_buf_view(&text), out) == SGL_OK) ||
           arm_refuse(r, 422, "suppressionListName", "The name is too long.");
}

/* Both are named by a GUID, the caller's. */
static bool guids_ok(struct http_request *r)
{
    static const char *const params[] = {"list", "address"};
    static const char *const fields[] = {"suppressionListName", "addressId"};
    char guid[GUID_TEXT_SIZE];

    for (size_t i = 0; i < 2; i++) {
        sgl_view given = http_param(r, params[i]);

        if (given.ptr != NULL && !guid_take(given, guid))
            return arm_refuse(r, 422, fields[i], "A GUID is wanted here.");
    }
    return true;
}

bool arm_suppressed_begin(struct http_request *r, const struct admin *admin,
                          struct arm_suppressed *out)
{
    struct domain *d;
    bool fine;

    arm_begin(r);
    d = arm_domain(r, admin);
    fine = d != NULL && guids_ok(r) && arm_keep(r, d->subscription, &out->subscription) &&
           arm_keep(r, d->name, &out->domain);
    domain_unref(d);
    return fine &&
           name_put(r, ARM_LISTS, out->domain, http_param(r, "list"), sgl_view_of(NULL, 0),
                    &out->list) &&
           name_put(r, ARM_ADDRESSES, out->domain, http_param(r, "list"), http_param(r, "address"),
                    &out->address);
}

json_t *arm_facts(const struct admin *admin, sgl_view subscription, sgl_view name)
{
    struct resource *there = directory_resource(admin->directory, subscription, name);
    json_t *json = there == NULL ? NULL : json_loads(there->facts, 0, NULL);

    resource_unref(there);
    return json;
}

static bool walk_one(void *ctx, struct resource *one)
{
    const struct arm_walk *w = ctx;
    sgl_view name = sgl_view_cstr(one->name);
    json_t *facts;
    bool more;

    if (strcmp(one->owned.subscription, w->subscription) != 0 ||
        !sgl_view_starts_nocase(name, w->below))
        return true;
    facts = json_loads(one->facts, 0, NULL);
    more = w->each(w->ctx, sgl_view_from(name, w->below.len), facts);
    json_decref(facts);
    return more;
}

void arm_walk(const struct admin *admin, const struct arm_walk *walk)
{
    directory_each_resource(admin->directory, walk_one, (void *)(uintptr_t)walk);
}

json_t *arm_below_json(struct http_request *r, sgl_view name, const char *type, json_t *properties)
{
    sgl_auto(sgl_buf) id = SGL_BUF_INIT(4096);
    sgl_view list = http_param(r, "list");
    bool address = strcmp(type, ARM_ADDRESSES) == 0;

    sgl_buf_addf(&id,
                 "/subscriptions/%.*s/resourceGroups/%.*s/providers/Microsoft.Communication/"
                 "emailServices/%.*s/domains/%.*s/" ARM_LISTS "/%.*s",
                 SGL_FMT(http_param(r, "subscription")), SGL_FMT(http_param(r, "group")),
                 SGL_FMT(http_param(r, "service")), SGL_FMT(http_param(r, "name")),
                 SGL_FMT(address ? list : name));
    if (address)
        sgl_buf_addf(&id, "/" ARM_ADDRESSES "/%.*s", SGL_FMT(name));
    json_object_set_new(properties, "dataLocation", json_string("local"));
    return json_pack("{s:o, s:o, s:s, s:o}", "id", admin_json_view(sgl_buf_view(&id)), "name",
                     admin_json_view(name), "type",
                     address ? "microsoft.communication/emailservices/domains/suppressionlists/"
                               "suppressionlistaddresses"
                             : "microsoft.communication/emailservices/domains/suppressionlists",
                     "properties", properties);
}

json_t *arm_now(void)
{
    return admin_time(clock_now_s() * 1000);
}

void arm_missing(struct http_request *r, const char *field, const char *detail)
{
    if (strcmp(http_method(r), "DELETE") == 0)
        http_reply_empty(r, 204);
    else
        http_reply_problem(r, 404, "not-found", field, detail);
}

bool arm_dump(struct http_request *r, const json_t *facts, sgl_view *text)
{
    char *bytes = json_dumps(facts, JSON_COMPACT);
    bool kept = bytes != NULL && sgl_arena_dup(http_arena(r), sgl_view_cstr(bytes), text) == SGL_OK;

    free(bytes);
    if (!kept)
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    return kept;
}

/* ---- read ---- */

static json_t *list_json(struct http_request *r, sgl_view name, const json_t *facts)
{
    return arm_below_json(r, name, ARM_LISTS,
                          json_pack("{s:O, s:O, s:O}", "listName",
                                    json_object_get(facts, "listName"), "createdTimeStamp",
                                    json_object_get(facts, "created"), "lastUpdatedTimeStamp",
                                    json_object_get(facts, "updated")));
}

struct listing {
    struct http_request *r;
    json_t *list;
};

static bool list_one(void *ctx, sgl_view name, const json_t *facts)
{
    const struct listing *l = ctx;

    json_array_append_new(l->list, list_json(l->r, name, facts));
    return true;
}

static void lists_get(struct http_request *r, void *ctx)
{
    struct listing l = {.r = r};
    struct arm_suppressed at;
    struct arm_walk walk = {.each = list_one, .ctx = &l};

    if (!arm_suppressed_begin(r, ctx, &at))
        return;
    l.list = json_array();
    walk.subscription = sgl_arena_cstr(http_arena(r), at.subscription);
    walk.below = at.list; /* "TYPE/DOMAIN/" */
    if (walk.subscription != NULL)
        arm_walk(ctx, &walk);
    arm_reply_list(r, ctx, l.list);
}

static void list_get(struct http_request *r, void *ctx)
{
    struct arm_suppressed at;
    json_t *facts;

    if (!arm_suppressed_begin(r, ctx, &at))
        return;
    facts = arm_facts(ctx, at.subscription, at.list);
    if (facts != NULL)
        http_reply_json(r, 200, list_json(r, http_param(r, "list"), facts));
    else
        arm_missing(r, "suppressionListName", "There is no such suppression list of this domain.");
    json_decref(facts);
}

/* ---- changed ---- */

struct look {
    sgl_view mine, name; /* the list, and what it is to be called */
    bool taken;
};

static bool look_one(void *ctx, sgl_view name, const json_t *facts)
{
    struct look *l = ctx;

    l->taken = !sgl_view_eq_nocase(name, l->mine) &&
               sgl_view_eq_nocase(admin_text(json_object_get(facts, "listName")), l->name);
    return !l->taken;
}

/* One list for each sender: what is taken from one of two would still be on the other. */
static bool name_is_free(struct admin_change *n, const struct arm_suppressed *at, sgl_view name)
{
    struct look look = {.mine = http_param(n->r, "list"), .name = name};
    struct arm_walk walk = {.each = look_one, .ctx = &look};

    walk.subscription = sgl_arena_cstr(http_arena(n->r), at->subscription);
    walk.below = sgl_view_sub(at->list, 0, at->list.len - look.mine.len);
    if (walk.subscription != NULL)
        arm_walk(n->admin, &walk);
    return !look.taken || arm_refuse(n->r, 409, "properties.listName",
                                     "Another list of this domain is of this sender already.");
}

static bool any(void *ctx, sgl_view name, const json_t *facts)
{
    (void)name;
    (void)facts;
    *(bool *)ctx = true;
    return false;
}

static bool has_addresses(struct http_request *r, const struct admin *admin,
                          const struct arm_suppressed *at)
{
    bool found = false;
    struct arm_walk walk = {.each = any, .ctx = &found};
    sgl_auto(sgl_buf) below = SGL_BUF_INIT(RESOURCE_NAME_MAX + 1);

    sgl_buf_addf(&below, ARM_ADDRESSES "/%.*s/%.*s/", SGL_FMT(at->domain),
                 SGL_FMT(http_param(r, "list")));
    walk.subscription = sgl_arena_cstr(http_arena(r), at->subscription);
    walk.below = sgl_buf_view(&below);
    if (walk.subscription != NULL)
        arm_walk(admin, &walk);
    return found;
}

/* "news": what stands before the "@". */
static bool is_user_name(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] <= ' ' || v.ptr[i] >= 0x7f || v.ptr[i] == '@' || v.ptr[i] == '/')
            return false;
    return v.len > 0 && v.len <= 64;
}

/* Where the change is: arm_suppressed of its path, which was there a moment ago. */
static bool where(const struct admin_change *n, struct arm_suppressed *at)
{
    struct domain *d = directory_domain(n->admin->directory, http_param(n->r, "name"));
    bool fine = d != NULL && arm_keep(n->r, d->subscription, &at->subscription) &&
                arm_keep(n->r, d->name, &at->domain) &&
                name_put(n->r, ARM_LISTS, at->domain, http_param(n->r, "list"),
                         sgl_view_of(NULL, 0), &at->list);

    if (d == NULL)
        http_reply_problem(n->r, 404, "domain-unknown", "domainName", ADMIN_NO_DOMAIN);
    domain_unref(d);
    return fine;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    sgl_view name = admin_text(json_object_get(member[0].value, "listName"));
    struct arm_suppressed at;
    json_t *before, *facts;
    bool fine;

    if (!json_is_string(json_object_get(member[0].value, "listName")) || !is_user_name(name))
        return arm_refuse(n->r, 422, "properties.listName",
                          "The sender user name is wanted that the list is of.");
    if (!where(n, &at) || !name_is_free(n, &at, name))
        return false;
    n->change.name = at.list;
    n->change.subscription = at.subscription;
    n->change.resource = &n->resource;
    before = arm_facts(n->admin, at.subscription, at.list);
    if (before != NULL &&
        !sgl_view_eq_nocase(admin_text(json_object_get(before, "listName")), name) &&
        has_addresses(n->r, n->admin, &at)) {
        json_decref(before);
        return arm_refuse(n->r, 409, "properties.listName",
                          "The list has addresses, which are suppressed for the sender that it is "
                          "of; remove them first.");
    }
    facts = json_pack("{s:o, s:o, s:o}", "listName", admin_json_view(name), "created",
                      before == NULL ? arm_now() : json_incref(json_object_get(before, "created")),
                      "updated", arm_now());
    fine = arm_dump(n->r, facts, &n->resource.facts);
    json_decref(facts);
    json_decref(before);
    return fine;
}

static json_t *answer(const struct admin_change *n)
{
    json_t *facts = arm_facts(n->admin, n->change.subscription, n->change.name), *json;

    json = facts == NULL ? json_object() : list_json(n->r, http_param(n->r, "list"), facts);
    json_decref(facts);
    return json;
}

static void take_query(struct admin_change *n)
{
    struct arm_suppressed at;
    struct domain *d = directory_domain(n->admin->directory, http_param(n->r, "name"));

    n->change.name = SGL_LIT("");
    if (d != NULL && arm_keep(n->r, d->subscription, &n->change.subscription) &&
        name_put(n->r, ARM_LISTS, sgl_view_cstr(d->name), http_param(n->r, "list"),
                 sgl_view_of(NULL, 0), &at.list))
        n->change.name = at.list;
    domain_unref(d);
}

static const struct admin_noun lists = {
    .noun = DIRECTORY_RESOURCE,
    .name = "resource",
    .param = "list",
    .member = {{.name = "properties", .type = JSON_OBJECT, .required = true}},
    .take = take,
    .added = answer,
    .change_member = {{.name = "properties", .type = JSON_OBJECT, .required = true}},
    .take_change = take,
    .changed = answer,
    .take_query = take_query,
};

static void list_put(struct http_request *r, void *ctx)
{
    struct arm_suppressed at;
    json_t *there;

    if (!arm_suppressed_begin(r, ctx, &at))
        return;
    there = arm_facts(ctx, at.subscription, at.list);
    if (there == NULL)
        admin_noun_add(r, ctx, &lists);
    else
        admin_noun_change(r, ctx, &lists);
    json_decref(there);
}

static void list_delete(struct http_request *r, void *ctx)
{
    struct arm_suppressed at;
    json_t *there;

    if (!arm_suppressed_begin(r, ctx, &at))
        return;
    there = arm_facts(ctx, at.subscription, at.list);
    if (there == NULL)
        arm_missing(r, "suppressionListName", "");
    else if (has_addresses(r, ctx, &at))
        (void)arm_refuse(r, 409, "suppressionListName",
                         "The list has addresses, which stay suppressed; remove them first.");
    else
        admin_noun_remove(r, ctx, &lists);
    json_decref(there);
}

void arm_suppression_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", LISTS, lists_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", LIST, list_get, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", LIST, list_put, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", LIST, list_delete, ctx);
    arm_suppression_address_routes(http, ctx);
}
