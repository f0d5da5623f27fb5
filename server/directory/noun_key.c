/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An access key: an id, and two random secrets, of which the second one is made when it is wanted (key_secret.c).
 *
 *   {"created_at":N,"domains":["*"],"label":"...","role":"none","scopes":["mail.send"],"primary":{...},"secondary":{...}}
 *
 * One that is a service has "service", too (key_service.c).
 *
 * Without "scopes" the role says what it may be used for; of those that are listed, one that is not known here gives nothing.
 *
 * Documents of older stores have one secret, which only a bearer can use: {..., "sha256":BASE64}.
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"

static void free_(void *noun)
{
    struct access_key *k = noun;

    for (size_t i = 0; k != NULL && i < KEY_SECRETS; i++)
        key_secret_done(&k->secret[i]);
    if (k != NULL)
        key_service_free(k->service);
    holder_free(noun, sizeof(struct access_key));
}

static void *copy(const void *noun)
{
    const struct access_key *from = noun;
    struct access_key *made = holder_copy(noun, sizeof(struct access_key));
    bool whole = made != NULL;

    for (size_t i = 0; made != NULL && i < KEY_SECRETS; i++)
        whole = key_secret_copy(&made->secret[i], &from->secret[i]) && whole;
    if (made != NULL && from->service != NULL) {
        made->service = key_service_copy(from->service);
        whole = whole && made->service != NULL;
    }
    if (whole)
        return made;
    free_(made);
    return NULL;
}

static void settle(struct directory *d, void *noun)
{
    struct access_key *k = noun;

    holder_settle(d, noun);
    k->file = &d->file;
    for (size_t i = 0; i < KEY_SECRETS; i++)
        key_secret_spill(&k->secret[i], &d->file);
}

static struct access_key *access_key_new(sgl_view id, sgl_view subscription, sgl_view label)
{
    struct access_key *k = holder_new(sizeof(*k), IDENTITY_KEY, "key:", id, subscription);

    if (k == NULL || identity_set_label(k->holder.identity, label))
        return k;
    free_(k);
    return NULL;
}

/* ---- as JSON ---- */

static bool secrets_from_json(struct access_key *k, const json_t *json)
{
    bool any = false;

    if (json_object_get(json, "sha256") != NULL) {
        k->secret[0].made_at = k->holder.identity->created_at;
        return json_base64_exact(json, "sha256", k->secret[0].hash, sizeof(k->secret[0].hash));
    }
    for (size_t i = 0; i < KEY_SECRETS; i++) {
        const json_t *secret = json_object_get(json, key_secret_name(i));

        any = any || secret != NULL;
        if (secret != NULL && !key_secret_from_json(&k->secret[i], secret))
            return false;
    }
    return any;
}

static bool scopes_from_json(struct identity *i, const json_t *json)
{
    const json_t *list = json_object_get(json, "scopes"), *item;
    size_t at;

    i->scopes.listed = list != NULL;
    json_array_foreach(list, at, item)
    {
        if (!json_is_string(item))
            return false;
        (void)scopes_add(&i->scopes, sgl_view_cstr(json_string_value(item)));
    }
    return list == NULL || json_is_array(list);
}

static json_t *scopes_to_json(const struct identity *i)
{
    json_t *list = json_array();
    const char *name;

    for (size_t at = 0; (name = scopes_next(&i->scopes, &at)) != NULL;)
        json_array_append_new(list, json_string(name));
    return list;
}

static bool service_from_json(struct access_key *k, const json_t *json)
{
    const json_t *service = json_object_get(json, "service");

    if (service != NULL)
        k->service = key_service_from_json(service);
    return service == NULL || k->service != NULL;
}

