/* SPDX-License-Identifier: Apache-2.0 */
/* /v3/asm/groups: unsubscribe groups, made, shown with how many have left them, changed, removed. */
#include <stdio.h>
#include <stdlib.h>

#include "sendgrid_walk.h"

#define GROUPS "/v3/asm/groups"
#define GROUP  GROUPS "/{group_id}"

bool sendgrid_group_id(struct http_request *r, uint32_t *out)
{
    uint64_t id;
    bool fine = sgl_view_u64(http_param(r, "group_id"), INT32_MAX, &id) && id > 0;

    *out = fine ? (uint32_t)id : 0;
    return fine;
}

void sendgrid_no_group(struct http_request *r)
{
    http_reply_problem(r, 404, "not-found", "group_id", "There is no group of this number.");
}

static json_t *group_json(struct directory *d, const struct asm_group *g)
{
    return json_pack("{s:I, s:s, s:s, s:b}", "id", (json_int_t)g->id, "name", g->name,
                     "description", g->description, "is_default",
                     (int)directory_asm_is_default(d, g));
}

/* ---- shown: read -> counted -> answered ---- */

struct showing {
    struct sendgrid_walk walk; /* first: cast from it */
    json_t *groups;            /* an array */
    json_t *counts;            /* by scope, "list:asm-42" */
    bool one;
    int status;
};

static void showing_free(struct showing *s)
{
    sendgrid_walk_done(&s->walk);
    json_decref(s->groups);
    json_decref(s->counts);
    free(s);
}

static bool count(struct sendgrid_walk *w, const struct sendgrid_entry *e)
{
    struct showing *s = (struct showing *)(void *)w;
    char scope[64];

    snprintf(scope, sizeof(scope), "%.*s", SGL_FMT(e->scope));
    if (json_object_set_new(
            s->counts, scope,
            json_integer(json_integer_value(json_object_get(s->counts, scope)) + 1)) == 0)
        return true;
    w->result = STORE_NOMEM;
    return false;
}

static void put_counts(struct showing *s)
{
    json_t *group;
    char scope[64];
    size_t at;

    json_array_foreach(s->groups, at, group)
    {
        snprintf(scope, sizeof(scope), SUPPRESSION_LIST ASM_GROUP_LIST "%lld",
                 (long long)json_integer_value(json_object_get(group, "id")));
        json_object_set_new(group, "unsubscribes",
                            json_integer(json_integer_value(json_object_get(s->counts, scope))));
    }
}

static void page(struct sendgrid_walk *w)
{
    struct showing *s = (struct showing *)(void *)w;

    if (w->result == STORE_OK && !w->over && sendgrid_walk_on(w))
        return;
    if (w->result == STORE_OK && w->over) {
        put_counts(s);
        http_reply_json(w->r, s->status,
                        json_incref(s->one ? json_array_get(s->groups, 0) : s->groups));
    } else {
        sendgrid_walk_fault(w, w->r);
    }
    showing_free(s);
}

/* NULL: answered. */
static struct showing *showing_new(struct http_request *r, const struct api *api,
                                   const struct identity *who)
{
    struct showing *s = calloc(1, sizeof(*s));

    if (s != NULL && sendgrid_walk_init(&s->walk, r, api, who, 1) &&
        sendgrid_walk_between(&s->walk, "/" SUPPRESSION_LIST "asm-", "/" SUPPRESSION_LIST "asm.")) {
        s->walk.each = count;
        s->walk.page = page;
        s->walk.reasons = ~0u;
        s->groups = json_array();
        s->counts = json_object();
        s->status = 200;
        return s;
    }
    if (s != NULL)
        showing_free(s);
    sendgrid_no_memory(r);
    return NULL;
}

/* Takes it. */
static void show(struct showing *s)
{
    if (sendgrid_walk_on(&s->walk))
        return;
    sendgrid_walk_fault(&s->walk, s->walk.r);
    showing_free(s);
}

/* Without ?id= all, else those. */
static bool is_asked(struct http_request *r, uint32_t id)
{
    sgl_view text;
    uint64_t n;
    size_t i = 0;

    for (; (text = http_query_at(r, "id", i)).ptr != NULL; i++)
        if (sgl_view_u64(text, UINT32_MAX, &n) && n == id)
            return true;
    return i == 0;
}

static bool list_one(void *ctx, struct asm_group *g)
{
    struct showing *s = ctx;

    if (strcmp(g->owned.subscription, s->walk.subscription) == 0 && is_asked(s->walk.r, g->id))
        json_array_append_new(s->groups, group_json(s->walk.api->directory, g));
    return true;
}

static void groups_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "asm.groups.read");
    struct showing *s = who == NULL ? NULL : showing_new(r, api, who);

    identity_unref(who);
    if (s == NULL)
        return;
    directory_each_asm_group(api->directory, list_one, s);
    show(s);
}

static void show_one(struct http_request *r, const struct api *api, const struct identity *who,
                     uint32_t id, int status)
{
    struct asm_group *g = directory_asm_group(api->directory, sgl_view_cstr(who->subscription), id);
    struct showing *s = g == NULL ? NULL : showing_new(r, api, who);

    if (g == NULL)
        sendgrid_no_group(r);
    if (s != NULL) {
        s->one = true;
        s->status = status;
        json_array_append_new(s->groups, group_json(api->directory, g));
        show(s);
    }
    asm_group_unref(g);
}

static void group_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "asm.groups.read");
    uint32_t id;

    if (who == NULL)
        return;
    (void)sendgrid_group_id(r, &id);
    show_one(r, api, who, id, 200);
    identity_unref(who);
}

