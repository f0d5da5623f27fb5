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

static uint8_t *copy(sgl_view v)
{
    uint8_t *bytes = malloc(v.len == 0 ? 1 : v.len);

    if (bytes != NULL && v.len > 0)
        memcpy(bytes, v.ptr, v.len);
    return bytes;
}

bool known_keep(struct known_keys *k, uint64_t handle, sgl_view sealed, sgl_view context)
{
    struct known *known = &k->key[handle - 1];

    known->sealed = copy(sealed);
    known->context = copy(context);
    known->sealed_len = (uint32_t)sealed.len;
    known->context_len = (uint32_t)context.len;
    if (known->sealed != NULL && known->context != NULL)
        return true;
    free(known->sealed);
    free(known->context);
    *known = (struct known){0};
    return false;
}

void known_done(struct known_keys *k)
{
    for (size_t i = 0; i < k->count; i++) {
        free(k->key[i].sealed);
        free(k->key[i].context);
    }
    free(k->key);
}
