/* SPDX-License-Identifier: Apache-2.0 */
/* Which key signs, when a new one is made, which one goes. Times are days; a key is its day, "-" before one that cannot sign. */
#include "../../server/tokens/ring.h"
#include "check.h"

#define DAY ((int64_t)RING_DAY_S)

static void test_ring(void **state)
{
    static const struct {
        const char *name;
        struct ring_key key[3];
        size_t keys;
        int64_t day;
        size_t signer, over;
        bool wants;
    } rows[] = {
        {"without a key none signs, and one is made", {{0}}, 0, 100, RING_NONE, RING_NONE, true},
        {"the first signs at once", {{100 * DAY, true}}, 1, 100, 0, RING_NONE, false},
        {"a month long", {{100 * DAY, true}}, 1, 129, 0, RING_NONE, false},
        {"then a new one is made", {{100 * DAY, true}}, 1, 130, 0, RING_NONE, true},
        {"which does not sign on its first day",
         {{100 * DAY, true}, {130 * DAY, true}},
         2,
         130,
         0,
         RING_NONE,
         false},
        {"but on the next, when the old one is published still",
         {{100 * DAY, true}, {130 * DAY, true}},
         2,
         131,
         1,
         RING_NONE,
         false},
        {"and a day later it is over", {{100 * DAY, true}, {130 * DAY, true}}, 2, 132, 1, 0, false},
        {"one that cannot sign does not", {{100 * DAY, false}}, 1, 101, RING_NONE, RING_NONE, true},
        {"a new one signs at once when no other can",
         {{100 * DAY, false}, {101 * DAY, true}},
         2,
         101,
         1,
         RING_NONE,
         false},
        {"the old one signs on when the new one cannot",
         {{100 * DAY, true}, {110 * DAY, false}},
         2,
         125,
         0,
         RING_NONE,
         false},
        {"a successor that cannot sign ends nobody",
         {{100 * DAY, true}, {130 * DAY, false}},
         2,
         140,
         0,
         RING_NONE,
         true},
        {"after a long sleep the newest signs, and the others go one by one",
         {{100 * DAY, true}, {130 * DAY, true}, {160 * DAY, true}},
         3,
         500,
         2,
         0,
         true},
        {"a clock that went back changes nothing for the first",
         {{100 * DAY, true}},
         1,
         50,
         0,
         RING_NONE,
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t now = rows[i].day * DAY;

        CHECK_EQ(rows[i].name, ring_signer(rows[i].key, rows[i].keys, now), rows[i].signer);
        CHECK_EQ(rows[i].name, ring_over(rows[i].key, rows[i].keys, now), rows[i].over);
        CHECK_EQ(rows[i].name, ring_wants_new(rows[i].key, rows[i].keys, now), rows[i].wants);
    }
}

static void test_full(void **state)
{
    struct ring_key key[RING_MAX] = {{0}};

    (void)state;
    CHECK_TRUE("a full ring takes no more", !ring_wants_new(key, RING_MAX, 500 * DAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
