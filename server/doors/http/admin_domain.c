/* SPDX-License-Identifier: Apache-2.0 */
/* Domains: listed, shown, added, changed, removed. */
#include "../../config/config.h"
#include "../../setup/publish.h"
#include "../../setup/setup.h"
#include "admin_internal.h"
#include "sigillo/idn.h"
#include "sigillo/limits.h"

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

json_t *admin_domain_json(const struct admin *admin, struct domain *domain)
{
    json_t *selectors = json_array(), *json;

    for (size_t i = 0; i < domain->selectors; i++) {
        struct selector *s = &domain->selector[i];

        json_array_append_new(selectors,
                              json_pack("{s:s, s:s, s:b, s:b}", "name", s->name, "algorithm",
                                        algorithm_name(s->algorithm), "active", (int)s->active,
                                        "loaded", atomic_load(&s->key->handle) != 0));
    }
    json = json_pack("{s:s, s:s, s:o, s:o, s:I}", "name", domain->name, "subscription",
                     domain->subscription, "created_at", admin_time(domain->created_at * 1000),
                     "selectors", selectors, "version", (json_int_t)domain->version);
    json_object_set_new(json, "tls", json_string(domain->tls_verified ? "verified" : "default"));
    json_object_set_new(json, "bounces", json_string(domain->bounces_plain ? "plain" : "verp"));
    json_object_set_new(json, "incoming", json_string(domain_incoming_name(domain->incoming)));
    admin_domain_put_status(json, admin, domain);
    return json;
}

/* ---- read ---- */

struct listing {
    const struct admin *admin;
    json_t *list;
    sgl_view scope;
};

static bool list_one(void *ctx, struct domain *domain)
{
    const struct listing *l = ctx;

    if (l->scope.len == 0 || sgl_view_eq(l->scope, sgl_view_cstr(domain->subscription)))
        json_array_append_new(l->list, admin_domain_json(l->admin, domain));
    return true;
}

/* As the tables know it; U-labels may be given, too. */
static struct domain *find(const struct admin *admin, sgl_view name)
{
    struct sgl_arena arena = SGL_ARENA_INIT(8192);
    struct domain *found = NULL;
    sgl_view ascii;

    if (sgl_idn_to_ascii(name, &arena, &ascii) == SGL_OK)
        found = directory_domain(admin->directory, ascii);
    sgl_arena_done(&arena);
    return found;
}

struct domain *admin_named_domain(struct http_request *r, const struct admin *admin)
{
    struct domain *domain;
    sgl_view scope;

    if (!admin_may_read(r, admin, &scope))
        return NULL;
    domain = find(admin, http_param(r, "name"));
    if (domain != NULL && scope.len > 0 &&
        !sgl_view_eq(scope, sgl_view_cstr(domain->subscription))) {
        domain_unref(domain);
        domain = NULL;
    }
    if (domain == NULL)
        http_reply_problem(r, 404, "domain-unknown", "name", ADMIN_NO_DOMAIN);
    return domain;
}

static void domain_get(struct http_request *r, void *ctx)
{
    struct domain *domain = admin_named_domain(r, ctx);

    if (domain == NULL)
        return;
    http_reply_json(r, 200, admin_domain_json(ctx, domain));
    domain_unref(domain);
}

/* ---- changed ---- */

/* The member "kind", which may be NULL; false: answered. */
static bool take_kind(struct admin_change *n, const json_t *kind)
{
    if (kind == NULL)
        return true;
    n->domain.set_kind = true;
    if (domain_kind_parse(json_string_value(kind), &n->domain.kind))
        return true;
    http_reply_problem(n->r, 422, "kind", "kind", "A kind is custom, managed or parked.");
    return false;
}

/* The member "tls", which may be NULL; false: answered. */
static bool take_tls(struct admin_change *n, const json_t *tls)
{
    sgl_view word;

    if (tls == NULL)
        return true;
    word = admin_text(tls);
    n->domain.set_tls = true;
    n->domain.tls_verified = sgl_view_eq(word, SGL_LIT("verified"));
    if (n->domain.tls_verified || sgl_view_eq(word, SGL_LIT("default")))
        return true;
    http_reply_problem(n->r, 422, "tls", "tls", "tls is default or verified.");
    return false;
}

/* The member "incoming", which may be NULL; false: answered. */
static bool take_incoming(struct admin_change *n, const json_t *incoming)
{
    if (incoming == NULL)
        return true;
    n->domain.set_incoming = true;
    if (domain_incoming_parse(admin_text(incoming), &n->domain.incoming))
        return true;
    http_reply_problem(n->r, 422, "incoming", "incoming",
                       "incoming is default, follow, quarantine or mark.");
    return false;
}

/* The member "bounces", which may be NULL; false: answered. */
static bool take_bounces(struct admin_change *n, const json_t *bounces)
{
    sgl_view word;

    if (bounces == NULL)
        return true;
    word = admin_text(bounces);
    n->domain.set_bounces = true;
    n->domain.bounces_plain = sgl_view_eq(word, SGL_LIT("plain"));
    if (n->domain.bounces_plain || sgl_view_eq(word, SGL_LIT("verp")))
        return true;
    http_reply_problem(n->r, 422, "bounces", "bounces", "bounces is verp or plain.");
    return false;
}

