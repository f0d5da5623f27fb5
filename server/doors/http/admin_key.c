/* SPDX-License-Identifier: Apache-2.0 */
/* Access keys and their two secrets. */
#include <stdio.h>

#include "admin_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/crypto.h"

#define DAY_MS 86400000

/* ---- as JSON ---- */

/* "2026-11-22"; null: not since the start. */
static json_t *day_json(uint32_t day)
{
    json_t *time = admin_time((int64_t)day * DAY_MS);
    json_t *text = day == 0 ? json_null() : json_stringn(json_string_value(time), 10);

    json_decref(time);
    return text;
}

static json_t *secret_json(const struct key_secret_facts *s)
{
    return s->made_at == 0
               ? json_null()
               : json_pack("{s:o, s:b, s:o}", "created_at", admin_time(s->made_at * 1000), "signs",
                           (int)s->signs, "used_on", day_json(s->day));
}

void admin_put_endpoint(const struct admin *admin, const char *id, bool shared, struct sgl_buf *out)
{
    sgl_view url = sgl_view_cstr(admin->config->public_url), host;
    size_t at = sgl_view_find_view(url, SGL_LIT("://")) + 3;

    host = at > url.len ? SGL_LIT("") : sgl_view_from(url, at);
    sgl_buf_add(out, sgl_view_sub(url, 0, url.len - host.len));
    if (!shared)
        sgl_buf_addf(out, "%s.", id);
    sgl_buf_add(out, host);
    sgl_buf_add_byte(out, '/');
}

/* null: they are not listed, and the role decides. */
static json_t *scopes_json(const struct scopes *s)
{
    json_t *list = s->listed ? json_array() : json_null();
    const char *name;

    for (size_t at = 0; s->listed && (name = scopes_next(s, &at)) != NULL;)
        json_array_append_new(list, json_string(name));
    return list;
}

static json_t *key_json(const struct admin *admin, const struct identity *i,
                        const struct key_facts *facts)
{
    sgl_auto(sgl_buf) endpoint = SGL_BUF_INIT(1024);
    json_t *json = admin_identity_json(i);

    json_object_set_new(json, "scopes", scopes_json(&i->scopes));
    for (size_t n = 0; n < KEY_SECRETS; n++)
        json_object_set_new(json, key_secret_name(n), secret_json(&facts->secret[n]));
    admin_put_endpoint(admin, i->name + strlen("key:"), facts->shared, &endpoint);
    json_object_set_new(json, "endpoint", admin_json_view(sgl_buf_view(&endpoint)));
    return json;
}

/* NULL: there is none of that id. */
static json_t *find(const struct admin *admin, sgl_view id)
{
    struct key_facts facts;
    struct identity *i = directory_key(admin->directory, id, &facts);
    json_t *json = i == NULL ? NULL : key_json(admin, i, &facts);

    identity_unref(i);
    return json;
}

/* The secret that was made, in each of its forms: they are shown this once. */
static void put_secret(json_t *json, const struct directory_change *c, const char *endpoint)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(2048);

    sgl_buf_addf(&text, "endpoint=%s;accesskey=%s", endpoint, c->access_key);
    json_object_set_new(json, "key", json_string(c->secret));
    json_object_set_new(json, "access_key", json_string(c->access_key));
    json_object_set_new(json, "sendgrid_key", json_string(c->dotted));
    json_object_set_new(json, "connection_string", admin_json_view(sgl_buf_view(&text)));
    sgl_wipe(text.data, text.len);
}

static json_t *added(const struct admin_change *n)
{
    json_t *json = json_pack("{s:s}", "id", n->change.id);
    json_t *key = find(n->admin, sgl_view_cstr(n->change.id));
    const char *endpoint = json_string_value(json_object_get(key, "endpoint"));

    put_secret(json, &n->change, endpoint == NULL ? "" : endpoint);
    json_decref(key);
    return json;
}

