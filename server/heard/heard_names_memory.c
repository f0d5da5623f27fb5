/* SPDX-License-Identifier: Apache-2.0 */
/* A table without chains: an address has a few places, the one that ends first is taken; salted, so that nobody chooses what falls onto the same ones. */
#include <stdlib.h>
#include <string.h>

#include "heard_names_internal.h"

#define PLACES 4
#define SETS   (HEARD_NAMES_KEPT / PLACES)

struct kept {
    struct sgl_ip ip;
    uint64_t until_ms; /* 0: empty */
    char *name;        /* NULL: it has none */
};
struct heard_memory {
    uint64_t salt;
    struct kept kept[SETS][PLACES];
};

struct heard_memory *heard_memory_new(uint64_t salt)
{
    struct heard_memory *m = calloc(1, sizeof(*m));

    if (m != NULL)
        m->salt = salt;
    return m;
}

void heard_memory_free(struct heard_memory *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < PLACES; k++)
            free(m->kept[i][k].name);
    free(m);
}

static size_t set_of(const struct heard_memory *m, const struct sgl_ip *ip)
{
    uint64_t hash = m->salt ^ ip->version;

    for (size_t i = 0; i < sizeof(ip->bytes); i++) {
        hash = (hash ^ ip->bytes[i]) * 1099511628211u;
        hash ^= hash >> 29;
    }
    return (size_t)(hash % SETS);
}

bool heard_memory_get(const struct heard_memory *m, const struct sgl_ip *ip, uint64_t now_ms,
                      char out[HEARD_NAME_SIZE])
{
    const struct kept *place = m->kept[set_of(m, ip)];

    for (size_t i = 0; i < PLACES; i++) {
        if (place[i].until_ms <= now_ms || !sgl_ip_eq(&place[i].ip, ip))
            continue;
        out[0] = '\0';
        if (place[i].name != NULL)
            memcpy(out, place[i].name, strlen(place[i].name) + 1);
        return true;
    }
    return false;
}

static struct kept *place_for(struct heard_memory *m, const struct sgl_ip *ip)
{
    struct kept *place = m->kept[set_of(m, ip)], *first = place;

    for (size_t i = 0; i < PLACES; i++) {
        if (place[i].until_ms > 0 && sgl_ip_eq(&place[i].ip, ip))
            return &place[i];
        first = place[i].until_ms < first->until_ms ? &place[i] : first;
    }
    return first;
}

void heard_memory_put(struct heard_memory *m, const struct sgl_ip *ip, sgl_view name,
                      uint64_t until_ms)
{
    struct kept *place = place_for(m, ip);

    free(place->name);
    *place = (struct kept){.ip = *ip, .until_ms = until_ms};
    if (name.len == 0 || name.len >= HEARD_NAME_SIZE)
        return;
    place->name = malloc(name.len + 1);
    if (place->name == NULL) {
        place->until_ms = 0;
        return;
    }
    memcpy(place->name, name.ptr, name.len);
    place->name[name.len] = '\0';
}
