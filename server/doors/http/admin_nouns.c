/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of nouns share: listed, added, changed, removed.  What differs is in their rows, struct admin_noun.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"
#include "sigillo/crypto.h"

/* ---- read ---- */

/* Is this one there for him?  An operator's keys are not, though they have a subscription. */
static bool is_seen(const struct admin_noun *noun, const json_t *item, sgl_view scope)
{
    const char *member = noun->noun == DIRECTORY_SUBSCRIPTION ? "name" : "subscription";
    const char *whose = json_string_value(json_object_get(item, member));
    const char *role = json_string_value(json_object_get(item, "role"));

    return whose != NULL && sgl_view_eq(scope, sgl_view_cstr(whose)) &&
           (role == NULL || strcmp(role, role_name(ROLE_OPERATOR)) != 0);
}

static void keep_seen(const struct admin_noun *noun, json_t *list, sgl_view scope)
{
    json_t *seen = json_array(), *item;
    size_t at;

    json_array_foreach(list, at, item)
    {
        if (is_seen(noun, item, scope))
            json_array_append(seen, item);
    }
    json_array_clear(list);
    json_array_extend(list, seen);
    json_decref(seen);
}

struct listing {
    const struct admin *admin;
    const struct admin_noun *noun;
    json_t *list;
};

/* By its name, since its facts are not the identity's; one that is removed meanwhile is left out. */
static bool list_found(void *ctx, struct identity *i)
{
    const struct listing *l = ctx;
    sgl_view name = sgl_view_cstr(i->name);
    json_t *json = l->noun->find(l->admin, sgl_view_from(name, sgl_view_find(name, ':') + 1));

    if (json != NULL)
        json_array_append_new(l->list, json);
    return true;
}

static void list(struct http_request *r, const struct admin *admin, const struct admin_noun *noun)
{
    struct listing l = {.admin = admin, .noun = noun};
    sgl_view scope;

    if (!admin_may_read(r, admin, &scope))
        return;
    l.list = json_array();
    if (noun->list != NULL)
        noun->list(admin->directory, l.list);
    else
        directory_each_identity(admin->directory, noun->kind, list_found, &l);
    if (scope.len > 0)
        keep_seen(noun, l.list, scope);
    http_reply_json(r, 200, json_pack("{s:o}", noun->plural, l.list));
}

static void show(struct http_request *r, const struct admin *admin, const struct admin_noun *noun)
{
    sgl_view scope;
    json_t *json;

    if (!admin_may_read(r, admin, &scope))
        return;
    json = noun->find(admin, http_param(r, noun->param));
    if (json != NULL && (scope.len == 0 || is_seen(noun, json, scope))) {
        http_reply_json(r, 200, json);
        return;
    }
    json_decref(json);
    http_reply_problem(r, 404, "not-found", noun->param, noun->none);
}

/* ---- changed ---- */

static void change_free(struct admin_change *n)
{
    identity_unref(n->who);
    json_decref(n->body);
    sgl_wipe(n->change.secret, sizeof(n->change.secret));
    sgl_wipe(n->change.access_key, sizeof(n->change.access_key));
    sgl_wipe(n->change.dotted, sizeof(n->change.dotted));
    free(n->member);
    free(n);
}

const char *admin_result_word(enum directory_result result)
{
    switch (result) {
    case DIRECTORY_OK:
        return "done";
    case DIRECTORY_INVALID:
        return "invalid";
    case DIRECTORY_EXISTS:
        return "exists";
    case DIRECTORY_NOT_FOUND:
        return "not-found";
    case DIRECTORY_IN_USE:
        return "in-use";
    case DIRECTORY_CONFLICT:
        return "conflict";
    case DIRECTORY_UNAVAILABLE:
        break;
    }
    return "unavailable";
}

int admin_result_status(enum directory_result result)
{
    switch (result) {
    case DIRECTORY_OK:
        return 200;
    case DIRECTORY_INVALID:
        return 422;
    case DIRECTORY_EXISTS:
    case DIRECTORY_IN_USE:
    case DIRECTORY_CONFLICT:
        return 409;
    case DIRECTORY_NOT_FOUND:
        return 404;
    case DIRECTORY_UNAVAILABLE:
        break;
    }
    return 503;
}

static json_t *done_json(const struct admin_change *n)
{
    if (n->change.verb == DIRECTORY_ADD && n->noun->added != NULL)
        return n->noun->added(n);
    if (n->change.verb == DIRECTORY_CHANGE)
        return n->noun->changed(n);
    return json_pack("{s:o}", "name", admin_json_view(n->change.name));
}

static void changed(struct directory_change *c)
{
    struct admin_change *n = (struct admin_change *)(void *)c;
    char what[64];

    snprintf(what, sizeof(what), "%s %s", n->noun->name, directory_verb_word(c->verb));
    admin_audit(n->r, n->who, what, n->about, admin_result_word(c->result));
    if (c->result == DIRECTORY_OK)
        http_reply_json(n->r, c->verb == DIRECTORY_ADD ? 201 : 200, done_json(n));
    else
        http_reply_problem(n->r, admin_result_status(c->result), admin_result_word(c->result),
                           c->field, c->why);
    change_free(n);
}

