/* SPDX-License-Identifier: Apache-2.0 */
/* /v3/whitelabel/links: the host names that one-click links of the subscription's domains begin with, added, shown, changed, validated, removed. */
#include <stdio.h>

#include "../../lists/lists.h"
#include "whitelabel_internal.h"

#define LINKS     "/v3/whitelabel/links"
#define LIMIT_MAX 500

/* ---- which ---- */

struct look {
    const struct admin *admin;
    const char *subscription;
    int64_t id;
    char host[256]; /* of the one that was found */
    json_t *list;
    int64_t left;
};

static void no_link(struct http_request *r, const char *field)
{
    http_reply_problem(r, 404, "not-found", field, "There is no such branded link.");
}

static bool note_id(void *ctx, struct branded_link *l)
{
    struct look *look = ctx;

    if (strcmp(l->owned.subscription, look->subscription) != 0 ||
        whitelabel_link_number(l) != look->id)
        return true;
    snprintf(look->host, sizeof(look->host), "%s", l->host);
    return false;
}

/* The link that the path names: a reference. NULL: answered. */
static struct branded_link *take_link(struct http_request *r, const struct admin *admin,
                                      const struct identity *who)
{
    struct look look = {.admin = admin, .subscription = who->subscription};
    struct branded_link *found;
    uint64_t id;

    if (sgl_view_u64(http_param(r, "id"), INT64_MAX, &id)) {
        look.id = (int64_t)id;
        directory_each_branded_link(admin->directory, note_id, &look);
    }
    found = directory_branded_link_of(admin->directory, sgl_view_cstr(who->subscription),
                                      sgl_view_cstr(look.host));
    if (found == NULL)
        no_link(r, "id");
    return found;
}

static bool is_default(const struct admin *admin, const struct branded_link *l)
{
    struct branded_link *chosen = directory_branded_link(
        admin->directory, sgl_view_cstr(l->owned.subscription), sgl_view_cstr(l->domain));
    bool is = chosen != NULL && strcmp(chosen->host, l->host) == 0;

    branded_link_unref(chosen);
    return is;
}

/* ---- shown ---- */

static json_t *link_json(const struct admin *admin, const struct branded_link *l)
{
    const char *host = lists_host(admin->lists);
    bool seen = l->target[0] != '\0' && strcmp(l->target, host) == 0;

    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:b, s:b, s:b, s:{s:{s:b, s:s, s:s, s:s}}}", "id",
                     (json_int_t)whitelabel_link_number(l), "user_id",
                     (json_int_t)whitelabel_user(admin, l->owned.subscription), "domain", l->domain,
                     "subdomain", l->subdomain, "username", l->owned.subscription, "default",
                     (int)is_default(admin, l), "valid", (int)whitelabel_link_is_valid(admin, l),
                     "legacy", 0, "dns", "domain_cname", "valid", (int)seen, "type", "cname",
                     "host", l->host, "data", host);
}

static bool list_one(void *ctx, struct branded_link *l)
{
    struct look *look = ctx;

    if (strcmp(l->owned.subscription, look->subscription) != 0)
        return true;
    json_array_append_new(look->list, link_json(look->admin, l));
    return --look->left > 0;
}

static void links_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");
    struct look look = {.admin = admin, .left = LIMIT_MAX};

    if (who == NULL)
        return;
    look.subscription = who->subscription;
    if (whitelabel_integer(r, "limit", 1, LIMIT_MAX, &look.left)) {
        look.list = json_array();
        directory_each_branded_link(admin->directory, list_one, &look);
        http_reply_json(r, 200, look.list);
    }
    identity_unref(who);
}

static void link_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");
    struct branded_link *l = who == NULL ? NULL : take_link(r, admin, who);

    identity_unref(who);
    if (l != NULL)
        http_reply_json(r, 200, link_json(admin, l));
    branded_link_unref(l);
}

static void show_default(struct http_request *r, const struct admin *admin,
                         const struct identity *who, const char *field, sgl_view domain)
{
    struct branded_link *l =
        directory_branded_link(admin->directory, sgl_view_cstr(who->subscription), domain);

    if (l == NULL)
        no_link(r, field);
    else
        http_reply_json(r, 200, link_json(admin, l));
    branded_link_unref(l);
}

static void default_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");

    if (who != NULL)
        show_default(r, admin, who, "domain", http_query(r, "domain"));
    identity_unref(who);
}

static void subuser_get(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.read");

    if (who == NULL)
        return;
    if (http_query(r, "username").ptr != NULL && whitelabel_is_user(r, who))
        show_default(r, admin, who, "username", SGL_LIT(""));
    else
        http_reply_problem(r, 404, "not-found", "username",
                           "A user is a subscription here, and this is not the key's.");
    identity_unref(who);
}

/* ---- added, changed, removed ---- */

static void answer_fault(struct admin_change *n)
{
    const struct directory_change *c = &n->change;
    int status = admin_result_status(c->result);

    if (c->verb != DIRECTORY_ADD && c->result == DIRECTORY_NOT_FOUND) {
        no_link(n->r, "id");
        return;
    }
    if (status == 503)
        http_reply_header(n->r, "Retry-After", SGL_LIT("5"));
    http_reply_problem(n->r, status == 503 ? status : 400, admin_result_word(c->result), c->field,
                       c->why);
}

