/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <sodium.h>
#include <string.h>

void replay_init(struct replay_table *r)
{
    memset(r, 0, sizeof(*r));
    pthread_mutex_init(&r->lock, NULL);
    randombytes_buf(r->key, sizeof(r->key));
}

void replay_done(struct replay_table *r)
{
    pthread_mutex_destroy(&r->lock);
}

/* Keyed: nobody outside can choose assertions that fall into one row. */
static size_t hash(const struct replay_table *r, sgl_view what, uint8_t out[REPLAY_KEY_SIZE])
{
    uint32_t row;

    crypto_generichash(out, REPLAY_KEY_SIZE, what.ptr, what.len, r->key, sizeof(r->key));
    memcpy(&row, out, sizeof(row));
    return row % REPLAY_ROWS;
}

enum replay replay_take(struct replay_table *r, sgl_view what, int64_t until, int64_t now)
{
    enum replay result = REPLAY_FULL;
    uint8_t key[REPLAY_KEY_SIZE];
    size_t row = hash(r, what, key), at = REPLAY_WAYS;

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < REPLAY_WAYS; i++) {
        bool live = r->slot[row][i].until > now;

        if (live && memcmp(r->slot[row][i].what, key, sizeof(key)) == 0)
            result = REPLAY_SEEN;
        else if (!live)
            at = i;
    }
    if (result != REPLAY_SEEN && at < REPLAY_WAYS) {
        memcpy(r->slot[row][at].what, key, sizeof(key));
        r->slot[row][at].until = until;
        result = REPLAY_FRESH;
    }
    pthread_mutex_unlock(&r->lock);
    return result;
}

void replay_give_back(struct replay_table *r, sgl_view what)
{
    uint8_t key[REPLAY_KEY_SIZE];
    size_t row = hash(r, what, key);

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < REPLAY_WAYS; i++)
        if (memcmp(r->slot[row][i].what, key, sizeof(key)) == 0)
            r->slot[row][i].until = 0;
    pthread_mutex_unlock(&r->lock);
}
