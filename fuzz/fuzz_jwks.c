/* SPDX-License-Identifier: Apache-2.0 */
/* What an issuer publishes: its key set, and its metadata. */
#include <stdlib.h>

#include "../server/tokens/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view text = sgl_view_of(data, size);
    struct jwks *set = jwks_read(text);
    char url[JWKS_URL_MAX];

    if (set != NULL) {
        if (set->keys == 0 || set->keys > JWKS_KEYS_MAX)
            abort();
        for (size_t i = 0; i < set->keys; i++)
            if (set->key[i].jwk == NULL || !jwks_has(set, set->key[i].id) ||
                (set->key[i].algorithm != NULL && !jwks_algorithm_ok(set->key[i].algorithm)))
                abort();
        jwks_unref(set);
    }
    if (jwks_metadata_read(text, SGL_LIT("https://issuer.example"), url) &&
        (!sgl_view_starts(sgl_view_cstr(url), SGL_LIT("https://")) ||
         sgl_view_find(sgl_view_cstr(url), '@') < sgl_view_find(sgl_view_cstr(url), '/')))
        abort();
    return 0;
}
