/* SPDX-License-Identifier: Apache-2.0 */
#include "rates.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

enum { PLACES = 32768, MINUTE_MS = 60 * 1000 };

struct rate_place {
    uint64_t who, since_ms; /* since_ms: of its minute */
    unsigned count[RATES];
};

struct rates {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_KEYBYTES]; /* so that nobody chooses who falls together */
    struct rate_place all;
    struct rate_place place[PLACES];
};

struct rates *rates_new(void)
{
    struct rates *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    randombytes_buf(r->key, sizeof r->key);
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void rates_free(struct rates *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* Who has one IPv6 address has its whole /64. */
static uint64_t who_is(const struct rates *r, const struct sgl_ip *ip)
{
    struct sgl_ip plain = sgl_ip_unmap(ip);
    uint8_t out[crypto_shorthash_BYTES], bytes[17] = {plain.version};
    uint64_t who;

    memcpy(bytes + 1, plain.bytes, plain.version == 6 ? 8 : 4);
    crypto_shorthash(out, bytes, sizeof bytes, r->key);
    memcpy(&who, out, sizeof who);
    return who;
}

/* A clock that was read before the lock was waited for may be a little behind: that is no new minute. */
static void turn(struct rate_place *p, uint64_t who, uint64_t now_ms)
{
    if (p->who == who && (now_ms < p->since_ms || now_ms - p->since_ms < MINUTE_MS))
        return;
    *p = (struct rate_place){.who = who, .since_ms = now_ms};
}

static bool take(struct rates *r, struct rate_place *p, uint64_t who, enum rate what, unsigned max,
                 uint64_t now_ms, unsigned more)
{
    bool room;

    if (max == 0)
        return true;
    pthread_mutex_lock(&r->lock);
    turn(p, who, now_ms);
    room = p->count[what] < max;
    if (room)
        p->count[what] += more;
    pthread_mutex_unlock(&r->lock);
    return room;
}

bool rates_take(struct rates *r, const struct sgl_ip *ip, enum rate what, unsigned max,
                uint64_t now_ms)
{
    uint64_t who = who_is(r, ip);

    return take(r, &r->place[who % PLACES], who, what, max, now_ms, 1);
}

bool rates_is_over(struct rates *r, const struct sgl_ip *ip, enum rate what, unsigned max,
                   uint64_t now_ms)
{
    uint64_t who = who_is(r, ip);

    return !take(r, &r->place[who % PLACES], who, what, max, now_ms, 0);
}

bool rates_take_all(struct rates *r, enum rate what, unsigned max, uint64_t now_ms)
{
    return take(r, &r->all, 0, what, max, now_ms, 1);
}
