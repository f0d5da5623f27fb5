/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions, domains, credentials, access keys. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_internal.h"
#include "sigillo/crypto.h"

/* ---- as JSON ---- */

static const char *algorithm_name(enum keys_algorithm algorithm)
{
    switch (algorithm) {
    case KEYS_ED25519:
        return "ed25519-sha256";
    case KEYS_RSA_2048:
    case KEYS_RSA_4096:
        break;
    }
    return "rsa-sha256";
}

static json_t *records_json(const struct admin *admin, const struct domain *domain)
{
    struct admin_record record[RECORDS_MAX];
    json_t *list = json_array();
    size_t count;

    if (admin_records(domain, admin->hostname, record, &count) != SGL_OK) {
        admin_records_done(record, count);
        json_decref(list);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:o}", "purpose", record[i].purpose,
                                        "name", record[i].name, "type", record[i].type, "value",
                                        admin_json_view(sgl_buf_view(&record[i].value))));
    admin_records_done(record, count);
    return list;
}

static json_t *domain_json(const struct domain *domain)
{
    json_t *selectors = json_array();

    for (size_t i = 0; i < domain->selectors; i++) {
        struct selector *s = &domain->selector[i];

        json_array_append_new(selectors,
                              json_pack("{s:s, s:s, s:b, s:b}", "name", s->name, "algorithm",
                                        algorithm_name(s->algorithm), "active", (int)s->active,
                                        "loaded", atomic_load(&s->handle) != 0));
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "name", domain->name, "subscription",
                     domain->subscription, "created_at", admin_time(domain->created_at * 1000),
                     "selectors", selectors);
}

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

/* ---- lists ---- */

static bool list_domain(void *ctx, struct domain *domain)
{
    json_array_append_new(ctx, domain_json(domain));
    return true;
}

static bool list_subscription(void *ctx, struct subscription *s)
{
    json_array_append_new(ctx, json_pack("{s:s, s:o}", "name", s->name, "created_at",
                                         admin_time(s->created_at * 1000)));
    return true;
}

static bool list_identity(void *ctx, struct identity *i)
{
    json_array_append_new(ctx, identity_json(i));
    return true;
}

static bool may_read(struct http_request *r, const struct admin *admin)
{
    struct identity *who = admin_who(r, admin);

    identity_unref(who);
    return who != NULL;
}

static void subscriptions_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    json_t *list;

    if (!may_read(r, admin))
        return;
    list = json_array();
    directory_each_subscription(admin->directory, list_subscription, list);
    http_reply_json(r, 200, json_pack("{s:o}", "subscriptions", list));
}

static void domains_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    json_t *list;

    if (!may_read(r, admin))
        return;
    list = json_array();
    directory_each_domain(admin->directory, list_domain, list);
    http_reply_json(r, 200, json_pack("{s:o}", "domains", list));
}

static void identities_get(struct http_request *r, const struct admin *admin,
                           enum identity_kind kind, const char *name)
{
    json_t *list;

    if (!may_read(r, admin))
        return;
    list = json_array();
    directory_each_identity(admin->directory, kind, list_identity, list);
    http_reply_json(r, 200, json_pack("{s:o}", name, list));
}

static void credentials_get(struct http_request *r, void *ctx)
{
    identities_get(r, ctx, IDENTITY_CREDENTIAL, "credentials");
}

static void keys_get(struct http_request *r, void *ctx)
{
    identities_get(r, ctx, IDENTITY_KEY, "keys");
}

static struct domain *named_domain(struct http_request *r, const struct admin *admin)
{
    struct domain *domain;

    if (!may_read(r, admin))
        return NULL;
    domain = directory_domain(admin->directory, http_param(r, "name"));
    if (domain == NULL)
        http_reply_problem(r, 404, "domain-unknown", "name", "There is no such domain here.");
    return domain;
}

static void domain_get(struct http_request *r, void *ctx)
{
    struct domain *domain = named_domain(r, ctx);

    if (domain == NULL)
        return;
    http_reply_json(r, 200, domain_json(domain));
    domain_unref(domain);
}

