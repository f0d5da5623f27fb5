/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a site can take: the number of connections at once grows with success and falls with refusals, and after trouble the site rests.  Pure arithmetic over a small
 * struct; the caller brings the time.
 *
 *   open --refusal--> fewer places --421, or nothing but failures--> resting --rest over--> one place (a probe) --success--> open
 */
#ifndef SERVER_DELIVERY_SITE_H
#define SERVER_DELIVERY_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct site_limits {
    unsigned start;   /* places at first: 5 */
    unsigned max;     /* never more */
    uint64_t rest_ms; /* the first rest; doubles with each that follows, up to rest_max_ms */
    uint64_t rest_max_ms;
};

struct site_pace {
    struct site_limits limits;
    unsigned places; /* connections allowed now */
    unsigned in_use;
    unsigned successes;  /* since places last grew */
    unsigned failures;   /* in a row, without a success */
    unsigned rests;      /* in a row */
    uint64_t rest_until; /* monotonic ms; 0: not resting */
};

void site_pace_init(struct site_pace *p, const struct site_limits *limits);
/* May another connection be opened?  Takes the place when it says yes. */
bool site_pace_take(struct site_pace *p, uint64_t now_ms);
void site_pace_give_back(struct site_pace *p);
/* A message was taken by the site (or a recipient judged): it works. One place more for every full round of successes. */
void site_pace_success(struct site_pace *p);
/* Trouble, as policy_decide() judged it. */
void site_pace_trouble(struct site_pace *p, enum site_effect effect, uint64_t now_ms);
/* 0: not resting; else when the rest is over. */
uint64_t site_pace_rest_until(const struct site_pace *p, uint64_t now_ms);

#endif
