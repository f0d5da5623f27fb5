/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard has to know of a message, and how its refusal reads. */
#include <stdio.h>

#include "admission_internal.h"

/* What was there counts on for the grace period, as for the domain itself. */
static enum guard_seen seen(struct admission *a, const struct domain *d, enum domain_part part)
{
    const struct domain_status *s = &d->status[part];

    switch (s->state) {
    case DOMAIN_NOT_STARTED:
        return GUARD_UNKNOWN;
    case DOMAIN_VERIFIED:
        return GUARD_PRESENT;
    case DOMAIN_IN_PROGRESS:
    case DOMAIN_FAILED:
        break;
    }
    if (s->verified_at_s != 0 && clock_now_s() - s->lost_at_s < atomic_load(&a->domain_grace_s))
        return GUARD_PRESENT;
    return GUARD_MISSING;
}

/* Without memory to look at its fields it counts as fine. */
static bool lacks_one_click(const struct sgl_headers *headers, const struct list_part *list,
                            struct sgl_arena *arena)
{
    return list->mail.id.len == 0 && list_is_recognisable(headers, arena) &&
           !list_is_one_click(headers, arena) && arena->status == SGL_OK;
}

static bool refuse_bulk(const struct guard_refusal *why, struct admission_answer *out)
{
    switch (why->cause) {
    case GUARD_NO_DMARC:
        answer_set(out, 450, "4.7.1", 429, "bulk-no-dmarc", "From");
        break;
    case GUARD_NO_AUTH:
        answer_set(out, 450, "4.7.1", 429, "bulk-no-spf-dkim", "From");
        break;
    case GUARD_COMPLAINTS:
        answer_set(out, 450, "4.7.1", 429, "bulk-complaints", "From");
        break;
    case GUARD_NO_ONE_CLICK:
        answer_set(out, 550, "5.7.1", 422, "bulk-no-one-click", "List-Unsubscribe");
        break;
    }
    snprintf(out->text, sizeof(out->text), "%s", why->text);
    return false;
}

bool check_guard(struct admission *a, struct submission *s, const struct sgl_headers *headers,
                 const struct domain *domain, const struct list_part *list,
                 struct guard_ticket *ticket, struct admission_answer *out)
{
    struct guard_mail mail = {.domain = sgl_view_cstr(domain->name),
                              .subscription = s->message.subscription,
                              .message = &s->message};
    struct guard_refusal why;

    if (a->guard == NULL)
        return true;
    mail.dmarc = seen(a, domain, PART_DMARC);
    mail.spf = seen(a, domain, PART_SPF);
    mail.dkim = seen(a, domain, PART_DKIM);
    mail.list_without_one_click = lacks_one_click(headers, list, s->arena);
    return guard_take(a->guard, &mail, ticket, &why) || refuse_bulk(&why, out);
}
