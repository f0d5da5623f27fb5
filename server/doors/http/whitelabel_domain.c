/* SPDX-License-Identifier: Apache-2.0 */
/* /v3/whitelabel/domains: the domains of the caller's subscription, added, shown, changed, validated, removed. */
#include <stdio.h>
#include <stdlib.h>

#include "../../config/config.h"
#include "../../setup/publish.h"
#include "../../setup/setup.h"
#include "whitelabel_internal.h"

#define DOMAINS   "/v3/whitelabel/domains"
#define LIMIT_MAX 500

/* ---- which ---- */

struct look {
    const struct admin *admin;
    const char *subscription;
    int64_t id;           /* 0: any */
    sgl_view name;        /* ptr NULL: any */
    struct domain *found; /* the one of that number: a reference */
    int64_t default_at;   /* the latest */
    char chosen[256];     /* whose that is; else the oldest domain */
    int64_t oldest_at;
    json_t *list;
    int64_t skip, left;
};

static bool note_default(void *ctx, struct domain *d)
{
    struct look *l = ctx;
    bool first = l->chosen[0] == '\0';

    if (strcmp(d->subscription, l->subscription) != 0)
        return true;
    if (first || d->default_at > l->default_at ||
        (l->default_at == 0 && d->default_at == 0 && d->created_at < l->oldest_at))
        snprintf(l->chosen, sizeof(l->chosen), "%s", d->name);
    else
        return true;
    l->default_at = d->default_at;
    l->oldest_at = d->created_at;
    return true;
}

static struct look look_new(const struct admin *admin, const char *subscription)
{
    struct look l = {.admin = admin, .subscription = subscription, .left = LIMIT_MAX};

    directory_each_domain(admin->directory, note_default, &l);
    return l;
}

static bool note_id(void *ctx, struct domain *d)
{
    struct look *l = ctx;

    if (strcmp(d->subscription, l->subscription) != 0 || whitelabel_domain_number(d) != l->id)
        return true;
    l->found = domain_ref(d);
    return false;
}

static void no_domain(struct http_request *r)
{
    http_reply_problem(r, 404, "not-found", "id", "There is no authenticated domain of this id.");
}

/* The domain that the path names: a reference. NULL: answered. */
static struct domain *take_domain(struct http_request *r, const struct admin *admin,
                                  const struct identity *who)
{
    sgl_view text = http_param(r, "id");
    struct look l = {.admin = admin, .subscription = who->subscription};
    uint64_t id;

    if (sgl_view_u64(text, INT64_MAX, &id)) {
        l.id = (int64_t)id;
        directory_each_domain(admin->directory, note_id, &l);
    }
    if (l.found == NULL)
        no_domain(r);
    return l.found;
}

static json_t *one_json(const struct admin *admin, struct domain *d)
{
    const struct look l = look_new(admin, d->subscription);

    return whitelabel_domain_json(admin, d, strcmp(l.chosen, d->name) == 0);
}

/* ---- shown ---- */

static bool list_one(void *ctx, struct domain *d)
{
    struct look *l = ctx;

    if (strcmp(d->subscription, l->subscription) != 0 ||
        (l->name.ptr != NULL && !sgl_view_eq_nocase(l->name, sgl_view_cstr(d->name))))
        return true;
    if (l->skip > 0) {
        l->skip--;
        return true;
    }
    json_array_append_new(l->list,
                          whitelabel_domain_json(l->admin, d, strcmp(l->chosen, d->name) == 0));
    return --l->left > 0;
}

static void domains_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");
    struct look l;

    if (who == NULL)
        return;
    l = look_new(admin, who->subscription);
    l.name = http_query(r, "domain");
    if (whitelabel_integer(r, "limit", 1, LIMIT_MAX, &l.left) &&
        whitelabel_integer(r, "offset", 0, INT64_MAX, &l.skip)) {
        l.list = json_array();
        if (whitelabel_is_user(r, who))
            directory_each_domain(admin->directory, list_one, &l);
        http_reply_json(r, 200, l.list);
    }
    identity_unref(who);
}

static void domain_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");
    struct domain *d = who == NULL ? NULL : take_domain(r, admin, who);

    identity_unref(who);
    if (d != NULL)
        http_reply_json(r, 200, one_json(admin, d));
    domain_unref(d);
}