/* ---- made, changed, removed ---- */

struct changing {
    struct directory_change change; /* first: cast from it */
    struct asm_group_change group;
    struct http_request *r;
    const struct api *api;
    struct identity *who;
    json_t *body;
};

static void changing_free(struct changing *c)
{
    identity_unref(c->who);
    json_decref(c->body);
    free(c);
}

static void answer_fault(struct changing *c)
{
    const struct directory_change *d = &c->change;

    switch (d->result) {
    case DIRECTORY_NOT_FOUND:
        sendgrid_no_group(c->r);
        break;
    case DIRECTORY_CONFLICT:
    case DIRECTORY_UNAVAILABLE:
        http_reply_header(c->r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(c->r, 503, "unavailable", NULL, d->why);
        break;
    case DIRECTORY_OK:
    case DIRECTORY_INVALID:
    case DIRECTORY_EXISTS:
    case DIRECTORY_IN_USE:
        http_reply_problem(c->r, 400, d->result == DIRECTORY_EXISTS ? "exists" : "invalid",
                           d->field, d->why);
        break;
    }
}

/* Who left a group that is gone has nothing more to be kept from. */
static void clear_group(struct changing *c)
{
    struct sgl_buf scope = SGL_BUF_INIT(64);
    struct sendgrid_removal what = {.reasons = ~0u, .all = true};

    sgl_buf_addf(&scope, SUPPRESSION_LIST ASM_GROUP_LIST "%.*s", SGL_FMT(c->change.name));
    what.scope = sgl_arena_cstr(http_arena(c->r), sgl_buf_view(&scope));
    sgl_buf_done(&scope);
    if (what.scope == NULL)
        http_reply_empty(c->r, 204);
    else
        sendgrid_remove(c->r, c->api, identity_ref(c->who), &what);
}

static void changed(struct directory_change *d)
{
    struct changing *c = (struct changing *)(void *)d;
    sgl_view text = d->verb == DIRECTORY_ADD ? sgl_view_cstr(d->id) : d->name;
    uint64_t id = 0;

    if (d->result != DIRECTORY_OK)
        answer_fault(c);
    else if (d->verb == DIRECTORY_REMOVE)
        clear_group(c);
    else if (sgl_view_u64(text, INT32_MAX, &id))
        show_one(c->r, c->api, c->who, (uint32_t)id, 201);
    changing_free(c);
}

/* A string; *out.ptr stays NULL where there is none. false: answered. */
static bool take_text(struct changing *c, const char *name, bool needed, sgl_view *out)
{
    const json_t *value = sendgrid_member(c->body, name);

    if (value == NULL && needed) {
        http_reply_problem(c->r, 400, "member-missing", name, "This parameter is required.");
        return false;
    }
    if (value != NULL && !json_is_string(value)) {
        http_reply_problem(c->r, 400, "member-type", name, "A string is wanted here.");
        return false;
    }
    if (value != NULL)
        *out = api_string_view(value);
    return true;
}

static bool take_body(struct changing *c)
{
    bool adds = c->change.verb == DIRECTORY_ADD;
    const json_t *is_default;

    c->body = http_json(c->r);
    if (c->body == NULL)
        return false;
    if (!json_is_object(c->body)) {
        http_reply_problem(c->r, 400, "member-type", NULL, "The body is no JSON object.");
        return false;
    }
    is_default = sendgrid_member(c->body, "is_default");
    if (is_default != NULL && !json_is_boolean(is_default)) {
        http_reply_problem(c->r, 400, "member-type", "is_default", "This is true or false.");
        return false;
    }
    if (is_default != NULL)
        c->group.is_default = json_is_true(is_default) ? ASM_DEFAULT_YES : ASM_DEFAULT_NO;
    return take_text(c, "name", adds, &c->group.name) &&
           take_text(c, "description", adds, &c->group.description);
}

static void change(struct http_request *r, const struct api *api, enum directory_verb verb,
                   const char *scope)
{
    struct identity *who = http_caller(r, api->directory, scope);
    struct changing *c = who == NULL ? NULL : calloc(1, sizeof(*c));

    if (who == NULL)
        return;
    if (c == NULL) {
        identity_unref(who);
        sendgrid_no_memory(r);
        return;
    }
    c->r = r;
    c->api = api;
    c->who = who;
    c->change = (struct directory_change){.noun = DIRECTORY_ASM_GROUP,
                                          .verb = verb,
                                          .loop = http_loop(r),
                                          .done = changed,
                                          .actor = sgl_view_cstr(who->name),
                                          .peer = sgl_view_cstr(http_peer(r)),
                                          .within = sgl_view_cstr(who->subscription),
                                          .name = http_param(r, "group_id"),
                                          .asm_group = &c->group};
    if (verb == DIRECTORY_REMOVE || take_body(c))
        directory_change(api->directory, &c->change);
    else
        changing_free(c);
}

static void groups_post(struct http_request *r, void *ctx)
{
    change(r, ctx, DIRECTORY_ADD, "asm.groups.create");
}

static void group_patch(struct http_request *r, void *ctx)
{
    change(r, ctx, DIRECTORY_CHANGE, "asm.groups.update");
}

static void group_delete(struct http_request *r, void *ctx)
{
    change(r, ctx, DIRECTORY_REMOVE, "asm.groups.delete");
}

void sendgrid_group_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "GET", GROUPS, groups_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", GROUPS, groups_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", GROUP, group_get, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", GROUP, group_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", GROUP, group_delete, ctx);
    sendgrid_asm_routes(http, api);
}
