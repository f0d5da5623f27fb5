/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of nouns, and the pieces that they are made of: C strings, bytes as JSON. */
#include <stdlib.h>

#include "directory_internal.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL

const struct noun_kind *noun_kind_of(enum directory_noun noun)
{
    static const struct noun_kind *const kind[DIRECTORY_NOUNS] = {
        [DIRECTORY_SUBSCRIPTION] = &noun_subscription,
        [DIRECTORY_DOMAIN] = &noun_domain,
        [DIRECTORY_CREDENTIAL] = &noun_credential,
        [DIRECTORY_KEY] = &noun_key,
        [DIRECTORY_APP] = &noun_app,
        [DIRECTORY_SENDER] = &noun_sender,
        [DIRECTORY_GROUP] = &noun_group,
        [DIRECTORY_POLICY] = &noun_policy,
        [DIRECTORY_ACCOUNT] = &noun_account,
        [DIRECTORY_LOCAL] = &noun_local,
        [DIRECTORY_ASM_GROUP] = &noun_asm_group,
        [DIRECTORY_RESOURCE] = &noun_resource,
        [DIRECTORY_POOL] = &noun_pool,
        [DIRECTORY_BRANDED_LINK] = &noun_branded_link,
        [DIRECTORY_ROUTE] = &noun_route,
    };

    return kind[noun];
}

json_t *noun_to_json(const struct noun_kind *kind, const void *noun)
{
    const char *profile =
        kind->prefix == NULL ? NULL : ((const struct holder *)noun)->identity->profile;
    json_t *json = kind->to_json(noun);

    if (json == NULL || profile == NULL ||
        json_object_set_new(json, "profile", json_string(profile)) == 0)
        return json;
    json_decref(json);
    return NULL;
}

void *noun_from_json(const struct noun_kind *kind, const struct store_noun *stored,
                     const json_t *json)
{
    const char *profile = json_string_value(json_object_get(json, "profile"));
    void *noun = kind->from_json(stored, json);

    if (noun == NULL || kind->prefix == NULL || profile == NULL ||
        identity_set_profile(((struct holder *)noun)->identity, sgl_view_cstr(profile)))
        return noun;
    kind->free(noun);
    return NULL;
}

static bool show(struct directory *d, enum directory_noun which, void *noun)
{
    const struct noun_kind *kind = noun_kind_of(which);

    if (!table_add(&d->table[which], kind->key(noun), noun))
        return false;
    if ((kind->alias == NULL || table_add(&d->alias[which], kind->alias(noun), noun)) &&
        (kind->index == NULL || kind->index(d, noun)))
        return true;
    (void)table_remove(&d->table[which], sgl_view_cstr(kind->key(noun)));
    return false;
}

bool noun_show(struct directory *d, enum directory_noun which, void *noun)
{
    bool shown;

    if (noun_kind_of(which)->settle != NULL)
        noun_kind_of(which)->settle(d, noun);
    shown = show(d, which, noun);

    if (!shown && noun_kind_of(which)->decides)
        atomic_store(&d->access_unsure, true);
    return shown;
}

void *noun_hide(struct directory *d, enum directory_noun which, sgl_view key)
{
    const struct noun_kind *kind = noun_kind_of(which);
    void *noun = table_remove(&d->table[which], key);

    if (noun != NULL && kind->alias != NULL)
        (void)table_remove(&d->alias[which], sgl_view_cstr(kind->alias(noun)));
    if (noun != NULL && kind->unindex != NULL)
        kind->unindex(d, noun);
    return noun;
}

bool noun_is_kind_pattern(sgl_view name)
{
    for (unsigned i = 0; i < DIRECTORY_NOUNS; i++) {
        sgl_view prefix = sgl_view_cstr(noun_kind_of((enum directory_noun)i)->prefix);

        if (prefix.len > 0 && sgl_view_starts(name, prefix) &&
            sgl_view_eq(sgl_view_from(name, prefix.len), SGL_LIT("*")))
            return true;
    }
    return false;
}

char *text_of(sgl_view v)
{
    char *text = v.len > 0 && memchr(v.ptr, 0, v.len) != NULL ? NULL : malloc(v.len + 1);

    if (text == NULL)
        return NULL;
    if (v.len > 0)
        memcpy(text, v.ptr, v.len);
    text[v.len] = '\0';
    return text;
}

char *text_move(char **to, const char *text)
{
    size_t size = strlen(text) + 1;
    char *here = *to;

    memcpy(here, text, size);
    *to += size;
    return here;
}

char *noun_id_new(void)
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
    char id[12];

    for (size_t i = 0; i < sizeof(id); i++)
        id[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
    return text_of(sgl_view_of(id, sizeof(id)));
}

json_t *base64_json(const uint8_t *bytes, size_t len)
{
    size_t size = sodium_base64_ENCODED_LEN(len, BASE64);
    char *text = malloc(size);
    json_t *json = NULL;

    if (text != NULL)
        json = json_string(sodium_bin2base64(text, size, bytes, len, BASE64));
    else
        json_memory_note();
    free(text);
    return json;
}

/* A base64 member as bytes of at most max; NULL when it is absent or broken. */
uint8_t *json_base64(const json_t *object, const char *member, size_t max, size_t *len)
{
    const char *text = json_string_value(json_object_get(object, member));
    uint8_t *bytes = text == NULL ? NULL : malloc(max);

    if (bytes != NULL &&
        sodium_base642bin(bytes, max, text, strlen(text), NULL, len, NULL, BASE64) != 0) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

bool json_base64_exact(const json_t *object, const char *member, uint8_t *out, size_t size)
{
    size_t len = 0;
    uint8_t *bytes = json_base64(object, member, size, &len);
    bool fits = bytes != NULL && len == size;

    if (fits)
        memcpy(out, bytes, size);
    free(bytes);
    return fits;
}

bool noun_last_reference(_Atomic unsigned *refs)
{
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

char *noun_text(const struct noun_kind *kind, const void *noun)
{
    json_t *json;
    char *text;

    json_memory_begin();
    json = noun_to_json(kind, noun);
    text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!json_memory_ended())
        return text;
    free(text);
    return NULL;
}
