/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of addresses to send from: the operator says in the configuration which there are, and whose mail may ask for them. */
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

/* One that is somebody else's looks like one that is not there. */
bool admission_may_use_pool(struct admission *a, sgl_view subscription, sgl_view pool,
                            struct admission_answer *out)
{
    struct config *c = config_now(a);
    const struct config_pool *found = c == NULL ? NULL : config_pool_named(c, pool);
    bool fine = found != NULL && config_pool_is_for(found, subscription);

    config_unref(c);
    return fine || refuse(out, 550, "5.7.0", 422, "pool-unknown", "pool",
                          "There is no pool of addresses named %s that this mail may use.", pool);
}

void admission_each_pool(struct admission *a, sgl_view subscription,
                         void (*each)(void *ctx, const struct config_pool *pool), void *ctx)
{
    struct config *c = config_now(a);

    for (size_t i = 0; c != NULL && i < c->pools; i++)
        if (config_pool_is_for(&c->pool[i], subscription))
            each(ctx, &c->pool[i]);
    config_unref(c);
}