static void answer(struct admin_change *n)
{
    struct branded_link *l =
        directory_branded_link_of(n->admin->directory, sgl_view_cstr(n->who->subscription),
                                  sgl_view_cstr(n->change.canonical));

    if (l == NULL) /* removed again already */
        no_link(n->r, "id");
    else
        http_reply_json(n->r, n->change.verb == DIRECTORY_ADD ? 201 : 200, link_json(n->admin, l));
    branded_link_unref(l);
}

static void changed(struct directory_change *c)
{
    struct admin_change *n = (struct admin_change *)(void *)c;

    admin_audit(n->r, n->who,
                c->verb == DIRECTORY_ADD      ? "branded-link add"
                : c->verb == DIRECTORY_REMOVE ? "branded-link remove"
                                              : "branded-link change",
                n->about, admin_result_word(c->result));
    if (c->result != DIRECTORY_OK)
        answer_fault(n);
    else if (c->verb == DIRECTORY_REMOVE)
        http_reply_bytes(n->r, 204, "application/json", SGL_LIT(""));
    else
        answer(n);
    whitelabel_call_free(n);
}

/* Takes the reference. NULL: answered. */
static struct admin_change *call_new(struct http_request *r, const struct admin *admin,
                                     struct identity *who, enum directory_verb verb)
{
    struct admin_change *n = whitelabel_call_new(r, admin, who, DIRECTORY_BRANDED_LINK, verb);

    if (n == NULL)
        return NULL;
    n->change.done = changed;
    n->change.branded_link = &n->branded_link;
    return n;
}

static bool take_default(struct admin_change *n)
{
    bool fine = true;
    const json_t *value = whitelabel_member(n, "default", false, &fine);

    n->branded_link.set_default = value != NULL;
    n->branded_link.is_default = json_is_true(value);
    return fine;
}

static bool take_new(struct admin_change *n)
{
    bool fine = true;
    const json_t *domain = whitelabel_member(n, "domain", true, &fine);
    const json_t *subdomain = whitelabel_member(n, "subdomain", true, &fine);

    (void)whitelabel_member(n, "region", true, &fine);
    if (!fine || !take_default(n))
        return false;
    if (domain == NULL) {
        http_reply_problem(n->r, 400, "member-missing", "domain", "The domain is required.");
        return false;
    }
    if (lists_host(n->admin->lists)[0] == '\0') {
        http_reply_problem(n->r, 400, "not-here", NULL,
                           "The server's public_url has no name that an alias could lead to.");
        return false;
    }
    n->branded_link.domain = admin_text(domain);
    n->branded_link.subdomain = admin_text(subdomain);
    snprintf(n->about, sizeof(n->about), "%.70s", json_string_value(domain));
    return true;
}

static void links_post(struct http_request *r, void *ctx)
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

/* Names the link of the path. NULL: answered. */
static struct admin_change *call_of(struct http_request *r, const struct admin *admin,
                                    const char *scope, enum directory_verb verb)
{
    struct identity *who = http_caller(r, admin->directory, scope);
    struct branded_link *l = who == NULL ? NULL : take_link(r, admin, who);
    struct admin_change *n;

    if (l == NULL) {
        identity_unref(who);
        return NULL;
    }
    n = call_new(r, admin, who, verb);
    if (n != NULL && !whitelabel_call_about(n, l->host))
        n = NULL;
    branded_link_unref(l);
    return n;
}

static void link_patch(struct http_request *r, void *ctx)
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

static void link_delete(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct admin_change *n = call_of(r, admin, "whitelabel.delete", DIRECTORY_REMOVE);

    if (n != NULL)
        directory_change(admin->directory, &n->change);
}

static void validate_post(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.update");
    struct branded_link *l = who == NULL ? NULL : take_link(r, admin, who);

    if (l != NULL)
        whitelabel_link_validate(r, admin, who, l);
    branded_link_unref(l);
    identity_unref(who);
}

/* ---- what is not so here ---- */

static void no_subuser(struct http_request *r)
{
    http_reply_problem(r, 400, "not-here", "username",
                       "A link belongs to the subscription that has its domain, and to no other.");
}

static void subuser_post(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.update");
    struct branded_link *l = who == NULL ? NULL : take_link(r, admin, who);

    if (l != NULL)
        no_subuser(r);
    branded_link_unref(l);
    identity_unref(who);
}

static void subuser_delete(struct http_request *r, void *ctx)
{
    const struct admin *admin = ctx;
    struct identity *who = http_caller(r, admin->directory, "whitelabel.update");

    if (who != NULL)
        no_subuser(r);
    identity_unref(who);
}

void whitelabel_link_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", LINKS, links_get, ctx);
    http_route(http, HTTP_PUBLIC, "POST", LINKS, links_post, ctx);
    http_route(http, HTTP_PUBLIC, "GET", LINKS "/default", default_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", LINKS "/subuser", subuser_get, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", LINKS "/subuser", subuser_delete, ctx);
    http_route(http, HTTP_PUBLIC, "GET", LINKS "/{id}", link_get, ctx);
    http_route(http, HTTP_PUBLIC, "PATCH", LINKS "/{id}", link_patch, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", LINKS "/{id}", link_delete, ctx);
    http_route(http, HTTP_PUBLIC, "POST", LINKS "/{id}/validate", validate_post, ctx);
    http_route(http, HTTP_PUBLIC, "POST", LINKS "/{id}/subuser", subuser_post, ctx);
}