static void *from_json(const struct store_noun *noun, const json_t *json)
{
    const char *label = json_string_value(json_object_get(json, "label"));
    struct access_key *k =
        access_key_new(noun->key, noun->subscription, sgl_view_cstr(label == NULL ? "" : label));

    if (k == NULL)
        return NULL;
    k->holder.identity->version = noun->version;
    if (identity_role_from_json(k->holder.identity, json) &&
        scopes_from_json(k->holder.identity, json) && label != NULL &&
        identity_domains_from_json(k->holder.identity, json) && secrets_from_json(k, json) &&
        service_from_json(k, json))
        return k;
    free_(k);
    return NULL;
}

static json_t *to_json(const void *noun)
{
    const struct access_key *k = noun;
    json_t *json =
        json_pack("{s:I, s:o, s:s, s:s}", "created_at", (json_int_t)k->holder.identity->created_at,
                  "domains", identity_domains_to_json(k->holder.identity), "label",
                  k->holder.identity->label, "role", role_name(k->holder.identity->role));

    if (json != NULL && k->holder.identity->scopes.listed &&
        json_object_set_new(json, "scopes", scopes_to_json(k->holder.identity)) != 0) {
        json_decref(json);
        return NULL;
    }
    if (json != NULL && k->service != NULL &&
        json_object_set_new(json, "service", key_service_to_json(k->service)) != 0) {
        json_decref(json);
        return NULL;
    }
    for (size_t i = 0; json != NULL && i < KEY_SECRETS; i++) {
        if (k->secret[i].made_at == 0 ||
            json_object_set_new(json, key_secret_name(i),
                                key_secret_to_json(&k->secret[i], k->file)) == 0)
            continue;
        json_decref(json);
        json = NULL;
    }
    return json;
}

/* ---- a secret is made, and sealed ---- */

