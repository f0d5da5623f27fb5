/* SPDX-License-Identifier: Apache-2.0 */
/* Who has left a group, or all mail: added, listed, looked for, removed. */
#include <stdio.h>
#include <stdlib.h>

#include "sendgrid_walk.h"
#include "sigillo/mailbox.h"

#define ASM      "/v3/asm/"
#define OF_GROUP ASM "groups/{group_id}/suppressions"
#define LEFT                                                                                       \
    (SUPPRESSION_REASON_BIT(SUPPRESSION_UNSUBSCRIBE) | SUPPRESSION_REASON_BIT(SUPPRESSION_MANUAL))

/* "list:asm-42" of the path's group, in the request's arena; "" where there is no such group, with *known. NULL: no memory. */
static const char *scope_of(struct http_request *r, const struct api *api,
                            const struct identity *who, bool *known)
{
    char text[64];
    struct asm_group *g = NULL;
    uint32_t id;

    if (sendgrid_group_id(r, &id))
        g = directory_asm_group(api->directory, sgl_view_cstr(who->subscription), id);
    *known = g != NULL;
    asm_group_unref(g);
    snprintf(text, sizeof(text), SUPPRESSION_LIST ASM_GROUP_LIST "%u", id);
    return *known ? sgl_arena_cstr(http_arena(r), sgl_view_cstr(text)) : "";
}

/* The same, and the caller: NULL: answered. */
static struct identity *caller_of_group(struct http_request *r, const struct api *api,
                                        const char *needs, const char **scope)
{
    struct identity *who = http_caller(r, api->directory, needs);
    bool known;

    if (who == NULL)
        return NULL;
    *scope = scope_of(r, api, who, &known);
    if (known && *scope != NULL)
        return who;
    if (!known)
        sendgrid_no_group(r);
    else
        sendgrid_no_memory(r);
    identity_unref(who);
    return NULL;
}

/* {"recipient_emails": [...]}: the caller's. NULL: answered. */
static json_t *take_emails(struct http_request *r)
{
    json_t *body = http_json(r), *list;

    if (body == NULL)
        return NULL;
    list = json_incref(json_object_get(body, "recipient_emails"));
    json_decref(body);
    if (sendgrid_are_emails(r, list, "recipient_emails"))
        return list;
    json_decref(list);
    return NULL;
}

/* ---- added ---- */

struct adding {
    struct directory_suppress op; /* first: cast from it */
    struct http_request *r;
    struct identity *who;
    json_t *emails;
};

static void adding_free(struct adding *a)
{
    identity_unref(a->who);
    json_decref(a->emails);
    free(a);
}

static void added(struct directory_suppress *op)
{
    struct adding *a = (struct adding *)(void *)op;
    char field[64];

    snprintf(field, sizeof(field), "recipient_emails.%zu", op->wrong);
    if (op->result == DIRECTORY_OK) {
        http_reply_json(a->r, 201, json_pack("{s:O}", "recipient_emails", a->emails));
    } else if (op->result == DIRECTORY_INVALID) {
        http_reply_problem(a->r, 400, "address-syntax", field, op->why);
    } else {
        http_reply_header(a->r, "Retry-After", SGL_LIT("5"));
        http_reply_problem(a->r, 503, "unavailable", NULL, op->why);
    }
    adding_free(a);
}

static void submit(struct adding *a, const struct api *api, const char *scope)
{
    size_t count = json_array_size(a->emails);
    struct suppression *item = SGL_NEW_N(http_arena(a->r), count + 1, struct suppression);

    if (item == NULL) {
        sendgrid_no_memory(a->r);
        adding_free(a);
        return;
    }
    for (size_t i = 0; i < count; i++)
        item[i] = (struct suppression){.address = api_string_view(json_array_get(a->emails, i)),
                                       .reason = SUPPRESSION_UNSUBSCRIBE,
                                       .spelling = SUPPRESSION_ANY};
    a->op.subscription = sgl_view_cstr(a->who->subscription);
    a->op.domain = sgl_view_cstr(scope);
    a->op.item = item;
    a->op.items = count;
    a->op.loop = http_loop(a->r);
    a->op.done = added;
    a->op.actor = sgl_view_cstr(a->who->name);
    a->op.peer = sgl_view_cstr(http_peer(a->r));
    directory_suppress(api->directory, &a->op);
}

