/* SPDX-License-Identifier: Apache-2.0 */
/* High-volume accounts: a login that sends as one address, by its password or by applications that it allows. */
#include "admin_internal.h"

/* ---- as JSON ---- */

/* By their names; one that is gone by its client id. */
static json_t *apps_json(const struct admin *admin, const struct account_facts *facts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < facts->apps; i++) {
        struct identity *app =
            directory_app_of_client(admin->directory, sgl_view_cstr(facts->app[i]), NULL);

        json_array_append_new(
            list, json_string(app == NULL ? facts->app[i] : app->name + strlen("app:")));
        identity_unref(app);
    }
    return list;
}

static json_t *account_json(const struct admin *admin, const struct identity *i,
                            const struct account_facts *facts)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:I}", "address",
                     i->name + strlen("account:"), "name", i->label, "subscription",
                     i->subscription, "basic", (int)facts->basic, "oauth", (int)facts->oauth,
                     "has_password", (int)facts->password, "apps", apps_json(admin, facts),
                     "profile", admin_profile_json(i), "created_at",
                     admin_time(i->created_at * 1000), "version", (json_int_t)i->version);
}

/* NULL: there is none of that address. */
static json_t *find(const struct admin *admin, sgl_view address)
{
    struct account_facts facts;
    struct identity *i = directory_account(admin->directory, address, &facts);
    json_t *json = i == NULL ? NULL : account_json(admin, i, &facts);

    identity_unref(i);
    return json;
}

/* With the password that was made, if one was: it is shown this once. */
static json_t *changed(const struct admin_change *n)
{
    json_t *json = find(n->admin, n->change.name);

    if (json == NULL)
        json = json_object(); /* removed again already */
    if (n->change.secret[0] != '\0')
        json_object_set_new(json, "password", json_string(n->change.secret));
    return json;
}

static json_t *added(const struct admin_change *n)
{
    json_t *json = changed(n);

    if (n->account.basic == ACCOUNT_AS_IT_IS && json_is_false(json_object_get(json, "basic")))
        json_object_set_new(
            json, "basic_reason",
            json_string("The subscription has OAuth applications, so a new account logs in by "
                        "their tokens and not by a password; allow one of them, or switch "
                        "passwords on."));
    return json;
}

/* ---- members ---- */

static void take_way(const json_t *value, enum account_way *way)
{
    if (value != NULL)
        *way = json_is_true(value) ? ACCOUNT_ON : ACCOUNT_OFF;
}

/* A list of names, in the request's memory; false: answered. */
static bool take_names(struct admin_change *n, const json_t *given, const char *member,
                       const sgl_view **names, size_t *count)
{
    size_t size = json_array_size(given);
    sgl_view *list;

    if (size == 0)
        return true;
    if (size > ACCOUNT_APPS_MAX) {
        http_reply_problem(n->r, 422, "too-many", member, "At most ten applications can be named.");
        return false;
    }
    list = SGL_NEW_N(http_arena(n->r), size, sgl_view);
    if (list == NULL) {
        http_reply_problem(n->r, 503, "memory-full", NULL,
                           "The server has no memory left for this.");
        return false;
    }
    for (size_t i = 0; i < size; i++)
        list[i] = admin_text(json_array_get(given, i));
    *names = list;
    *count = size;
    return true;
}

static bool take_password(struct admin_change *n, const json_t *given, const json_t *made)
{
    if (given != NULL && json_is_true(made)) {
        http_reply_problem(n->r, 400, "member-type", "new_password",
                           "Either give a password or have one made.");
        return false;
    }
    if (given != NULL && json_string_length(given) == 0) {
        http_reply_problem(n->r, 422, "invalid", "password", "A password is not empty.");
        return false;
    }
    n->change.password = admin_text(given);
    n->change.password_new = json_is_true(made);
    return true;
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    struct account_change *a = &n->account;

    n->change.name = admin_text(member[0].value);
    n->change.label = admin_text(member[1].value);
    n->change.subscription = admin_text(member[2].value);
    n->change.account = a;
    take_way(member[4].value, &a->basic);
    take_way(member[5].value, &a->oauth);
    return take_password(n, member[3].value, NULL) &&
           take_names(n, member[6].value, "allow_apps", &a->allow, &a->allows);
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    struct account_change *a = &n->account;

    if (!admin_anything_given(n, member, 8))
        return false;
    if (member[0].value != NULL)
        n->change.label = admin_text(member[0].value);
    n->change.account = a;
    take_way(member[1].value, &a->basic);
    take_way(member[2].value, &a->oauth);
    return take_names(n, member[3].value, "allow_apps", &a->allow, &a->allows) &&
           take_names(n, member[4].value, "forbid_apps", &a->forbid, &a->forbids) &&
           take_password(n, member[5].value, member[6].value) &&
           admin_take_profile(n, member[7].value) && admin_take_version(n, member[8].value);
}

const struct admin_noun admin_accounts = {
    .noun = DIRECTORY_ACCOUNT,
    .name = "account",
    .plural = "accounts",
    .path = "/admin/v1/accounts",
    .one = "/admin/v1/accounts/{address}",
    .param = "address",
    .kind = IDENTITY_ACCOUNT,
    .find = find,
    .none = "There is no such account; sigillo account list shows those that are there.",
    .member = {{.name = "address", .type = JSON_STRING, .required = true},
               {.name = "name", .type = JSON_STRING, .required = true},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "password", .type = JSON_STRING},
               {.name = "basic", .type = JSON_TRUE},
               {.name = "oauth", .type = JSON_TRUE},
               {.name = "allow_apps", .type = JSON_ARRAY}},
    .take = take,
    .added = added,
    .change_member = {{.name = "name", .type = JSON_STRING},
                      {.name = "basic", .type = JSON_TRUE},
                      {.name = "oauth", .type = JSON_TRUE},
                      {.name = "allow_apps", .type = JSON_ARRAY},
                      {.name = "forbid_apps", .type = JSON_ARRAY},
                      {.name = "password", .type = JSON_STRING},
                      {.name = "new_password", .type = JSON_TRUE},
                      {.name = "profile", .type = JSON_STRING},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_change,
    .changed = changed,
};
