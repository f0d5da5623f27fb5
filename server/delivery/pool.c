/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which addresses may mail of a pool leave?  A pool of the configuration has its own; one that its subscription has made has some of those that pools of the configuration
 * give to this subscription.  It is asked each time, so that what is changed counts for the next connection, and for the next message over one that is open.
 */
#include <string.h>

#include "internal.h"

/* Counts addresses of a family, 0: of any, and keeps the one at `nth`. */
struct walk {
    const struct config *config;
    sgl_view subscription;
    int family;
    size_t nth, count;
    struct pool_source found;
    const struct pool_source *wanted; /* NULL: none */
    bool has;
};

static bool is_same(const struct pool_source *a, const struct pool_source *b)
{
    return a->address->len == b->address->len &&
           memcmp(&a->address->addr, &b->address->addr, a->address->len) == 0 &&
           strcmp(a->hostname, b->hostname) == 0;
}

static void see(struct walk *w, const struct config_address *a, const struct config_pool *pool)
{
    struct pool_source source = {.address = a};

    if (w->family != 0 && a->addr.ss_family != w->family)
        return;
    source.hostname = pool->hostname != NULL ? pool->hostname : w->config->hostname;
    w->has = w->has || (w->wanted != NULL && is_same(&source, w->wanted));
    if (w->count++ == w->nth)
        w->found = source;
}

static void see_text(void *ctx, sgl_view text)
{
    struct walk *w = ctx;
    const struct config_pool *pool;
    const struct config_address *a = config_pool_address(w->config, w->subscription, text, &pool);

    if (a != NULL)
        see(w, a, pool);
}

/* false: there is no such pool. */
static bool walk(const struct delivery *d, sgl_view key, struct walk *w)
{
    sgl_view name, subscription = sgl_view_split(key, '/', &name);
    const struct config_pool *pool = config_pool_for(w->config, subscription, name);

    w->subscription = subscription;
    if (pool == NULL)
        return d->pools.each_address != NULL &&
               d->pools.each_address(d->pools.ctx, subscription, name, see_text, w);
    for (size_t i = 0; i < pool->sources; i++)
        see(w, &pool->source[i], pool);
    return true;
}

size_t pool_count(const struct delivery *d, const struct config *config, sgl_view key, int family,
                  bool *missing)
{
    struct walk w = {.config = config, .family = family, .nth = SIZE_MAX};

    *missing = !walk(d, key, &w);
    return w.count;
}

struct pool_source pool_nth(const struct delivery *d, const struct config *config, sgl_view key,
                            int family, size_t nth)
{
    struct walk w = {.config = config, .family = family, .nth = nth};

    (void)walk(d, key, &w);
    return w.found;
}

bool pool_has(const struct delivery *d, sgl_view key, const struct pool_source *source)
{
    struct walk w = {.config = d->config, .nth = SIZE_MAX, .wanted = source};

    (void)walk(d, key, &w);
    return w.has;
}
