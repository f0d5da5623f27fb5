/* SPDX-License-Identifier: Apache-2.0 */
/* Domains in memory: found by name, the one that was not used for the longest time goes first.  What is forgotten here is still in the store. */
#include <stdlib.h>
#include <string.h>

#include "sts_internal.h"

#define BUCKETS (2 * STS_ENTRIES)

bool cache_init(struct sts *s)
{
    s->bucket = calloc(BUCKETS, sizeof(*s->bucket));
    return s->bucket != NULL;
}

static void leave_line(struct sts_entry *e)
{
    struct sts *s = e->sts;

    *(e->newer != NULL ? &e->newer->older : &s->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &s->oldest) = e->newer;
}

static void join_line(struct sts_entry *e)
{
    struct sts *s = e->sts;

    e->newer = NULL;
    e->older = s->newest;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

void cache_set_policy(struct sts_entry *e, struct sts_policy *p)
{
    struct sts *s = e->sts;

    if (e->policy != NULL) {
        s->memory -= e->policy->arena.used;
        s->policies--;
    }
    sts_policy_unref(e->policy);
    e->policy = p;
    if (p != NULL) {
        s->memory += p->arena.used;
        s->policies++;
    }
}

static void forget(struct sts_entry *e)
{
    struct sts *s = e->sts;
    struct sts_entry **link = &s->bucket[e->hash % BUCKETS];

    while (*link != e)
        link = &(*link)->next_hash;
    *link = e->next_hash;
    leave_line(e);
    cache_set_policy(e, NULL);
    s->entries--;
    free(e);
}

void cache_done(struct sts *s)
{
    while (s->bucket != NULL && s->oldest != NULL) {
        find_end(s->oldest);
        forget(s->oldest);
    }
    free(s->bucket);
}

/* Those that are being asked stay. */
static void make_room(struct sts *s)
{
    struct sts_entry *e = s->oldest, *newer;

    for (; e != NULL && (s->entries >= STS_ENTRIES || s->memory > STS_MEMORY); e = newer) {
        newer = e->newer;
        if (e->inquiry == NULL && e->asks == NULL && !e->answering)
            forget(e);
    }
}

static struct sts_entry *entry_new(struct sts *s, struct sgl_name domain, uint32_t hash)
{
    struct sts_entry *e;

    make_room(s);
    e = s->entries < STS_ENTRIES ? calloc(1, sizeof(*e) + domain.text.len + 1) : NULL;
    if (e == NULL)
        return NULL;
    e->sts = s;
    e->hash = hash;
    if (domain.text.len > 0)
        memcpy(e->text, domain.text.ptr, domain.text.len);
    e->domain.text = sgl_view_of(e->text, domain.text.len);
    e->next_hash = s->bucket[hash % BUCKETS];
    s->bucket[hash % BUCKETS] = e;
    s->entries++;
    join_line(e);
    return e;
}

struct sts_entry *cache_entry(struct sts *s, struct sgl_name domain)
{
    uint32_t hash = sgl_name_hash(domain);

    for (struct sts_entry *e = s->bucket[hash % BUCKETS]; e != NULL; e = e->next_hash)
        if (e->hash == hash && sgl_name_eq(e->domain, domain)) {
            if (s->newest != e) {
                leave_line(e);
                join_line(e);
            }
            return e;
        }
    return entry_new(s, domain, hash);
}
