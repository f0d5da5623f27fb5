/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A route: where mail goes that arrives for an address.  Its key is drawn, and never used again: mail that waits names it.  It is found by its pattern.
 *
 *   {"created_at":N,"pattern":"@example.org","action":"lmtp","target":["127.0.0.1:24"],"junk":"junk@example.org","ask":true,"inside":true,"secret":BASE64}
 *
 * junk, secret: null where there is none.  inside: an operator gave the targets.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "route_form.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL

static char *put(char **to, sgl_view text)
{
    char *at = *to;

    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    at[text.len] = '\0';
    *to += text.len + 1;
    return at;
}

static size_t size_of(const struct route_form *f)
{
    size_t size = f->key.len + f->subscription.len + f->pattern.len + f->junk.len + f->secret.len;

    for (size_t i = 0; i < f->targets; i++)
        size += sizeof(char *) + f->target[i].len + 1;
    return size + 5;
}

struct arrival_route *route_new(const struct route_form *f)
{
    struct arrival_route *r = calloc(1, sizeof(*r) + size_of(f));
    char *text;

    if (r == NULL)
        return NULL;
    atomic_init(&r->owned.refs, 1);
    r->owned.created_at = f->created_at;
    r->owned.version = f->version;
    r->action = f->action;
    r->ask = f->ask;
    r->inside = f->inside;
    r->targets = f->targets;
    r->target = (char **)(void *)(r + 1);
    text = (char *)(r->target + f->targets);
    for (size_t i = 0; i < f->targets; i++)
        r->target[i] = put(&text, f->target[i]);
    r->owned.key = put(&text, f->key);
    r->owned.subscription = put(&text, f->subscription);
    r->pattern = put(&text, f->pattern);
    r->junk = f->junk.len == 0 ? NULL : put(&text, f->junk);
    r->secret = f->secret.len == 0 ? NULL : put(&text, f->secret);
    return r;
}

/* Views of the route. */
static struct route_form form_of(const struct arrival_route *r)
{
    struct route_form f = {.key = sgl_view_cstr(r->owned.key),
                           .subscription = sgl_view_cstr(r->owned.subscription),
                           .pattern = sgl_view_cstr(r->pattern),
                           .junk = sgl_view_cstr(r->junk),
                           .secret = sgl_view_cstr(r->secret),
                           .action = r->action,
                           .targets = r->targets,
                           .ask = r->ask,
                           .inside = r->inside,
                           .created_at = r->owned.created_at,
                           .version = r->owned.version};

    for (size_t i = 0; i < r->targets; i++)
        f.target[i] = sgl_view_cstr(r->target[i]);
    return f;
}

static void *copy(const void *noun)
{
    struct route_form f = form_of(noun);

    return route_new(&f);
}

/* ---- as JSON ---- */

static sgl_view text_in(const json_t *json, const char *member)
{
    return sgl_view_cstr(json_string_value(json_object_get(json, member)));
}

static bool targets_from_json(struct route_form *f, const json_t *list)
{
    const json_t *item;
    size_t at;

    if (json_array_size(list) > ROUTE_TARGETS_MAX)
        return false;
    json_array_foreach(list, at, item)
    {
        f->target[at] = sgl_view_cstr(json_string_value(item));
        if (f->target[at].len == 0)
            return false;
    }
    f->targets = at;
    return json_is_array(list) && (f->targets > 0) == (route_is_carried(f->action));
}

static void *from_json(const struct store_noun *stored, const json_t *json)
{
    struct route_form f = {.key = stored->key,
                           .subscription = stored->subscription,
                           .pattern = text_in(json, "pattern"),
                           .junk = text_in(json, "junk"),
                           .secret = text_in(json, "secret"),
                           .ask = json_is_true(json_object_get(json, "ask")),
                           .inside = json_is_true(json_object_get(json, "inside")),
                           .created_at = json_integer_value(json_object_get(json, "created_at")),
                           .version = stored->version};

    if (sgl_view_find(f.pattern, '@') == f.pattern.len ||
        !route_action_parse(text_in(json, "action"), &f.action) ||
        !targets_from_json(&f, json_object_get(json, "target")))
        return NULL;
    return route_new(&f);
}