#define URLSAFE sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* Shown once, in each of its forms. */
static void secret_new(struct change *g, struct access_key *k, size_t which)
{
    struct directory_change *c = g->c;
    int64_t now = clock_now_s(), other = k->secret[1 - which].made_at; /* it is the newer one */
    char text[sodium_base64_ENCODED_LEN(KEYS_MAC_KEY, URLSAFE)];

    g->fresh = &k->secret[which];
    c->which = key_secret_name(which);
    key_secret_make(g->fresh, g->mac_key, now > other ? now : other + 1);
    sodium_bin2base64(text, sizeof(text), g->mac_key, sizeof(g->mac_key), URLSAFE);
    sodium_bin2base64(c->access_key, sizeof(c->access_key), g->mac_key, sizeof(g->mac_key),
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(c->id, sizeof(c->id), "%s", k->holder.name);
    snprintf(c->secret, sizeof(c->secret), "sk_%s_%s", k->holder.name, text);
    snprintf(c->dotted, sizeof(c->dotted), "SG.%s.%s", k->holder.name, text);
    sodium_memzero(text, sizeof(text));
}

static struct change *of_keys(struct keys_op *op)
{
    return (struct change *)(void *)((char *)op - offsetof(struct change, keys));
}

/* As a bearer's is: 73 bytes. false: said. */
static bool is_sealed(struct change *g, const struct keys_op *op)
{
    if (op->result == KEYS_OK && op->out_len == KEYS_MAC_SEALED)
        return true;
    change_say(g->c, DIRECTORY_UNAVAILABLE, "", "the secret could not be sealed; try again soon");
    return false;
}

static void seal(struct change *g, enum keys_verb verb, void (*done)(struct keys_op *op))
{
    const struct access_key *k = g->noun;
    size_t which = (size_t)(g->fresh - k->secret);

    if (verb == KEYS_MAC_SEAL)
        key_secret_context(k->holder.name, which, g->context);
    else
        key_service_context(k->holder.name, which, g->context);
    g->keys = (struct keys_op){.verb = verb,
                               .loop = g->c->loop,
                               .done = done,
                               .in = sgl_view_of(g->mac_key, sizeof(g->mac_key)),
                               .context = sgl_view_cstr(g->context)};
    keys_submit(g->d->keys, &g->keys);
}

static void sealed(struct keys_op *op);

/* Of a service: the second seal is there, and the other secret may be wanted still. */
static void shown_sealed(struct keys_op *op)
{
    struct change *g = of_keys(op);
    struct access_key *k = g->noun;
    size_t which = (size_t)(g->fresh - k->secret);

    if (!is_sealed(g, op)) {
        change_finish(g);
        return;
    }
    memcpy(k->service->shown[which], op->out, KEYS_MAC_SEALED);
    k->service->has[which] = true;
    if (k->secret[1 - which].made_at != 0) {
        change_store(g);
        return;
    }
    secret_new(g, k, 1 - which);
    seal(g, KEYS_MAC_SEAL, sealed);
}

static void sealed(struct keys_op *op)
{
    struct change *g = of_keys(op);

    if (!is_sealed(g, op)) {
        change_finish(g);
    } else if (!key_secret_seal(g->fresh, sgl_view_of(op->out, op->out_len))) {
        change_no_memory(g->c);
        change_finish(g);
    } else if (((const struct access_key *)g->noun)->service != NULL) {
        seal(g, KEYS_SEAL, shown_sealed);
    } else {
        change_store(g);
    }
}

static void make(struct change *g)
{
    /* Before there is a server, nobody can seal: the first key is a bearer's, until it rotates. */
    if (g->fresh == NULL || g->d->keys == NULL) {
        change_store(g);
        return;
    }
    g->context = malloc(KEY_CONTEXT_SIZE);
    if (g->context == NULL) {
        change_no_memory(g->c);
        change_refuse(g);
        return;
    }
    seal(g, KEYS_MAC_SEAL, sealed);
}

/* ---- added ---- */

/* What a role may goes beyond any list: with both, the list would bind nobody. */
static bool scopes_fit(struct change *g, enum role role)
{
    if (g->c->key == NULL || !g->c->key->scopes.listed || role == ROLE_NONE)
        return true;
    change_say(g->c, DIRECTORY_INVALID, "scopes",
               "a key has scopes or a role (%s), not both: the role would open what the scopes "
               "do not name",
               role_name(role));
    return false;
}

static bool needs_domain(const struct identity *i)
{
    return i->role == ROLE_NONE && scopes_allow(&i->scopes, i->role, "mail.send");
}

static bool service_name_ok(sgl_view name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!sgl_ascii_is_alnum(name.ptr[i]) && name.ptr[i] != '-' && name.ptr[i] != '_')
            return false;
    return name.len > 0 && name.len <= SERVICE_NAME_MAX;
}

/* false: said. */
static bool service_check(struct change *g, sgl_view name)
{
    bool taken;

    if (!service_name_ok(name)) {
        change_say(g->c, DIRECTORY_INVALID, "name",
                   "a service's name has 1 to %d letters, digits or any of - _", SERVICE_NAME_MAX);
        return false;
    }
    pthread_rwlock_rdlock(&g->d->lock);
    taken = key_service_find(g->d, sgl_view_cstr(g->subscription), name) != NULL;
    pthread_rwlock_unlock(&g->d->lock);
    if (taken)
        change_say(g->c, DIRECTORY_EXISTS, "name", "there is such a service already");
    return !taken;
}

/* Added: what makes it a service, if it is one. false: said. */
static bool service_prepare(struct change *g, struct access_key *k)
{
    const struct service_change *s = g->c->key == NULL ? NULL : g->c->key->service;

    if (s == NULL)
        return true;
    if (!service_check(g, s->name))
        return false;
    k->service = key_service_new(s->name, s->facts);
    if (k->service == NULL) {
        change_no_memory(g->c);
        return false;
    }
    k->service->locked = s->locked;
    return true;
}

