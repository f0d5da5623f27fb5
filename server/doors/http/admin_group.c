/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: addresses and whole domains under a name of the subscription's own; listed by their size, shown with their members. */
#include <stdlib.h>

#include "admin_internal.h"

static json_t *group_json(const struct group *g)
{
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:o, s:I}", "name", g->name, "subscription", g->owned.subscription,
        "description", g->description, "size", (json_int_t)g->members.used, "created_at",
        admin_time(g->owned.created_at * 1000), "version", (json_int_t)g->owned.version);
}

static json_t *group_with_members(const struct group *g)
{
    json_t *json = group_json(g), *list = json_array();
    char address[ACCESS_TEXT_MAX + 2];

    for (const char *m = access_set_next(&g->members, NULL); m != NULL;
         m = access_set_next(&g->members, m)) {
        access_address_text(m, address);
        json_array_append_new(list, json_string(address));
    }
    json_object_set_new(json, "members", list);
    return json;
}

static bool list_one(void *ctx, struct group *g)
{
    json_array_append_new(ctx, group_json(g));
    return true;
}

static void list(struct directory *d, json_t *to)
{
    directory_each_group(d, list_one, to);
}

/* ---- added, changed ---- */

static const sgl_view *put_list(sgl_view *to, const json_t *list)
{
    const json_t *item;
    size_t at;

    json_array_foreach(list, at, item) to[at] = admin_text(item);
    return to;
}

/* The views of both lists, in one piece. false: answered. */
static bool take_lists(struct admin_change *n, const json_t *add, const json_t *drop)
{
    struct group_change *g = &n->group;

    g->adds = json_array_size(add);
    g->drops = json_array_size(drop);
    n->member = calloc(g->adds + g->drops + 1, sizeof(*n->member));
    if (n->member == NULL) {
        http_reply_problem(n->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
        return false;
    }
    g->add = put_list(n->member, add);
    g->drop = put_list(n->member + g->adds, drop);
    n->change.group = g;
    return true;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[3].value);
    n->group.description = admin_text(member[2].value);
    return take_lists(n, member[1].value, NULL);
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    const json_t *all = member[0].value, *add = member[1].value, *drop = member[2].value;

    if (all == NULL && add == NULL && drop == NULL && member[3].value == NULL) {
        http_reply_problem(n->r, 400, "member-missing", "body",
                           "Name at least one member to change.");
        return false;
    }
    if (all != NULL && (add != NULL || drop != NULL)) {
        http_reply_problem(n->r, 400, "member-type", "members",
                           "Either all members are given, or some to add and to drop.");
        return false;
    }
    n->group.replace = all != NULL;
    if (member[3].value != NULL)
        n->group.description = admin_text(member[3].value);
    return take_lists(n, all != NULL ? all : add, drop) && admin_take_version(n, member[4].value);
}

static void take_query(struct admin_change *n)
{
    n->change.subscription = http_query(n->r, "subscription");
}

static sgl_view subscription_of(sgl_view asked, sgl_view scope)
{
    return asked.len > 0 ? asked : scope.len > 0 ? scope : SGL_LIT("default");
}

static json_t *changed(const struct admin_change *n)
{
    const struct directory_change *c = &n->change;
    struct group *g =
        directory_group(n->admin->directory, subscription_of(c->subscription, c->within), c->name);
    json_t *json = g == NULL ? json_object() : group_json(g); /* NULL: removed again already */

    group_unref(g);
    return json;
}

static void show(struct http_request *r, const struct admin *admin)
{
    sgl_view scope, asked = http_query(r, "subscription");
    struct group *g;

    if (!admin_may_read(r, admin, &scope) || !admin_take_scope(r, scope, &asked))
        return;
    g = directory_group(admin->directory, subscription_of(asked, scope), http_param(r, "name"));
    if (g == NULL)
        http_reply_problem(r, 404, "not-found", "name",
                           "there is no such group; sigillo group list shows those that are there");
    else
        http_reply_json(r, 200, group_with_members(g));
    group_unref(g);
}

const struct admin_noun admin_groups = {
    .noun = DIRECTORY_GROUP,
    .name = "group",
    .plural = "groups",
    .path = "/admin/v1/groups",
    .one = "/admin/v1/groups/{name}",
    .param = "name",
    .list = list,
    .show = show,
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "members", .type = JSON_ARRAY},
               {.name = "description", .type = JSON_STRING},
               {.name = "subscription", .type = JSON_STRING}},
    .take = take,
    .added = changed,
    .change_member = {{.name = "members", .type = JSON_ARRAY},
                      {.name = "add", .type = JSON_ARRAY},
                      {.name = "drop", .type = JSON_ARRAY},
                      {.name = "description", .type = JSON_STRING},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_change,
    .changed = changed,
    .take_query = take_query,
};