/* Takes the reference. scope NULL: no memory. */
static void add(struct http_request *r, const struct api *api, struct identity *who,
                const char *scope)
{
    json_t *emails = take_emails(r);
    struct adding *a = emails == NULL || scope == NULL ? NULL : calloc(1, sizeof(*a));

    if (a == NULL || json_array_size(emails) == 0) {
        if (a != NULL)
            http_reply_json(r, 201, json_pack("{s:O}", "recipient_emails", emails));
        else if (emails != NULL)
            sendgrid_no_memory(r);
        json_decref(emails);
        identity_unref(who);
        free(a);
        return;
    }
    a->r = r;
    a->who = who;
    a->emails = emails;
    submit(a, api, scope);
}

/* To a group that is not there: to all mail, as the service does it. */
static void group_post(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "asm.groups.suppressions.create");
    bool known;

    if (who != NULL)
        add(r, api, who, scope_of(r, api, who, &known));
}

static void global_post(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "asm.suppressions.global.create");

    if (who != NULL)
        add(r, api, who, "");
}

/* ---- listed ---- */

static json_t *address_json(const struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    (void)l;
    return json_stringn((const char *)e->address.ptr, e->address.len);
}

/* Also for a group that goes at this moment: then it has no name. */
static json_t *member_json(const struct sendgrid_listing *l, const struct sendgrid_entry *e)
{
    struct asm_group *g = NULL;
    uint32_t id = 0;
    json_t *json;

    if (asm_group_of_list(sgl_view_from(e->scope, sizeof(SUPPRESSION_LIST) - 1), &id))
        g = directory_asm_group(l->walk.api->directory, sgl_view_cstr(l->walk.subscription), id);
    json = json_pack("{s:s%, s:I, s:s, s:I}", "email", e->address.ptr, e->address.len, "group_id",
                     (json_int_t)id, "group_name", g == NULL ? "" : g->name, "created_at",
                     (json_int_t)e->created_at);
    asm_group_unref(g);
    return json;
}

/* Takes the reference. */
static void list(struct http_request *r, const struct api *api, struct identity *who,
                 const char *after, const char *before,
                 json_t *(*json)(const struct sendgrid_listing *l, const struct sendgrid_entry *e))
{
    struct sendgrid_listing *l = sendgrid_listing_new(r, api, who, 1);

    identity_unref(who);
    if (l == NULL)
        return;
    l->walk.reasons = ~0u;
    l->json = json;
    sendgrid_listing_run(l, sendgrid_walk_between(&l->walk, after, before));
}

static void group_get(struct http_request *r, void *ctx)
{
    const char *scope;
    struct identity *who = caller_of_group(r, ctx, "asm.groups.suppressions.read", &scope);
    char after[80], before[80];

    if (who == NULL)
        return;
    snprintf(after, sizeof(after), "/%s/", scope);
    snprintf(before, sizeof(before), "/%s0", scope);
    list(r, ctx, who, after, before, address_json);
}

static void all_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "asm.groups.suppressions.read");

    if (who != NULL)
        list(r, api, who, "/" SUPPRESSION_LIST "asm-", "/" SUPPRESSION_LIST "asm.", member_json);
}

/* ---- looked for ---- */

static bool is_listed(const struct api *api, const char *subscription, const char *scope,
                      sgl_view address, unsigned passed)
{
    const struct suppression_question q = {.subscription = sgl_view_cstr(subscription),
                                           .domain = sgl_view_cstr(scope),
                                           .address = address,
                                           .now = clock_now_s(),
                                           .passed = passed};
    enum suppression_reason reason;

    return directory_suppression_listed(api->directory, &q, &reason);
}

