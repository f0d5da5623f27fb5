/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of senders: who does not get the mail of one address, "@news@example.org" in place of a list's id. */
#include <stdio.h>

#include "directory_internal.h"

bool sender_list_ok(struct directory *d, sgl_view subscription, sgl_view list)
{
    struct domain *domain;
    size_t at = list.len;
    bool owned;

    while (at > 0 && list.ptr[at - 1] != '@')
        at--;
    if (at < 3 || list.ptr[0] != '@' || list.len > SENDER_LIST_MAX + 1 ||
        sgl_view_find(list, '/') != list.len)
        return false;
    domain = directory_domain(d, sgl_view_from(list, at));
    owned = domain != NULL && sgl_view_eq(sgl_view_cstr(domain->subscription), subscription);
    domain_unref(domain);
    return owned;
}

bool directory_left_sender(struct directory *d, const struct suppression_question *q,
                           sgl_view header_from, enum suppression_reason *reason)
{
    struct suppression_question mine = *q;
    char list[SENDER_LIST_MAX + 2];

    if (header_from.len == 0 || header_from.len > SENDER_LIST_MAX ||
        !directory_may_be_unsubscribed(d, q->subscription, q->address))
        return false;
    snprintf(list, sizeof(list), SUPPRESSION_SENDER "%.*s", SGL_FMT(header_from));
    mine.domain = sgl_view_cstr(list);
    return directory_unsubscribed(d, &mine, reason);
}