static json_t *to_json(const void *noun)
{
    const struct arrival_route *r = noun;
    json_t *list = json_array();

    for (size_t i = 0; i < r->targets; i++)
        if (json_array_append_new(list, json_string(r->target[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:I, s:s, s:s, s:o, s:s?, s:b, s:b, s:s?}", "created_at",
                     (json_int_t)r->owned.created_at, "pattern", r->pattern, "action",
                     route_action_name(r->action), "target", list, "junk", r->junk, "ask",
                     (int)r->ask, "inside", (int)r->inside, "secret", r->secret);
}

/* ---- added, changed ---- */

static char *key_new(void)
{
    char *id = noun_id_new(), key[32];

    if (id == NULL)
        return NULL;
    snprintf(key, sizeof(key), ROUTE_KEY_PREFIX "%s", id);
    free(id);
    return text_of(sgl_view_cstr(key));
}

static bool prepare(struct change *g)
{
    char pattern[ROUTE_PATTERN_SIZE];
    struct route_form f = {.created_at = clock_now_s()};

    if (!change_check_subscription(g) || !route_form_pattern(g, pattern))
        return false;
    g->key = key_new();
    if (g->key == NULL) {
        change_no_memory(g->c);
        return false;
    }
    f.key = sgl_view_cstr(g->key);
    f.subscription = sgl_view_cstr(g->subscription);
    f.pattern = sgl_view_cstr(pattern);
    g->noun = route_form_take(g, &f);
    snprintf(g->c->id, sizeof(g->c->id), "%s", g->key);
    snprintf(g->c->canonical, sizeof(g->c->canonical), "%s", pattern);
    return g->noun != NULL;
}

static bool alter(struct change *g)
{
    struct arrival_route *old = g->noun;
    struct route_form f = form_of(old);

    free(g->subscription); /* its own, whatever the request named */
    g->subscription = text_of(f.subscription);
    if (g->subscription == NULL) {
        change_no_memory(g->c);
        return false;
    }
    g->noun = route_form_take(g, &f);
    snprintf(g->c->id, sizeof(g->c->id), "%s", g->key);
    snprintf(g->c->canonical, sizeof(g->c->canonical), "%.255s", old->pattern);
    arrival_route_unref(old);
    return g->noun != NULL;
}

/* ---- a webhook's secret ---- */

static void sealed(struct keys_op *op)
{
    struct change *g = (struct change *)(void *)((char *)op - offsetof(struct change, keys));
    char text[sodium_base64_ENCODED_LEN(ROUTE_SECRET + KEYS_SEAL_EXTRA, BASE64)];
    struct arrival_route *old = g->noun;
    struct route_form f = form_of(old);

    sodium_memzero(g->mac_key, sizeof(g->mac_key));
    if (op->result != KEYS_OK || op->out_len != ROUTE_SECRET + KEYS_SEAL_EXTRA) {
        change_say(g->c, DIRECTORY_UNAVAILABLE, "",
                   "the secret could not be sealed; try again soon");
        change_finish(g);
        return;
    }
    f.secret = sgl_view_cstr(sodium_bin2base64(text, sizeof(text), op->out, op->out_len, BASE64));
    g->noun = route_new(&f);
    arrival_route_unref(old);
    if (g->noun != NULL) {
        change_store(g);
        return;
    }
    change_no_memory(g->c);
    change_finish(g);
}

/* One that is made is shown this once, in the form that others have for it, too. */
static void make(struct change *g)
{
    static const char prefix[] = "whsec_";
    const struct arrival_route *r = g->noun;
    char *to = g->c->secret + sizeof(prefix) - 1;

    if (r->action != ROUTE_WEBHOOK || r->secret != NULL) {
        change_store(g);
        return;
    }
    g->context = malloc(ROUTE_CONTEXT_SIZE);
    if (g->context == NULL || g->d->keys == NULL) {
        change_no_memory(g->c);
        change_refuse(g);
        return;
    }
    arrival_route_context(r, g->context);
    randombytes_buf(g->mac_key, ROUTE_SECRET);
    memcpy(g->c->secret, prefix, sizeof(prefix));
    sodium_bin2base64(to, sizeof(g->c->secret) - sizeof(prefix) + 1, g->mac_key, ROUTE_SECRET,
                      BASE64);
    g->keys = (struct keys_op){.verb = KEYS_SEAL,
                               .loop = g->c->loop,
                               .done = sealed,
                               .in = sgl_view_of(g->mac_key, ROUTE_SECRET),
                               .context = sgl_view_cstr(g->context)};
    keys_submit(g->d->keys, &g->keys);
}

/* ---- the row ---- */

static char *key_meant(const struct change *g)
{
    struct arrival_route *r = directory_route_named(g->d, g->c->name);
    char *key = text_of(r == NULL ? g->c->name : sgl_view_cstr(r->owned.key));

    arrival_route_unref(r);
    return key;
}

static const char *alias(const void *noun)
{
    return ((const struct arrival_route *)noun)->pattern;
}

static void free_(void *noun)
{
    arrival_route_unref(noun);
}

static const char *const shown[] = {"pattern", "action", "target", "junk", "ask", NULL};

const struct noun_kind noun_route = {
    .name = "route",
    .field = "pattern",
    OWNED_ROW,
    .alias = alias,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .unshown = "secret",
    .prepare = prepare,
    .make = make,
    .copy = copy,
    .alter = alter,
    .key_meant = key_meant,
};
