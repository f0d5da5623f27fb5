/* SPDX-License-Identifier: Apache-2.0 */
#include "score.h"

#include <math.h>

#include "sigillo/banned.h"

#define NEUTRAL       10.0 /* good and bad events that everybody begins with */
#define FAILED_MAX    8.0  /* forwarders break signatures: that alone makes nobody wait */
#define NETWORK_SHARE 4.0  /* of what one address brings into its network */
#define OWN_LEAST     10.0 /* for less nobody is refused */
#define WELCOME_GOOD  20.0
#define WELCOME_SCORE 80u
#define SLOW_ABOVE    15u /* defer_below: from there on down it is slow */
#define NEUTRAL_SCORE 50u

static const double weight[REPUTATION_EVENTS] = {
    [REPUTATION_FAILED] = 0.5,    [REPUTATION_UNKNOWN_RCPT] = 1.0, [REPUTATION_JUNK] = 1.0,
    [REPUTATION_COMPLAINT] = 8.0, [REPUTATION_TRAP] = 15.0,
};

const char *reputation_event_name(enum reputation_event event)
{
    static const char *const name[REPUTATION_EVENTS] = {"good", "failed",     "unknown_recipients",
                                                        "junk", "complaints", "traps"};

    return name[event];
}

const char *reputation_advice_name(enum reputation_advice advice)
{
    static const char *const name[] = {"welcome", "normal", "slow", "defer", "refuse"};

    return name[advice];
}

void score_decay(struct score_counts *c, int64_t seconds, int64_t half_life_s)
{
    double part = seconds <= 0 ? 1.0 : exp2(-(double)seconds / (double)half_life_s);

    for (int i = 0; i < REPUTATION_EVENTS; i++)
        c->of[i] *= part;
}

double score_good(const struct score_counts *c)
{
    return c->of[REPUTATION_GOOD];
}

double score_bad(const struct score_counts *c)
{
    double bad = fmin(c->of[REPUTATION_FAILED] * weight[REPUTATION_FAILED], FAILED_MAX);

    for (int i = REPUTATION_UNKNOWN_RCPT; i < REPUTATION_EVENTS; i++)
        bad += c->of[i] * weight[i];
    return bad;
}

double score_telling(const struct score_counts *c)
{
    return score_good(c) + score_bad(c);
}

static double share(const struct score_counts *c, double before)
{
    double good = score_good(c) + 2.0 * NEUTRAL * before;

    return good / (score_telling(c) + 2.0 * NEUTRAL);
}

/* Of the network, without what one address alone may have brought into it: nobody is told twice of what he did himself. */
static double share_around(const struct score_counts *network)
{
    double bad = fmax(score_bad(network) - NETWORK_SHARE, 0.0), good = score_good(network);

    return fmin((good + NEUTRAL) / (good + bad + 2.0 * NEUTRAL), 0.5);
}

unsigned score_of(const struct score_counts *own, const struct score_counts *network)
{
    double before = network == NULL ? 0.5 : share_around(network);

    return (unsigned)(100.0 * share(own, before));
}

enum reputation_advice score_advice(const struct score_rules *rules, const struct score_counts *own,
                                    const struct score_counts *network)
{
    unsigned score = score_of(own, network), slow = rules->defer_below + SLOW_ABOVE;

    if (score < rules->refuse_below && score_bad(own) >= OWN_LEAST)
        return REPUTATION_REFUSE;
    if (score < rules->defer_below)
        return REPUTATION_DEFER;
    if (score < (slow < NEUTRAL_SCORE ? slow : NEUTRAL_SCORE))
        return REPUTATION_SLOW;
    if (score >= WELCOME_SCORE && score_good(own) >= WELCOME_GOOD)
        return REPUTATION_WELCOME;
    return REPUTATION_NORMAL;
}

double score_network_part(const struct score_counts *own, enum reputation_event event)
{
    if (event == REPUTATION_GOOD)
        return 1.0;
    return fmax(0.0, fmin(1.0, (NETWORK_SHARE - score_bad(own)) / weight[event]));
}

int64_t score_clock(struct score_clock *c, int64_t wall)
{
    int64_t past = wall - c->wall;

    if (c->wall == 0)
        c->time = wall;
    else if (past < 0 && past >= -SCORE_LEAP_S)
        return c->time; /* somebody looked at it earlier */
    else if (past > 0 && past <= SCORE_LEAP_S)
        c->time += past;
    c->wall = wall;
    return c->time;
}
