/* SPDX-License-Identifier: Apache-2.0 */
/* Communication services as resources: each is an access key with a name, whose two secrets can be read again, and whose domains are those that are linked to it. */
#include "arm_service.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPE     "communicationServices"
#define SERVICES ARM_GROUP TYPE
#define SERVICE  SERVICES "/{service}"

static const struct arm_property known[] = {
    {"dataLocation", JSON_STRING, true},         {"linkedDomains", JSON_ARRAY, true},
    {"publicNetworkAccess", JSON_STRING, true},  {"disableLocalAuth", JSON_TRUE, true},
    {"provisioningState", JSON_STRING, false},   {"hostName", JSON_STRING, false},
    {"notificationHubId", JSON_STRING, false},   {"version", JSON_STRING, false},
    {"immutableResourceId", JSON_STRING, false}, {NULL, JSON_NULL, false},
};

/* ---- as JSON ---- */

static json_t *host_json(const struct admin *admin, const char *id, bool shared)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);
    sgl_view url, host;

    admin_put_endpoint(admin, id, shared, &text);
    url = sgl_buf_view(&text);
    host = sgl_view_from(url, sgl_view_find_view(url, SGL_LIT("://")) == url.len
                                  ? 0
                                  : sgl_view_find_view(url, SGL_LIT("://")) + 3);
    return admin_json_view(sgl_view_sub(host, 0, host.len > 0 ? host.len - 1 : 0));
}

static json_t *one_json(struct http_request *r, const struct admin *admin,
                        const struct named_service *s)
{
    const char *id = sgl_arena_cstr(http_arena(r), s->id);
    char guid[GUID_TEXT_SIZE], text[64];

    snprintf(text, sizeof(text), "sigillo service %.*s", SGL_FMT(s->id));
    guid_of(sgl_view_cstr(text), guid);
    return arm_resource_json(r, TYPE, s->name, s->facts,
                             json_pack("{s:o, s:s}", "hostName",
                                       host_json(admin, id == NULL ? "" : id, s->shared),
                                       "immutableResourceId", guid));
}

/* ---- read ---- */

bool arm_services(struct http_request *r, const struct admin *admin, sgl_view subscription,
                  sgl_view name, struct named_service **out, size_t *count)
{
    if (directory_services(admin->directory, subscription, name, http_arena(r), out, count))
        return true;
    http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    return false;
}

static void all_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who;
    struct subscription *s;
    struct named_service *all;
    json_t *list = NULL;
    size_t count;

    arm_begin(r);
    who = admin_who(r, admin);
    s = who == NULL ? NULL : arm_subscription(r, admin, who);
    identity_unref(who);
    if (s != NULL && arm_services(r, admin, sgl_view_cstr(s->name), SGL_LIT(""), &all, &count)) {
        list = json_array();
        for (size_t i = 0; i < count; i++)
            if (arm_in_group(r, all[i].facts))
                json_array_append_new(list, one_json(r, admin, &all[i]));
    }
    subscription_unref(s);
    if (list != NULL)
        arm_reply_list(r, admin, list);
}

bool arm_service_named(struct http_request *r, const struct admin *admin, sgl_view *subscription,
                       struct named_service **there)
{
    struct identity *who;
    struct subscription *s;
    size_t count = 0;
    bool fine;

    arm_begin(r);
    who = admin_who(r, admin);
    s = who == NULL ? NULL : arm_subscription(r, admin, who);
    identity_unref(who);
    if (s == NULL)
        return false;
    fine = arm_keep(r, s->name, subscription) &&
           arm_services(r, admin, *subscription, http_param(r, "service"), there, &count);
    subscription_unref(s);
    if (fine && count == 0)
        *there = NULL;
    return fine;
}

void arm_service_not_found(struct http_request *r)
{
    if (strcmp(http_method(r), "DELETE") == 0)
        http_reply_empty(r, 204);
    else
        http_reply_problem(r, 404, "not-found", "communicationServiceName",
                           "There is no such communication service in this group.");
}

/* The one that the path names, which is there and in its group. NULL: answered. */
static struct named_service *wanted(struct http_request *r, const struct admin *admin)
{
    struct named_service *there;
    sgl_view subscription;

    if (!arm_service_named(r, admin, &subscription, &there))
        return NULL;
    if (there != NULL && arm_in_group(r, there->facts))
        return there;
    arm_service_not_found(r);
    return NULL;
}

static void one_get(struct http_request *r, void *ctx)
{
    const struct named_service *s = wanted(r, ctx);

    if (s != NULL)
        http_reply_json(r, 200, one_json(r, ctx, s));
}

/* ---- changed ---- */

static bool wrong(struct admin_change *n, const char *field, const char *detail)
{
    http_reply_problem(n->r, 422, "member-value", field, detail);
    return false;
}

/* ".../emailServices/mail/domains/example.org": its name. */
static bool take_link(struct admin_change *n, const json_t *link, size_t at)
{
    sgl_view id = admin_text(link), mark = SGL_LIT("/domains/");
    size_t begin = sgl_view_find_view(id, mark);
    sgl_view name = begin == id.len ? SGL_LIT("") : sgl_view_from(id, begin + mark.len);
    char field[64];

    snprintf(field, sizeof(field), "properties.linkedDomains[%zu]", at);
    /* "*" would be all of the subscription's */
    if (name.len == 0 || sgl_view_find(name, '/') != name.len ||
        sgl_view_find(name, '*') != name.len)
        return wrong(n, field,
                     "The id of a domain is wanted: .../emailServices/NAME/domains/DOMAIN");
    n->change.domain[n->change.domains++] = name;
    return true;
}

