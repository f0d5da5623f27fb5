/* SPDX-License-Identifier: Apache-2.0 */
#include "known.h"

#include <stdlib.h>
#include <string.h>

uint64_t known_reserve(struct known_keys *k)
{
    if (k->count == k->size) {
        size_t size = k->size == 0 ? 64 : k->size * 2;
        struct known *more = reallocarray(k->key, size, sizeof *more);

        if (more == NULL)
            return 0;
        k->key = more;
        k->size = size;
    }
    k->key[k->count] = (struct known){0};
    return ++k->count;
}

/* Both in one piece. */
static sgl_view join(sgl_view sealed, sgl_view context, uint8_t space[KNOWN_BYTES_MAX])
{
    if (sealed.len > 0)
        memcpy(space, sealed.ptr, sealed.len);
    if (context.len > 0)
        memcpy(space + sealed.len, context.ptr, context.len);
    return sgl_view_of(space, sealed.len + context.len);
}

bool known_keep(struct known_keys *k, uint64_t handle, sgl_view sealed, sgl_view context)
{
    struct known known = {.sealed_len = (uint32_t)sealed.len, .context_len = (uint32_t)context.len};
    uint8_t space[KNOWN_BYTES_MAX];
    sgl_view bytes;

    if (sealed.len > KEYS_DATA_MAX || context.len > KEYS_CONTEXT_MAX)
        return false;
    bytes = join(sealed, context, space);
    if (k->file == NULL || !scratch_put(k->file, bytes, &known.at)) {
        known.bytes = malloc(bytes.len + 1);
        if (known.bytes == NULL)
            return false;
        memcpy(known.bytes, bytes.ptr, bytes.len);
    }
    k->key[handle - 1] = known;
    return true;
}

bool known_is(const struct known_keys *k, uint64_t handle)
{
    return k->key[handle - 1].sealed_len > 0;
}

bool known_get(const struct known_keys *k, uint64_t handle, uint8_t space[KNOWN_BYTES_MAX],
               sgl_view *sealed, sgl_view *context)
{
    const struct known *known = &k->key[handle - 1];
    const uint8_t *bytes = known->bytes;

    if (bytes == NULL) {
        if (k->file == NULL ||
            !scratch_get(k->file, known->at, space, known->sealed_len + known->context_len))
            return false;
        bytes = space;
    }
    *sealed = sgl_view_of(bytes, known->sealed_len);
    *context = sgl_view_of(bytes + known->sealed_len, known->context_len);
    return true;
}

void known_done(struct known_keys *k)
{
    for (size_t i = 0; i < k->count; i++)
        free(k->key[i].bytes);
    free(k->key);
}
