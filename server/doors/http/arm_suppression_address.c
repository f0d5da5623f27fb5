/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of a suppression list as resources: what is said of one is kept, and the address is suppressed for the mail of the list's sender.
 *
 *   put      suppressed -> kept
 *   removed  suppressed no more -> forgotten
 *
 * So what is kept is suppressed, whichever step is the last one that was done.
 */
#include "arm_suppression.h"

#include <stdio.h>
#include <stdlib.h>

#define ADDRESSES ARM_DOMAIN_ "/" ARM_LISTS "/{list}/" ARM_ADDRESSES
#define ADDRESS   ADDRESSES "/{address}"
#define TEXT_MAX  500

/* ---- as JSON ---- */

static const char *const texts[] = {"firstName", "lastName", "notes"};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static json_t *one_json(struct http_request *r, sgl_view name, const json_t *facts)
{
    json_t *properties = json_deep_copy(facts);

    return arm_below_json(r, name, ARM_ADDRESSES, properties == NULL ? json_object() : properties);
}

/* ---- read ---- */

/* The list's, or NULL: answered. */
static json_t *list_of(struct http_request *r, const struct admin *admin,
                       const struct arm_suppressed *at)
{
    json_t *list = arm_facts(admin, at->subscription, at->list);

    if (list == NULL)
        arm_missing(r, "suppressionListName", "There is no such suppression list of this domain.");
    return list;
}

struct listing {
    struct http_request *r;
    json_t *list;
};

static bool list_one(void *ctx, sgl_view name, const json_t *facts)
{
    const struct listing *l = ctx;

    json_array_append_new(l->list, one_json(l->r, name, facts));
    return true;
}

static void all_get(struct http_request *r, void *ctx)
{
    struct listing l = {.r = r};
    struct arm_walk walk = {.each = list_one, .ctx = &l};
    sgl_auto(sgl_buf) below = SGL_BUF_INIT(RESOURCE_NAME_MAX + 1);
    struct arm_suppressed at;
    json_t *list;

    if (!arm_suppressed_begin(r, ctx, &at))
        return;
    list = list_of(r, ctx, &at);
    if (list == NULL)
        return;
    json_decref(list);
    l.list = json_array();
    sgl_buf_addf(&below, "%.*s/", SGL_FMT(at.address)); /* without one: "TYPE/DOMAIN/LIST" */
    walk.subscription = sgl_arena_cstr(http_arena(r), at.subscription);
    walk.below = sgl_buf_view(&below);
    if (walk.subscription != NULL)
        arm_walk(ctx, &walk);
    arm_reply_list(r, ctx, l.list);
}

static void one_get(struct http_request *r, void *ctx)
{
    struct arm_suppressed at;
    json_t *facts;

    if (!arm_suppressed_begin(r, ctx, &at))
        return;
    facts = arm_facts(ctx, at.subscription, at.address);
    if (facts != NULL)
        http_reply_json(r, 200, one_json(r, http_param(r, "address"), facts));
    else
        arm_missing(r, "addressId", "There is no such address of this list.");
    json_decref(facts);
}

/* ---- suppressed, or no more ---- */

struct flow {
    struct directory_suppress suppress; /* first: cast from it */
    struct suppression item;
    struct http_request *r;
    const struct admin *admin;
    char *scope, *email, *subscription;
    char actor[128];
    void (*then)(struct http_request *r, const struct admin *admin);
};

static void flow_free(struct flow *f)
{
    free(f->scope);
    free(f->email);
    free(f->subscription);
    free(f);
}

static void flow_done(struct directory_suppress *s)
{
    struct flow *f = (struct flow *)(void *)s;
    enum directory_result result = s->result;
    bool done = result == DIRECTORY_OK || (s->remove && result == DIRECTORY_NOT_FOUND);

    if (done)
        f->then(f->r, f->admin);
    else
        http_reply_problem(f->r, admin_result_status(result), admin_result_word(result),
                           strcmp(s->field, "address") == 0 ? "properties.email" : s->field,
                           s->why);
    flow_free(f);
}

static char *text_new(sgl_view a, sgl_view b, sgl_view c)
{
    size_t size = a.len + b.len + c.len + 1;
    char *text = malloc(size);

    if (text != NULL)
        snprintf(text, size, "%.*s%.*s%.*s", SGL_FMT(a), SGL_FMT(b), SGL_FMT(c));
    return text;
}

