/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of addresses to send from. */
#include <string.h>

#include "config.h"

const struct config_pool *config_pool_named(const struct config *c, sgl_view name)
{
    for (size_t i = 0; i < c->pools; i++)
        if (sgl_view_eq(sgl_view_cstr(c->pool[i].name), name))
            return &c->pool[i];
    return NULL;
}

bool config_pool_is_for(const struct config_pool *pool, sgl_view subscription)
{
    for (size_t i = 0; i < pool->subscriptions; i++)
        if (sgl_view_eq(sgl_view_cstr(pool->subscription[i]), subscription))
            return true;
    return false;
}
