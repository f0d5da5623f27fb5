/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes an access key a service: a name, facts, and a second seal of its secrets, which can be opened.
 *
 *   {"name":"shop","facts":"{...}","locked":false,"primary":BASE64,"secondary":BASE64}
 *
 * The programs that make services read the secrets again, whenever they like; those of other keys are shown once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_internal.h"
#include "sigillo/arena.h"

void key_service_context(const char *id, size_t which, char out[KEY_CONTEXT_SIZE])
{
    snprintf(out, KEY_CONTEXT_SIZE, "shown:%.40s:%s", id, key_secret_name(which));
}

void key_service_free(struct key_service *s)
{
    if (s == NULL)
        return;
    free(s->name);
    free(s->facts);
    free(s);
}

struct key_service *key_service_new(sgl_view name, sgl_view facts)
{
    struct key_service *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->name = text_of(name);
    s->facts = text_of(facts);
    if (s->name != NULL && s->facts != NULL)
        return s;
    key_service_free(s);
    return NULL;
}

struct key_service *key_service_copy(const struct key_service *s)
{
    struct key_service *made = key_service_new(sgl_view_cstr(s->name), sgl_view_cstr(s->facts));

    if (made == NULL)
        return NULL;
    made->locked = s->locked;
    memcpy(made->has, s->has, sizeof(made->has));
    memcpy(made->shown, s->shown, sizeof(made->shown));
    return made;
}

bool key_is_locked(const struct access_key *k)
{
    return k->service != NULL && k->service->locked;
}

/* ---- as JSON ---- */

struct key_service *key_service_from_json(const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *facts = json_string_value(json_object_get(json, "facts"));
    struct key_service *s = name == NULL || facts == NULL
                                ? NULL
                                : key_service_new(sgl_view_cstr(name), sgl_view_cstr(facts));

    if (s == NULL)
        return NULL;
    s->locked = json_is_true(json_object_get(json, "locked"));
    for (size_t i = 0; i < KEY_SECRETS; i++)
        s->has[i] = json_base64_exact(json, key_secret_name(i), s->shown[i], sizeof(s->shown[i]));
    return s;
}

json_t *key_service_to_json(const struct key_service *s)
{
    json_t *json =
        json_pack("{s:s, s:s, s:b}", "name", s->name, "facts", s->facts, "locked", (int)s->locked);

    for (size_t i = 0; json != NULL && i < KEY_SECRETS; i++) {
        if (!s->has[i] || json_object_set_new(json, key_secret_name(i),
                                              base64_json(s->shown[i], sizeof(s->shown[i]))) == 0)
            continue;
        json_decref(json);
        json = NULL;
    }
    return json;
}

/* ---- looked at ---- */

/* The next one of the subscription in the table, from *at on; NULL: no more. */
static struct access_key *next(const struct directory *d, sgl_view subscription, size_t *at)
{
    const struct table *t = &d->table[DIRECTORY_KEY];

    while (*at < t->slots) {
        struct access_key *k = t->slot[*at].name == NULL ? NULL : t->slot[*at].value;

        (*at)++;
        if (k != NULL && k->service != NULL &&
            sgl_view_eq(sgl_view_cstr(k->holder.identity->subscription), subscription))
            return k;
    }
    return NULL;
}

struct access_key *key_service_find(const struct directory *d, sgl_view subscription, sgl_view name)
{
    struct access_key *k;
    size_t at = 0;

    while ((k = next(d, subscription, &at)) != NULL)
        if (sgl_view_eq_nocase(sgl_view_cstr(k->service->name), name))
            return k;
    return NULL;
}

static bool describe(const struct directory *d, const struct access_key *k, struct sgl_arena *arena,
                     struct named_service *out)
{
    out->locked = k->service->locked;
    out->shared = key_is_shared(d, k);
    out->created_at = k->holder.identity->created_at;
    return sgl_arena_dup(arena, sgl_view_cstr(k->service->name), &out->name) == SGL_OK &&
           sgl_arena_dup(arena, sgl_view_cstr(k->service->facts), &out->facts) == SGL_OK &&
           sgl_arena_dup(arena, sgl_view_cstr(k->holder.name), &out->id) == SGL_OK;
}

static int by_name(const void *a, const void *b)
{
    sgl_view x = ((const struct named_service *)a)->name,
             y = ((const struct named_service *)b)->name;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);

    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* Under the lock. false: memory has ended. */
static bool collect(struct directory *d, sgl_view subscription, sgl_view name,
                    struct sgl_arena *arena, struct named_service *to, size_t *count)
{
    const struct access_key *k;
    size_t at = 0;

    *count = 0;
    while ((k = next(d, subscription, &at)) != NULL) {
        if (name.len > 0 && !sgl_view_eq_nocase(sgl_view_cstr(k->service->name), name))
            continue;
        if (to != NULL && !describe(d, k, arena, &to[*count]))
            return false;
        (*count)++;
    }
    return true;
}

bool directory_services(struct directory *d, sgl_view subscription, sgl_view name,
                        struct sgl_arena *arena, struct named_service **out, size_t *count)
{
    bool fine;

    pthread_rwlock_rdlock(&d->lock);
    fine = collect(d, subscription, name, arena, NULL, count);
    *out = SGL_NEW_N(arena, *count + 1, struct named_service);
    fine = fine && *out != NULL && collect(d, subscription, name, arena, *out, count);
    pthread_rwlock_unlock(&d->lock);
    if (fine)
        qsort(*out, *count, sizeof(**out), by_name);
    return fine;
}

/* ---- its secrets, one after the other ---- */

static void open_next(struct service_keys *k);

static void opened(struct keys_op *op)
{
    struct service_keys *k = (struct service_keys *)(void *)op;

    if (op->result != KEYS_OK || op->out_len != KEYS_MAC_KEY) {
        k->fine = false;
        k->done(k);
        return;
    }
    sodium_bin2base64(k->key[k->at], sizeof(k->key[k->at]), op->out, op->out_len,
                      sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(op->out, op->out_len);
    if (++k->at < KEY_SECRETS)
        open_next(k);
    else
        k->done(k);
}

static void open_next(struct service_keys *k)
{
    key_service_context(k->id, k->at, k->context);
    k->op = (struct keys_op){.verb = KEYS_OPEN,
                             .loop = k->loop,
                             .done = opened,
                             .in = sgl_view_of(k->sealed[k->at], sizeof(k->sealed[k->at])),
                             .context = sgl_view_cstr(k->context)};
    keys_submit(k->keys, &k->op);
}

static void not_there(struct loop_task *task)
{
    struct service_keys *k =
        (struct service_keys *)(void *)((char *)task - offsetof(struct service_keys, task));

    k->done(k);
}

void directory_service_keys(struct directory *d, sgl_view subscription, sgl_view name,
                            struct service_keys *k)
{
    const struct access_key *key;

    pthread_rwlock_rdlock(&d->lock);
    key = key_service_find(d, subscription, name);
    k->found = key != NULL;
    k->fine = key != NULL && d->keys != NULL;
    for (size_t i = 0; key != NULL && i < KEY_SECRETS; i++) {
        memcpy(k->sealed[i], key->service->shown[i], sizeof(k->sealed[i]));
        k->fine = k->fine && key->service->has[i];
        snprintf(k->id, sizeof(k->id), "%s", key->holder.name);
    }
    pthread_rwlock_unlock(&d->lock);
    k->at = 0;
    k->keys = d->keys;
    if (k->fine) {
        open_next(k);
        return;
    }
    k->task.run = not_there;
    loop_post(k->loop, &k->task);
}
