/* SPDX-License-Identifier: Apache-2.0 */
/* Applications and their secrets. */
#include "admin_internal.h"

/* ---- as JSON ---- */

static json_t *secrets_json(const struct app_facts *facts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < facts->secrets; i++) {
        const struct app_secret *s = &facts->secret[i];

        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "id", s->id, "created_at",
                                              admin_time(s->created_at * 1000), "expires_at",
                                              admin_time(s->expires_at * 1000)));
    }
    return list;
}

static json_t *trusts_json(const struct admin *admin, const char *client_id)
{
    json_t *list = json_array();
    struct app_trusts *trusts;
    struct identity *who =
        directory_app_trusts(admin->directory, sgl_view_cstr(client_id), SGL_LIT(""), &trusts);

    for (size_t i = 0; trusts != NULL && i < trusts->count; i++) {
        const struct app_trust *t = &trusts->item[i];

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o, s:b, s:o}", "id", t->id, "issuer", t->issuer,
                            "subject", admin_json_view(sgl_view_cstr(t->subject)), "audience",
                            admin_json_view(sgl_view_cstr(t->audience)), "reusable",
                            (int)t->reusable, "created_at", admin_time(t->created_at * 1000)));
    }
    app_trusts_unref(trusts);
    identity_unref(who);
    return list;
}

static json_t *app_json(const struct admin *admin, const struct identity *i,
                        const struct app_facts *facts)
{
    struct subscription *s =
        directory_subscription(admin->directory, sgl_view_cstr(i->subscription));
    json_t *json = admin_identity_json(i);

    json_object_set_new(json, "client_id", json_string(facts->client_id));
    if (s != NULL)
        json_object_set_new(json, "tenant_id", json_string(s->guid));
    json_object_set_new(json, "secrets", secrets_json(facts));
    json_object_set_new(json, "trusts", trusts_json(admin, facts->client_id));
    subscription_unref(s);
    return json;
}

/* NULL: there is none of that name. */
static json_t *find(const struct admin *admin, sgl_view name)
{
    struct app_facts facts;
    struct identity *i = directory_app(admin->directory, name, &facts);
    json_t *json = i == NULL ? NULL : app_json(admin, i, &facts);

    identity_unref(i);
    return json;
}

/* With the secret that was made, if one was: it is shown this once. */
static json_t *with_secret(const struct admin_change *n)
{
    const struct directory_change *c = &n->change;
    json_t *json = find(n->admin, c->name);

    if (json == NULL)
        json = json_object(); /* removed again already */
    if (c->secret[0] != '\0') {
        json_object_set_new(json, "secret", json_string(c->secret));
        json_object_set_new(json, "secret_id", json_string(c->id));
    }
    if (n->app.trust_add != NULL)
        json_object_set_new(json, "trust_id", json_string(c->id));
    return json;
}

/* ---- members ---- */

static bool is_span(sgl_view text)
{
    static const char units[] = "smhd";

    return text.len > 1 && memchr(units, text.ptr[text.len - 1], strlen(units)) != NULL;
}

/* A time, or a span from now: "90d". */
static bool take_expires(struct admin_change *n, const json_t *value)
{
    sgl_view text = admin_text(value);
    int64_t now = clock_now_ms(), at;

    if (value == NULL)
        return true;
    if (admin_time_parse(text, now, &at)) {
        n->app.secret_until = (is_span(text) ? now + (now - at) : at) / 1000;
        if (n->app.secret_until > 0)
            return true;
    }
    http_reply_problem(n->r, 422, "time", "expires",
                       "A time is wanted, as 2027-01-31T00:00:00Z, or a span, as 90d.");
    return false;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[2].value);
    if (member[3].value != NULL)
        n->change.label = admin_text(member[3].value);
    n->app.no_secret = json_is_true(member[6].value);
    n->change.app = &n->app;
    return admin_take_role(n, member[4].value) && take_expires(n, member[5].value) &&
           admin_take_domains(n, member[1].value);
}

#define TRUST 7 /* where the members of an issuer begin */

/* Whoever says nothing else shows its tokens to us, under the name that our metadata have.  [RFC 7523 s3] */
static sgl_view audience_of(const struct admin_change *n, const json_t *value)
{
    const struct config *config = atomic_load(&n->admin->config);

    return value != NULL ? admin_text(value) : sgl_view_cstr(config->public_url);
}

/* An issuer, with all that belongs to it; false: answered. */
static bool take_trust(struct admin_change *n, const struct admin_member *member)
{
    bool any = false;

    for (size_t i = 0; i < 4; i++)
        any = any || member[i].value != NULL;
    n->app.trust_remove = admin_text(member[4].value);
    if (!any)
        return true;
    if (n->app.secret_add) {
        http_reply_problem(n->r, 422, "invalid", "new_secret",
                           "A secret and an issuer are two changes.");
        return false;
    }
    n->trust = (struct app_trust_change){.issuer = admin_text(member[0].value),
                                         .subject = admin_text(member[1].value),
                                         .audience = audience_of(n, member[2].value),
                                         .reusable = json_is_true(member[3].value)};
    n->app.trust_add = &n->trust;
    return true;
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    bool trusts = member[TRUST].value != NULL || member[TRUST + 4].value != NULL;

    if (!trusts && !admin_anything_given(n, member, 5))
        return false;
    if (member[1].value != NULL)
        n->change.label = admin_text(member[1].value);
    n->app.secret_add = json_is_true(member[2].value);
    n->app.secret_remove = admin_text(member[3].value);
    n->change.app = &n->app;
    return admin_change_domains(n, member[0].value) && admin_take_profile(n, member[4].value) &&
           take_expires(n, member[5].value) && take_trust(n, &member[TRUST]) &&
           admin_take_version(n, member[6].value);
}

const struct admin_noun admin_apps = {
    .noun = DIRECTORY_APP,
    .name = "app",
    .plural = "apps",
    .path = "/admin/v1/apps",
    .one = "/admin/v1/apps/{name}",
    .param = "name",
    .kind = IDENTITY_APP,
    .find = find,
    .none = "There is no such application; sigillo app list shows those that are there.",
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "domains", .type = JSON_ARRAY},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "label", .type = JSON_STRING},
               {.name = "role", .type = JSON_STRING},
               {.name = "expires", .type = JSON_STRING},
               {.name = "no_secret", .type = JSON_TRUE}},
    .take = take,
    .added = with_secret,
    .change_member = {{.name = "domains", .type = JSON_ARRAY},
                      {.name = "label", .type = JSON_STRING},
                      {.name = "new_secret", .type = JSON_TRUE},
                      {.name = "remove_secret", .type = JSON_STRING},
                      {.name = "profile", .type = JSON_STRING},
                      {.name = "expires", .type = JSON_STRING},
                      {.name = "version", .type = JSON_INTEGER},
                      {.name = "trust_issuer", .type = JSON_STRING},
                      {.name = "trust_subject", .type = JSON_STRING},
                      {.name = "trust_audience", .type = JSON_STRING},
                      {.name = "trust_reusable", .type = JSON_TRUE},
                      {.name = "remove_trust", .type = JSON_STRING}},
    .take_change = take_change,
    .changed = with_secret,
};
