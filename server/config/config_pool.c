/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of addresses to send from. */
#include <arpa/inet.h>
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

const struct config_pool *config_pool_for(const struct config *c, sgl_view subscription,
                                          sgl_view name)
{
    const struct config_pool *pool = config_pool_named(c, name);

    return pool != NULL && config_pool_is_for(pool, subscription) ? pool : NULL;
}

static const void *bytes_of(const struct config_address *a)
{
    return a->addr.ss_family == AF_INET6
               ? (const void *)&((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr
               : (const void *)&((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr;
}

void config_address_text(const struct config_address *a, char out[INET6_ADDRSTRLEN])
{
    if (inet_ntop(a->addr.ss_family, bytes_of(a), out, INET6_ADDRSTRLEN) == NULL)
        out[0] = '\0';
}

const struct config_address *config_pool_address(const struct config *c, sgl_view subscription,
                                                 sgl_view text, const struct config_pool **pool)
{
    char given[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    int family;

    if (text.len == 0 || text.len >= sizeof(given) || memchr(text.ptr, 0, text.len) != NULL)
        return NULL;
    memcpy(given, text.ptr, text.len);
    given[text.len] = '\0';
    family = strchr(given, ':') != NULL ? AF_INET6 : AF_INET;
    if (inet_pton(family, given, bytes) != 1)
        return NULL;
    for (size_t p = 0; p < c->pools; p++) {
        for (size_t i = 0; i < c->pool[p].sources; i++) {
            const struct config_address *a = &c->pool[p].source[i];

            if (a->addr.ss_family != family ||
                memcmp(bytes_of(a), bytes, family == AF_INET6 ? 16 : 4) != 0 ||
                !config_pool_is_for(&c->pool[p], subscription))
                continue;
            *pool = &c->pool[p];
            return a;
        }
    }
    return NULL;
}
