/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain as the store keeps it.  A document of an older store has no kind, no token and no status: it is a custom one of which nothing is known yet.
 *
 *   {"created_at":N, "default_at":N, "tls":"verified", "kind":"custom", "token":"...", "return_path":"bounces", "bounces":"plain", "sts_policy":"...", "sts_until":N,
 *    "checked_at":N, "hosts":"mx.example.org published",
 *    "rotation":{"step":"keep","since":N,"until":N,"last":N},
 *    "selectors":[{"name":"s1","algorithm":"rsa-2048","active":true,"retires":false,"public":BASE64,"sealed":BASE64}],
 *    "status":{"spf":{"state":"failed","since":N,"verified_at":N,"lost_at":N,"found":"...","expected":"...","why":"..."}}}
 */
#include <stdlib.h>

#include "domain_internal.h"

static const struct {
    enum keys_algorithm algorithm;
    const char *name;
} algorithms[] = {
    {KEYS_RSA_2048, "rsa-2048"}, {KEYS_RSA_4096, "rsa-4096"}, {KEYS_ED25519, "ed25519"}};

/* ---- read ---- */

static struct selector_key *key_from_json(const json_t *json)
{
    size_t public_len = 0, sealed_len = 0;
    uint8_t *public_key = json_base64(json, "public", SELECTOR_PUBLIC_MAX, &public_len);
    uint8_t *sealed = json_base64(json, "sealed", KEYS_DATA_MAX, &sealed_len);
    struct selector_key *key = NULL;

    if (public_key != NULL && sealed != NULL)
        key = selector_key_new(public_key, public_len, sealed, sealed_len);
    free(public_key);
    free(sealed);
    return key;
}

static bool selector_from_json(struct selector *s, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *algorithm = json_string_value(json_object_get(json, "algorithm"));

    if (name == NULL || algorithm == NULL)
        return false;
    s->name = text_of(sgl_view_cstr(name));
    s->active = json_is_true(json_object_get(json, "active"));
    s->retires = json_is_true(json_object_get(json, "retires"));
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strcmp(algorithms[i].name, algorithm) == 0)
            s->algorithm = algorithms[i].algorithm;
    s->key = key_from_json(json);
    return s->name != NULL && s->algorithm != 0 && s->key != NULL;
}

static bool text_from_json(const json_t *json, const char *member, char **out)
{
    const char *text = json_string_value(json_object_get(json, member));

    if (text == NULL)
        return true;
    free(*out);
    *out = text_of(sgl_view_cstr(text));
    return *out != NULL;
}

static int64_t time_of(const json_t *json, const char *member)
{
    return json_integer_value(json_object_get(json, member));
}

static bool status_from_json(struct domain_status *s, const json_t *json)
{
    if (json == NULL)
        return true;
    s->since_s = time_of(json, "since");
    s->verified_at_s = time_of(json, "verified_at");
    s->lost_at_s = time_of(json, "lost_at");
    return domain_state_parse(json_string_value(json_object_get(json, "state")), &s->state) &&
           text_from_json(json, "found", &s->found) &&
           text_from_json(json, "expected", &s->expected) && text_from_json(json, "why", &s->why);
}

/* Left out while there was none. */
static bool rotation_from_json(struct domain_rotation *r, const json_t *json)
{
    if (json == NULL)
        return true;
    r->since_s = time_of(json, "since");
    r->until_s = time_of(json, "until");
    r->last_s = time_of(json, "last");
    return rotation_step_parse(json_string_value(json_object_get(json, "step")), &r->step);
}

static bool members_from_json(struct domain *d, const json_t *json)
{
    const json_t *list = json_object_get(json, "selectors"), *item;
    const json_t *kind = json_object_get(json, "kind");
    const json_t *status = json_object_get(json, "status");
    size_t at;

    d->created_at = time_of(json, "created_at");
    d->default_at = time_of(json, "default_at");
    d->tls_verified = json_object_get(json, "tls") != NULL; /* "verified", or it is not there */
    if (json_object_get(json, "incoming") != NULL &&
        !domain_incoming_parse(sgl_view_cstr(json_string_value(json_object_get(json, "incoming"))),
                               &d->incoming))
        return false;
    d->bounces_plain = json_object_get(json, "bounces") != NULL; /* "plain", or it is not there */
    d->sts_until_s = time_of(json, "sts_until");
    atomic_init(&d->checked_at_s, time_of(json, "checked_at"));
    if (kind != NULL && !domain_kind_parse(json_string_value(kind), &d->kind))
        return false;
    if (!text_from_json(json, "token", &d->token) ||
        !text_from_json(json, "return_path", &d->return_path) ||
        !text_from_json(json, "sts_policy", &d->sts_policy) ||
        !text_from_json(json, "hosts", &d->hosts))
        return false;
    json_array_foreach(list, at, item)
    {
        d->selectors = at + 1;
        if (!selector_from_json(&d->selector[at], item))
            return false;
    }
    if (!rotation_from_json(&d->rotation, json_object_get(json, "rotation")))
        return false;
    for (int p = 0; p < DOMAIN_PARTS; p++)
        if (!status_from_json(&d->status[p],
                              json_object_get(status, domain_part_name((enum domain_part)p))))
            return false;
    return true;
}

