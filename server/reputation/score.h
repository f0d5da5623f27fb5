/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen of a sender, as a score from 0 to 100, and what to do about the next connection.  Pure arithmetic: counts, rules and time come in.
 *
 * Of whom nothing is known the score is 50.  It is the share of what was good, each count weighed, with NEUTRAL of both kinds put in before anything was seen: so a few events say
 * little, and one bad event among thousands of good ones says next to nothing.  Counts decay by half in each half-life.
 */
#ifndef SERVER_REPUTATION_SCORE_H
#define SERVER_REPUTATION_SCORE_H

#include <stdbool.h>
#include <stdint.h>

enum reputation_event {                          /* the order of the columns in the store */
                        REPUTATION_GOOD,         /* mail that was authenticated and accepted */
                        REPUTATION_FAILED,       /* mail whose authentication failed */
                        REPUTATION_UNKNOWN_RCPT, /* a recipient that does not exist */
                        REPUTATION_JUNK,         /* mail that policy put aside or refused */
                        REPUTATION_COMPLAINT,    /* a recipient called it spam */
                        REPUTATION_TRAP,         /* mail to an address that never asked for any */
};
#define REPUTATION_EVENTS 6

enum reputation_advice {                     /* from the best */
                         REPUTATION_WELCOME, /* known, and good */
                         REPUTATION_NORMAL,
                         REPUTATION_SLOW,   /* fewer at once, and answers take their time */
                         REPUTATION_DEFER,  /* 451: again later */
                         REPUTATION_REFUSE, /* 554 */
};
const char *reputation_event_name(
    enum reputation_event event); /* "good", "failed", "unknown_recipients", "junk", ... */
const char *reputation_advice_name(enum reputation_advice advice); /* "welcome", ... */

struct score_counts {
    double of[REPUTATION_EVENTS];
};
struct score_rules {
    int64_t half_life_s; /* > 0 */
    unsigned defer_below, refuse_below;
};

void score_decay(struct score_counts *c, int64_t seconds, int64_t half_life_s);
double score_good(const struct score_counts *c);
double score_bad(const struct score_counts *c); /* weighed */
/* What would be missed if it were forgotten. */
double score_telling(const struct score_counts *c);
/* `network`: that of the address, or NULL.  A bad one speaks against who is new in it; a good one for nobody. */
unsigned score_of(const struct score_counts *own, const struct score_counts *network);
/* Nobody is refused but for what he did himself. */
enum reputation_advice score_advice(const struct score_rules *rules, const struct score_counts *own,
                                    const struct score_counts *network);
/* How much of an event counts in the network of its address, 0 to 1.  own: of the address, before it.  One bad address says little about its neighbours. */
double score_network_part(const struct score_counts *own, enum reputation_event event);

/*
 * Time that only goes forward, and not in leaps: a clock that is set neither forgets what was seen nor keeps it for ever.  A leap is longer than anybody's next look at the clock.
 */
#define SCORE_LEAP_S 3600
struct score_clock {
    int64_t wall, time; /* of the last look; both 0: none yet */
};
int64_t score_clock(struct score_clock *c, int64_t wall);

#endif
