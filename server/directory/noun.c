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
    };

    return kind[noun];
}

bool noun_show(struct directory *d, enum directory_noun which, void *noun)
{
    const struct noun_kind *kind = noun_kind_of(which);

    if (!table_add(&d->table[which], kind->key(noun), noun))
        return false;
    if (kind->alias == NULL || table_add(&d->alias[which], kind->alias(noun), noun))
        return true;
    (void)table_remove(&d->table[which], sgl_view_cstr(kind->key(noun)));
    return false;
}

void *noun_hide(struct directory *d, enum directory_noun which, sgl_view key)
{
    const struct noun_kind *kind = noun_kind_of(which);
    void *noun = table_remove(&d->table[which], key);

    if (noun != NULL && kind->alias != NULL)
        (void)table_remove(&d->alias[which], sgl_view_cstr(kind->alias(noun)));
    return noun;
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

json_t *base64_json(const uint8_t *bytes, size_t len)
{
    size_t size = sodium_base64_ENCODED_LEN(len, BASE64);
    char *text = malloc(size);
    json_t *json = NULL;

    if (text != NULL)
        json = json_string(sodium_bin2base64(text, size, bytes, len, BASE64));
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
