/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An access key: an id, and the hash of a random secret.
 *
 *   {"created_at":N,"domains":["*"],"label":"...","admin":false,"sha256":BASE64}
 */
#include <stdio.h>
#include <stdlib.h>

#include "directory_change.h"
#include "sigillo/ascii.h"
#include "sigillo/utf8.h"

void access_key_free(struct access_key *k)
{
    if (k == NULL)
        return;
    identity_unref(k->identity);
    free(k->id);
    free(k);
}

struct access_key *key_from_json(const struct store_noun *noun, const json_t *json)
{
    const char *label = json_string_value(json_object_get(json, "label"));
    struct access_key *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return NULL;
    k->id = text_of(noun->key);
    k->identity = identity_new(IDENTITY_KEY, "key:", noun->key, noun->subscription);
    if (k->id == NULL || k->identity == NULL)
        goto fail;
    k->identity->version = noun->version;
    k->identity->admin = json_is_true(json_object_get(json, "admin"));
    free(k->identity->label);
    k->identity->label = text_of(sgl_view_cstr(label));
    if (k->identity->label == NULL ||
        !json_base64_exact(json, "sha256", k->hash, sizeof(k->hash)) ||
        !identity_domains_from_json(k->identity, json))
        goto fail;
    return k;
fail:
    access_key_free(k);
    return NULL;
}

json_t *key_to_json(const struct access_key *k)
{
    return json_pack("{s:I, s:o, s:s, s:b, s:o}", "created_at", (json_int_t)k->identity->created_at,
                     "domains", identity_domains_to_json(k->identity), "label", k->identity->label,
                     "admin", (int)k->identity->admin, "sha256",
                     base64_json(k->hash, sizeof(k->hash)));
}

/* ---- added ---- */

/* id: 12 letters and digits; secret: 32 random bytes. Shown once, kept as a hash. */
static bool key_prepare(struct change *g)
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
    struct directory_change *c = g->c;
    uint8_t secret[32];
    char text[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    char id[13];

    if (!change_check_subscription(g))
        return false;
    if (c->name.len > 0 && (c->name.len > NAME_MAX_LEN || !sgl_utf8_valid(c->name) ||
                            !sgl_ascii_is_printable(c->name))) {
        change_say(c, DIRECTORY_INVALID, "name", "a label has at most %d printable characters",
                   NAME_MAX_LEN);
        return false;
    }
    for (size_t i = 0; i < 12; i++)
        id[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
    id[12] = '\0';
    randombytes_buf(secret, sizeof(secret));
    sodium_bin2base64(text, sizeof(text), secret, sizeof(secret),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
    g->key = text_of(sgl_view_cstr(id));
    g->access = calloc(1, sizeof(*g->access));
    if (g->key == NULL || g->access == NULL) {
        change_no_memory(c);
        return false;
    }
    g->access->id = text_of(sgl_view_cstr(id));
    g->access->identity =
        identity_new(IDENTITY_KEY, "key:", sgl_view_cstr(id), sgl_view_cstr(g->subscription));
    if (g->access->id == NULL || g->access->identity == NULL) {
        change_no_memory(c);
        return false;
    }
    free(g->access->identity->label);
    g->access->identity->label = text_of(c->name);
    if (g->access->identity->label == NULL) {
        change_no_memory(c);
        return false;
    }
    g->access->identity->admin = c->admin;
    crypto_hash_sha256(g->access->hash, (const uint8_t *)text, strlen(text));
    snprintf(c->id, sizeof(c->id), "%s", id);
    snprintf(c->secret, sizeof(c->secret), "sk_%s_%s", id, text);
    sodium_memzero(text, sizeof(text));
    return identity_check_domains(g, g->access->identity);
}

void key_add(struct change *g)
{
    g->kind = SGL_LIT("key");
    if (key_prepare(g))
        change_store(g, key_to_json(g->access));
    else
        change_refuse(g);
}