/* NULL: answered. */
static struct admin_change *change_new(struct http_request *r, const struct admin *admin,
                                       const struct admin_noun *noun, enum directory_verb verb)
{
    struct identity *who = admin_who(r, admin);
    struct admin_change *n;

    if (who == NULL)
        return NULL;
    n = calloc(1, sizeof(*n));
    if (n == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return NULL;
    }
    n->change.noun = noun->noun;
    n->change.verb = verb;
    n->change.loop = http_loop(r);
    n->change.done = changed;
    n->noun = noun;
    n->change.within = admin_scope(who);
    n->change.actor = sgl_view_cstr(who->name);
    n->change.peer = sgl_view_cstr(http_peer(r));
    n->r = r;
    n->admin = admin;
    n->who = who;
    return n;
}

static void start(struct admin_change *n)
{
    if (n->change.role > n->who->role) {
        http_reply_problem(n->r, 403, "role", "role", "Nobody can give a role above his own.");
        change_free(n);
        return;
    }
    snprintf(n->about, sizeof(n->about), "%.*s", SGL_FMT(n->change.name));
    directory_change(n->admin->directory, &n->change);
}

/* Reads the body by its row, and begins; or answers. */
static void take_and_start(struct admin_change *n, const struct admin_member *row,
                           bool (*take)(struct admin_change *n, const struct admin_member *member))
{
    struct admin_member member[ADMIN_MEMBERS_MAX + 1] = {{0}}; /* the last has no name */
    size_t members = 0;

    while (members < ADMIN_MEMBERS_MAX && row[members].name != NULL) {
        member[members] = row[members];
        members++;
    }
    n->body = admin_object(n->r, member, members);
    if (n->body != NULL && take(n, member))
        start(n);
    else
        change_free(n);
}

void admin_noun_add(struct http_request *r, const struct admin *admin,
                    const struct admin_noun *noun)
{
    struct admin_change *n = change_new(r, admin, noun, DIRECTORY_ADD);

    if (n != NULL)
        take_and_start(n, noun->member, noun->take);
}

/* What a path names, and what stands beside it. */
static void take_name(struct admin_change *n)
{
    n->change.name = http_param(n->r, n->noun->param);
    if (n->noun->take_query != NULL)
        n->noun->take_query(n);
}

void admin_noun_change(struct http_request *r, const struct admin *admin,
                       const struct admin_noun *noun)
{
    struct admin_change *n = change_new(r, admin, noun, DIRECTORY_CHANGE);

    if (n == NULL)
        return;
    take_name(n);
    take_and_start(n, noun->change_member, noun->take_change);
}

bool admin_take_version(struct admin_change *n, const json_t *version)
{
    json_int_t number = json_integer_value(version);

    if (version == NULL)
        return true;
    if (number > 0) {
        n->change.version = (uint64_t)number;
        return true;
    }
    http_reply_problem(n->r, 422, "number", "version",
                       "A version is a number from 1, as a listing shows it.");
    return false;
}

void admin_noun_remove(struct http_request *r, const struct admin *admin,
                       const struct admin_noun *noun)
{
    struct admin_change *n = change_new(r, admin, noun, DIRECTORY_REMOVE);

    if (n == NULL)
        return;
    take_name(n);
    start(n);
}

/* ---- routes ---- */

static const struct admin_noun *const nouns[] = {
    &admin_subscriptions, &admin_credentials, &admin_keys,     &admin_apps,   &admin_accounts,
    &admin_senders,       &admin_groups,      &admin_policies, &admin_locals, &admin_routes_noun,
};
#define NOUNS (sizeof(nouns) / sizeof(nouns[0]))

/* Whose route this is; they are registered with these very strings. */
static const struct admin_noun *noun_of(const struct http_request *r)
{
    size_t i = 0;

    while (http_pattern(r) != nouns[i]->path && http_pattern(r) != nouns[i]->one)
        i++;
    return nouns[i];
}

static void all_get(struct http_request *r, void *ctx)
{
    list(r, ctx, noun_of(r));
}

static void all_post(struct http_request *r, void *ctx)
{
    admin_noun_add(r, ctx, noun_of(r));
}

static void one_get(struct http_request *r, void *ctx)
{
    const struct admin_noun *noun = noun_of(r);

    if (noun->show != NULL)
        noun->show(r, ctx);
    else
        show(r, ctx, noun);
}

static void one_patch(struct http_request *r, void *ctx)
{
    admin_noun_change(r, ctx, noun_of(r));
}

static void one_delete(struct http_request *r, void *ctx)
{
    admin_noun_remove(r, ctx, noun_of(r));
}

static void noun_routes(struct http *http, void *ctx, const struct admin_noun *noun)
{
    http_route(http, HTTP_BOTH, "GET", noun->path, all_get, ctx);
    http_route(http, HTTP_BOTH, "POST", noun->path, all_post, ctx);
    if (noun->find != NULL || noun->show != NULL)
        http_route(http, HTTP_BOTH, "GET", noun->one, one_get, ctx);
    if (noun->take_change != NULL)
        http_route(http, HTTP_BOTH, "PATCH", noun->one, one_patch, ctx);
    if (noun->noun != DIRECTORY_SUBSCRIPTION) /* one stays for good */
        http_route(http, HTTP_BOTH, "DELETE", noun->one, one_delete, ctx);
}

void admin_nouns_routes(struct http *http, const struct admin *admin)
{
    void *ctx = (void *)(uintptr_t)admin;

    admin_route_routes(http, admin); /* before those of single ones: "test" is none */
    for (size_t i = 0; i < NOUNS; i++)
        noun_routes(http, ctx, nouns[i]);
    admin_domain_routes(http, ctx);
    admin_policy_routes(http, ctx);
    admin_suppression_routes(http, ctx);
}