/* "list:@news@example.org" */
static char *scope_new(const struct arm_suppressed *at, const json_t *list)
{
    sgl_view name = admin_text(json_object_get(list, "listName"));
    char *sender = text_new(SGL_LIT(SUPPRESSION_LIST SUPPRESSION_SENDER), name, SGL_LIT("@"));
    char *scope = sender == NULL ? NULL : text_new(sgl_view_cstr(sender), at->domain, SGL_LIT(""));

    free(sender);
    return scope;
}

static void no_memory(struct http_request *r)
{
    http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
}

static void flow_start(struct http_request *r, const struct admin *admin,
                       const struct arm_suppressed *at, const json_t *list, sgl_view email,
                       bool remove, void (*then)(struct http_request *r, const struct admin *admin))
{
    struct identity *who = admin_who(r, admin);
    struct flow *f;

    if (who == NULL)
        return;
    f = calloc(1, sizeof(*f));
    if (f == NULL) {
        identity_unref(who);
        no_memory(r);
        return;
    }
    f->scope = scope_new(at, list);
    f->email = text_new(email, SGL_LIT(""), SGL_LIT(""));
    f->subscription = text_new(at->subscription, SGL_LIT(""), SGL_LIT(""));
    snprintf(f->actor, sizeof(f->actor), "%s", who->name);
    identity_unref(who);
    if (f->scope == NULL || f->email == NULL || f->subscription == NULL) {
        flow_free(f);
        no_memory(r);
        return;
    }
    f->r = r;
    f->admin = admin;
    f->then = then;
    f->item =
        (struct suppression){.address = sgl_view_cstr(f->email), .reason = SUPPRESSION_MANUAL};
    f->suppress = (struct directory_suppress){.remove = remove,
                                              .subscription = sgl_view_cstr(f->subscription),
                                              .domain = sgl_view_cstr(f->scope),
                                              .item = &f->item,
                                              .items = 1,
                                              .loop = http_loop(r),
                                              .done = flow_done,
                                              .actor = sgl_view_cstr(f->actor),
                                              .peer = sgl_view_cstr(http_peer(r))};
    directory_suppress(admin->directory, &f->suppress);
}

/* ---- kept ---- */

static bool text_ok(struct http_request *r, const json_t *properties, const char *name)
{
    const json_t *value = json_object_get(properties, name);
    char field[64];

    if (value == NULL || json_is_null(value) ||
        (json_is_string(value) && json_string_length(value) <= TEXT_MAX))
        return true;
    snprintf(field, sizeof(field), "properties.%s", name);
    return arm_refuse(r, 422, field, "A string of at most 500 bytes is wanted here.");
}

static bool properties_ok(struct http_request *r, const json_t *properties)
{
    const json_t *email = json_object_get(properties, "email");

    if (!json_is_string(email) || json_string_length(email) == 0 ||
        json_string_length(email) > TEXT_MAX)
        return arm_refuse(r, 422, "properties.email", "The address is wanted that is suppressed.");
    for (size_t i = 0; i < TEXTS; i++)
        if (!text_ok(r, properties, texts[i]))
            return false;
    return true;
}

static json_t *facts_of(const json_t *properties)
{
    json_t *facts = json_pack("{s:O, s:o}", "email", json_object_get(properties, "email"),
                              "lastModified", arm_now());

    for (size_t i = 0; i < TEXTS; i++) {
        json_t *value = json_object_get(properties, texts[i]);

        if (json_is_string(value))
            json_object_set(facts, texts[i], value);
    }
    return facts;
}

static void take_query(struct admin_change *n)
{
    struct domain *d = directory_domain(n->admin->directory, http_param(n->r, "name"));
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(RESOURCE_NAME_MAX);

    n->change.name = SGL_LIT("");
    n->change.resource = &n->resource;
    if (d != NULL && arm_keep(n->r, d->subscription, &n->change.subscription)) {
        sgl_buf_addf(&text, ARM_ADDRESSES "/%s/%.*s/%.*s", d->name,
                     SGL_FMT(http_param(n->r, "list")), SGL_FMT(http_param(n->r, "address")));
        if (text.status != SGL_OK ||
            sgl_arena_dup(http_arena(n->r), sgl_buf_view(&text), &n->change.name) != SGL_OK)
            n->change.name = SGL_LIT("");
    }
    domain_unref(d);
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    json_t *facts = facts_of(member[0].value);
    bool fine = arm_dump(n->r, facts, &n->resource.facts);

    json_decref(facts);
    take_query(n);
    return fine;
}

