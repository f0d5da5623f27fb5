/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that are connected, or failed to log in not long ago: a table of chains under one lock, held for a few instructions. */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "peers.h"
#include "sigillo/ascii.h"

enum {
    CHAINS = 4096,
    FORGET_MS = 10 * 60 * 1000,
    FAILED_MAX = 65536,
    GUESSES = 8192,
    FREE_GUESSES = 10
};

struct peer {
    struct peer *next;
    struct sgl_ip ip;
    size_t connections;
    unsigned failures;
    uint64_t failed_at_ms;
};

struct guess { /* of one user's password from one address */
    uint64_t who, at_ms;
    unsigned wrong;
};

struct peers {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_KEYBYTES]; /* so that nobody chooses who falls together */
    struct guess guess[GUESSES];
    struct peer *chain[CHAINS];
    size_t failed; /* entries kept only for their failures, about */
};

struct peers *peers_new(void)
{
    struct peers *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    randombytes_buf(p->key, sizeof(p->key));
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void peers_free(struct peers *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < CHAINS; i++) {
        while (p->chain[i] != NULL) {
            struct peer *e = p->chain[i];

            p->chain[i] = e->next;
            free(e);
        }
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Who has one IPv6 address has its whole /64. */
static struct sgl_ip key_of(const struct sgl_ip *ip)
{
    struct sgl_ip key = *ip;

    if (key.version == 6)
        memset(key.bytes + 8, 0, 8);
    return key;
}

static struct peer **slot(struct peers *p, const struct sgl_ip *key)
{
    uint64_t h = UINT64_C(1469598103934665603);
    struct peer **at;

    for (size_t i = 0; i < sizeof key->bytes; i++)
        h = (h ^ key->bytes[i]) * UINT64_C(1099511628211);
    at = &p->chain[(h ^ h >> 29) % CHAINS];
    while (*at != NULL && !sgl_ip_eq(&(*at)->ip, key))
        at = &(*at)->next;
    return at;
}

/* With create NULL only when memory ends. */
static struct peer *find(struct peers *p, const struct sgl_ip *ip, bool create)
{
    struct sgl_ip key = key_of(ip);
    struct peer **at = slot(p, &key);

    if (*at == NULL && create) {
        *at = calloc(1, sizeof **at);
        if (*at != NULL)
            (*at)->ip = key;
    }
    return *at;
}

/* Whoever reads the clock before he waits for the lock may come later than one who read it after him: that is no age. */
static bool is_forgotten(uint64_t at_ms, uint64_t now_ms)
{
    return now_ms > at_ms && now_ms - at_ms > FORGET_MS;
}

static bool is_old(const struct peer *e, uint64_t now_ms)
{
    return e->failures == 0 || is_forgotten(e->failed_at_ms, now_ms);
}

static void drop(struct peers *p, const struct sgl_ip *ip)
{
    struct sgl_ip key = key_of(ip);
    struct peer **at = slot(p, &key), *e = *at;

    if (e == NULL || e->connections != 0 || e->failures != 0)
        return;
    *at = e->next;
    free(e);
}

bool peers_enter(struct peers *p, const struct sgl_ip *ip, size_t max)
{
    struct peer *e;
    bool room;

    pthread_mutex_lock(&p->lock);
    e = find(p, ip, true);
    room = e != NULL && e->connections < max;
    if (room)
        e->connections++;
    pthread_mutex_unlock(&p->lock);
    return room;
}

void peers_leave(struct peers *p, const struct sgl_ip *ip)
{
    struct peer *e;

    pthread_mutex_lock(&p->lock);
    e = find(p, ip, false);
    if (e != NULL && e->connections > 0)
        e->connections--;
    drop(p, ip);
    pthread_mutex_unlock(&p->lock);
}

unsigned peers_failures(struct peers *p, const struct sgl_ip *ip, uint64_t now_ms)
{
    unsigned n;
    struct peer *e;

    pthread_mutex_lock(&p->lock);
    e = find(p, ip, false);
    n = e == NULL || is_old(e, now_ms) ? 0 : e->failures;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void peers_failed(struct peers *p, const struct sgl_ip *ip, uint64_t now_ms)
{
    struct peer *e;

    pthread_mutex_lock(&p->lock);
    e = find(p, ip, p->failed < FAILED_MAX);
    if (e != NULL) {
        if (is_old(e, now_ms))
            e->failures = 0;
        if (e->failures++ == 0)
            p->failed++;
        e->failed_at_ms = now_ms;
    }
    pthread_mutex_unlock(&p->lock);
}

/* ---- guesses ---- */

static uint64_t hash_of(const struct peers *p, const void *bytes, size_t len)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t number;

    crypto_shorthash(out, bytes, len, p->key);
    memcpy(&number, out, sizeof(number));
    return number;
}

/* Letters of a user name count in whatever case: so they do for accounts. */
static uint64_t who_is(const struct peers *p, const struct sgl_ip *ip, sgl_view user)
{
    struct sgl_ip key = key_of(ip);
    uint8_t name[256];
    uint64_t both[2] = {hash_of(p, key.bytes, sizeof(key.bytes)), 0};
    size_t len = user.len < sizeof(name) ? user.len : sizeof(name);

    for (size_t i = 0; i < len; i++)
        name[i] = sgl_ascii_lower(user.ptr[i]);
    both[1] = hash_of(p, name, len);
    return hash_of(p, both, sizeof(both));
}

uint64_t peers_pause_ms(struct peers *p, const struct sgl_ip *ip, sgl_view user, uint64_t now_ms)
{
    uint64_t who = who_is(p, ip, user), end = now_ms;
    const struct guess *g = &p->guess[who % GUESSES];

    pthread_mutex_lock(&p->lock);
    if (g->who == who && g->wrong >= FREE_GUESSES) {
        unsigned doubled = g->wrong - FREE_GUESSES;
        uint64_t pause = doubled > 6 ? FORGET_MS : UINT64_C(8000) << doubled;

        end = g->at_ms + pause;
    }
    pthread_mutex_unlock(&p->lock);
    return end > now_ms ? end - now_ms : 0;
}

void peers_guessed(struct peers *p, const struct sgl_ip *ip, sgl_view user, bool right,
                   uint64_t now_ms)
{
    uint64_t who = who_is(p, ip, user);
    struct guess *g = &p->guess[who % GUESSES];

    pthread_mutex_lock(&p->lock);
    if (g->who != who || is_forgotten(g->at_ms, now_ms))
        *g = (struct guess){.who = who};
    g->wrong = right ? 0 : g->wrong + 1;
    g->at_ms = now_ms;
    pthread_mutex_unlock(&p->lock);
}

void peers_sweep(struct peers *p, uint64_t now_ms)
{
    pthread_mutex_lock(&p->lock);
    p->failed = 0;
    for (size_t i = 0; i < CHAINS; i++) {
        for (struct peer **at = &p->chain[i]; *at != NULL;) {
            struct peer *e = *at;

            if (is_old(e, now_ms))
                e->failures = 0;
            p->failed += e->failures != 0;
            if (e->failures == 0 && e->connections == 0) {
                *at = e->next;
                free(e);
            } else {
                at = &e->next;
            }
        }
    }
    pthread_mutex_unlock(&p->lock);
}