void *domain_from_json(const struct store_noun *stored, const json_t *json)
{
    struct domain *d = domain_new(stored->key, stored->subscription,
                                  json_array_size(json_object_get(json, "selectors")));

    if (d == NULL)
        return NULL;
    d->version = stored->version;
    if (members_from_json(d, json))
        return d;
    domain_unref(d);
    return NULL;
}

/* ---- written ---- */

static json_t *selector_to_json(const struct selector *s)
{
    uint8_t space[KEYS_DATA_MAX], public_space[SELECTOR_PUBLIC_MAX];
    sgl_view sealed = selector_key_sealed(s->key, space);
    sgl_view public_key = selector_key_public(s->key, public_space);
    const char *algorithm = "";

    if (sealed.len == 0 || public_key.len == 0)
        return NULL; /* nothing may be stored without it */
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (algorithms[i].algorithm == s->algorithm)
            algorithm = algorithms[i].name;
    return json_pack("{s:s, s:s, s:b, s:b, s:o, s:o}", "name", s->name, "algorithm", algorithm,
                     "active", (int)s->active, "retires", (int)s->retires, "public",
                     base64_json(public_key.ptr, public_key.len), "sealed",
                     base64_json(sealed.ptr, sealed.len));
}

static bool put_text(json_t *to, const char *member, const char *text)
{
    return text == NULL || json_object_set_new(to, member, json_string(text)) == 0;
}

static bool put_time(json_t *to, const char *member, int64_t time_s)
{
    return time_s == 0 || json_object_set_new(to, member, json_integer(time_s)) == 0;
}

static json_t *status_to_json(const struct domain_status *s)
{
    json_t *json = json_pack("{s:s}", "state", domain_state_name(s->state));

    if (json != NULL && put_time(json, "since", s->since_s) &&
        put_time(json, "verified_at", s->verified_at_s) &&
        put_time(json, "lost_at", s->lost_at_s) && put_text(json, "found", s->found) &&
        put_text(json, "expected", s->expected) && put_text(json, "why", s->why))
        return json;
    json_decref(json);
    return NULL;
}

/* Only of what was looked at. */
static json_t *statuses_to_json(const struct domain *d)
{
    json_t *json = json_object();

    for (int p = 0; json != NULL && p < DOMAIN_PARTS; p++) {
        if (d->status[p].state == DOMAIN_NOT_STARTED)
            continue;
        if (json_object_set_new(json, domain_part_name((enum domain_part)p),
                                status_to_json(&d->status[p])) == 0)
            continue;
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool put_rotation(json_t *to, const struct domain_rotation *r)
{
    json_t *json = json_pack("{s:s}", "step", rotation_step_name(r->step));

    if (json != NULL && put_time(json, "since", r->since_s) &&
        put_time(json, "until", r->until_s) && put_time(json, "last", r->last_s))
        return json_object_set_new(to, "rotation", json) == 0;
    json_decref(json);
    return false;
}

json_t *domain_to_json(const void *noun)
{
    struct domain *d = (struct domain *)(uintptr_t)noun;
    json_t *list = json_array(), *json;

    for (size_t i = 0; i < d->selectors; i++)
        if (json_array_append_new(list, selector_to_json(&d->selector[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    json = json_pack("{s:I, s:s, s:s, s:s, s:I, s:o, s:o}", "created_at", (json_int_t)d->created_at,
                     "kind", domain_kind_name(d->kind), "token", d->token, "return_path",
                     d->return_path, "checked_at", (json_int_t)atomic_load(&d->checked_at_s),
                     "selectors", list, "status", statuses_to_json(d));
    if (json != NULL && put_time(json, "default_at", d->default_at) &&
        put_text(json, "tls", d->tls_verified ? "verified" : NULL) &&
        put_text(json, "bounces", d->bounces_plain ? "plain" : NULL) &&
        put_text(json, "incoming",
                 d->incoming != DOMAIN_INCOMING_PRESET ? domain_incoming_name(d->incoming)
                                                       : NULL) &&
        put_text(json, "sts_policy", d->sts_policy[0] != '\0' ? d->sts_policy : NULL) &&
        put_time(json, "sts_until", d->sts_until_s) &&
        put_text(json, "hosts", d->hosts[0] != '\0' ? d->hosts : NULL) &&
        (d->rotation.since_s == 0 || put_rotation(json, &d->rotation)))
        return json;
    json_decref(json);
    return NULL;
}
