/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription: a tenant.  {"created_at":N, "profile":"standard"}, the profile only when it has one. */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"

void subscription_unref(struct subscription *s)
{
    if (s == NULL || !noun_last_reference(&s->refs))
        return;
    free(s->name);
    free(s->profile);
    free(s);
}

/* Made of what never changes, so that one of an older store has it, too. */
static void set_guid(struct subscription *s)
{
    char text[NAME_MAX_LEN + 64];

    snprintf(text, sizeof(text), "sigillo subscription %s %lld", s->name == NULL ? "" : s->name,
             (long long)s->created_at);
    guid_of(sgl_view_cstr(text), s->guid);
}

static struct subscription *subscription_new(sgl_view name, sgl_view profile, int64_t created_at)
{
    struct subscription *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    atomic_init(&s->refs, 1);
    s->name = text_of(name);
    s->profile = text_of(profile);
    s->created_at = created_at;
    set_guid(s);
    if (s->name == NULL || s->profile == NULL) {
        subscription_unref(s);
        return NULL;
    }
    return s;
}

/* ---- the row ---- */

static const char *key(const void *noun)
{
    return ((const struct subscription *)noun)->name;
}

static const char *alias(const void *noun)
{
    return ((const struct subscription *)noun)->guid;
}

static uint64_t *version(void *noun)
{
    return &((struct subscription *)noun)->version;
}

static void free_(void *noun)
{
    subscription_unref(noun);
}

static sgl_view profile_of(const json_t *json)
{
    const char *text = json_string_value(json_object_get(json, "profile"));

    return sgl_view_cstr(text == NULL ? "" : text);
}

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    struct subscription *s = subscription_new(
        stored->key, profile_of(json), json_integer_value(json_object_get(json, "created_at")));

    if (s != NULL)
        s->version = stored->version;
    return s;
}

static json_t *to_json(const void *noun)
{
    const struct subscription *s = noun;
    json_t *json = json_pack("{s:I}", "created_at", (json_int_t)s->created_at);

    if (json != NULL && s->profile[0] != '\0' &&
        json_object_set_new(json, "profile", json_string(s->profile)) != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool prepare(struct change *g)
{
    if (!change_check_name(g))
        return false;
    g->noun = subscription_new(sgl_view_cstr(g->key), g->c->profile, clock_now_s());
    if (g->noun == NULL)
        change_no_memory(g->c);
    return g->noun != NULL;
}

static void *copy(const void *noun)
{
    const struct subscription *s = noun;

    return subscription_new(sgl_view_cstr(s->name), sgl_view_cstr(s->profile), s->created_at);
}

static bool alter(struct change *g)
{
    struct subscription *s = g->noun;

    free(s->profile);
    s->profile = text_of(g->c->profile);
    if (s->profile == NULL)
        change_no_memory(g->c);
    return s->profile != NULL;
}

static bool may_go(struct change *g)
{
    change_say(g->c, DIRECTORY_INVALID, "name", "a subscription cannot be removed");
    return false;
}

static const char *const shown[] = {"profile", NULL};

const struct noun_kind noun_subscription = {
    .name = "subscription",
    .field = "name",
    .key = key,
    .alias = alias,
    .version = version,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .subscription = key,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .may_go = may_go,
};
