/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_S    10
#define AGAIN_MAX  9 /* failures; it does not get later then */
#define HOUR_S     3600
#define FIRST_ROOM 8

struct tlsa_set *tlsa_find(const struct tlsa *t, const char *name)
{
    for (size_t i = 0; i < t->sets; i++)
        if (strcmp(t->set[i].name, name) == 0)
            return &t->set[i];
    return NULL;
}

static bool make_room(struct tlsa *t)
{
    size_t room = t->room == 0 ? FIRST_ROOM : t->room * 2;
    struct tlsa_set *more;

    if (t->sets < t->room && t->sets < TLSA_SETS_MAX)
        return true;
    if (t->sets == TLSA_SETS_MAX || (more = realloc(t->set, room * sizeof(*more))) == NULL)
        return false;
    t->set = more;
    t->room = room;
    return true;
}

struct tlsa_set *tlsa_add(struct tlsa *t, const char *name, const char *certificate)
{
    struct tlsa_set *s;

    if (strlen(name) >= sizeof(s->name) || strlen(certificate) >= sizeof(s->certificate) ||
        !make_room(t))
        return NULL;
    s = &t->set[t->sets++];
    *s = (struct tlsa_set){.on = false};
    snprintf(s->name, sizeof(s->name), "%s", name);
    snprintf(s->certificate, sizeof(s->certificate), "%s", certificate);
    return s;
}

/* ---- what there is to be ---- */

void tlsa_begin(struct tlsa *t)
{
    for (size_t i = 0; i < t->sets; i++)
        for (size_t k = 0; k < t->set[i].keys; k++)
            t->set[i].key[k].wanted = false;
}

/* Something about it is new: first the store hears of it, then the zone. */
static void touch(struct tlsa_set *s)
{
    s->kept = false;
    s->fails = 0;
    s->due_s = 0;
}

static bool want_key(struct tlsa_set *s, const uint8_t hash[32])
{
    struct tlsa_key *k = NULL;

    for (size_t i = 0; k == NULL && i < s->keys; i++)
        if (memcmp(s->key[i].hash, hash, 32) == 0)
            k = &s->key[i];
    if (k == NULL && s->keys == TLSA_KEYS_MAX)
        return false;
    if (k == NULL) {
        k = &s->key[s->keys++];
        *k = (struct tlsa_key){.gone_s = 0};
        memcpy(k->hash, hash, 32);
        touch(s);
    } else if (k->gone_s != 0) { /* it is back */
        k->gone_s = 0;
        touch(s);
    }
    k->wanted = true;
    return true;
}

bool tlsa_want(struct tlsa *t, const struct tlsa_want *w)
{
    struct tlsa_set *s = tlsa_find(t, w->name);

    if (s == NULL)
        s = tlsa_add(t, w->name, w->certificate);
    if (s == NULL || strlen(w->certificate) >= sizeof(s->certificate))
        return false;
    if (strcmp(s->certificate, w->certificate) != 0) {
        snprintf(s->certificate, sizeof(s->certificate), "%s", w->certificate);
        touch(s);
    }
    if (s->ttl_s < w->ttl_s)
        s->ttl_s = w->ttl_s;
    return want_key(s, w->hash);
}

void tlsa_end(struct tlsa *t, int64_t now_s,
              bool (*publishes)(const void *ctx, const char *certificate), const void *ctx)
{
    for (size_t i = 0; i < t->sets; i++) {
        struct tlsa_set *s = &t->set[i];

        s->on = publishes(ctx, s->certificate);
        for (size_t k = 0; s->on && k < s->keys; k++) {
            if (s->key[k].wanted || s->key[k].gone_s != 0)
                continue;
            s->key[k].gone_s = now_s;
            touch(s);
        }
    }
}

/* ---- what is done about it ---- */

bool tlsa_may_go(const struct tlsa_set *s, const struct tlsa_key *k, int64_t now_s)
{
    return k->gone_s != 0 && now_s >= k->gone_s + 2 * (int64_t)s->ttl_s;
}

struct tlsa_set *tlsa_next(const struct tlsa *t, int64_t now_s)
{
    for (size_t i = 0; i < t->sets; i++)
        if (t->set[i].on && t->set[i].due_s <= now_s)
            return &t->set[i];
    return NULL;
}

static void take_away(struct tlsa_set *s, const bool taken[TLSA_KEYS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < s->keys; i++)
        if (!taken[i] || s->key[i].gone_s == 0)
            s->key[n++] = s->key[i];
    if (n != s->keys)
        s->kept = false;
    s->keys = n;
}

/* When the next record may go; an hour is enough to see that somebody else changed something. */
static int64_t next_look(const struct tlsa_set *s, int64_t now_s)
{
    int64_t due_s = now_s + HOUR_S;

    for (size_t i = 0; i < s->keys; i++) {
        int64_t end = s->key[i].gone_s + 2 * (int64_t)s->ttl_s;

        if (s->key[i].gone_s != 0 && end < due_s)
            due_s = end;
    }
    return due_s;
}

void tlsa_told(struct tlsa_set *s, enum tlsa_result result, uint32_t ttl_s,
               const bool taken[TLSA_KEYS_MAX], int64_t now_s)
{
    bool news = s->due_s == 0; /* it has changed meanwhile */

    if (s->ttl_s < ttl_s) {
        s->ttl_s = ttl_s;
        s->kept = false;
    }
    if (result == TLSA_DONE) {
        take_away(s, taken);
        s->there = s->proved = s->keys > 0;
        s->fails = 0;
        s->due_s = !s->kept || news ? 0 : next_look(s, now_s);
        return;
    }
    if (result == TLSA_REFUSED && !s->proved)
        s->there = false;
    if (s->fails < AGAIN_MAX)
        s->fails++;
    s->due_s = now_s + ((int64_t)AGAIN_S << (s->fails - 1));
}

void tlsa_forget(struct tlsa *t, struct tlsa_set *s)
{
    size_t at = (size_t)(s - t->set);

    memmove(s, s + 1, (t->sets - at - 1) * sizeof(*s));
    t->sets--;
}

void tlsa_done(struct tlsa *t)
{
    free(t->set);
    *t = (struct tlsa){.sets = 0};
}