static void records_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct domain *domain = named_domain(r, admin);
    json_t *records;

    if (domain == NULL)
        return;
    records = records_json(admin, domain);
    if (records == NULL)
        http_reply_problem(r, 500, "records", NULL, "The records could not be written.");
    else
        http_reply_json(r, 200,
                        json_pack("{s:s, s:o}", "domain", domain->name, "records", records));
    domain_unref(domain);
}

/* ---- changes ---- */

struct noun_change {
    struct directory_change change; /* first: cast from it */
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    json_t *body; /* the change's views point into it until done */
    const char *what;
    char about[80];
};

static void noun_change_free(struct noun_change *n)
{
    identity_unref(n->who);
    json_decref(n->body);
    sgl_wipe(n->change.secret, sizeof(n->change.secret));
    free(n);
}

static const char *result_word(enum directory_result result)
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
    case DIRECTORY_UNAVAILABLE:
        break;
    }
    return "unavailable";
}

static int result_status(enum directory_result result)
{
    switch (result) {
    case DIRECTORY_OK:
        return 200;
    case DIRECTORY_INVALID:
        return 422;
    case DIRECTORY_EXISTS:
    case DIRECTORY_IN_USE:
        return 409;
    case DIRECTORY_NOT_FOUND:
        return 404;
    case DIRECTORY_UNAVAILABLE:
        break;
    }
    return 503;
}

static json_t *added_json(const struct noun_change *n)
{
    const struct directory_change *c = &n->change;
    json_t *json = json_object();
    struct domain *domain;

    switch (c->verb) {
    case DIRECTORY_DOMAIN_ADD:
        domain = directory_domain(n->admin->directory, c->name);
        if (domain == NULL) /* removed again already */
            return json;
        json_decref(json);
        json = domain_json(domain);
        json_object_set_new(json, "records", records_json(n->admin, domain));
        domain_unref(domain);
        return json;
    case DIRECTORY_CREDENTIAL_ADD:
        json_object_set_new(json, "name", admin_json_view(c->name));
        if (c->secret[0] != '\0')
            json_object_set_new(json, "password", json_string(c->secret));
        return json;
    case DIRECTORY_KEY_ADD:
        json_object_set_new(json, "id", json_string(c->id));
        json_object_set_new(json, "key", json_string(c->secret));
        return json;
    case DIRECTORY_SUBSCRIPTION_ADD:
    case DIRECTORY_DOMAIN_REMOVE:
    case DIRECTORY_CREDENTIAL_REMOVE:
    case DIRECTORY_KEY_REMOVE:
        break;
    }
    json_object_set_new(json, "name", admin_json_view(c->name));
    return json;
}

static bool is_addition(enum directory_verb verb)
{
    return verb == DIRECTORY_SUBSCRIPTION_ADD || verb == DIRECTORY_DOMAIN_ADD ||
           verb == DIRECTORY_CREDENTIAL_ADD || verb == DIRECTORY_KEY_ADD;
}

static void noun_changed(struct directory_change *c)
{
    struct noun_change *n = (struct noun_change *)(void *)c;

    admin_audit(n->r, n->who, n->what, n->about, result_word(c->result));
    if (c->result == DIRECTORY_OK)
        http_reply_json(n->r, is_addition(c->verb) ? 201 : 200, added_json(n));
    else
        http_reply_problem(n->r, result_status(c->result), result_word(c->result), c->field,
                           c->why);
    noun_change_free(n);
}

static struct noun_change *noun_change_new(struct http_request *r, const struct admin *admin,
                                           enum directory_verb verb, const char *what)
{
    struct identity *who = admin_who(r, admin);
    struct noun_change *n;

    if (who == NULL)
        return NULL;
    n = calloc(1, sizeof(*n));
    if (n == NULL) {
        identity_unref(who);
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
        return NULL;
    }
    n->change.verb = verb;
    n->change.loop = http_loop(r);
    n->change.done = noun_changed;
    n->r = r;
    n->admin = admin;
    n->who = who;
    n->what = what;
    return n;
}

static void noun_change_start(struct noun_change *n)
{
    snprintf(n->about, sizeof(n->about), "%.*s", SGL_FMT(n->change.name));
    directory_change(n->admin->directory, &n->change);
}

