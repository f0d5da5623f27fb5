/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An access key: an id, and the hash of a random secret.
 *
 *   {"created_at":N,"domains":["*"],"label":"...","role":"none","sha256":BASE64}
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"

static void free_(void *noun)
{
    holder_free(noun, sizeof(struct access_key));
}

static void *copy(const void *noun)
{
    return holder_copy(noun, sizeof(struct access_key));
}

static struct access_key *access_key_new(sgl_view id, sgl_view subscription, sgl_view label)
{
    struct access_key *k = holder_new(sizeof(*k), IDENTITY_KEY, "key:", id, subscription);

    if (k == NULL || identity_set_label(k->holder.identity, label))
        return k;
    free_(k);
    return NULL;
}

static void *from_json(const struct store_noun *noun, const json_t *json)
{
    const char *label = json_string_value(json_object_get(json, "label"));
    struct access_key *k =
        access_key_new(noun->key, noun->subscription, sgl_view_cstr(label == NULL ? "" : label));

    if (k == NULL)
        return NULL;
    k->holder.identity->version = noun->version;
    if (identity_role_from_json(k->holder.identity, json) && label != NULL &&
        json_base64_exact(json, "sha256", k->hash, sizeof(k->hash)) &&
        identity_domains_from_json(k->holder.identity, json))
        return k;
    free_(k);
    return NULL;
}

static json_t *to_json(const void *noun)
{
    const struct access_key *k = noun;

    return json_pack("{s:I, s:o, s:s, s:s, s:o}", "created_at",
                     (json_int_t)k->holder.identity->created_at, "domains",
                     identity_domains_to_json(k->holder.identity), "label",
                     k->holder.identity->label, "role", role_name(k->holder.identity->role),
                     "sha256", base64_json(k->hash, sizeof(k->hash)));
}

/* ---- added ---- */

#define SECRET_LEN 32

/* Shown once, kept as a hash. */
static void secret_new(struct access_key *k, struct directory_change *c)
{
    uint8_t secret[SECRET_LEN];
    char text[sodium_base64_ENCODED_LEN(SECRET_LEN, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    randombytes_buf(secret, sizeof(secret));
    sodium_bin2base64(text, sizeof(text), secret, sizeof(secret),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
    crypto_hash_sha256(k->hash, (const uint8_t *)text, strlen(text));
    snprintf(c->id, sizeof(c->id), "%s", k->holder.name);
    snprintf(c->secret, sizeof(c->secret), "sk_%s_%s", k->holder.name, text);
    sodium_memzero(text, sizeof(text));
}

static bool prepare(struct change *g)
{
    struct directory_change *c = g->c;
    struct access_key *k;

    if (!change_check_subscription(g))
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
    secret_new(k, c);
    return identity_check_domains(g, k->holder.identity, c->role == ROLE_NONE);
}

/* ---- changed ---- */

static bool alter(struct change *g)
{
    struct identity *i = ((struct access_key *)g->noun)->holder.identity;

    return identity_take_label(g, i, "label") && identity_alter(g, i);
}

static const char *const shown[] = {"domains", "label", "role", "profile", NULL};

const struct noun_kind noun_key = {
    .name = "key",
    .field = "name",
    .prefix = "key:",
    HOLDER_ROW,
    .free = free_,
    .from_json = from_json,
    .to_json = to_json,
    .shown = shown,
    .unshown = "secret",
    .prepare = prepare,
    .copy = copy,
    .alter = alter,
};
