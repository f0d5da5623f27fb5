/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool: some of the addresses that a subscription may send from, under a name that it has given them.
 *
 *   {"created_at":N,"name":"marketing","addresses":["192.0.2.1"]}
 *
 * Its key is drawn, so that it can be renamed; it is found by "SUBSCRIPTION/NAME".
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"

#define ADDRESS_MAX 45

void pool_unref(struct pool *p)
{
    if (p == NULL || !noun_last_reference(&p->owned.refs))
        return;
    for (size_t i = 0; i < p->addresses; i++)
        free(p->address[i]);
    free(p->owned.key);
    free(p->owned.subscription);
    free(p->path);
    free(p);
}

/* "SUBSCRIPTION/NAME", malloc()ed; NULL: memory has ended, or there is a NUL in it. */
static char *path_of(sgl_view subscription, sgl_view name)
{
    char *path = malloc(subscription.len + name.len + 2);

    if (path == NULL || (name.len > 0 && memchr(name.ptr, 0, name.len) != NULL)) {
        free(path);
        return NULL;
    }
    if (subscription.len > 0)
        memcpy(path, subscription.ptr, subscription.len);
    path[subscription.len] = '/';
    if (name.len > 0)
        memcpy(path + subscription.len + 1, name.ptr, name.len);
    path[subscription.len + 1 + name.len] = '\0';
    return path;
}

static bool set_name(struct pool *p, sgl_view name)
{
    char *path = path_of(sgl_view_cstr(p->owned.subscription), name);

    if (path == NULL)
        return false;
    free(p->path);
    p->path = path;
    p->name = path + strlen(p->owned.subscription) + 1;
    return true;
}

static struct pool *pool_new(sgl_view key, sgl_view subscription, sgl_view name, int64_t created_at)
{
    struct pool *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    atomic_init(&p->owned.refs, 1);
    p->owned.key = text_of(key);
    p->owned.subscription = text_of(subscription);
    p->owned.created_at = created_at;
    if (p->owned.key != NULL && p->owned.subscription != NULL && set_name(p, name))
        return p;
    pool_unref(p);
    return NULL;
}

static bool add_address(struct pool *p, sgl_view text)
{
    if (p->addresses == POOL_ADDRESSES_MAX)
        return false;
    p->address[p->addresses] = text_of(text);
    return p->address[p->addresses] != NULL && ++p->addresses > 0;
}

/* ---- as JSON ---- */

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *list = json_object_get(json, "addresses"), *item;
    struct pool *p = name == NULL || !json_is_array(list)
                         ? NULL
                         : pool_new(stored->key, stored->subscription, sgl_view_cstr(name),
                                    json_integer_value(json_object_get(json, "created_at")));
    size_t at;

    if (p == NULL)
        return NULL;
    p->owned.version = stored->version;
    json_array_foreach(list, at, item)
    {
        if (!json_is_string(item) || !add_address(p, sgl_view_cstr(json_string_value(item)))) {
            pool_unref(p);
            return NULL;
        }
    }
    return p;
}

