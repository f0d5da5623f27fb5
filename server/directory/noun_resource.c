/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resource: a document that a program which manages a cloud wants to find again as it left it.
 *
 *   {"created_at":N,"name":"emailServices/Mail","facts":"{...}"}
 */
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"

void resource_unref(struct resource *r)
{
    if (r == NULL || !noun_last_reference(&r->owned.refs))
        return;
    free(r->owned.key);
    free(r->owned.subscription);
    free(r->name);
    free(r->facts);
    free(r);
}

/* "SUBSCRIPTION/TYPE/NAME" in lower case, malloc()ed. */
static char *key_of(sgl_view subscription, sgl_view name)
{
    char *key = malloc(subscription.len + name.len + 2);
    size_t n = 0;

    if (key == NULL)
        return NULL;
    for (size_t i = 0; i < subscription.len; i++)
        key[n++] = (char)subscription.ptr[i];
    key[n++] = '/';
    for (size_t i = 0; i < name.len; i++)
        key[n++] = (char)sgl_ascii_lower(name.ptr[i]);
    key[n] = '\0';
    return key;
}

static struct resource *resource_new(sgl_view subscription, sgl_view name, sgl_view facts,
                                     int64_t created_at)
{
    struct resource *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    atomic_init(&r->owned.refs, 1);
    r->owned.key = key_of(subscription, name);
    r->owned.subscription = text_of(subscription);
    r->owned.created_at = created_at;
    r->name = text_of(name);
    r->facts = text_of(facts);
    if (r->owned.key != NULL && r->owned.subscription != NULL && r->name != NULL &&
        r->facts != NULL)
        return r;
    resource_unref(r);
    return NULL;
}

/* ---- as JSON ---- */

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *facts = json_string_value(json_object_get(json, "facts"));
    struct resource *r =
        name == NULL || facts == NULL
            ? NULL
            : resource_new(stored->subscription, sgl_view_cstr(name), sgl_view_cstr(facts),
                           json_integer_value(json_object_get(json, "created_at")));

    if (r != NULL)
        r->owned.version = stored->version;
    return r;
}

static json_t *to_json(const void *noun)
{
    const struct resource *r = noun;

    return json_pack("{s:I, s:s, s:s}", "created_at", (json_int_t)r->owned.created_at, "name",
                     r->name, "facts", r->facts);
}

/* ---- added, changed ---- */

static bool check(struct change *g, sgl_view facts)
{
    bool fits = facts.len <= RESOURCE_FACTS_MAX;

    if (!fits)
        change_say(g->c, DIRECTORY_INVALID, "properties",
                   "what is kept of a resource is at most %u bytes", RESOURCE_FACTS_MAX);
    return fits;
}

/* TYPE is of our own. */
static bool check_name(struct change *g, sgl_view name)
{
    bool fits = name.len > 0 && name.len <= RESOURCE_NAME_MAX;

    for (size_t i = 0; fits && i < name.len; i++)
        fits = sgl_ascii_is_alnum(name.ptr[i]) ||
               sgl_view_find(SGL_LIT("-_./"), name.ptr[i]) < SGL_LIT("-_./").len;
    if (!fits)
        change_say(g->c, DIRECTORY_INVALID, "name",
                   "a resource's name has letters, digits or any of - _ .");
    return fits;
}

static bool has_room(struct change *g)
{
    const struct table *t = &g->d->table[DIRECTORY_RESOURCE];
    size_t count = 0;

    pthread_rwlock_rdlock(&g->d->lock);
    for (size_t i = 0; i < t->slots; i++) {
        const struct resource *r = t->slot[i].name == NULL ? NULL : t->slot[i].value;

        count += r != NULL && strcmp(r->owned.subscription, g->subscription) == 0;
    }
    pthread_rwlock_unlock(&g->d->lock);
    if (count >= g->d->resources_max)
        change_say(g->c, DIRECTORY_INVALID, "name", "a subscription has at most %zu resources",
                   g->d->resources_max);
    return count < g->d->resources_max;
}

static bool prepare(struct change *g)
{
    const struct resource_change *c = g->c->resource;

    if (!change_check_subscription(g) || !check_name(g, g->c->name) || !check(g, c->facts) ||
        !has_room(g))
        return false;
    g->key = key_of(sgl_view_cstr(g->subscription), g->c->name);
    g->noun = resource_new(sgl_view_cstr(g->subscription), g->c->name, c->facts, clock_now_s());
    if (g->key != NULL && g->noun != NULL)
        return change_check_free(g);
    change_no_memory(g->c);
    return false;
}

static void *copy(const void *noun)
{
    const struct resource *r = noun;
    struct resource *made =
        resource_new(sgl_view_cstr(r->owned.subscription), sgl_view_cstr(r->name),
                     sgl_view_cstr(r->facts), r->owned.created_at);

    if (made != NULL)
        made->owned.version = r->owned.version;
    return made;
}

static bool alter(struct change *g)
{
    struct resource *r = g->noun;
    char *facts;

    if (!check(g, g->c->resource->facts))
        return false;
    facts = text_of(g->c->resource->facts);
    if (facts == NULL) {
        change_no_memory(g->c);
        return false;
    }
    free(r->facts);
    r->facts = facts;
    return true;
}

static char *key_meant(const struct change *g)
{
    return key_of(sgl_view_cstr(g->subscription), g->c->name);
}

/* ---- looked at ---- */

struct resource *directory_resource(struct directory *d, sgl_view subscription, sgl_view name)
{
    char *key = key_of(subscription, name);
    struct resource *r;

    if (key == NULL)
        return NULL;
    pthread_rwlock_rdlock(&d->lock);
    r = table_find(&d->table[DIRECTORY_RESOURCE], sgl_view_cstr(key));
    if (r != NULL)
        (void)owned_ref(r);
    pthread_rwlock_unlock(&d->lock);
    free(key);
    return r;
}

/* ---- the row ---- */

static void free_(void *noun)
{
    resource_unref(noun);
}

static const char *const shown[] = {"name", "facts", NULL};

const struct noun_kind noun_resource = {
    .name = "resource",
    .field = "name",
    OWNED_ROW,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
};
