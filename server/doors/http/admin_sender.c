/* SPDX-License-Identifier: Apache-2.0 */
/* Senders: addresses that an identity, or all who may use a domain, are confined to. */
#include "admin_internal.h"

static bool list_one(void *ctx, struct sender *s)
{
    char address[ACCESS_TEXT_MAX + 2];

    access_address_text(s->address, address);
    json_array_append_new(
        ctx,
        json_pack("{s:s, s:o, s:s, s:s, s:o, s:I}", "address", address, "identity",
                  s->identity[0] == '\0' ? json_null() : json_string(s->identity), "display_name",
                  s->display, "subscription", s->owned.subscription, "created_at",
                  admin_time(s->owned.created_at * 1000), "version", (json_int_t)s->owned.version));
    return true;
}

static void list(struct directory *d, json_t *to)
{
    directory_each_sender(d, list_one, to);
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->sender.identity = admin_text(member[1].value);
    n->change.subscription = admin_text(member[2].value);
    n->sender.display = admin_text(member[3].value);
    n->change.sender = &n->sender;
    return true;
}

static void take_query(struct admin_change *n)
{
    n->sender.identity = http_query(n->r, "identity");
    n->change.sender = &n->sender;
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    n->sender.display = admin_text(member[0].value);
    return admin_anything_given(n, member, 1) && admin_take_version(n, member[1].value);
}

static json_t *added(const struct admin_change *n)
{
    sgl_view identity = n->sender.identity;

    return json_pack("{s:o, s:o}", "address", admin_json_view(n->change.name), "identity",
                     identity.len == 0 ? json_null() : admin_json_view(identity));
}

static json_t *changed(const struct admin_change *n)
{
    json_t *json = added(n);

    json_object_set_new(json, "display_name", admin_json_view(n->sender.display));
    return json;
}

const struct admin_noun admin_senders = {
    .noun = DIRECTORY_SENDER,
    .name = "sender",
    .plural = "senders",
    .path = "/admin/v1/senders",
    .one = "/admin/v1/senders/{address}",
    .param = "address",
    .list = list,
    .member = {{.name = "address", .type = JSON_STRING, .required = true},
               {.name = "identity", .type = JSON_STRING},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "display_name", .type = JSON_STRING}},
    .take = take,
    .added = added,
    .change_member = {{.name = "display_name", .type = JSON_STRING},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_change,
    .changed = changed,
    .take_query = take_query,
};
