/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that are tried when a signed request does not say whose it is: the oldest ones, so that a new key takes nobody's place.  Signatures cannot be looked up, only tried; so
 * there are few.
 */
#include "directory_internal.h"

static bool signs(const struct access_key *k)
{
    return k->secret[0].signs || k->secret[1].signs;
}

static bool is_older(const struct access_key *a, const struct access_key *b)
{
    int64_t x = a->holder.identity->created_at, y = b->holder.identity->created_at;

    return x != y ? x < y : strcmp(a->holder.name, b->holder.name) < 0;
}

bool key_is_shared(const struct directory *d, const struct access_key *k)
{
    for (size_t i = 0; i < d->shares; i++)
        if (d->shared[i] == k)
            return true;
    return false;
}

/* Into its place, if it has one; the youngest may leave. */
static void insert(struct directory *d, struct access_key *k)
{
    size_t at = d->shares;

    while (at > 0 && is_older(k, d->shared[at - 1]))
        at--;
    if (at == HMAC_SHARED_MAX)
        return;
    if (d->shares < HMAC_SHARED_MAX)
        d->shares++;
    memmove(&d->shared[at + 1], &d->shared[at], (d->shares - at - 1) * sizeof(d->shared[0]));
    d->shared[at] = k;
}

bool key_share(struct directory *d, void *key)
{
    if (signs(key)) {
        d->signers++;
        insert(d, key);
    }
    return true;
}

/* The oldest one that has no place yet. */
static struct access_key *next(const struct directory *d)
{
    const struct table *t = &d->table[DIRECTORY_KEY];
    struct access_key *found = NULL;

    for (size_t i = 0; i < t->slots; i++) {
        struct access_key *k = t->slot[i].value;

        if (t->slot[i].name != NULL && signs(k) && !key_is_shared(d, k) &&
            (found == NULL || is_older(k, found)))
            found = k;
    }
    return found;
}

void key_unshare(struct directory *d, void *key)
{
    const struct access_key *k = key;
    size_t at = 0;

    if (!signs(k))
        return;
    d->signers--;
    while (at < d->shares && d->shared[at] != k)
        at++;
    if (at == d->shares)
        return;
    d->shares--;
    memmove(&d->shared[at], &d->shared[at + 1], (d->shares - at) * sizeof(d->shared[0]));
    if (d->signers > d->shares)
        insert(d, next(d));
}
