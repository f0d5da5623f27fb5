/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send: credentials for SMTP, access keys for HTTP. */
#include "admin_internal.h"

static json_t *identity_json(const struct identity *i)
{
    json_t *domains = json_array();
    const char *name = strchr(i->name, ':');
    json_t *json;

    if (i->any_domain)
        json_array_append_new(domains, json_string("*"));
    for (size_t d = 0; d < i->domains; d++)
        json_array_append_new(domains, json_string(i->domain[d]));
    json = json_pack("{s:s, s:s, s:o, s:o}", i->kind == IDENTITY_KEY ? "id" : "name",
                     name == NULL ? i->name : name + 1, "subscription", i->subscription, "domains",
                     domains, "created_at", admin_time(i->created_at * 1000));
    if (i->kind == IDENTITY_KEY) {
        json_object_set_new(json, "label", json_string(i->label));
        json_object_set_new(json, "admin", json_boolean(i->admin));
    }
    return json;
}

static bool list_one(void *ctx, struct identity *i)
{
    json_array_append_new(ctx, identity_json(i));
    return true;
}

/* false: too many, and answered. */
static bool take_domains(struct admin_change *n, const json_t *list)
{
    const json_t *item;
    size_t at;

    if (json_array_size(list) > DIRECTORY_DOMAINS_MAX) {
        http_reply_problem(n->r, 422, "too-many", "domains",
                           "At most 64 domains can be named; use * for all of the subscription.");
        return false;
    }
    json_array_foreach(list, at, item) n->change.domain[n->change.domains++] = admin_text(item);
    return true;
}

/* ---- credentials ---- */

static void list_credentials(struct directory *d, json_t *to)
{
    directory_each_identity(d, IDENTITY_CREDENTIAL, list_one, to);
}

static bool take_credential(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[2].value);
    n->change.password = admin_text(member[3].value);
    return take_domains(n, member[1].value);
}

static json_t *credential_added(const struct admin_change *n)
{
    const struct directory_change *c = &n->change;
    json_t *json = json_pack("{s:o}", "name", admin_json_view(c->name));

    if (c->secret[0] != '\0')
        json_object_set_new(json, "password", json_string(c->secret));
    return json;
}

static const struct admin_noun credentials = {
    .noun = DIRECTORY_CREDENTIAL,
    .name = "credential",
    .plural = "credentials",
    .param = "name",
    .list = list_credentials,
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "domains", .type = JSON_ARRAY, .required = true},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "password", .type = JSON_STRING}},
    .take = take_credential,
    .added = credential_added,
};

static void credentials_get(struct http_request *r, void *ctx)
{
    admin_noun_list(r, ctx, &credentials);
}

static void credentials_post(struct http_request *r, void *ctx)
{
    admin_noun_add(r, ctx, &credentials);
}

static void credential_delete(struct http_request *r, void *ctx)
{
    admin_noun_remove(r, ctx, &credentials);
}

/* ---- access keys ---- */

static void list_keys(struct directory *d, json_t *to)
{
    directory_each_identity(d, IDENTITY_KEY, list_one, to);
}

static bool take_key(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[2].value);
    n->change.admin = json_is_true(member[3].value);
    return take_domains(n, member[1].value);
}

static json_t *key_added(const struct admin_change *n)
{
    return json_pack("{s:s, s:s}", "id", n->change.id, "key", n->change.secret);
}

static const struct admin_noun keys = {
    .noun = DIRECTORY_KEY,
    .name = "key",
    .plural = "keys",
    .param = "id",
    .list = list_keys,
    .member = {{.name = "label", .type = JSON_STRING},
               {.name = "domains", .type = JSON_ARRAY},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "admin", .type = JSON_TRUE}},
    .take = take_key,
    .added = key_added,
};

static void keys_get(struct http_request *r, void *ctx)
{
    admin_noun_list(r, ctx, &keys);
}

static void keys_post(struct http_request *r, void *ctx)
{
    admin_noun_add(r, ctx, &keys);
}

static void key_delete(struct http_request *r, void *ctx)
{
    admin_noun_remove(r, ctx, &keys);
}

void admin_identity_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/credentials", credentials_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/credentials", credentials_post, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/credentials/{name}", credential_delete, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/keys", keys_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/keys", keys_post, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/keys/{id}", key_delete, ctx);
}
