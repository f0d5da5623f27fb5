/* SPDX-License-Identifier: Apache-2.0 */
/* May a domain send?  Decided from what is known of its records, the rules and the time. */
#include <stdio.h>
#include <string.h>

#include "domain.h"

bool domain_part_required(enum domain_part part)
{
    switch (part) {
    case PART_OWNERSHIP:
    case PART_SPF:
    case PART_DKIM:
        return true;
    case PART_DKIM2:
    case PART_DMARC:
    case PART_RETURN_PATH:
    case PART_MTA_STS:
    case PART_TLS_RPT:
    case PART_NULL_MX:
    case DOMAIN_PARTS:
        break;
    }
    return false;
}

/* What was verified once counts on, until it has been gone for the grace period. */
static enum domain_verdict judge(const struct domain_status *s, const struct domain_rules *rules,
                                 int64_t now_s)
{
    if (s->verified_at_s == 0)
        return DOMAIN_UNVERIFIED;
    if (s->lost_at_s == 0 || now_s - s->lost_at_s < rules->grace_s)
        return DOMAIN_MAY_SEND;
    return DOMAIN_LOST;
}

enum domain_verdict domain_may_send(const struct domain *domain, const struct domain_rules *rules,
                                    int64_t now_s, unsigned *missing)
{
    unsigned unverified = 0, lost = 0;

    *missing = 0;
    if (domain->kind == DOMAIN_PARKED)
        return DOMAIN_IS_PARKED;
    if (domain->kind == DOMAIN_MANAGED || !rules->required)
        return DOMAIN_MAY_SEND;
    for (int p = 0; p < DOMAIN_PARTS; p++) {
        enum domain_verdict verdict;

        if (!domain_part_required((enum domain_part)p))
            continue;
        verdict = judge(&domain->status[p], rules, now_s);
        unverified |= verdict == DOMAIN_UNVERIFIED ? 1u << p : 0;
        lost |= verdict == DOMAIN_LOST ? 1u << p : 0;
    }
    *missing = unverified != 0 ? unverified : lost;
    return unverified != 0 ? DOMAIN_UNVERIFIED : lost != 0 ? DOMAIN_LOST : DOMAIN_MAY_SEND;
}

void domain_parts_text(unsigned parts, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (int p = 0; p < DOMAIN_PARTS; p++) {
        unsigned later = parts >> (p + 1);
        int n;

        if ((parts >> p & 1) == 0)
            continue;
        n = snprintf(out + len, size - len, "%s%s", domain_part_title((enum domain_part)p),
                     later == 0                   ? ""
                     : (later & (later - 1)) == 0 ? " and "
                                                  : ", ");
        if (n < 0 || (size_t)n >= size - len)
            return;
        len += (size_t)n;
    }
}
