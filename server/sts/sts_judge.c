/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what is known of a domain.  Pure: the one place that decides between a policy, none, and not knowing. */
#include "sts_internal.h"

bool sts_in_force(const struct sts_policy *p, int64_t now)
{
    if (p == NULL)
        return false;
    /* With max_age 0 it is for the delivery that asked [RFC 8461 s3.2]. */
    return now < p->expires_at || (now >= p->fetched_at && now - p->fetched_at < STS_LEAST_S);
}

/* Once a day, and of a short one at half its time; a time that has not come yet is one of another clock. [RFC 8461 s3.3] */
bool sts_is_due(int64_t fetched_at, int64_t expires_at, int64_t now)
{
    int64_t after = (expires_at - fetched_at) / 2;

    return now < fetched_at || now - fetched_at >= (after < STS_DAY_S ? after : STS_DAY_S);
}

static bool may_fetch(const struct sts_facts *f)
{
    const struct sts_failure *failure = f->failure;

    /* [RFC 8461 s3.3]; an end that is further away than it can be is one of another clock */
    return !sgl_view_eq(sgl_view_cstr(failure->id), f->id) || f->now >= failure->until ||
           failure->until - f->now > STS_RETRY_S;
}

/*
 * A record that is gone, doubled or broken says that nothing can be discovered, not that a policy has been taken back: one that is known counts to its end
 * [RFC 8461 s3.1, s3.3].
 */
static struct sts_verdict judge_found(const struct sts_facts *f)
{
    bool valid = sts_in_force(f->known, f->now);
    bool same = f->known != NULL && sgl_view_eq(f->known->id, f->id);
    bool due = !valid || !same || sts_is_due(f->known->fetched_at, f->known->expires_at, f->now);
    struct sts_verdict v = {.fetch = due && may_fetch(f)};

    if (valid) {
        v.state = STS_POLICY;
        v.wait = v.fetch && !same; /* what it says now, not what it said [RFC 8461 s5.1] */
        return v;
    }
    v.state = f->read ? STS_NONE : STS_UNKNOWN;
    v.wait = v.fetch;
    return v;
}

struct sts_verdict sts_judge(const struct sts_facts *f)
{
    if (f->said == SGL_MTA_STS_FOUND)
        return judge_found(f);
    if (sts_in_force(f->known, f->now))
        return (struct sts_verdict){.state = STS_POLICY};
    if (!f->read || f->said == SGL_MTA_STS_TEMPERROR)
        return (struct sts_verdict){.state = STS_UNKNOWN};
    return (struct sts_verdict){.state = STS_NONE};
}