/* An array of one, as its specification has it; ?domain=: that one, or none. */
static void default_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");
    sgl_view asked = http_query(r, "domain");
    struct domain *d;
    struct look l;

    if (who == NULL)
        return;
    l = look_new(admin, who->subscription);
    identity_unref(who);
    l.list = json_array();
    d = l.chosen[0] == '\0' ? NULL : directory_domain(admin->directory, sgl_view_cstr(l.chosen));
    if (d != NULL && (asked.ptr == NULL || sgl_view_eq_nocase(asked, sgl_view_cstr(d->name))))
        json_array_append_new(l.list, whitelabel_domain_json(admin, d, true));
    domain_unref(d);
    http_reply_json(r, 200, l.list);
}

/* One object, the first of them; /all has the whole list. */
static void of_subuser(struct http_request *r, const struct admin *admin, bool all)
{
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");
    bool own;
    struct look l;

    if (who == NULL)
        return;
    l = look_new(admin, who->subscription);
    own = http_query(r, "username").ptr != NULL && whitelabel_is_user(r, who);
    l.list = json_array();
    if (own)
        directory_each_domain(admin->directory, list_one, &l);
    identity_unref(who);
    if (own && (all || json_array_size(l.list) > 0))
        http_reply_json(r, 200, json_incref(all ? l.list : json_array_get(l.list, 0)));
    else
        http_reply_problem(r, 404, "not-found", "username",
                           "A user is a subscription here, and this is not the key's.");
    json_decref(l.list);
}

static void subuser_get(struct http_request *r, void *ctx)
{
    of_subuser(r, ctx, false);
}

static void subuser_all_get(struct http_request *r, void *ctx)
{
    of_subuser(r, ctx, true);
}

/* ---- added, changed, removed ---- */

