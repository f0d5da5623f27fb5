/* SPDX-License-Identifier: Apache-2.0 */
#include "attempts.h"

#include <sodium.h>
#include <string.h>

#include "../directory/guid.h"
#include "sigillo/ip.h"

#define WINDOW_MS ((uint64_t)ATTEMPTS_WINDOW_S * 1000)

void attempts_init(struct attempts *a)
{
    memset(a, 0, sizeof(*a));
    pthread_mutex_init(&a->lock, NULL);
    randombytes_buf(a->key, sizeof(a->key));
}

void attempts_done(struct attempts *a)
{
    pthread_mutex_destroy(&a->lock);
}

static uint64_t hash(const struct attempts *a, sgl_view text)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t number;

    crypto_shorthash(out, text.ptr, text.len, a->key);
    memcpy(&number, out, sizeof(number));
    return number;
}

/* Who has one IPv6 address has its whole /64. */
static uint64_t hash_peer(const struct attempts *a, sgl_view peer)
{
    struct sgl_ip ip;

    if (sgl_ip_parse(peer, &ip) != SGL_OK)
        return hash(a, peer);
    ip = sgl_ip_unmap(&ip);
    return hash(a, sgl_view_of(ip.bytes, ip.version == 4 ? 4 : 8));
}

static uint64_t who_is(const struct attempts *a, sgl_view name, sgl_view peer)
{
    uint64_t both[2] = {hash(a, name), hash_peer(a, peer)};

    return hash(a, sgl_view_of(both, sizeof(both)));
}

unsigned attempts_named_wait_s(struct attempts *a, sgl_view name, sgl_view peer, uint64_t now_ms)
{
    uint64_t who = who_is(a, name, peer), wait_ms = 0;
    size_t at = who % ATTEMPTS_SLOTS;

    pthread_mutex_lock(&a->lock);
    if (a->slot[at].who == who && a->slot[at].until_ms > now_ms &&
        a->slot[at].wrong >= ATTEMPTS_MAX)
        wait_ms = a->slot[at].until_ms - now_ms;
    pthread_mutex_unlock(&a->lock);
    return (unsigned)((wait_ms + 999) / 1000);
}

void attempts_named_wrong(struct attempts *a, sgl_view name, sgl_view peer, uint64_t now_ms)
{
    uint64_t who = who_is(a, name, peer);
    size_t at = who % ATTEMPTS_SLOTS;

    pthread_mutex_lock(&a->lock);
    if (a->slot[at].who != who || a->slot[at].until_ms <= now_ms) {
        a->slot[at].who = who;
        a->slot[at].until_ms = now_ms + WINDOW_MS;
        a->slot[at].wrong = 0;
    }
    a->slot[at].wrong++;
    pthread_mutex_unlock(&a->lock);
}

/* ---- client ids: the same in whatever case; all that are none count as one ---- */

static sgl_view client_name(sgl_view client_id, char guid[GUID_TEXT_SIZE])
{
    guid[0] = '\0';
    (void)guid_take(client_id, guid);
    return sgl_view_cstr(guid);
}

unsigned attempts_wait_s(struct attempts *a, sgl_view client_id, sgl_view peer, uint64_t now_ms)
{
    char guid[GUID_TEXT_SIZE];

    return attempts_named_wait_s(a, client_name(client_id, guid), peer, now_ms);
}

void attempts_wrong(struct attempts *a, sgl_view client_id, sgl_view peer, uint64_t now_ms)
{
    char guid[GUID_TEXT_SIZE];

    attempts_named_wrong(a, client_name(client_id, guid), peer, now_ms);
}
