/* SPDX-License-Identifier: Apache-2.0 */
/* Sender user names as resources: an address of the domain that everybody who may use the domain is confined to, with the others that are listed. */
#include "arm_internal.h"

#define SENDERS                                                                                    \
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Communication/"      \
    "emailServices/{service}/domains/{name}/senderUsernames"
#define SENDER SENDERS "/{username}"

/* ---- as JSON ---- */

static json_t *sender_json(struct http_request *r, const char *domain, sgl_view username,
                           sgl_view display)
{
    return json_pack("{s:o, s:o, s:s, s:{s:s, s:s, s:o, s:o}}", "id", arm_id(r, domain, username),
                     "name", admin_json_view(username), "type",
                     "microsoft.communication/emailservices/domains/senderusernames", "properties",
                     "provisioningState", "Succeeded", "dataLocation", "local", "username",
                     admin_json_view(username), "displayName", admin_json_view(display));
}

/* ---- read ---- */

struct listing {
    struct http_request *r;
    const struct domain *domain;
    json_t *list;
};

/* The local part of a sender of that domain; empty: it is none, or one of a single identity. */
static sgl_view username_of(const struct sender *s, const char *domain)
{
    sgl_view address = sgl_view_cstr(s->address), wanted = sgl_view_cstr(domain);

    if (s->identity[0] != '\0' || address.len < wanted.len + 2 || !sgl_view_ends(address, wanted) ||
        address.ptr[address.len - wanted.len - 1] != '@')
        return SGL_LIT("");
    return sgl_view_sub(address, 0, address.len - wanted.len - 1);
}

static bool list_one(void *ctx, struct sender *s)
{
    const struct listing *l = ctx;
    sgl_view username = username_of(s, l->domain->name);

    if (username.len > 0)
        json_array_append_new(
            l->list, sender_json(l->r, l->domain->name, username, sgl_view_cstr(s->display)));
    return true;
}

static json_t *list(struct http_request *r, const struct admin *admin, const struct domain *d)
{
    struct listing l = {.r = r, .domain = d, .list = json_array()};

    directory_each_sender(admin->directory, list_one, &l);
    return l.list;
}

static void senders_get(struct http_request *r, void *ctx)
{
    struct domain *d;

    arm_begin(r);
    d = arm_domain(r, ctx);
    if (d != NULL)
        arm_reply_list(r, ctx, list(r, ctx, d));
    domain_unref(d);
}

/* The one that the path names, letters in whatever case: a new reference, or NULL. */
static json_t *find(struct http_request *r, const struct admin *admin, const struct domain *d)
{
    json_t *all = list(r, admin, d), *one, *found = NULL;
    size_t at;

    json_array_foreach(all, at, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));

        if (name != NULL && sgl_view_eq_nocase(sgl_view_cstr(name), http_param(r, "username")))
            found = json_incref(one);
    }
    json_decref(all);
    return found;
}

/* Begins a request for a sender's path; *there: the one it names, or NULL. false: answered. */
static bool named(struct http_request *r, const struct admin *admin, json_t **there)
{
    struct domain *d;

    arm_begin(r);
    d = arm_domain(r, admin);
    if (d == NULL)
        return false;
    *there = find(r, admin, d);
    domain_unref(d);
    return true;
}

static void sender_get(struct http_request *r, void *ctx)
{
    json_t *json;

    if (!named(r, ctx, &json))
        return;
    if (json != NULL)
        http_reply_json(r, 200, json);
    else
        http_reply_problem(r, 404, "not-found", "senderUsername",
                           "There is no such sender user name of this domain.");
}

/* ---- added and removed ---- */

/* "news@example.org", of the path. */
static bool take_address(struct admin_change *n, const char *domain)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);

    sgl_buf_addf(&text, "%.*s@%s", SGL_FMT(http_param(n->r, "username")), domain);
    n->change.sender = &n->sender;
    return text.status == SGL_OK &&
           sgl_arena_dup(http_arena(n->r), sgl_buf_view(&text), &n->change.name) == SGL_OK;
}

