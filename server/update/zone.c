/* SPDX-License-Identifier: Apache-2.0 */
/* Which key of ours a name's records can be changed with. */
#include <string.h>

#include "update.h"

const struct config_update *update_zone(const struct config *config, struct sgl_name name)
{
    const struct config_update *best = NULL;

    for (size_t i = 0; i < config->updates; i++) {
        sgl_view zone = sgl_view_cstr(config->update[i].zone), text = name.text;
        bool below = text.len > zone.len && text.ptr[text.len - zone.len - 1] == '.' &&
                     sgl_view_eq_nocase(sgl_view_from(text, text.len - zone.len), zone);

        if ((below || sgl_view_eq_nocase(text, zone)) &&
            (best == NULL || strlen(best->zone) < zone.len))
            best = &config->update[i];
    }
    return best;
}
