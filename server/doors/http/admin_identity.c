/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send: what all identities have in common, and credentials for SMTP. */
#include "admin_internal.h"

json_t *admin_identity_json(const struct identity *i)
{
    json_t *domains = json_array();
    const char *name = strchr(i->name, ':');
    json_t *json;

    if (i->any_domain)
        json_array_append_new(domains, json_string("*"));
    for (size_t d = 0; d < i->domains; d++)
        json_array_append_new(domains, json_string(i->domain[d]));
    json = json_pack("{s:s, s:s, s:o, s:o, s:I}", i->kind == IDENTITY_KEY ? "id" : "name",
                     name == NULL ? i->name : name + 1, "subscription", i->subscription, "domains",
                     domains, "created_at", admin_time(i->created_at * 1000), "version",
                     (json_int_t)i->version);
    json_object_set_new(json, "profile", admin_profile_json(i));
    if (i->kind == IDENTITY_KEY || i->kind == IDENTITY_APP) {
        json_object_set_new(json, "label", json_string(i->label));
        json_object_set_new(json, "role", json_string(role_name(i->role)));
    }
    if (i->kind == IDENTITY_KEY)
        json_object_set_new(json, "admin", json_boolean(i->role == ROLE_OPERATOR));
    return json;
}

static bool list_one(void *ctx, struct identity *i)
{
    json_array_append_new(ctx, admin_identity_json(i));
    return true;
}

bool admin_take_domains(struct admin_change *n, const json_t *list)
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

bool admin_anything_given(struct admin_change *n, const struct admin_member *member, size_t wanted)
{
    for (size_t i = 0; i < wanted; i++)
        if (member[i].value != NULL)
            return true;
    http_reply_problem(n->r, 400, "member-missing", "body", "Name at least one member to change.");
    return false;
}

bool admin_change_domains(struct admin_change *n, const json_t *list)
{
    if (list == NULL || json_array_size(list) > 0)
        return admin_take_domains(n, list);
    http_reply_problem(n->r, 422, "invalid", "domains",
                       "Name at least one domain that it may send as.");
    return false;
}

bool admin_take_profile(struct admin_change *n, const json_t *profile)
{
    if (profile == NULL)
        return true;
    n->change.profile = admin_text(profile);
    return admin_profile_known(n->r, n->admin, n->change.profile);
}

json_t *admin_profile_json(const struct identity *i)
{
    return i->profile == NULL ? json_null() : json_string(i->profile);
}

bool admin_take_role(struct admin_change *n, const json_t *role)
{
    if (role == NULL || role_parse(admin_text(role), &n->change.role))
        return true;
    http_reply_problem(n->r, 422, "invalid", "role",
                       "One of reader, owner, operator is wanted, or none.");
    return false;
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
    return admin_take_domains(n, member[1].value);
}

static json_t *credential_added(const struct admin_change *n)
{
    const struct directory_change *c = &n->change;
    json_t *json = json_pack("{s:o}", "name", admin_json_view(c->name));

    if (c->secret[0] != '\0')
        json_object_set_new(json, "password", json_string(c->secret));
    return json;
}

static bool take_credential_change(struct admin_change *n, const struct admin_member *member)
{
    if (!admin_anything_given(n, member, 4))
        return false;
    if (member[1].value != NULL && json_is_true(member[2].value)) {
        http_reply_problem(n->r, 400, "member-type", "new_password",
                           "Either give a password or have one made.");
        return false;
    }
    if (member[1].value != NULL && json_string_length(member[1].value) == 0) {
        http_reply_problem(n->r, 422, "invalid", "password", "A password is not empty.");
        return false;
    }
    n->change.password = admin_text(member[1].value);
    n->change.password_new = json_is_true(member[2].value);
    return admin_change_domains(n, member[0].value) && admin_take_profile(n, member[3].value) &&
           admin_take_version(n, member[4].value);
}

static json_t *credential_changed(const struct admin_change *n)
{
    struct identity *i = directory_credential(n->admin->directory, n->change.name);
    json_t *json =
        i == NULL ? json_object() : admin_identity_json(i); /* NULL: removed again already */

    if (n->change.secret[0] != '\0')
        json_object_set_new(json, "password", json_string(n->change.secret));
    identity_unref(i);
    return json;
}

const struct admin_noun admin_credentials = {
    .noun = DIRECTORY_CREDENTIAL,
    .name = "credential",
    .plural = "credentials",
    .path = "/admin/v1/credentials",
    .one = "/admin/v1/credentials/{name}",
    .param = "name",
    .list = list_credentials,
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "domains", .type = JSON_ARRAY, .required = true},
               {.name = "subscription", .type = JSON_STRING},
               {.name = "password", .type = JSON_STRING}},
    .take = take_credential,
    .added = credential_added,
    .change_member = {{.name = "domains", .type = JSON_ARRAY},
                      {.name = "password", .type = JSON_STRING},
                      {.name = "new_password", .type = JSON_TRUE},
                      {.name = "profile", .type = JSON_STRING},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_credential_change,
    .changed = credential_changed,
};
