/* SPDX-License-Identifier: Apache-2.0 */
#include "held.h"

#include <pthread.h>
#include <stdlib.h>

/* Warm ones stand in a ring, in which 0 is nobody: after it comes the one that signed last, before it the one that did so longest ago. */
struct held {
    struct sgl_private_key *key; /* NULL: nothing under this handle */
    uint32_t users;              /* threads that sign with it now */
    uint32_t older, newer;
    bool warm;
};
struct held_keys {
    pthread_mutex_t lock; /* held for less than a hundredth of a signature */
    size_t warm, warm_max;
    struct held held[HELD_HANDLE_MAX + 1];
};

struct held_keys *held_new(size_t warm_max)
{
    struct held_keys *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    pthread_mutex_init(&h->lock, NULL);
    h->warm_max = warm_max;
    return h;
}

void held_free(struct held_keys *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i <= HELD_HANDLE_MAX; i++)
        sgl_private_key_free(h->held[i].key);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

bool held_put(struct held_keys *h, uint64_t handle, struct sgl_private_key *key)
{
    bool fits = handle >= 1 && handle <= HELD_HANDLE_MAX;

    if (fits) {
        pthread_mutex_lock(&h->lock);
        fits = h->held[handle].key == NULL;
        if (fits)
            h->held[handle].key = key;
        pthread_mutex_unlock(&h->lock);
    }
    if (!fits)
        sgl_private_key_free(key);
    return fits;
}

/* ---- the ring ---- */

static void ring_out(struct held_keys *h, uint32_t at)
{
    struct held *k = &h->held[at];

    h->held[k->older].newer = k->newer;
    h->held[k->newer].older = k->older;
    k->warm = false;
    h->warm--;
}

static void ring_in(struct held_keys *h, uint32_t at)
{
    struct held *k = &h->held[at], *nobody = &h->held[0];

    k->newer = 0;
    k->older = nobody->older;
    h->held[k->older].newer = at;
    nobody->older = at;
    k->warm = true;
    h->warm++;
}

/* A copy is cold. Without memory for it, or while somebody signs with it, it stays warm. */
static bool cool(struct held_keys *h, uint32_t at)
{
    struct held *k = &h->held[at];
    struct sgl_private_key *copy;

    if (k->users > 0 || sgl_private_key_dup(k->key, &copy) != SGL_OK)
        return false;
    sgl_private_key_free(k->key);
    k->key = copy;
    ring_out(h, at);
    return true;
}

static void warm_up(struct held_keys *h, uint32_t at)
{
    if (h->held[at].warm)
        ring_out(h, at);
    ring_in(h, at);
    for (uint32_t old = h->held[0].newer; h->warm > h->warm_max && old != 0;
         old = h->held[old].newer)
        if (cool(h, old))
            return;
}

const struct sgl_private_key *held_take(struct held_keys *h, uint64_t handle)
{
    const struct sgl_private_key *key;

    if (handle < 1 || handle > HELD_HANDLE_MAX)
        return NULL;
    pthread_mutex_lock(&h->lock);
    key = h->held[handle].key;
    if (key != NULL) {
        h->held[handle].users++;
        if (sgl_private_key_type(key) == SGL_KEY_RSA)
            warm_up(h, (uint32_t)handle);
    }
    pthread_mutex_unlock(&h->lock);
    return key;
}

void held_give(struct held_keys *h, uint64_t handle)
{
    pthread_mutex_lock(&h->lock);
    h->held[handle].users--;
    pthread_mutex_unlock(&h->lock);
}