static json_t *changed(const struct admin_change *n)
{
    json_t *json = find(n->admin, n->change.name);

    if (json == NULL)
        return json_object(); /* removed again already */
    if (n->change.which == NULL)
        return json;
    json_object_set_new(json, "which", json_string(n->change.which));
    put_secret(json, &n->change, json_string_value(json_object_get(json, "endpoint")));
    return json;
}

/* ---- members ---- */

/* Words of a scope are ASCII; what holds anything else is named by its place. */
static bool is_shown(sgl_view word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!sgl_ascii_is_alnum(word.ptr[i]) && word.ptr[i] != '.' && word.ptr[i] != '_')
            return false;
    return word.len > 0 && word.len <= 60;
}

static void refuse_scope(struct admin_change *n, sgl_view word, size_t at)
{
    static const char where[] = "GET /v3/scopes lists those of a key, as mail.send.";
    char text[160];

    if (is_shown(word))
        snprintf(text, sizeof(text), "%.*s is no scope that is known here. %s", SGL_FMT(word),
                 where);
    else
        snprintf(text, sizeof(text), "Number %zu is no scope that is known here. %s", at + 1,
                 where);
    http_reply_problem(n->r, 422, "invalid", "scopes", text);
}

/* At least one, where they are given: a list of none would open nothing. */
static bool take_scopes(struct admin_change *n, const json_t *list)
{
    const json_t *item;
    size_t at;

    if (list == NULL)
        return true;
    n->change.key = &n->key;
    json_array_foreach(list, at, item)
    {
        if (scopes_add(&n->key.scopes, admin_text(item)))
            continue;
        refuse_scope(n, admin_text(item), at);
        return false;
    }
    if (n->key.scopes.listed)
        return true;
    http_reply_problem(n->r, 422, "invalid", "scopes", "Name at least one scope.");
    return false;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[2].value);
    if (!admin_take_role(n, member[4].value))
        return false;
    if (json_is_true(member[3].value))
        n->change.role = ROLE_OPERATOR;
    return take_scopes(n, member[5].value) && admin_take_domains(n, member[1].value);
}

static bool take_rotate(struct admin_change *n, const json_t *rotate)
{
    sgl_view which = admin_text(rotate);

    if (rotate == NULL)
        return true;
    n->change.key = &n->key;
    if (sgl_view_eq(which, SGL_LIT("older")))
        n->key.rotate = KEY_ROTATE;
    else if (sgl_view_eq(which, SGL_LIT("primary")))
        n->key.rotate = KEY_ROTATE_PRIMARY;
    else if (sgl_view_eq(which, SGL_LIT("secondary")))
        n->key.rotate = KEY_ROTATE_SECONDARY;
    else
        http_reply_problem(n->r, 422, "invalid", "rotate",
                           "One of primary, secondary, older is wanted.");
    return n->key.rotate != KEY_KEEP;
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    if (!admin_anything_given(n, member, 5))
        return false;
    if (member[1].value != NULL)
        n->change.label = admin_text(member[1].value);
    return admin_change_domains(n, member[0].value) && admin_take_profile(n, member[2].value) &&
           take_rotate(n, member[3].value) && take_scopes(n, member[4].value) &&
           admin_take_version(n, member[5].value);
}

const struct admin_noun admin_keys = {
    .noun = DIRECTORY_KEY,
    .name = "key",
    .plural = "keys",
    .path = "/admin/v1/keys",
    .one = "/admin/v1/keys/{id}",
    .param = "id",
    .kind = IDENTITY_KEY,
    .find = find,
    .none = "There is no such key.",
    .member = {{.name = "label", .type = JSON_STRING},
               {.name = "domains", .type = JSON_ARRAY},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "admin", .type = JSON_TRUE},
               {.name = "role", .type = JSON_STRING},
               {.name = "scopes", .type = JSON_ARRAY}},
    .take = take,
    .added = added,
    .change_member = {{.name = "domains", .type = JSON_ARRAY},
                      {.name = "label", .type = JSON_STRING},
                      {.name = "profile", .type = JSON_STRING},
                      {.name = "rotate", .type = JSON_STRING},
                      {.name = "scopes", .type = JSON_ARRAY},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_change,
    .changed = changed,
};
