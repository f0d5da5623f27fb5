/* SPDX-License-Identifier: Apache-2.0 */
/* The two secrets of a communication service: read, and made anew; and whether its name is free. */
#include <stdio.h>
#include <stdlib.h>

#include "arm_service.h"
#include "sigillo/crypto.h"

#define SERVICE ARM_GROUP "communicationServices/{service}"

/* ---- read ---- */

struct keys_read {
    struct service_keys keys; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    struct named_service *service; /* in the arena */
};

static json_t *connection_json(const struct admin *admin, const struct named_service *s,
                               const char *id, const char *key)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2048);
    json_t *json;

    sgl_buf_add_cstr(&text, "endpoint=");
    admin_put_endpoint(admin, id, s->shared, &text);
    sgl_buf_addf(&text, ";accesskey=%s", key);
    json = admin_json_view(sgl_buf_view(&text));
    sgl_wipe(text.data, text.len);
    return json;
}

static void keys_read(struct service_keys *k)
{
    struct keys_read *g = (struct keys_read *)(void *)k;
    const char *result = !k->found ? "not-found" : k->fine ? "done" : "unavailable";

    admin_audit(g->r, g->who, "service keys", k->id, result);
    if (k->fine)
        http_reply_json(g->r, 200,
                        json_pack("{s:s, s:s, s:o, s:o}", "primaryKey", k->key[0], "secondaryKey",
                                  k->key[1], "primaryConnectionString",
                                  connection_json(g->admin, g->service, k->id, k->key[0]),
                                  "secondaryConnectionString",
                                  connection_json(g->admin, g->service, k->id, k->key[1])));
    else if (!k->found)
        arm_service_not_found(g->r);
    else
        http_reply_problem(g->r, 503, "unavailable", NULL,
                           "The keys cannot be opened now; try again soon.");
    identity_unref(g->who);
    sgl_wipe(g, sizeof(*g));
    free(g);
}

static void list_keys(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct named_service *there;
    sgl_view subscription;
    struct keys_read *g;

    if (!arm_service_named(r, admin, &subscription, &there))
        return;
    if (there == NULL || !arm_in_group(r, there->facts)) {
        arm_service_not_found(r);
        return;
    }
    g = calloc(1, sizeof(*g));
    if (g == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return;
    }
    g->keys.loop = http_loop(r);
    g->keys.done = keys_read;
    g->r = r;
    g->admin = admin;
    g->who = admin_who(r, admin);
    g->service = there;
    if (g->who == NULL) {
        free(g);
        return;
    }
    directory_service_keys(admin->directory, subscription, there->name, &g->keys);
}

/* ---- made anew ---- */

static bool take_type(struct admin_change *n, const struct admin_member *member)
{
    sgl_view type = admin_text(member[0].value);

    n->change.key = &n->key;
    if (sgl_view_eq_nocase(type, SGL_LIT("Primary")))
        n->key.rotate = KEY_ROTATE_PRIMARY;
    else if (sgl_view_eq_nocase(type, SGL_LIT("Secondary")))
        n->key.rotate = KEY_ROTATE_SECONDARY;
    else
        http_reply_problem(n->r, 422, "member-value", "keyType",
                           "One of Primary and Secondary is wanted.");
    return n->key.rotate != KEY_KEEP;
}

static void take_query(struct admin_change *n)
{
    struct subscription *s =
        directory_tenant(n->admin->directory, http_param(n->r, "subscription"));
    struct named_service *there = NULL;
    size_t count = 0;

    n->change.name = SGL_LIT("");
    if (s != NULL &&
        directory_services(n->admin->directory, sgl_view_cstr(s->name), http_param(n->r, "service"),
                           http_arena(n->r), &there, &count) &&
        count > 0)
        n->change.name = there->id;
    subscription_unref(s);
}

/* The one that was made; the other one is as it was, and can be read. */
static json_t *regenerated(const struct admin_change *n)
{
    struct key_facts facts;
    struct identity *i = directory_key(n->admin->directory, n->change.name, &facts);
    const struct named_service s = {.shared = i != NULL && facts.shared};
    bool first = n->change.which != NULL && strcmp(n->change.which, "primary") == 0;

    identity_unref(i);
    return json_pack("{s:s, s:o}", first ? "primaryKey" : "secondaryKey", n->change.access_key,
                     first ? "primaryConnectionString" : "secondaryConnectionString",
                     connection_json(n->admin, &s, n->change.id, n->change.access_key));
}

static const struct admin_noun regenerate_row = {
    .noun = DIRECTORY_KEY,
    .name = "service",
    .param = "service",
    .change_member = {{.name = "keyType", .type = JSON_STRING, .required = true}},
    .take_change = take_type,
    .changed = regenerated,
    .take_query = take_query,
};

static void regenerate_key(struct http_request *r, void *ctx)
{
    struct named_service *there;
    sgl_view subscription;

    if (!arm_service_named(r, ctx, &subscription, &there))
        return;
    if (there == NULL || !arm_in_group(r, there->facts))
        arm_service_not_found(r);
    else
        admin_noun_change(r, ctx, &regenerate_row);
}

/* ---- is its name free? ---- */

static void check_name(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "name", .type = JSON_STRING, .required = true},
                                    {.name = "type", .type = JSON_STRING}};
    const struct admin *admin = ctx;
    struct subscription *s;
    struct named_service *there;
    struct identity *who;
    json_t *body = NULL, *answer;
    size_t count;

    arm_begin(r);
    who = admin_who(r, admin);
    s = who == NULL ? NULL : arm_subscription(r, admin, who);
    identity_unref(who);
    if (s != NULL)
        body = admin_object(r, member, 2);
    if (body != NULL && arm_services(r, admin, sgl_view_cstr(s->name), admin_text(member[0].value),
                                     &there, &count)) {
        bool is_free = count == 0 || admin_text(member[0].value).len == 0;

        answer = json_pack("{s:b}", "nameAvailable", (int)is_free);
        if (!is_free) {
            json_object_set_new(answer, "reason", json_string("AlreadyExists"));
            json_object_set_new(answer, "message", json_string("There is a service of this name."));
        }
        http_reply_json(r, 200, answer);
    }
    json_decref(body);
    subscription_unref(s);
}

void arm_service_keys_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "POST", SERVICE "/listKeys", list_keys, ctx);
    http_route(http, HTTP_PUBLIC, "POST", SERVICE "/regenerateKey", regenerate_key, ctx);
    http_route(http, HTTP_PUBLIC, "POST", ARM_SUBSCRIPTION "checkNameAvailability", check_name,
               ctx);
}