static void group_search(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    const char *scope;
    struct identity *who = caller_of_group(r, api, "asm.groups.suppressions.read", &scope);
    json_t *emails = who == NULL ? NULL : take_emails(r), *found, *item;
    struct sgl_mailbox mailbox;
    size_t at;

    if (emails == NULL) {
        identity_unref(who);
        return;
    }
    found = json_array();
    json_array_foreach(emails, at, item)
    {
        if (sgl_mailbox_parse(api_string_view(item), http_arena(r), &mailbox, NULL) == SGL_OK &&
            is_listed(api, who->subscription, scope, mailbox.text, 0))
            json_array_append(found, item);
    }
    json_decref(emails);
    identity_unref(who);
    http_reply_json(r, 200, found);
}

struct of_email {
    const struct api *api;
    const char *subscription;
    sgl_view address;
    json_t *list;
};

static bool add_group(void *ctx, struct asm_group *g)
{
    const struct of_email *o = ctx;
    char scope[64];

    if (strcmp(g->owned.subscription, o->subscription) != 0)
        return true;
    snprintf(scope, sizeof(scope), SUPPRESSION_LIST ASM_GROUP_LIST "%u", g->id);
    json_array_append_new(
        o->list, json_pack("{s:I, s:s, s:s, s:b, s:b}", "id", (json_int_t)g->id, "name", g->name,
                           "description", g->description, "is_default",
                           (int)directory_asm_is_default(o->api->directory, g), "suppressed",
                           (int)is_listed(o->api, o->subscription, scope, o->address, 0)));
    return true;
}

static void email_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "asm.groups.suppressions.read");
    struct of_email o = {.api = api};

    if (who == NULL)
        return;
    o.subscription = who->subscription;
    if (sendgrid_take_email(r, &o.address)) {
        o.list = json_array();
        directory_each_asm_group(api->directory, add_group, &o);
        http_reply_json(r, 200, json_pack("{s:o}", "suppressions", o.list));
    }
    identity_unref(who);
}

static void global_get(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    struct identity *who = http_caller(r, api->directory, "asm.suppressions.global.read");
    sgl_view address;

    if (who == NULL)
        return;
    if (sendgrid_take_email(r, &address))
        http_reply_json(r, 200,
                        is_listed(api, who->subscription, "", address, ~LEFT)
                            ? json_pack("{s:s%}", "recipient_email", address.ptr, address.len)
                            : json_object());
    identity_unref(who);
}

/* ---- removed ---- */

static void group_delete(struct http_request *r, void *ctx)
{
    struct sendgrid_removal what = {.reasons = ~0u, .one = http_param(r, "email")};
    struct identity *who = caller_of_group(r, ctx, "asm.groups.suppressions.delete", &what.scope);

    if (who != NULL)
        sendgrid_remove(r, ctx, who, &what);
}

static void global_delete(struct http_request *r, void *ctx)
{
    const struct api *api = ctx;
    const struct sendgrid_removal what = {
        .scope = "", .reasons = LEFT, .one = http_param(r, "email")};
    struct identity *who = http_caller(r, api->directory, "asm.suppressions.global.delete");

    if (who != NULL)
        sendgrid_remove(r, api, who, &what);
}

void sendgrid_asm_routes(struct http *http, const struct api *api)
{
    void *ctx = (void *)(uintptr_t)api;

    http_route(http, HTTP_PUBLIC, "POST", OF_GROUP, group_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", OF_GROUP, group_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", OF_GROUP "/search", group_search, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", OF_GROUP "/{email}", group_delete, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ASM "suppressions", all_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", ASM "suppressions/global", global_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ASM "suppressions/global/{email}", global_get, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", ASM "suppressions/global/{email}", global_delete, ctx);
    http_route(http, HTTP_PUBLIC, "GET", ASM "suppressions/{email}", email_get, ctx);
}
