/* SPDX-License-Identifier: Apache-2.0 */
/* The retry schedule: pure functions over time and chance. */
#include "check.h"

#include "../../server/queue/retry.h"

static const uint32_t waits[] = {60, 300, 900, 1800, 3600, 7200, 14400};

static void test_wait(void **state)
{
    static const struct {
        const char *name;
        uint32_t attempts, jitter, random, want;
    } cases[] = {
        {"a minute after the first attempt", 1, 0, 0, 60},
        {"five after the second", 2, 0, 12345, 300},
        {"the last wait repeats", 7, 0, 0, 14400},
        {"for ever", 1000, 0, 0, 14400},
        {"before any attempt it is the first", 0, 0, 0, 60},
        {"jitter takes away up to its share", 1, 10, 0, 54},
        {"and adds up to its share", 1, 10, UINT32_MAX, 66},
        {"half way is the wait itself", 1, 10, UINT32_MAX / 2 + 1, 60},
        {"full jitter never gives no wait at all", 1, 100, 0, 1},
        {"more than all counts as all", 1, 1000, UINT32_MAX, 120},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct retry_schedule s = {waits, 7, cases[i].jitter};

        CHECK_EQ(cases[i].name, retry_wait_s(&s, cases[i].attempts, cases[i].random),
                 cases[i].want);
    }
}

static void test_no_schedule(void **state)
{
    struct retry_schedule s = {NULL, 0, 0};

    (void)state;
    CHECK_EQ("without a schedule a quarter of an hour", retry_wait_s(&s, 3, 0), 900);
    CHECK_EQ("which has no steps", retry_step(&s, 3), 0);
}

static void test_next(void **state)
{
    static const struct {
        const char *name;
        uint32_t wait;
        int64_t not_before, expires, want;
    } cases[] = {
        {"after the wait", 60, 0, 10000, 1060},
        {"a site's wish counts when it is later", 60, 2000, 10000, 2000},
        {"and not when it is earlier", 60, 1001, 10000, 1060},
        {"the last attempt is at the end of its time", 60, 0, 1030, 1030},
        {"whatever the site wishes", 60, 5000, 1030, 1030},
        {"never in the past", 60, 0, 900, 1001},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ(cases[i].name,
                 retry_next_at(1000, cases[i].wait, cases[i].not_before, cases[i].expires),
                 cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_no_schedule),
        cmocka_unit_test(test_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