static bool wrong(struct admin_change *n, const char *field, const char *detail)
{
    http_reply_problem(n->r, 422, "member-value", field, detail);
    return false;
}

static bool take_properties(struct admin_change *n, const json_t *properties)
{
    const json_t *username = json_object_get(properties, "username"),
                 *shown = json_object_get(properties, "displayName");

    if (!json_is_string(username) ||
        !sgl_view_eq_nocase(admin_text(username), http_param(n->r, "username")))
        return wrong(n, "properties.username", "It must be the one that the path has.");
    if (shown != NULL && !json_is_null(shown) && !json_is_string(shown))
        return wrong(n, "properties.displayName", "A string is wanted here.");
    n->sender.display = admin_text(json_is_string(shown) ? shown : NULL);
    return true;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    struct domain *d = directory_domain(n->admin->directory, http_param(n->r, "name"));
    bool fine = false;

    if (d == NULL) { /* removed since it was looked for */
        http_reply_problem(n->r, 404, "domain-unknown", "domainName", ADMIN_NO_DOMAIN);
        return false;
    }
    if (!take_address(n, d->name))
        (void)wrong(n, "senderUsername", "The name is too long.");
    else
        fine = take_properties(n, member[0].value) &&
               arm_keep(n->r, d->subscription, &n->change.subscription);
    domain_unref(d);
    return fine;
}

static json_t *added(const struct admin_change *n)
{
    size_t at = sgl_view_find(n->change.name, '@');
    const char *domain = sgl_arena_cstr(http_arena(n->r), sgl_view_from(n->change.name, at + 1));

    return sender_json(n->r, domain == NULL ? "" : domain, sgl_view_sub(n->change.name, 0, at),
                       n->sender.display);
}

/* Its name stays spelled as it was at first. */
static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    return take_properties(n, member[0].value);
}

static json_t *changed(const struct admin_change *n)
{
    struct domain *d = directory_domain(n->admin->directory, http_param(n->r, "name"));
    json_t *json = d == NULL ? NULL : find(n->r, n->admin, d);

    domain_unref(d);
    return json == NULL ? json_object() : json;
}

static void take_query(struct admin_change *n)
{
    struct domain *d = directory_domain(n->admin->directory, http_param(n->r, "name"));

    n->change.name = SGL_LIT("");
    n->change.sender = &n->sender;
    if (d != NULL)
        (void)take_address(n, d->name);
    domain_unref(d);
}

static const struct admin_noun senders = {
    .noun = DIRECTORY_SENDER,
    .name = "sender",
    .param = "username",
    .member = {{.name = "properties", .type = JSON_OBJECT, .required = true}},
    .take = take,
    .added = added,
    .change_member = {{.name = "properties", .type = JSON_OBJECT, .required = true}},
    .take_change = take_change,
    .changed = changed,
    .take_query = take_query,
};

static void sender_put(struct http_request *r, void *ctx)
{
    json_t *there;

    if (!named(r, ctx, &there))
        return;
    if (there != NULL)
        admin_noun_change(r, ctx, &senders);
    else
        admin_noun_add(r, ctx, &senders);
    json_decref(there);
}

static void sender_delete(struct http_request *r, void *ctx)
{
    json_t *there;

    if (!named(r, ctx, &there))
        return;
    if (there == NULL)
        http_reply_empty(r, 204);
    else
        admin_noun_remove(r, ctx, &senders);
    json_decref(there);
}

void arm_sender_routes(struct http *http, void *ctx)
{
    http_route(http, HTTP_PUBLIC, "GET", SENDERS, senders_get, ctx);
    http_route(http, HTTP_PUBLIC, "GET", SENDER, sender_get, ctx);
    http_route(http, HTTP_PUBLIC, "PUT", SENDER, sender_put, ctx);
    http_route(http, HTTP_PUBLIC, "DELETE", SENDER, sender_delete, ctx);
}
