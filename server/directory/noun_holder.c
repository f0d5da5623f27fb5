/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rows of credentials and access keys have in common: a noun that holds an identity.  A kind of this sort begins with a struct holder, so that one set of
 * functions serves all of them.
 */
#include <stdlib.h>

#include "directory_change.h"

void *holder_new(size_t size, enum identity_kind kind, const char *prefix, sgl_view name,
                 sgl_view subscription)
{
    struct holder *h = calloc(1, size);

    if (h == NULL)
        return NULL;
    h->identity = identity_new(kind, prefix, name, subscription);
    if (h->identity == NULL) {
        holder_free(h, size);
        return NULL;
    }
    h->name = h->identity->name + strlen(prefix);
    return h;
}

void holder_settle(struct directory *d, void *noun)
{
    struct holder *h = noun;
    size_t prefix = (size_t)(h->name - h->identity->name);

    (void)d;
    identity_pack(&h->identity);
    h->name = h->identity->name + prefix;
}

void holder_free(void *noun, size_t size)
{
    struct holder *h = noun;

    if (h == NULL)
        return;
    identity_unref(h->identity);
    sodium_memzero(h, size);
    free(h);
}

void *holder_copy(const void *noun, size_t size)
{
    const struct holder *h = noun;
    struct holder *made = malloc(size);

    if (made == NULL)
        return NULL;
    memcpy(made, h, size);
    made->identity = identity_copy(h->identity);
    if (made->identity == NULL) {
        holder_free(made, size);
        return NULL;
    }
    made->name = made->identity->name + (h->name - h->identity->name);
    return made;
}

const char *holder_key(const void *noun)
{
    return ((const struct holder *)noun)->name;
}

uint64_t *holder_version(void *noun)
{
    return &((struct holder *)noun)->identity->version;
}

/* What an operator holds is nobody else's to see or to take away. */
const char *holder_subscription(const void *noun)
{
    const struct identity *i = ((const struct holder *)noun)->identity;

    return i->role == ROLE_OPERATOR ? "" : i->subscription;
}

void holder_hidden(void *noun)
{
    atomic_store(&((struct holder *)noun)->identity->removed, true);
}

void holder_replaced(void *old, void *noun)
{
    identity_replaced(((struct holder *)old)->identity, ((struct holder *)noun)->identity);
}

/* Policies and senders that name it would be those of the next one of its name. */
bool holder_may_go(struct change *g)
{
    const struct holder *h;
    struct identity *who;
    char by[160];
    bool used;

    pthread_rwlock_rdlock(&g->d->lock);
    h = table_find(&g->d->table[g->c->noun], sgl_view_cstr(g->key));
    who = h == NULL ? NULL : identity_ref(h->identity);
    pthread_rwlock_unlock(&g->d->lock);
    used = who != NULL && access_uses_identity(g->d, who->subscription, who->name, by, sizeof(by));
    identity_unref(who);
    if (used)
        change_say(g->c, DIRECTORY_IN_USE, "name",
                   "%s names it; remove that first: sigillo policy remove, sigillo sender remove",
                   by);
    return !used;
}
