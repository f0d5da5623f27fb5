/* SPDX-License-Identifier: Apache-2.0 */
/* Domains, and the records that they have to publish. */
#include "admin_internal.h"

/* ---- as JSON ---- */

static const char *algorithm_name(enum keys_algorithm algorithm)
{
    switch (algorithm) {
    case KEYS_ED25519:
        return "ed25519-sha256";
    case KEYS_RSA_2048:
    case KEYS_RSA_4096:
    case KEYS_ES256: /* signs tokens only */
        break;
    }
    return "rsa-sha256";
}

static json_t *domain_json(const struct domain *domain)
{
    json_t *selectors = json_array();

    for (size_t i = 0; i < domain->selectors; i++) {
        struct selector *s = &domain->selector[i];

        json_array_append_new(selectors,
                              json_pack("{s:s, s:s, s:b, s:b}", "name", s->name, "algorithm",
                                        algorithm_name(s->algorithm), "active", (int)s->active,
                                        "loaded", atomic_load(&s->key->handle) != 0));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:I}", "name", domain->name, "subscription",
                     domain->subscription, "created_at", admin_time(domain->created_at * 1000),
                     "selectors", selectors, "version", (json_int_t)domain->version);
}

/* ---- read ---- */

static bool list_one(void *ctx, struct domain *domain)
{
    json_array_append_new(ctx, domain_json(domain));
    return true;
}

static void list(struct directory *d, json_t *to)
{
    directory_each_domain(d, list_one, to);
}

struct domain *admin_named_domain(struct http_request *r, const struct admin *admin)
{
    struct domain *domain;
    sgl_view scope;

    if (!admin_may_read(r, admin, &scope))
        return NULL;
    domain = directory_domain(admin->directory, http_param(r, "name"));
    if (domain != NULL && scope.len > 0 &&
        !sgl_view_eq(scope, sgl_view_cstr(domain->subscription))) {
        domain_unref(domain);
        domain = NULL;
    }
    if (domain == NULL)
        http_reply_problem(r, 404, "domain-unknown", "name", "There is no such domain here.");
    return domain;
}

static void domain_get(struct http_request *r, void *ctx)
{
    struct domain *domain = admin_named_domain(r, ctx);

    if (domain == NULL)
        return;
    http_reply_json(r, 200, domain_json(domain));
    domain_unref(domain);
}

/* ---- changed ---- */

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[1].value);
    n->change.ed25519 = json_is_true(member[2].value);
    return true;
}

static json_t *added(const struct admin_change *n)
{
    struct domain *domain = directory_domain(n->admin->directory, n->change.name);
    json_t *json;

    if (domain == NULL) /* removed again already */
        return json_object();
    json = domain_json(domain);
    json_object_set_new(json, "records", admin_records_json(n->admin, domain));
    domain_unref(domain);
    return json;
}

static const struct admin_noun domains = {
    .noun = DIRECTORY_DOMAIN,
    .name = "domain",
    .plural = "domains",
    .param = "name",
    .list = list,
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "ed25519", .type = JSON_TRUE}},
    .take = take,
    .added = added,
};

static void domains_get(struct http_request *r, void *ctx)
{
    admin_noun_list(r, ctx, &domains);
}

static void domains_post(struct http_request *r, void *ctx)
{
    admin_noun_add(r, ctx, &domains);
}

static void domain_delete(struct http_request *r, void *ctx)
{
    admin_noun_remove(r, ctx, &domains);
}

void admin_domain_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains", domains_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/domains", domains_post, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}", domain_get, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/domains/{name}", domain_delete, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}/records", admin_records_get, ctx);
}
