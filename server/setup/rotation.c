/* SPDX-License-Identifier: Apache-2.0 */
#include "rotation.h"

/* Of a domain that sends: its keys have been seen once. */
static bool is_due(const struct domain *d, const struct config *c, bool automatic, int64_t now_s,
                   int64_t *wait_s)
{
    int64_t from = d->rotation.last_s > d->created_at ? d->rotation.last_s : d->created_at;

    if (c->rotation.interval_s == 0 || (!automatic && !c->rotation.by_hand) ||
        d->status[PART_DKIM].state != DOMAIN_VERIFIED)
        return false;
    if (d->rotation.since_s > from)
        from = d->rotation.since_s; /* one that was taken back */
    *wait_s = from + (int64_t)c->rotation.interval_s - now_s;
    return *wait_s <= 0;
}

static bool is_over(const struct domain *d, int64_t now_s, int64_t *wait_s)
{
    *wait_s = d->rotation.until_s - now_s;
    return *wait_s <= 0;
}

enum rotation_do rotation_next(const struct domain *domain, const struct config *config,
                               bool automatic, int64_t now_s, int64_t *wait_s)
{
    *wait_s = INT64_MAX;
    if (domain->kind == DOMAIN_PARKED)
        return ROTATION_WAIT;
    switch (domain->rotation.step) {
    case ROTATION_NONE:
        return is_due(domain, config, automatic, now_s, wait_s) ? ROTATION_START : ROTATION_WAIT;
    case ROTATION_PUBLISH:
        return ROTATION_LOOK_NEW;
    case ROTATION_SETTLE:
        return is_over(domain, now_s, wait_s) ? ROTATION_LOOK_AGAIN : ROTATION_WAIT;
    case ROTATION_KEEP:
        return is_over(domain, now_s, wait_s) ? ROTATION_REVOKE_OLD : ROTATION_WAIT;
    case ROTATION_REVOKE:
        return ROTATION_LOOK_REVOKED;
    }
    return ROTATION_WAIT;
}