static void answer_fault(struct admin_change *n)
{
    const struct directory_change *c = &n->change;
    int status = admin_result_status(c->result);

    if (status == 503)
        http_reply_header(n->r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(n->r, status == 409 || status == 422 ? 400 : status,
                       admin_result_word(c->result),
                       strcmp(c->field, "return_path") == 0 ? "subdomain"
                       : strcmp(c->field, "name") == 0      ? "domain"
                                                            : c->field,
                       c->why);
}

static void answer(struct admin_change *n)
{
    const struct admin *admin = n->admin;
    struct domain *d = directory_domain(admin->directory, sgl_view_cstr(n->change.canonical));
    json_t *json;

    if (d == NULL) { /* removed again already */
        no_domain(n->r);
        return;
    }
    if (admin->setup != NULL && publish_is_automatic(atomic_load(&admin->config), d))
        setup_look_soon(admin->setup, d->name);
    json = one_json(admin, d);
    domain_unref(d);
    if (n->change.verb == DIRECTORY_ADD)
        http_reply_json(n->r, 201, json);
    else
        http_reply_json(n->r, 200, json_pack("[o]", json));
}

static void changed(struct directory_change *c)
{
    struct admin_change *n = (struct admin_change *)(void *)c;

    admin_audit(n->r, n->who,
                c->verb == DIRECTORY_ADD      ? "domain add"
                : c->verb == DIRECTORY_REMOVE ? "domain remove"
                                              : "domain change",
                n->about, admin_result_word(c->result));
    if (c->result != DIRECTORY_OK)
        answer_fault(n);
    else if (c->verb == DIRECTORY_REMOVE)
        http_reply_empty(n->r, 204);
    else
        answer(n);
    whitelabel_call_free(n);
}

/* Takes the reference. NULL: answered. */
static struct admin_change *call_new(struct http_request *r, const struct admin *admin,
                                     struct identity *who, enum directory_verb verb)
{
    struct admin_change *n = whitelabel_call_new(r, admin, who, DIRECTORY_DOMAIN, verb);

    if (n == NULL)
        return NULL;
    n->change.done = changed;
    n->change.domain_change = &n->domain;
    return n;
}

static bool take_default(struct admin_change *n)
{
    bool fine = true;
    const json_t *value = whitelabel_member(n, "default", false, &fine);

    n->domain.set_default = value != NULL;
    n->domain.default_at = json_is_true(value) ? clock_now_ms() : 0;
    (void)whitelabel_member(n, "custom_spf", false,
                            &fine); /* the record is always the domain's own */
    return fine;
}

static bool is_own_user(const struct admin_change *n, const json_t *user)
{
    if (user == NULL || strcmp(json_string_value(user), n->who->subscription) == 0)
        return true;
    http_reply_problem(n->r, 400, "member-value", "username",
                       "A user is a subscription here, and a key adds domains to its own.");
    return false;
}

static bool take_new(struct admin_change *n)
{
    bool fine = true;
    const json_t *name = whitelabel_member(n, "domain", true, &fine);
    const json_t *subdomain = whitelabel_member(n, "subdomain", true, &fine);
    const json_t *user = whitelabel_member(n, "username", true, &fine);
    const json_t *ips = json_object_get(n->body, "ips");

    (void)whitelabel_member(n, "automatic_security", false, &fine);
    (void)whitelabel_member(n, "custom_dkim_selector", true, &fine);
    (void)whitelabel_member(n, "region", true, &fine);
    if (!fine || !take_default(n) || !is_own_user(n, user))
        return false;
    if (name == NULL || json_array_size(ips) > 0) {
        http_reply_problem(n->r, 400, name == NULL ? "member-missing" : "member-value",
                           name == NULL ? "domain" : "ips",
                           name == NULL ? "The domain is required."
                                        : "The addresses that mail leaves from are the server's: "
                                          "its SPF record names them all.");
        return false;
    }
    n->change.name = admin_text(name);
    if (json_string_length(subdomain) > 0)
        n->domain.return_path = admin_text(subdomain);
    snprintf(n->about, sizeof(n->about), "%.70s", json_string_value(name));
    admin_new_domain(n);
    return true;
}

static void domains_post(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.create");
    struct admin_change *n = who == NULL ? NULL : call_new(r, admin, who, DIRECTORY_ADD);

    if (n == NULL)
        return;
    if (whitelabel_take_body(n) && take_new(n))
        directory_change(admin->directory, &n->change);
    else
        whitelabel_call_free(n);
}

/* Names the domain of the path. NULL: answered. */
static struct admin_change *call_of(struct http_request *r, const struct admin *admin,
                                    const char *scope, enum directory_verb verb)
{
    struct identity *who = http_caller(r, admin->directory, scope);
    struct domain *d = who == NULL ? NULL : take_domain(r, admin, who);
    struct admin_change *n;

    if (d == NULL) {
        identity_unref(who);
        return NULL;
    }
    n = call_new(r, admin, who, verb);
    if (n != NULL && !whitelabel_call_about(n, d->name))
        n = NULL;
    domain_unref(d);
    return n;
}

static void domain_patch(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct admin_change *n = call_of(r, admin, "whitelabel.update", DIRECTORY_CHANGE);

    if (n == NULL)
        return;
    if (whitelabel_take_body(n) && take_default(n))
        directory_change(admin->directory, &n->change);
    else
        whitelabel_call_free(n);
}

static void domain_delete(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct admin_change *n = call_of(r, admin, "whitelabel.delete", DIRECTORY_REMOVE);

    if (n != NULL)
        directory_change(admin->directory, &n->change);
}

/* ---- validated ---- */

static void validate_post(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.update");
    struct domain *d = who == NULL ? NULL : take_domain(r, admin, who);

    identity_unref(who);
    if (d != NULL)
        admin_verify(r, admin, d, "id", whitelabel_validated);
    domain_unref(d);
}

/* ---- what is not so here ---- */

static void refuse_change(struct http_request *r, const struct admin *admin, const char *field,
                          const char *why)
{
    struct identity *who = http_caller(r, admin->directory, "whitelabel.update");
    struct domain *d = who == NULL ? NULL : take_domain(r, admin, who);

    identity_unref(who);
    if (d != NULL)
        http_reply_problem(r, 400, "not-here", field, why);
    domain_unref(d);
}

static void subuser_change(struct http_request *r, void *ctx)
{
    refuse_change(r, ctx, "username",
                  "A domain belongs to the subscription that has proved it, and to no other.");
}

static void ips_change(struct http_request *r, void *ctx)
{
    refuse_change(r, ctx, "ip",
                  "The addresses that mail leaves from are the server's: its SPF record names "
                  "them all.");
}

void whitelabel_domain_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", DOMAINS, domains_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", DOMAINS, domains_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", DOMAINS "/default", default_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", DOMAINS "/subuser", subuser_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", DOMAINS "/subuser/all", subuser_all_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", DOMAINS "/{id}", domain_get, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", DOMAINS "/{id}", domain_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", DOMAINS "/{id}", domain_delete, ctx);
    http_route(http, HTTP_PUBLIC, "POST", DOMAINS "/{id}/validate", validate_post, ctx);
    http_route(http, HTTP_PUBLIC, "POST", DOMAINS "/{id}/subuser", subuser_change, ctx);
    http_route(http, HTTP_PUBLIC, "POST", DOMAINS "/{id}/subuser:add", subuser_change, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", DOMAINS "/{id}/subuser", subuser_change, ctx);
    http_route(http, HTTP_PUBLIC, "POST", DOMAINS "/{id}/ips", ips_change, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", DOMAINS "/{id}/ips/{ip}", ips_change, ctx);
}
