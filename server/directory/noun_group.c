/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group: addresses and whole domains under a name that is the subscription's own.  Its key is "SUBSCRIPTION/NAME".
 *
 *   {"created_at":N,"description":"...","members":["news@example.org","*@example.net"]}
 *
 * A member need not be of a domain that is here: what is not is never sent as.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"

void group_unref(struct group *g)
{
    if (g == NULL || !noun_last_reference(&g->owned.refs))
        return;
    access_set_done(&g->members);
    free(g->owned.key);
    free(g->owned.subscription);
    free(g->description);
    free(g);
}

/* key: "SUBSCRIPTION/NAME" */
static struct group *group_new(sgl_view key, sgl_view description, int64_t created_at)
{
    struct group *g = calloc(1, sizeof(*g));
    size_t slash = sgl_view_find(key, '/');

    if (g == NULL)
        return NULL;
    atomic_init(&g->owned.refs, 1);
    access_set_init(&g->members);
    g->owned.key = text_of(key);
    g->owned.subscription = text_of(sgl_view_sub(key, 0, slash));
    g->owned.created_at = created_at;
    g->description = text_of(description);
    if (g->owned.key != NULL && g->owned.subscription != NULL && g->description != NULL &&
        slash < key.len) {
        g->name = g->owned.key + slash + 1;
        return g;
    }
    group_unref(g);
    return NULL;
}

/* ---- as JSON ---- */

static bool add_text(struct access_set *set, const char *text)
{
    struct access_address a;
    const char *why;

    return text != NULL && access_address_parse(sgl_view_cstr(text), &a, &why) == SGL_OK &&
           access_set_add(set, &a);
}

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    const char *description = json_string_value(json_object_get(json, "description"));
    const json_t *list = json_object_get(json, "members"), *item;
    struct group *g = group_new(stored->key, sgl_view_cstr(description),
                                json_integer_value(json_object_get(json, "created_at")));
    size_t at;

    if (g == NULL)
        return NULL;
    g->owned.version = stored->version;
    json_array_foreach(list, at, item)
    {
        if (!add_text(&g->members, json_string_value(item))) {
            group_unref(g);
            return NULL;
        }
    }
    return g;
}

static json_t *to_json(const void *noun)
{
    const struct group *g = noun;
    json_t *list = json_array();
    char text[ACCESS_TEXT_MAX + 2];

    for (const char *m = access_set_next(&g->members, NULL); m != NULL;
         m = access_set_next(&g->members, m)) {
        access_address_text(m, text);
        if (json_array_append_new(list, json_string(text)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:I, s:s, s:o}", "created_at", (json_int_t)g->owned.created_at,
                     "description", g->description, "members", list);
}

/* ---- what was asked for ---- */

static bool take_description(struct change *g, struct group *group)
{
    sgl_view text = g->c->group->description;
    char *copy;

    if (text.ptr == NULL)
        return true;
    if (!change_check_description(g, text))
        return false;
    copy = text_of(text);
    if (copy == NULL) {
        change_no_memory(g->c);
        return false;
    }
    free(group->description);
    group->description = copy;
    return true;
}

/* false: said, naming which one. */
static bool parse_member(struct change *g, const char *list, size_t at, sgl_view text,
                         struct access_address *a)
{
    const char *why;
    char field[32];
    enum sgl_status status = access_address_parse(text, a, &why);

    if (status == SGL_OK)
        return true;
    if (status == SGL_E_NOMEM) {
        change_no_memory(g->c);
        return false;
    }
    snprintf(field, sizeof(field), "%s[%zu]", list, at);
    change_say(g->c, DIRECTORY_INVALID, field, "%s", why);
    return false;
}

/* Whatever the case of its letters, where that does not count. */
static bool remove_member(struct change *g, struct group *group, struct access_address *a)
{
    const char *known =
        access_set_find_same(&group->members, a, atomic_load(&g->d->exact_local_parts));

    if (known == NULL)
        return false;
    memcpy(a->text, known, a->len); /* as long, and the same but for that */
    return access_set_remove(&group->members, a);
}

static bool drop_members(struct change *g, struct group *group)
{
    const struct group_change *c = g->c->group;
    struct access_address a;
    char field[32];

    for (size_t i = 0; i < c->drops; i++) {
        if (!parse_member(g, "drop", i, c->drop[i], &a))
            return false;
        if (remove_member(g, group, &a))
            continue;
        snprintf(field, sizeof(field), "drop[%zu]", i);
        change_say(g->c, DIRECTORY_NOT_FOUND, field, "this is not a member of the group");
        return false;
    }
    return true;
}

static bool add_members(struct change *g, struct group *group)
{
    const struct group_change *c = g->c->group;
    const char *list = g->c->verb == DIRECTORY_ADD || c->replace ? "members" : "add";
    struct access_address a;

    for (size_t i = 0; i < c->adds; i++) {
        if (!parse_member(g, list, i, c->add[i], &a))
            return false;
        if (!access_set_add(&group->members, &a)) {
            change_no_memory(g->c);
            return false;
        }
    }
    if (group->members.used <= DIRECTORY_MEMBERS_MAX)
        return true;
    change_say(g->c, DIRECTORY_INVALID, list, "a group has at most %d members",
               DIRECTORY_MEMBERS_MAX);
    return false;
}

static char *group_key(sgl_view subscription, sgl_view name)
{
    struct sgl_buf key = SGL_BUF_INIT(512);
    char *out;

    sgl_buf_add(&key, subscription);
    sgl_buf_add_byte(&key, '/');
    sgl_buf_add(&key, name);
    out = key.status == SGL_OK ? text_of(sgl_buf_view(&key)) : NULL;
    sgl_buf_done(&key);
    return out;
}

static char *key_meant(const struct change *g)
{
    return group_key(sgl_view_cstr(g->subscription), g->c->name);
}

static bool prepare(struct change *g)
{
    struct group *made;

    if (!change_check_name(g) || !change_check_subscription(g))
        return false;
    free(g->key);
    g->key = key_meant(g);
    if (g->key == NULL) {
        change_no_memory(g->c);
        return false;
    }
    if (!change_check_free(g))
        return false;
    g->noun = made = group_new(sgl_view_cstr(g->key), SGL_LIT(""), clock_now_s());
    if (made == NULL) {
        change_no_memory(g->c);
        return false;
    }
    return take_description(g, made) && add_members(g, made);
}

static void *copy(const void *noun)
{
    const struct group *g = noun;
    struct group *made =
        group_new(sgl_view_cstr(g->owned.key), sgl_view_cstr(g->description), g->owned.created_at);

    if (made == NULL || access_set_copy(&made->members, &g->members))
        return made;
    group_unref(made);
    return NULL;
}

static bool alter(struct change *g)
{
    struct group *group = g->noun;

    if (g->c->group->replace) {
        access_set_done(&group->members);
        access_set_init(&group->members);
    }
    return take_description(g, group) && drop_members(g, group) && add_members(g, group);
}

static bool may_go(struct change *g)
{
    char by[160];

    if (!access_uses_group(g->d, g->key, by, sizeof(by)))
        return true;
    change_say(g->c, DIRECTORY_IN_USE, "name",
               "%s names this group; remove that first: sigillo policy remove", by);
    return false;
}

/* ---- the row ---- */

static void free_(void *noun)
{
    group_unref(noun);
}

static const char *const shown[] = {"description", "members", NULL};

const struct noun_kind noun_group = {
    .name = "group",
    .field = "name",
    OWNED_ROW,
    .free = free_,
    .decides = true,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
    .may_go = may_go,
};