static bool prepare(struct change *g)
{
    struct directory_change *c = g->c;
    struct access_key *k;

    if (!change_check_subscription(g) || !scopes_fit(g, c->role))
        return false;
    if (!change_label_ok(c, c->name, "name"))
        return false;
    g->key = noun_id_new();
    g->noun = k = g->key == NULL ? NULL
                                 : access_key_new(sgl_view_cstr(g->key),
                                                  sgl_view_cstr(g->subscription), c->name);
    if (k == NULL) {
        change_no_memory(c);
        return false;
    }
    k->holder.identity->role = c->role;
    if (c->key != NULL)
        k->holder.identity->scopes = c->key->scopes;
    if (!service_prepare(g, k))
        return false;
    secret_new(g, k, 0);
    return identity_check_domains(g, k->holder.identity,
                                  k->service == NULL && needs_domain(k->holder.identity));
}

/* ---- changed ---- */

static void rotate(struct change *g, struct access_key *k, enum key_rotate rotate)
{
    switch (rotate) {
    case KEY_KEEP:
        break;
    case KEY_ROTATE: /* one that is not there was made at 0 */
        secret_new(g, k, k->secret[1].made_at < k->secret[0].made_at);
        break;
    case KEY_ROTATE_PRIMARY:
        secret_new(g, k, 0);
        break;
    case KEY_ROTATE_SECONDARY:
        secret_new(g, k, 1);
        break;
    }
}

/* false: said. */
static bool service_alter(struct change *g, struct access_key *k, const struct service_change *s)
{
    char *facts = s->facts.ptr == NULL ? NULL : text_of(s->facts);

    if (s->facts.ptr != NULL && facts == NULL) {
        change_no_memory(g->c);
        return false;
    }
    k->service->locked = s->locked;
    if (facts != NULL) {
        free(k->service->facts);
        k->service->facts = facts;
    }
    if (g->c->domains == 0)
        identity_no_domains(k->holder.identity);
    return true;
}

static bool alter(struct change *g)
{
    struct access_key *k = g->noun;
    sgl_view label = g->c->label;

    if (label.ptr != NULL) {
        if (!change_label_ok(g->c, label, "label"))
            return false;
        if (!identity_set_label(k->holder.identity, label)) {
            change_no_memory(g->c);
            return false;
        }
    }
    if (!scopes_fit(g, k->holder.identity->role) || !identity_alter(g, k->holder.identity))
        return false;
    if (g->c->key == NULL)
        return true;
    if (g->c->key->service != NULL && k->service != NULL &&
        !service_alter(g, k, g->c->key->service))
        return false;
    if (g->c->key->scopes.listed)
        k->holder.identity->scopes = g->c->key->scopes;
    rotate(g, k, g->c->key->rotate);
    return true;
}

static const char *const shown[] = {"domains", "label", "role", "profile", "scopes", NULL};

const struct noun_kind noun_key = {
    .name = "key",
    .field = "id",
    .prefix = "key:",
    .key = holder_key,
    .version = holder_version,
    .free = free_,
    .hidden = holder_hidden,
    .settle = settle,
    .index = key_share,
    .unindex = key_unshare,
    .from_json = from_json,
    .to_json = to_json,
    .subscription = holder_subscription,
    .shown = shown,
    .unshown = "secret",
    .prepare = prepare,
    .make = make,
    .copy = copy,
    .alter = alter,
    .replaced = holder_replaced,
    .may_go = holder_may_go,
};

/* ---- looked at ---- */

struct identity *directory_key(struct directory *d, sgl_view id, struct key_facts *facts)
{
    struct identity *who = NULL;
    const struct access_key *k;

    pthread_rwlock_rdlock(&d->lock);
    k = table_find(&d->table[DIRECTORY_KEY], id);
    if (k != NULL)
        who = identity_ref(k->holder.identity);
    if (k != NULL && facts != NULL) {
        facts->shared = key_is_shared(d, k);
        for (size_t i = 0; i < KEY_SECRETS; i++)
            facts->secret[i] = (struct key_secret_facts){k->secret[i].made_at, k->secret[i].signs,
                                                         atomic_load(&k->secret[i].day)};
    }
    pthread_rwlock_unlock(&d->lock);
    return who;
}
