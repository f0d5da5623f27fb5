/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions. */
#include "admin_internal.h"

static bool list_one(void *ctx, struct subscription *s)
{
    json_array_append_new(ctx, json_pack("{s:s, s:o}", "name", s->name, "created_at",
                                         admin_time(s->created_at * 1000)));
    return true;
}

static void list(struct directory *d, json_t *to)
{
    directory_each_subscription(d, list_one, to);
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    return true;
}

static const struct admin_noun subscriptions = {
    .noun = DIRECTORY_SUBSCRIPTION,
    .name = "subscription",
    .plural = "subscriptions",
    .list = list,
    .member = {{.name = "name", .type = JSON_STRING, .required = true}},
    .take = take,
};

static void subscriptions_get(struct http_request *r, void *ctx)
{
    admin_noun_list(r, ctx, &subscriptions);
}

static void subscriptions_post(struct http_request *r, void *ctx)
{
    admin_noun_add(r, ctx, &subscriptions);
}

void admin_subscription_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/subscriptions", subscriptions_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/subscriptions", subscriptions_post, ctx);
}