static bool take_links(struct admin_change *n, const json_t *properties)
{
    const json_t *list = json_object_get(properties, "linkedDomains"), *link;
    size_t at;

    n->change.domains = 0;
    if (json_array_size(list) > DIRECTORY_DOMAINS_MAX)
        return wrong(n, "properties.linkedDomains", "At most 100 domains are linked.");
    json_array_foreach(list, at, link)
    {
        if (!take_link(n, link, at))
            return false;
    }
    return true;
}

/* What the facts say and something here is made of. */
static bool take_effects(struct admin_change *n, const json_t *facts)
{
    const json_t *properties = json_object_get(facts, "properties");
    const char *access = json_string_value(json_object_get(properties, "publicNetworkAccess"));

    if (access != NULL && strcmp(access, "Enabled") != 0)
        return wrong(n, "properties.publicNetworkAccess",
                     "Who may reach this server is its configuration's; Enabled is wanted.");
    n->change.key = &n->key;
    n->key.service = &n->service;
    n->service.locked = json_is_true(json_object_get(properties, "disableLocalAuth"));
    return take_links(n, properties);
}

/* The change keeps the facts that its views point into. */
static bool take_facts(struct admin_change *n, const json_t *before,
                       const struct admin_member *member)
{
    json_t *facts = NULL;
    bool fine = arm_take_facts(n, before, member, known, &facts, &n->service.facts) &&
                take_effects(n, facts);

    if (facts != NULL)
        json_object_set_new(n->body, "", facts);
    return fine;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    struct subscription *s =
        directory_tenant(n->admin->directory, http_param(n->r, "subscription"));
    bool fine = s != NULL && arm_keep(n->r, s->name, &n->change.subscription);

    subscription_unref(s);
    n->change.name = n->service.name = http_param(n->r, "service");
    return fine && take_facts(n, NULL, member);
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    struct named_service *there = NULL;
    size_t count = 0;
    bool put = strcmp(http_method(n->r), "PUT") == 0, fine;
    json_t *before = NULL;

    if (!arm_services(n->r, n->admin, n->change.subscription, http_param(n->r, "service"), &there,
                      &count))
        return false;
    if (!put && count > 0)
        before = json_loadb((const char *)there->facts.ptr, there->facts.len, 0, NULL);
    fine = take_facts(n, before, member);
    json_decref(before);
    return fine;
}

/* A key is known by its id. */
static void take_query(struct admin_change *n)
{
    struct subscription *s =
        directory_tenant(n->admin->directory, http_param(n->r, "subscription"));
    struct named_service *there = NULL;
    size_t count = 0;

    n->change.name = SGL_LIT("");
    if (s != NULL &&
        sgl_arena_dup(http_arena(n->r), sgl_view_cstr(s->name), &n->change.subscription) ==
            SGL_OK &&
        directory_services(n->admin->directory, n->change.subscription, http_param(n->r, "service"),
                           http_arena(n->r), &there, &count) &&
        count > 0)
        n->change.name = there->id;
    subscription_unref(s);
}

static json_t *answer(const struct admin_change *n)
{
    struct named_service *there = NULL;
    size_t count = 0;

    if (directory_services(n->admin->directory, n->change.subscription, http_param(n->r, "service"),
                           http_arena(n->r), &there, &count) &&
        count > 0)
        return one_json(n->r, n->admin, there);
    return json_object();
}

#define ROW                                                                                        \
    .noun = DIRECTORY_KEY, .name = "service", .param = "service", .member = {ARM_PUT_MEMBERS},     \
    .take = take, .added = answer, .take_change = take_change, .changed = answer,                  \
    .take_query = take_query
static const struct admin_noun put_row = {ROW, .change_member = {ARM_PUT_MEMBERS}};
static const struct admin_noun patch_row = {ROW, .change_member = {ARM_PATCH_MEMBERS}};

static void one_put(struct http_request *r, void *ctx)
{
    struct named_service *there;
    sgl_view subscription;

    if (!arm_service_named(r, ctx, &subscription, &there))
        return;
    if (there == NULL || !arm_in_group(r, there->facts))
        admin_noun_add(r, ctx, &put_row); /* in another group its name is taken */
    else
        admin_noun_change(r, ctx, &put_row);
}

static void one_patch(struct http_request *r, void *ctx)
{
    if (wanted(r, ctx) != NULL)
        admin_noun_change(r, ctx, &patch_row);
}

static void one_delete(struct http_request *r, void *ctx)
{
    if (wanted(r, ctx) != NULL)
        admin_noun_remove(r, ctx, &put_row);
}

void arm_service_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", ARM_SUBSCRIPTION TYPE, all_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", SERVICES, all_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", SERVICE, one_get, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", SERVICE, one_put, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", SERVICE, one_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", SERVICE, one_delete, ctx);
    arm_service_keys_routes(http, ctx);
}
