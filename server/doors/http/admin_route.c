/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of what arrives: which there are, and which one takes an address. */
#include <stdlib.h>

#include "admin_internal.h"

#define NONE "there is no such route; sigillo route list shows those that are there"

static json_t *route_json(const struct arrival_route *r)
{
    json_t *target = json_array();

    for (size_t i = 0; i < r->targets; i++)
        json_array_append_new(target, json_string(r->target[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s?, s:b, s:b, s:b, s:o, s:I}", "id", r->owned.key,
                     "pattern", r->pattern, "subscription", r->owned.subscription, "action",
                     route_action_name(r->action), "target", target, "junk", r->junk, "ask",
                     (int)r->ask, "inside", (int)r->inside, "signed", (int)(r->secret != NULL),
                     "created_at", admin_time(r->owned.created_at * 1000), "version",
                     (json_int_t)r->owned.version);
}

static bool list_one(void *ctx, struct arrival_route *r)
{
    json_array_append_new(ctx, route_json(r));
    return true;
}

static void list(struct directory *d, json_t *to)
{
    directory_each_route(d, list_one, to);
}

static json_t *find(const struct admin *admin, sgl_view name)
{
    struct arrival_route *r = directory_route_named(admin->directory, name);
    json_t *json = r == NULL ? NULL : route_json(r);

    arrival_route_unref(r);
    return json;
}

/* ---- added, changed ---- */

static bool say(struct admin_change *n, int status, const char *code, const char *field,
                const char *detail)
{
    http_reply_problem(n->r, status, code, field, detail);
    return false;
}

/* What is done, and where it goes: both or neither. false: answered. */
static bool take_action(struct admin_change *n, const json_t *action, const json_t *target)
{
    struct route_change *c = &n->route;
    const json_t *item;
    size_t at;

    if (action == NULL)
        return target == NULL || say(n, 400, "member-missing", "action",
                                     "A target is given together with the action.");
    if (!route_action_parse(admin_text(action), &c->action))
        return say(n, 422, "invalid", "action",
                   "An action is one of lmtp, smtp, webhook, forward, bounces, complaints, "
                   "reports, trap, discard.");
    n->member = calloc(json_array_size(target) + 1, sizeof(*n->member));
    if (n->member == NULL)
        return say(n, 503, "memory-full", NULL, "The server has no memory left for this.");
    json_array_foreach(target, at, item) n->member[at] = admin_text(item);
    c->set_action = true;
    c->target = n->member;
    c->targets = json_array_size(target);
    return true;
}

static bool take_rest(struct admin_change *n, const json_t *junk, const json_t *ask)
{
    n->change.route = &n->route;
    if (junk != NULL)
        n->route.junk = admin_text(junk);
    if (ask != NULL)
        n->route.ask = json_is_true(ask) ? ROUTE_ASK_YES : ROUTE_ASK_NO;
    return true;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[5].value);
    return take_action(n, member[1].value, member[2].value) &&
           take_rest(n, member[3].value, member[4].value);
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    if (!admin_anything_given(n, member, 5))
        return false;
    n->route.new_secret = json_is_true(member[4].value);
    return take_action(n, member[0].value, member[1].value) &&
           take_rest(n, member[2].value, member[3].value) && admin_take_version(n, member[5].value);
}

/* With a webhook's secret, where one was made. */
static json_t *changed(const struct admin_change *n)
{
    const struct directory_change *c = &n->change;
    json_t *json = find(n->admin, sgl_view_cstr(c->id));

    if (json == NULL) /* removed again already */
        json = json_pack("{s:s, s:s}", "id", c->id, "pattern", c->canonical);
    if (c->secret[0] != '\0')
        json_object_set_new(json, "secret", json_string(c->secret));
    return json;
}

const struct admin_noun admin_routes_noun = {
    .noun = DIRECTORY_ROUTE,
    .name = "route",
    .plural = "routes",
    .path = "/admin/v1/routes",
    .one = "/admin/v1/routes/{pattern}",
    .param = "pattern",
    .list = list,
    .find = find,
    .none = NONE,
    .member = {{.name = "pattern", .type = JSON_STRING, .required = true},
               {.name = "action", .type = JSON_STRING, .required = true},
               {.name = "target", .type = JSON_ARRAY},
               {.name = "junk", .type = JSON_STRING},
               {.name = "ask", .type = JSON_TRUE},
               {.name = "subscription", .type = JSON_STRING}},
    .take = take,
    .added = changed,
    .change_member = {{.name = "action", .type = JSON_STRING},
                      {.name = "target", .type = JSON_ARRAY},
                      {.name = "junk", .type = JSON_STRING},
                      {.name = "ask", .type = JSON_TRUE},
                      {.name = "new_secret", .type = JSON_TRUE},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_change,
    .changed = changed,
};

/* ---- asked ---- */

static const char *match_text(enum route_match match)
{
    switch (match) {
    case ROUTE_MATCH_ADDRESS:
        return "it is for just this address";
    case ROUTE_MATCH_DETAIL:
        return "it is for this address without its detail";
    case ROUTE_MATCH_DOMAIN:
        return "it is for all of the domain that has no route of its own";
    case ROUTE_MATCH_NONE:
        break;
    }
    return "";
}

static void route_test(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    sgl_view scope, address = http_query(r, "address");
    struct arrival_route *found;
    enum route_match match;

    if (!admin_may_read(r, admin, &scope))
        return;
    if (address.len == 0) {
        http_reply_problem(r, 400, "member-missing", "address", "This must be given.");
        return;
    }
    found = directory_route_match(admin->directory, address, &match);
    if (found != NULL &&
        (scope.len == 0 || sgl_view_eq(scope, sgl_view_cstr(found->owned.subscription))))
        http_reply_json(r, 200,
                        json_pack("{s:o, s:s, s:s, s:o}", "address", admin_json_view(address),
                                  "match", route_match_name(match), "text", match_text(match),
                                  "route", route_json(found)));
    else
        http_reply_problem(r, 404, "not-found", "address",
                           "no route takes mail for this address: it is refused");
    arrival_route_unref(found);
}

void admin_route_routes(struct http *http, const struct admin *admin)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/routes/test", route_test,
               (void *)(uintptr_t)admin);
}
