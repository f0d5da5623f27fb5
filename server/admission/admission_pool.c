/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of addresses to send from: the operator says in the configuration which there are, and whose mail may ask for them.  A subscription names pools of its own, of addresses
 * that these give it.
 */
#include "admission_internal.h"

/* A reference, or NULL. */
static struct config *config_now(struct admission *a)
{
    struct config *c;

    pthread_mutex_lock(&a->config_lock);
    c = a->config == NULL ? NULL : config_ref(a->config);
    pthread_mutex_unlock(&a->config_lock);
    return c;
}

void admission_take_config(struct admission *a, struct config *config)
{
    struct config *old;

    pthread_mutex_lock(&a->config_lock);
    old = a->config;
    a->config = config == NULL ? NULL : config_ref(config);
    pthread_mutex_unlock(&a->config_lock);
    config_unref(old);
}

static bool has_own(struct admission *a, sgl_view subscription, sgl_view name)
{
    struct pool *pool = directory_pool(a->directory, subscription, name);
    bool there = pool != NULL;

    pool_unref(pool);
    return there;
}

bool admission_pool_is_configured(struct admission *a, sgl_view subscription, sgl_view name)
{
    struct config *c = config_now(a);
    bool is = c != NULL && config_pool_for(c, subscription, name) != NULL;

    config_unref(c);
    return is;
}

/* One that is somebody else's looks like one that is not there. */
bool admission_may_use_pool(struct admission *a, sgl_view subscription, sgl_view pool,
                            struct admission_answer *out)
{
    return admission_pool_is_configured(a, subscription, pool) || has_own(a, subscription, pool) ||
           refuse(out, 550, "5.7.0", 422, "pool-unknown", "pool",
                  "There is no pool of addresses named %s that this mail may use.", pool);
}

bool admission_pool_address(struct admission *a, sgl_view subscription, sgl_view text,
                            char out[INET6_ADDRSTRLEN])
{
    struct config *c = config_now(a);
    const struct config_pool *pool;
    const struct config_address *found =
        c == NULL ? NULL : config_pool_address(c, subscription, text, &pool);

    if (found != NULL)
        config_address_text(found, out);
    config_unref(c);
    return found != NULL;
}

struct listing {
    const struct config *config;
    sgl_view subscription;
    void (*each)(void *ctx, const char *pool, const char *address);
    void *ctx;
};

/* Only what may be sent from: an address that was taken away is no address of the pool as long as it is. */
static bool list_own(void *ctx, struct pool *p)
{
    const struct listing *l = ctx;
    const struct config_pool *pool;

    if (!sgl_view_eq(sgl_view_cstr(p->owned.subscription), l->subscription) ||
        config_pool_for(l->config, l->subscription, sgl_view_cstr(p->name)) != NULL)
        return true;
    l->each(l->ctx, p->name, NULL);
    for (size_t i = 0; i < p->addresses; i++)
        if (config_pool_address(l->config, l->subscription, sgl_view_cstr(p->address[i]), &pool) !=
            NULL)
            l->each(l->ctx, p->name, p->address[i]);
    return true;
}

void admission_each_pool(struct admission *a, sgl_view subscription,
                         void (*each)(void *ctx, const char *pool, const char *address), void *ctx)
{
    struct config *c = config_now(a);
    struct listing l = {c, subscription, each, ctx};
    char text[INET6_ADDRSTRLEN];

    for (size_t p = 0; c != NULL && p < c->pools; p++) {
        if (!config_pool_is_for(&c->pool[p], subscription))
            continue;
        each(ctx, c->pool[p].name, NULL);
        for (size_t i = 0; i < c->pool[p].sources; i++) {
            config_address_text(&c->pool[p].source[i], text);
            each(ctx, c->pool[p].name, text);
        }
    }
    if (c != NULL)
        directory_each_pool(a->directory, list_own, &l);
    config_unref(c);
}
