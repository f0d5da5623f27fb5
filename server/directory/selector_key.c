/* SPDX-License-Identifier: Apache-2.0 */
/* A DKIM key pair. Nobody wants its bytes while mail is sent: they stand in a file, and are read from there. */
#include <stdlib.h>

#include "domain_internal.h"

struct selector_key *selector_key_new(const uint8_t *public_key, size_t public_len,
                                      const uint8_t *sealed, size_t sealed_len)
{
    bool fits = public_len <= SELECTOR_PUBLIC_MAX && sealed_len <= KEYS_DATA_MAX;
    struct selector_key *k = fits ? calloc(1, sizeof(*k)) : NULL;

    if (k == NULL)
        return NULL;
    atomic_init(&k->refs, 1);
    k->bytes = malloc(public_len + sealed_len + 1);
    if (k->bytes == NULL) {
        selector_key_unref(k);
        return NULL;
    }
    memcpy(k->bytes, public_key, public_len);
    memcpy(k->bytes + public_len, sealed, sealed_len);
    k->public_len = (uint16_t)public_len;
    k->sealed_len = (uint16_t)sealed_len;
    return k;
}

void selector_key_spill(struct selector_key *k, struct scratch *file)
{
    if (k->bytes == NULL || atomic_load(&k->refs) != 1 ||
        !scratch_put(file, sgl_view_of(k->bytes, (size_t)k->public_len + k->sealed_len), &k->at))
        return;
    k->file = file;
    free(k->bytes);
    k->bytes = NULL;
}

static sgl_view part_of(const struct selector_key *k, size_t off, size_t len, uint8_t *space)
{
    if (k->bytes != NULL)
        return sgl_view_of(k->bytes + off, len);
    return scratch_get(k->file, k->at + off, space, len) ? sgl_view_of(space, len)
                                                         : sgl_view_of(NULL, 0);
}

sgl_view selector_key_public(const struct selector_key *k, uint8_t space[SELECTOR_PUBLIC_MAX])
{
    return part_of(k, 0, k->public_len, space);
}

sgl_view selector_key_sealed(const struct selector_key *k, uint8_t space[KEYS_DATA_MAX])
{
    return part_of(k, k->public_len, k->sealed_len, space);
}

void selector_key_unref(struct selector_key *k)
{
    if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
        return;
    free(k->bytes);
    free(k);
}
