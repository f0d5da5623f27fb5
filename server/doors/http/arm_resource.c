/* SPDX-License-Identifier: Apache-2.0 */
/* What resources of all types are described by: a group, a location, tags, properties.  It is kept as it was given, so that who asks for it finds what he left. */
#include <stdio.h>

#include "arm_internal.h"

#define TAGS_MAX      50
#define TAG_NAME_MAX  512
#define TAG_VALUE_MAX 256
#define PAGE          100

/* ---- taken ---- */

static bool wrong(struct http_request *r, const char *field, const char *detail)
{
    http_reply_problem(r, 422, "member-value", field, detail);
    return false;
}

static bool tags_ok(struct http_request *r, const json_t *tags)
{
    const char *name;
    json_t *value;

    if (json_object_size(tags) > TAGS_MAX)
        return wrong(r, "tags", "A resource has at most 50 tags.");
    json_object_foreach((json_t *)(uintptr_t)tags, name, value)
    {
        if (!json_is_string(value) || strlen(name) > TAG_NAME_MAX ||
            json_string_length(value) > TAG_VALUE_MAX)
            return wrong(r, "tags", "A tag is a name of at most 512 bytes with a string of 256.");
    }
    return true;
}

static bool is_of(const json_t *value, json_type type)
{
    const json_t *item;
    size_t at;

    if (type == JSON_TRUE)
        return json_is_boolean(value);
    if (json_typeof(value) != type)
        return false;
    json_array_foreach(value, at, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return true;
}

/* Those that may be given go into *kept. */
static bool take_properties(struct http_request *r, const json_t *properties,
                            const struct arm_property *known, json_t *kept)
{
    const char *name;
    json_t *value;
    char field[160];

    json_object_foreach((json_t *)(uintptr_t)properties, name, value)
    {
        const struct arm_property *p = known;

        while (p->name != NULL && strcmp(p->name, name) != 0)
            p++;
        snprintf(field, sizeof(field), "properties.%.100s", name);
        if (p->name == NULL)
            return wrong(r, field, "There is no such property here.");
        if (!p->kept || json_is_null(value))
            continue;
        if (!is_of(value, p->type))
            return wrong(r, field, "This is a value of another type than the property has.");
        json_object_set(kept, name, value);
    }
    return true;
}

/* Nothing here has an identity of its own, so that only none can be asked for. */
static bool identity_ok(struct http_request *r, const json_t *identity)
{
    const char *type = json_string_value(json_object_get(identity, "type"));

    return identity == NULL || (type != NULL && strcmp(type, "None") == 0) ||
           wrong(r, "identity.type", "Resources here have no identity: None is wanted.");
}

static const json_t *member_of(const struct admin_member *member, const char *name)
{
    while (member->name != NULL && strcmp(member->name, name) != 0)
        member++;
    return member->name == NULL ? NULL : member->value;
}

static void put_basics(struct admin_change *n, const struct admin_member *member, json_t *facts)
{
    const json_t *location = member_of(member, "location"), *tags = member_of(member, "tags");

    if (location != NULL)
        json_object_set(facts, "location", (json_t *)(uintptr_t)location);
    if (tags != NULL)
        json_object_set(facts, "tags", (json_t *)(uintptr_t)tags);
    if (json_object_get(facts, "group") == NULL)
        json_object_set_new(facts, "group", admin_json_view(http_param(n->r, "group")));
}

static bool dump(struct admin_change *n, const json_t *facts, sgl_view *text)
{
    char *bytes = json_dumps(facts, JSON_COMPACT);
    bool fits = bytes != NULL && strlen(bytes) <= SERVICE_FACTS_MAX;
    bool kept = fits && sgl_arena_dup(http_arena(n->r), sgl_view_cstr(bytes), text) == SGL_OK;

    free(bytes);
    if (kept)
        return true;
    if (bytes != NULL && !fits)
        return wrong(n->r, "body", "What is kept of a resource is at most 16 KiB.");
    http_reply_problem(n->r, 503, "memory-full", NULL, "The server has no memory left for this.");
    return false;
}

bool arm_take_facts(struct admin_change *n, const json_t *before, const struct admin_member *member,
                    const struct arm_property *known, json_t **facts, sgl_view *text)
{
    json_t *made = before == NULL ? json_object() : json_deep_copy(before), *properties;

    if (json_object_get(made, "properties") == NULL)
        json_object_set_new(made, "properties", json_object());
    properties = json_object_get(made, "properties");
    if (identity_ok(n->r, member_of(member, "identity")) &&
        tags_ok(n->r, member_of(member, "tags")) &&
        take_properties(n->r, member_of(member, "properties"), known, properties)) {
        put_basics(n, member, made);
        if (dump(n, made, text)) {
            *facts = made;
            return true;
        }
    }
    json_decref(made);
    return false;
}

/* ---- shown ---- */

static json_t *facts_of(sgl_view facts)
{
    json_t *json = json_loadb((const char *)facts.ptr, facts.len, 0, NULL);

    return json == NULL ? json_object() : json;
}

bool arm_in_group(struct http_request *r, sgl_view facts)
{
    sgl_view group = http_param(r, "group");
    json_t *json = facts_of(facts);
    bool in =
        group.ptr == NULL || sgl_view_eq_nocase(group, admin_text(json_object_get(json, "group")));

    json_decref(json);
    return in;
}

json_t *arm_resource_json(struct http_request *r, const char *type, sgl_view name, sgl_view facts,
                          json_t *properties)
{
    json_t *kept = facts_of(facts), *json, *tags = json_object_get(kept, "tags");
    sgl_auto(sgl_buf) id = SGL_BUF_INIT(4096);
    char lower[64] = "microsoft.communication/";

    for (size_t i = 0, at = strlen(lower); type[i] != '\0' && at + 1 < sizeof(lower); i++)
        lower[at++] = (char)(type[i] >= 'A' && type[i] <= 'Z' ? type[i] + 32 : type[i]);
    sgl_buf_addf(
        &id, "/subscriptions/%.*s/resourceGroups/%.*s/providers/Microsoft.Communication/%s/%.*s",
        SGL_FMT(http_param(r, "subscription")), SGL_FMT(admin_text(json_object_get(kept, "group"))),
        type, SGL_FMT(name));
    json_object_update_missing(properties, json_object_get(kept, "properties"));
    json_object_set_new(properties, "provisioningState", json_string("Succeeded"));
    json = json_pack("{s:o, s:o, s:s, s:O, s:o}", "id", admin_json_view(sgl_buf_view(&id)), "name",
                     admin_json_view(name), "type", lower, "location",
                     json_object_get(kept, "location"), "properties", properties);
    if (json != NULL && tags != NULL)
        json_object_set(json, "tags", tags);
    json_decref(kept);
    return json;
}

/* ---- lists ---- */

/* Where the next page is; the client takes the address as it stands. */
static json_t *next_link(struct http_request *r, const struct admin *admin, size_t from)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(4096);
    sgl_view rest, path = sgl_view_split(http_target(r), '?', &rest);

    sgl_buf_addf(&text, "%s%.*s?api-version=2025-09-01&skipToken=%zu", admin->config->public_url,
                 SGL_FMT(path), from);
    return admin_json_view(sgl_buf_view(&text));
}

void arm_reply_list(struct http_request *r, const struct admin *admin, json_t *list)
{
    sgl_view token = http_query(r, "skipToken");
    json_t *page = json_array(), *json;
    uint64_t from = 0;

    if (token.ptr != NULL && !sgl_view_u64(token, UINT32_MAX, &from)) {
        json_decref(list);
        json_decref(page);
        http_reply_problem(r, 422, "number", "skipToken", "This is none that a list has given.");
        return;
    }
    for (size_t i = from; i < json_array_size(list) && i < from + PAGE; i++)
        json_array_append(page, json_array_get(list, i));
    json = json_pack("{s:o}", "value", page);
    if (json_array_size(list) > from + PAGE)
        json_object_set_new(json, "nextLink", next_link(r, admin, from + PAGE));
    json_decref(list);
    http_reply_json(r, 200, json);
}
