/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of this machine, told by their uid. */
#include "../../config/config.h"
#include "admin_internal.h"

static json_t *local_json(const struct admin *admin, const struct identity *i, uint32_t uid)
{
    const char *socket = admin->config->local.socket;
    json_t *json = admin_identity_json(i);
    char guid[GUID_TEXT_SIZE];

    json_object_set_new(json, "uid", json_integer((json_int_t)uid));
    json_object_set_new(json, "client_id",
                        directory_process_guid(admin->directory, i, guid) ? json_string(guid)
                                                                          : json_null());
    json_object_set_new(json, "socket", socket == NULL ? json_null() : json_string(socket));
    return json;
}

/* NULL: there is none of that name. */
static json_t *find(const struct admin *admin, sgl_view name)
{
    uint32_t uid;
    struct identity *i = directory_process_named(admin->directory, name, &uid);
    json_t *json = i == NULL ? NULL : local_json(admin, i, uid);

    identity_unref(i);
    return json;
}

static json_t *shown(const struct admin_change *n)
{
    json_t *json = find(n->admin, n->change.name);

    return json == NULL ? json_object() : json; /* removed again already */
}

static bool take(struct admin_change *n, const struct admin_member *member)
{
    n->change.name = admin_text(member[0].value);
    n->change.subscription = admin_text(member[3].value);
    n->local.uid = json_integer_value(member[1].value);
    n->change.local = &n->local;
    return admin_take_domains(n, member[2].value);
}

static bool take_change(struct admin_change *n, const struct admin_member *member)
{
    return admin_anything_given(n, member, 2) && admin_change_domains(n, member[0].value) &&
           admin_take_profile(n, member[1].value) && admin_take_version(n, member[2].value);
}

const struct admin_noun admin_locals = {
    .noun = DIRECTORY_LOCAL,
    .name = "local",
    .plural = "locals",
    .path = "/admin/v1/locals",
    .one = "/admin/v1/locals/{name}",
    .param = "name",
    .kind = IDENTITY_LOCAL,
    .find = find,
    .none = "There is no such local process.",
    .member = {{.name = "name", .type = JSON_STRING, .required = true},
               {.name = "uid", .type = JSON_INTEGER, .required = true},
               {.name = "domains", .type = JSON_ARRAY, .required = true},
               {.name = "subscription", .type = JSON_STRING}},
    .take = take,
    .added = shown,
    .change_member = {{.name = "domains", .type = JSON_ARRAY},
                      {.name = "profile", .type = JSON_STRING},
                      {.name = "version", .type = JSON_INTEGER}},
    .take_change = take_change,
    .changed = shown,
};