/* So much may a domain's name have where its keys stand in the operator's zone. */
static size_t names_room(const char *zone)
{
    size_t taken = strlen("s1000000..") + strlen(zone);

    return taken < SGL_LIMIT_NAME_TEXT ? SGL_LIMIT_NAME_TEXT - taken : 1;
}

/* Where we publish by ourselves, the token that proves a domain is there as soon as somebody names it. */
static bool is_published_here(const void *config, sgl_view name)
{
    return update_zone(config, (struct sgl_name){.text = name}) != NULL;
}

void admin_new_domain(struct admin_change *n)
{
    const struct config *c = atomic_load(&n->admin->config);

    n->change.domain_change = &n->domain;
    n->domain.kept = is_published_here;
    n->domain.kept_ctx = c;
    if (c->domains.managed_zone != NULL)
        n->domain.managed_zone = sgl_view_cstr(c->domains.managed_zone);
    if (c->domains.dkim_zone != NULL) /* "s1000000.NAME.ZONE" */
        n->domain.name_max = names_room(c->domains.dkim_zone);
    if (c->verification.required) /* else nobody has to prove anything */
        n->domain.claim_expires_s = c->domains.claim_expires_s;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[1].value);
    n->change.ed25519 = json_is_true(member[2].value);
    if (member[4].value != NULL)
        n->domain.return_path = admin_text(member[4].value);
    admin_new_domain(n);
    return take_kind(n, member[3].value) && take_tls(n, member[5].value) &&
           take_incoming(n, member[6].value);
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    n->change.domain_change = &n->domain;
    if (member[1].value != NULL)
        n->domain.return_path = admin_text(member[1].value);
    return take_kind(n, member[0].value) && admin_take_version(n, member[2].value) &&
           take_tls(n, member[3].value) && take_incoming(n, member[4].value) &&
           take_bounces(n, member[5].value);
}

static json_t *changed(const struct admin_change *n)
{
    struct domain *domain = find(n->admin, sgl_view_cstr(n->change.canonical));
    json_t *json;

    if (domain == NULL) /* removed again already */
        return json_object();
    /* What the server publishes itself it publishes now, not when the schedule comes by. */
    if (n->admin->setup != NULL && publish_is_automatic(atomic_load(&n->admin->config), domain))
        setup_look_soon(n->admin->setup, domain->name);
    json = admin_domain_json(n->admin, domain);
    json_object_set_new(json, "records", admin_records_json(n->admin, domain));
    domain_unref(domain);
    return json;
}

static const struct admin_noun domains = {
    .noun = DIRECTORY_DOMAIN,
    .name = "domain",
    .plural = "domains",
    .param = "name",
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "ed25519", .type = JSON_TRUE},
               {.name = "kind", .type = JSON_STRING},
               {.name = "return_path", .type = JSON_STRING},
               {.name = "tls", .type = JSON_STRING},
               {.name = "incoming", .type = JSON_STRING}},
    .take = take,
    .added = changed,
    .change_member = {{.name = "kind", .type = JSON_STRING},
                      {.name = "return_path", .type = JSON_STRING},
                      {.name = "version", .type = JSON_INTEGER},
                      {.name = "tls", .type = JSON_STRING},
                      {.name = "incoming", .type = JSON_STRING},
                      {.name = "bounces", .type = JSON_STRING}},
    .take_change = take_change,
    .changed = changed,
};

static void domains_get(struct http_request *r, void *ctx)
{
    struct listing l = {.admin = ctx};

    if (!admin_may_read(r, ctx, &l.scope))
        return;
    l.list = json_array();
    directory_each_domain(l.admin->directory, list_one, &l);
    http_reply_json(r, 200, json_pack("{s:o}", "domains", l.list));
}

static void domains_post(struct http_request *r, void *ctx)
{
    admin_noun_add(r, ctx, &domains);
}

static void domain_patch(struct http_request *r, void *ctx)
{
    admin_noun_change(r, ctx, &domains);
}

static void domain_delete(struct http_request *r, void *ctx)
{
    sgl_view withdraw = http_query(r, "withdraw");

    if (sgl_view_eq(withdraw, SGL_LIT("true")))
        admin_domain_withdraw(r, ctx);
    else if (withdraw.ptr == NULL || sgl_view_eq(withdraw, SGL_LIT("false")))
        admin_noun_remove(r, ctx, &domains);
    else
        http_reply_problem(r, 400, "boolean", "withdraw", "withdraw is true or false.");
}

void admin_domain_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains", domains_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/domains", domains_post, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}", domain_get, ctx);
    http_route(http, HTTP_BOTH, "PATCH", "/admin/v1/domains/{name}", domain_patch, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/domains/{name}", domain_delete, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}/records", admin_records_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/domains/{name}/verify", admin_domain_verify,
               ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/domains/{name}/publish", admin_domain_publish,
               ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}/rotation", admin_rotation_get,
               ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/domains/{name}/rotation", admin_rotation_post,
               ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/domains/{name}/rotation",
               admin_rotation_delete, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}/mta-sts", admin_domain_sts_get,
               ctx);
    http_route(http, HTTP_BOTH, "PUT", "/admin/v1/domains/{name}/mta-sts", admin_domain_sts_put,
               ctx);
}