static void subscriptions_post(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "name", .type = JSON_STRING, .required = true}};
    struct noun_change *n = noun_change_new(r, ctx, DIRECTORY_SUBSCRIPTION_ADD, "subscription add");

    if (n == NULL)
        return;
    n->body = admin_object(r, member, 1);
    if (n->body == NULL) {
        noun_change_free(n);
        return;
    }
    n->change.name = admin_text(member[0].value);
    noun_change_start(n);
}

static void domains_post(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "name", .type = JSON_STRING, .required = true},
                                    {.name = "subscription", .type = JSON_STRING},
                                    {.name = "ed25519", .type = JSON_TRUE}};
    struct noun_change *n = noun_change_new(r, ctx, DIRECTORY_DOMAIN_ADD, "domain add");

    if (n == NULL)
        return;
    n->body = admin_object(r, member, 3);
    if (n->body == NULL) {
        noun_change_free(n);
        return;
    }
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[1].value);
    n->change.ed25519 = json_is_true(member[2].value);
    noun_change_start(n);
}

/* false: too many, and answered. */
static bool take_domains(struct noun_change *n, const json_t *list)
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

static void credentials_post(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "name", .type = JSON_STRING, .required = true},
                                    {.name = "domains", .type = JSON_ARRAY, .required = true},
                                    {.name = "subscription", .type = JSON_STRING},
                                    {.name = "password", .type = JSON_STRING}};
    struct noun_change *n = noun_change_new(r, ctx, DIRECTORY_CREDENTIAL_ADD, "credential add");

    if (n == NULL)
        return;
    n->body = admin_object(r, member, 4);
    if (n->body == NULL || !take_domains(n, member[1].value)) {
        noun_change_free(n);
        return;
    }
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[2].value);
    n->change.password = admin_text(member[3].value);
    noun_change_start(n);
}

static void keys_post(struct http_request *r, void *ctx)
{
    struct admin_member member[] = {{.name = "label", .type = JSON_STRING},
                                    {.name = "domains", .type = JSON_ARRAY},
                                    {.name = "subscription", .type = JSON_STRING},
                                    {.name = "admin", .type = JSON_TRUE}};
    struct noun_change *n = noun_change_new(r, ctx, DIRECTORY_KEY_ADD, "key add");

    if (n == NULL)
        return;
    n->body = admin_object(r, member, 4);
    if (n->body == NULL || !take_domains(n, member[1].value)) {
        noun_change_free(n);
        return;
    }
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[2].value);
    n->change.admin = json_is_true(member[3].value);
    noun_change_start(n);
}

static void remove_named(struct http_request *r, const struct admin *admin,
                         enum directory_verb verb, const char *what, const char *param)
{
    struct noun_change *n = noun_change_new(r, admin, verb, what);

    if (n == NULL)
        return;
    n->change.name = http_param(r, param);
    noun_change_start(n);
}

static void domain_delete(struct http_request *r, void *ctx)
{
    remove_named(r, ctx, DIRECTORY_DOMAIN_REMOVE, "domain remove", "name");
}

static void credential_delete(struct http_request *r, void *ctx)
{
    remove_named(r, ctx, DIRECTORY_CREDENTIAL_REMOVE, "credential remove", "name");
}

static void key_delete(struct http_request *r, void *ctx)
{
    remove_named(r, ctx, DIRECTORY_KEY_REMOVE, "key remove", "id");
}

void admin_nouns_routes(struct http *http, const struct admin *admin)
{
    void *ctx = (void *)(uintptr_t)admin;

    http_route(http, HTTP_BOTH, "GET", "/admin/v1/subscriptions", subscriptions_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/subscriptions", subscriptions_post, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains", domains_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/domains", domains_post, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}", domain_get, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/domains/{name}", domain_delete, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/domains/{name}/records", records_get, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/credentials", credentials_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/credentials", credentials_post, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/credentials/{name}", credential_delete, ctx);
    http_route(http, HTTP_BOTH, "GET", "/admin/v1/keys", keys_get, ctx);
    http_route(http, HTTP_BOTH, "POST", "/admin/v1/keys", keys_post, ctx);
    http_route(http, HTTP_BOTH, "DELETE", "/admin/v1/keys/{id}", key_delete, ctx);
}
