/* SPDX-License-Identifier: Apache-2.0 */
#include "site.h"

#include <assert.h>

/* So many failures in a row without one success: the site is down rather than busy. */
#define FAILURES_UNTIL_REST 4

void site_pace_init(struct site_pace *p, const struct site_limits *limits)
{
    *p = (struct site_pace){.limits = *limits};
    if (p->limits.max == 0)
        p->limits.max = 1;
    p->places = limits->start == 0 ? 1 : limits->start;
    if (p->places > p->limits.max)
        p->places = p->limits.max;
}

uint64_t site_pace_rest_until(const struct site_pace *p, uint64_t now_ms)
{
    return p->rest_until > now_ms ? p->rest_until : 0;
}

bool site_pace_take(struct site_pace *p, uint64_t now_ms)
{
    if (site_pace_rest_until(p, now_ms) != 0 || p->in_use >= p->places)
        return false;
    p->in_use++;
    return true;
}

void site_pace_give_back(struct site_pace *p)
{
    assert(p->in_use > 0);
    p->in_use--;
}

void site_pace_success(struct site_pace *p)
{
    p->failures = 0;
    p->rests = 0;
    p->rest_until = 0;
    if (++p->successes >= p->places) {
        p->successes = 0;
        if (p->places < p->limits.max)
            p->places++;
    }
}

static void rest(struct site_pace *p, uint64_t now_ms)
{
    uint64_t ms = p->limits.rest_ms;

    for (unsigned i = 0; i < p->rests && ms < p->limits.rest_max_ms; i++)
        ms *= 2;
    if (ms > p->limits.rest_max_ms)
        ms = p->limits.rest_max_ms;
    p->rests++;
    p->rest_until = now_ms + ms;
    p->places = 1; /* the first one afterwards is a probe */
}

void site_pace_trouble(struct site_pace *p, enum site_effect effect, uint64_t now_ms)
{
    if (effect == SITE_UNTOUCHED)
        return;
    p->successes = 0;
    p->failures++;
    if (site_pace_rest_until(p, now_ms) != 0)
        return; /* connections opened before the rest began report late */
    if (effect == SITE_REST || p->failures >= FAILURES_UNTIL_REST) {
        p->failures = 0;
        rest(p, now_ms);
        return;
    }
    p->places = p->places > 1 ? p->places / 2 : 1;
}