static json_t *answer(const struct admin_change *n)
{
    json_t *facts = arm_facts(n->admin, n->change.subscription, n->change.name), *json;

    json = facts == NULL ? json_object() : one_json(n->r, http_param(n->r, "address"), facts);
    json_decref(facts);
    return json;
}

static const struct admin_noun addresses = {
    .noun = DIRECTORY_RESOURCE,
    .name = "resource",
    .param = "address",
    .member = {{.name = "properties", .type = JSON_OBJECT, .required = true}},
    .take = take,
    .added = answer,
    .change_member = {{.name = "properties", .type = JSON_OBJECT, .required = true}},
    .take_change = take,
    .changed = answer,
    .take_query = take_query,
};

static void keep_new(struct http_request *r, const struct admin *admin)
{
    admin_noun_add(r, admin, &addresses);
}

static void keep_changed(struct http_request *r, const struct admin *admin)
{
    admin_noun_change(r, admin, &addresses);
}

static void forget(struct http_request *r, const struct admin *admin)
{
    admin_noun_remove(r, admin, &addresses);
}

/* ---- put, removed ---- */

struct look {
    sgl_view mine, email;
    bool taken;
};

static bool look_one(void *ctx, sgl_view name, const json_t *facts)
{
    struct look *l = ctx;

    l->taken = !sgl_view_eq_nocase(name, l->mine) &&
               sgl_view_eq_nocase(admin_text(json_object_get(facts, "email")), l->email);
    return !l->taken;
}

/* Each address once: what is taken away under one id would still stand there under the other. */
static bool email_is_free(struct http_request *r, const struct admin *admin,
                          const struct arm_suppressed *at, const json_t *before, sgl_view email)
{
    struct look look = {.mine = http_param(r, "address"), .email = email};
    struct arm_walk walk = {.each = look_one, .ctx = &look};

    if (before != NULL && !sgl_view_eq_nocase(admin_text(json_object_get(before, "email")), email))
        return arm_refuse(r, 409, "properties.email",
                          "The id is of another address already; remove that first.");
    walk.subscription = sgl_arena_cstr(http_arena(r), at->subscription);
    walk.below = sgl_view_sub(at->address, 0, at->address.len - look.mine.len);
    if (walk.subscription != NULL)
        arm_walk(admin, &walk);
    return !look.taken || arm_refuse(r, 409, "properties.email",
                                     "The list has this address already, by another id.");
}

static void one_put(struct http_request *r, void *ctx)
{
    struct admin_member member = {.name = "properties", .type = JSON_OBJECT, .required = true};
    const struct admin *admin = ctx;
    struct arm_suppressed at;
    json_t *list, *body, *before;
    sgl_view email;

    if (!arm_suppressed_begin(r, admin, &at))
        return;
    list = list_of(r, admin, &at);
    body = list == NULL ? NULL : admin_object(r, &member, 1);
    before = arm_facts(admin, at.subscription, at.address);
    if (body != NULL && properties_ok(r, member.value)) {
        email = admin_text(json_object_get(member.value, "email"));
        if (email_is_free(r, admin, &at, before, email))
            flow_start(r, admin, &at, list, email, false, before == NULL ? keep_new : keep_changed);
    }
    json_decref(before);
    json_decref(body);
    json_decref(list);
}

static void one_delete(struct http_request *r, void *ctx)
{
    struct arm_suppressed at;
    json_t *list, *before;

    if (!arm_suppressed_begin(r, ctx, &at))
        return;
    list = arm_facts(ctx, at.subscription, at.list);
    before = arm_facts(ctx, at.subscription, at.address);
    if (list == NULL || before == NULL)
        arm_missing(r, "addressId", "");
    else
        flow_start(r, ctx, &at, list, admin_text(json_object_get(before, "email")), true, forget);
    json_decref(before);
    json_decref(list);
}

void arm_suppression_address_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", ADDRESSES, all_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ADDRESS, one_get, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", ADDRESS, one_put, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", ADDRESS, one_delete, ctx);
}