static json_t *to_json(const void *noun)
{
    const struct pool *p = noun;
    json_t *list = json_array();

    for (size_t i = 0; i < p->addresses; i++)
        if (json_array_append_new(list, json_string(p->address[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:I, s:s, s:o}", "created_at", (json_int_t)p->owned.created_at, "name",
                     p->name, "addresses", list);
}

/* ---- checks ---- */

/* What fits into a line of a log, and into one part of a path. */
static bool check_name(struct change *g, sgl_view name)
{
    bool fits = name.len >= POOL_NAME_MIN && name.len <= POOL_NAME_MAX && name.ptr[0] != ' ' &&
                name.ptr[0] != '.';

    for (size_t i = 0; fits && i < name.len; i++)
        fits = name.ptr[i] >= ' ' && name.ptr[i] <= '~' && name.ptr[i] != '/';
    if (!fits)
        change_say(g->c, DIRECTORY_INVALID, "name",
                   "The name of a pool has %d to %d printable ASCII characters, none of them a "
                   "slash, and begins with neither a blank nor a dot.",
                   POOL_NAME_MIN, POOL_NAME_MAX);
    return fits;
}

struct look {
    size_t count;
    const struct pool *named;
};

/* At the pools of a subscription. */
static struct look look_at(struct change *g, const struct pool *p)
{
    const struct table *t = &g->d->table[DIRECTORY_POOL];
    struct look l = {0};

    pthread_rwlock_rdlock(&g->d->lock);
    l.named = table_find(&g->d->alias[DIRECTORY_POOL], sgl_view_cstr(p->path));
    for (size_t i = 0; i < t->slots; i++) {
        const struct pool *other = t->slot[i].name == NULL ? NULL : t->slot[i].value;

        l.count += other != NULL && strcmp(other->owned.subscription, p->owned.subscription) == 0;
    }
    pthread_rwlock_unlock(&g->d->lock);
    return l;
}

static bool check_free(struct change *g, const struct pool *p)
{
    struct look l = look_at(g, p);

    if (l.named != NULL && strcmp(l.named->owned.key, p->owned.key) != 0)
        change_say(g->c, DIRECTORY_EXISTS, "name", "There is a pool of this name already.");
    else if (g->c->verb == DIRECTORY_ADD && l.count >= DIRECTORY_POOLS_MAX)
        change_say(g->c, DIRECTORY_INVALID, "name", "A subscription has at most %d pools.",
                   DIRECTORY_POOLS_MAX);
    else
        return true;
    return false;
}

/* ---- added, changed, removed ---- */

static bool prepare(struct change *g)
{
    if (!change_check_subscription(g) || !check_name(g, g->c->name))
        return false;
    g->key = noun_id_new();
    if (g->key != NULL)
        g->noun = pool_new(sgl_view_cstr(g->key), sgl_view_cstr(g->subscription), g->c->name,
                           clock_now_s());
    if (g->noun != NULL)
        return check_free(g, g->noun);
    change_no_memory(g->c);
    return false;
}

static void *copy(const void *noun)
{
    const struct pool *p = noun;
    struct pool *made = pool_new(sgl_view_cstr(p->owned.key), sgl_view_cstr(p->owned.subscription),
                                 sgl_view_cstr(p->name), p->owned.created_at);

    for (size_t i = 0; made != NULL && i < p->addresses; i++)
        if (!add_address(made, sgl_view_cstr(p->address[i]))) {
            pool_unref(made);
            return NULL;
        }
    return made;
}

/* p->addresses: it is not there. */
static size_t find_address(const struct pool *p, sgl_view text)
{
    size_t i = 0;

    while (i < p->addresses && !sgl_view_eq(sgl_view_cstr(p->address[i]), text))
        i++;
    return i;
}

/* One that is there already stays. */
static bool take_address(struct change *g, struct pool *p, sgl_view text)
{
    if (text.ptr == NULL || find_address(p, text) < p->addresses)
        return true;
    if (text.len == 0 || text.len > ADDRESS_MAX)
        change_say(g->c, DIRECTORY_INVALID, "ip", "This is no address.");
    else if (p->addresses == POOL_ADDRESSES_MAX)
        change_say(g->c, DIRECTORY_INVALID, "ip", "A pool has at most %d addresses.",
                   POOL_ADDRESSES_MAX);
    else if (!add_address(p, text))
        change_no_memory(g->c);
    else
        return true;
    return false;
}

static bool drop_address(struct change *g, struct pool *p, sgl_view text)
{
    size_t at = find_address(p, text);

    if (text.ptr == NULL)
        return true;
    if (at == p->addresses) {
        change_say(g->c, DIRECTORY_NOT_FOUND, "ip", "The pool has no such address.");
        return false;
    }
    free(p->address[at]);
    p->addresses--;
    memmove(&p->address[at], &p->address[at + 1], (p->addresses - at) * sizeof(p->address[0]));
    return true;
}

static bool alter(struct change *g)
{
    const struct pool_change *c = g->c->pool;
    struct pool *p = g->noun;

    if (c->rename.ptr != NULL) {
        if (!check_name(g, c->rename))
            return false;
        if (!set_name(p, c->rename)) {
            change_no_memory(g->c);
            return false;
        }
        if (!check_free(g, p))
            return false;
    }
    return take_address(g, p, c->add) && drop_address(g, p, c->drop);
}

/* ---- looked at ---- */

struct pool *directory_pool(struct directory *d, sgl_view subscription, sgl_view name)
{
    char *path = path_of(subscription, name);
    struct pool *p = NULL;

    if (path == NULL)
        return NULL;
    pthread_rwlock_rdlock(&d->lock);
    p = table_find(&d->alias[DIRECTORY_POOL], sgl_view_cstr(path));
    if (p != NULL)
        (void)owned_ref(p);
    pthread_rwlock_unlock(&d->lock);
    free(path);
    return p;
}

static char *key_meant(const struct change *g)
{
    struct pool *p = directory_pool(g->d, g->c->within, g->c->name);
    char *key = p == NULL ? NULL : text_of(sgl_view_cstr(p->owned.key));

    pool_unref(p);
    return key;
}

/* ---- the row ---- */

static void free_(void *noun)
{
    pool_unref(noun);
}

static const char *alias(const void *noun)
{
    return ((const struct pool *)noun)->path;
}

static const char *const shown[] = {"name", "addresses", NULL};

const struct noun_kind noun_pool = {
    .name = "pool",
    .field = "name",
    OWNED_ROW,
    .alias = alias,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
};
