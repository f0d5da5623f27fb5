/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a sender slow, wait and go away; and what does not. */
#include "../../server/reputation/score.h"

#include <math.h>
#include <string.h>

#include "check.h"

static const struct score_rules rules = {
    .half_life_s = 1000, .defer_below = 25, .refuse_below = 10};

struct row {
    const char *name;
    double own[REPUTATION_EVENTS], network[REPUTATION_EVENTS];
    unsigned score;
    enum reputation_advice advice;
};
/* good, failed, unknown, junk, complaints, traps */
static const struct row rows[] = {
    {"nobody knows him", {0}, {0}, 50, REPUTATION_NORMAL},
    {"a little good", {10}, {0}, 66, REPUTATION_NORMAL},
    {"good for long", {40}, {0}, 83, REPUTATION_WELCOME},
    {"a handful of wrong addresses", {0, 0, 5}, {0}, 40, REPUTATION_NORMAL},
    {"more of them", {0, 0, 8}, {0}, 35, REPUTATION_SLOW},
    {"much more", {0, 0, 30}, {0}, 20, REPUTATION_DEFER},
    {"a few hundred unknown recipients", {0, 0, 300}, {0}, 3, REPUTATION_REFUSE},
    {"the same from whom some good mail came", {20, 0, 300}, {0}, 8, REPUTATION_REFUSE},
    {"one complaint about who is new", {0, 0, 0, 0, 1}, {0}, 35, REPUTATION_SLOW},
    {"three complaints about who is new", {0, 0, 0, 0, 3}, {0}, 22, REPUTATION_DEFER},
    {"one complaint about a large sender", {5000, 0, 0, 0, 1}, {0}, 99, REPUTATION_WELCOME},
    {"a hundred about a large sender", {5000, 0, 0, 0, 100}, {0}, 86, REPUTATION_WELCOME},
    {"one trap", {0, 0, 0, 0, 0, 1}, {0}, 28, REPUTATION_SLOW},
    {"two traps", {0, 0, 0, 0, 0, 2}, {0}, 20, REPUTATION_DEFER},
    {"six traps", {0, 0, 0, 0, 0, 6}, {0}, 9, REPUTATION_REFUSE},
    {"signatures that a forwarder broke", {0, 5000}, {0}, 35, REPUTATION_SLOW},
    {"junk and nothing else", {0, 0, 0, 100}, {0}, 8, REPUTATION_REFUSE},
    {"half of it junk", {100, 0, 0, 100}, {0}, 50, REPUTATION_NORMAL},
    {"new in a bad network", {0}, {0, 0, 200}, 4, REPUTATION_DEFER},
    {"one complaint in a bad network", {0, 0, 0, 0, 1}, {0, 0, 200}, 3, REPUTATION_DEFER},
    {"bad in a bad network", {0, 0, 15}, {0, 0, 200}, 2, REPUTATION_REFUSE},
    {"good in a bad network", {40}, {0, 0, 200}, 68, REPUTATION_NORMAL},
    {"one trap, which his network heard of",
     {0, 0, 0, 0, 0, 1},
     {0, 0, 0, 0, 0, 4.0 / 15},
     28,
     REPUTATION_SLOW},
    {"new in a good network", {0}, {5000}, 50, REPUTATION_NORMAL},
    {"bad in a good network", {0, 0, 300}, {5000}, 3, REPUTATION_REFUSE},
};

static void what_makes_whom_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct score_counts own, network;

        memcpy(own.of, rows[i].own, sizeof(own.of));
        memcpy(network.of, rows[i].network, sizeof(network.of));
        CHECK_EQ(rows[i].name, score_of(&own, &network), rows[i].score);
        CHECK_STR(rows[i].name, reputation_advice_name(score_advice(&rules, &own, &network)),
                  reputation_advice_name(rows[i].advice));
    }
}

/* What is never done is not done for a number below zero either. */
static void rules_that_are_off(void **state)
{
    const struct score_rules never = {.half_life_s = 1000}, all = {1000, 60, 60};
    const struct score_counts bad = {{0, 0, 1e6, 0, 0, 0}}, none = {{0}};

    (void)state;
    CHECK_EQ("nobody waits", score_advice(&never, &bad, NULL), REPUTATION_SLOW);
    CHECK_EQ("everybody waits", score_advice(&all, &none, NULL), REPUTATION_DEFER);
    CHECK_EQ("and the bad go", score_advice(&all, &bad, NULL), REPUTATION_REFUSE);
}

static void it_decays_by_half(void **state)
{
    struct score_counts c = {{8, 8, 8, 8, 8, 8}};

    (void)state;
    score_decay(&c, 0, 1000);
    score_decay(&c, -5000, 1000);
    CHECK_TRUE("no time has passed", c.of[REPUTATION_GOOD] == 8.0);
    score_decay(&c, 1000, 1000);
    for (int i = 0; i < REPUTATION_EVENTS; i++)
        CHECK_TRUE("a half-life", fabs(c.of[i] - 4.0) < 1e-9);
    score_decay(&c, 500, 1000);
    score_decay(&c, 500, 1000);
    CHECK_TRUE("another, in two steps", fabs(c.of[REPUTATION_TRAP] - 2.0) < 1e-9);
    score_decay(&c, INT64_MAX / 2, 1);
    CHECK_TRUE("an age", c.of[REPUTATION_TRAP] == 0.0);
    CHECK_EQ("is as if nothing had been", score_of(&c, NULL), 50);
}

/* Whatever one address does, its neighbours do not feel it; several do. */
static void a_network_of_one_bad_address(void **state)
{
    (void)state;
    for (int event = 1; event < REPUTATION_EVENTS; event++) {
        struct score_counts network = {{0}}, none = {{0}};

        for (int addresses = 1; addresses <= 30; addresses++) {
            struct score_counts own = {{0}};

            for (int i = 0; i < 1000; i++) {
                network.of[event] += score_network_part(&own, (enum reputation_event)event);
                own.of[event] += 1.0;
            }
            if (addresses == 1)
                CHECK_EQ(reputation_event_name((enum reputation_event)event),
                         score_advice(&rules, &none, &network), REPUTATION_NORMAL);
        }
        if (event != REPUTATION_FAILED)
            CHECK_EQ(reputation_event_name((enum reputation_event)event),
                     score_advice(&rules, &none, &network), REPUTATION_DEFER);
    }
}

static void clocks_that_are_set(void **state)
{
    struct score_clock c = {0};

    (void)state;
    CHECK_EQ("the first look", score_clock(&c, 1000000), 1000000);
    CHECK_EQ("goes on", score_clock(&c, 1000010), 1000010);
    CHECK_EQ("who looked earlier", score_clock(&c, 1000009), 1000010);
    CHECK_EQ("tells nothing new", score_clock(&c, 1000010), 1000010);
    CHECK_EQ("set back", score_clock(&c, 500), 1000010);
    CHECK_EQ("goes on from there", score_clock(&c, 600), 1000110);
    CHECK_EQ("set to the far future", score_clock(&c, 900000000), 1000110);
    CHECK_EQ("goes on from there", score_clock(&c, 900000000 + SCORE_LEAP_S),
             1000110 + SCORE_LEAP_S);
    CHECK_EQ("a leap", score_clock(&c, 900000001 + 2 * SCORE_LEAP_S), 1000110 + SCORE_LEAP_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_whom_wait),
        cmocka_unit_test(rules_that_are_off),
        cmocka_unit_test(it_decays_by_half),
        cmocka_unit_test(clocks_that_are_set),
        cmocka_unit_test(a_network_of_one_bad_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
