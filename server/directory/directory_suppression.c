/* SPDX-License-Identifier: Apache-2.0 */
/* Is this address one that is not sent to?  directory_suppress.c has the changes, directory_sweep.c the end of what was for a time. */
#include <stdio.h>

#include "suppression_name.h"

bool directory_suppressed(struct directory *d, const struct domain *domain, sgl_view address,
                          int64_t now, enum suppression_reason *reason)
{
    struct suppression_question q = {.subscription = sgl_view_cstr(domain->subscription),
                                     .domain = sgl_view_cstr(domain->name),
                                     .address = address,
                                     .now = now};

    return directory_suppressed_now(d, &q, reason);
}

bool directory_suppressed_now(struct directory *d, const struct suppression_question *q,
                              enum suppression_reason *reason)
{
    struct suppression_names all, own;
    unsigned word = 0;
    bool found;

    suppression_spell(&all, q->subscription, SGL_LIT(""), q->address);
    suppression_spell(&own, q->subscription, q->domain, q->address);
    pthread_rwlock_rdlock(&d->lock);
    found = suppression_is_covered(d, &all, q, &word) || suppression_is_covered(d, &own, q, &word);
    pthread_rwlock_unlock(&d->lock);
    if (found)
        *reason = suppression_reason_of(word);
    return found;
}

/* A group of a subscription is one, whichever of its domains the mail is from. */
sgl_view directory_list_scope(sgl_view list)
{
    uint32_t id;

    return asm_group_of_list(list, &id) ? sgl_view_sub(list, 0, sgl_view_find(list, '.')) : list;
}

bool directory_unsubscribed(struct directory *d, const struct suppression_question *q,
                            enum suppression_reason *reason)
{
    struct suppression_question mine = *q;
    char scope[SUPPRESSION_SCOPE_ROOM];
    struct suppression_names of_list;
    unsigned word = 0;
    sgl_view list;
    bool found;

    if ((q->passed & SUPPRESSION_PASS_LISTS) == 0)
        mine.passed = 0;
    list = directory_list_scope(q->domain);
    if (list.len > sizeof(scope) - sizeof(SUPPRESSION_LIST))
        return false;
    snprintf(scope, sizeof(scope), SUPPRESSION_LIST "%.*s", SGL_FMT(list));
    suppression_spell(&of_list, q->subscription, sgl_view_cstr(scope), q->address);
    pthread_rwlock_rdlock(&d->lock);
    found = suppression_is_covered(d, &of_list, &mine, &word);
    pthread_rwlock_unlock(&d->lock);
    if (found)
        *reason = suppression_reason_of(word);
    return found;
}

bool directory_suppression_listed(struct directory *d, const struct suppression_question *q,
                                  enum suppression_reason *reason)
{
    struct suppression_names s;
    unsigned word = 0;
    bool found;

    suppression_spell(&s, q->subscription, q->domain, q->address);
    pthread_rwlock_rdlock(&d->lock);
    found = suppression_is_listed(d, &s, q->now, q->passed, &word);
    pthread_rwlock_unlock(&d->lock);
    if (found)
        *reason = suppression_reason_of(word);
    return found;
}

/* ---- of any list ---- */

#define ANY_LIST SGL_LIT(SUPPRESSION_LIST)

bool suppression_note_list(struct directory *d, sgl_view key)
{
    size_t scope = sgl_view_find(key, '/') + 1, address;
    struct suppression_names s;

    if (scope > key.len || !sgl_view_starts(sgl_view_from(key, scope), ANY_LIST))
        return true;
    address = scope + sgl_view_find(sgl_view_from(key, scope), '/') + 1;
    if (address > key.len)
        return true;
    suppression_spell(&s, sgl_view_sub(key, 0, scope - 1), ANY_LIST, sgl_view_from(key, address));
    return suppression_name_view(&s.folded).len == 0 ||
           suppression_set_put(&d->on_lists, suppression_name_view(&s.folded), 0, 0);
}

bool directory_may_be_unsubscribed(struct directory *d, sgl_view subscription, sgl_view address)
{
    struct suppression_names s;
    unsigned word;
    bool found;

    suppression_spell(&s, subscription, ANY_LIST, address);
    pthread_rwlock_rdlock(&d->lock);
    found = suppression_name_view(&s.folded).len > 0 &&
            suppression_set_has(&d->on_lists, suppression_name_view(&s.folded), 0, &word);
    pthread_rwlock_unlock(&d->lock);
    return found;
}

void directory_suppress_exact(struct directory *d, bool exact)
{
    atomic_store(&d->suppress_exact, exact);
}
