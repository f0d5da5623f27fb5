/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions. */
#include "admin_internal.h"

static bool list_one(void *ctx, struct subscription *s)
{
    json_array_append_new(ctx, json_pack("{s:s, s:s, s:o}", "name", s->name, "profile",
                                         s->profile[0] == '\0' ? LIMITS_DEFAULT : s->profile,
                                         "created_at", admin_time(s->created_at * 1000)));
    return true;
}

static void list(struct directory *d, json_t *to)
{
    directory_each_subscription(d, list_one, to);
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.profile = admin_text(member[1].value);
    return admin_profile_known(n->r, n->admin, n->change.profile);
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    n->change.profile = admin_text(member[0].value);
    return admin_profile_known(n->r, n->admin, n->change.profile) &&
           admin_take_version(n, member[1].value);
}

static json_t *changed(const struct admin_change *n)
{
    struct subscription *s = directory_subscription(n->admin->directory, n->change.name);
    json_t *json = s == NULL ? json_object() : admin_subscription_json(n->admin, s);

    subscription_unref(s);
    return json;
}

const struct admin_noun admin_subscriptions = {
    .noun = DIRECTORY_SUBSCRIPTION,
    .name = "subscription",
    .plural = "subscriptions",
    .path = "/admin/v1/subscriptions",
    .one = "/admin/v1/subscriptions/{name}",
    .list = list,
    .param = "name",
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "profile", .type = JSON_STRING}},
    .take = take,
    .change_member = {{.name = "profile", .type = JSON_STRING, .required = true},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_change,
    .changed = changed,
};
