/* SPDX-License-Identifier: Apache-2.0 */
/* May the domain that a sender stands in send at all?  Not before its records were verified, and not long after they have gone. */
#include <stdio.h>

#include "admission_internal.h"

#define NAME_SHOWN 60

static void refuse_unverified(const struct domain *d, unsigned missing, const char *field,
                              struct admission_answer *out)
{
    char parts[48];

    domain_parts_text(missing, parts, sizeof(parts));
    answer_set(out, 550, "5.7.1", 403, "domain-not-verified", field);
    snprintf(out->text, sizeof(out->text),
             "%.*s may not send before its records are verified (%s); see: sigillo domain show "
             "%.*s",
             NAME_SHOWN, d->name, parts, NAME_SHOWN, d->name);
}

static void refuse_lost(const struct domain *d, unsigned missing, const char *field,
                        struct admission_answer *out)
{
    char parts[48];

    domain_parts_text(missing, parts, sizeof(parts));
    answer_set(out, 450, "4.7.1", 503, "domain-records-lost", field);
    snprintf(out->text, sizeof(out->text),
             "%.*s may not send: %s was verified and has been gone for too long; see: sigillo "
             "domain show %.*s",
             NAME_SHOWN, d->name, parts, NAME_SHOWN, d->name);
}

static enum domain_verdict verdict(struct admission *a, const struct domain *d, unsigned *missing)
{
    struct domain_rules rules = {.required = atomic_load(&a->domain_required),
                                 .grace_s = atomic_load(&a->domain_grace_s)};

    return domain_may_send(d, &rules, clock_now_s(), missing);
}

bool is_domain_proven(struct admission *a, const struct domain *d)
{
    unsigned missing;
    enum domain_verdict v = verdict(a, d, &missing);

    return v == DOMAIN_MAY_SEND || v == DOMAIN_LOST;
}

bool may_domain_send(struct admission *a, const struct domain *d, const char *field,
                     struct admission_answer *out)
{
    unsigned missing;

    switch (verdict(a, d, &missing)) {
    case DOMAIN_MAY_SEND:
        return true;
    case DOMAIN_UNVERIFIED:
        refuse_unverified(d, missing, field, out);
        break;
    case DOMAIN_LOST:
        refuse_lost(d, missing, field, out);
        break;
    case DOMAIN_IS_PARKED:
        answer_set(out, 550, "5.7.1", 403, "domain-parked", field);
        snprintf(out->text, sizeof(out->text), "%.*s is parked: no mail is sent from it.",
                 NAME_SHOWN, d->name);
        break;
    }
    return false;
}
