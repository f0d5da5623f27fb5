/* SPDX-License-Identifier: Apache-2.0 */
/* The set of suppressed addresses: found, forgotten, over; against a plain list; and what 100,000 of them cost. */
#include "../../server/directory/suppression_set.h"

#include <stdio.h>

#include "check.h"
#include "fail_alloc.h"

#define NOW  1800000000
#define MANY 100000u

static sgl_view name_of(unsigned n, char text[64])
{
    int len = snprintf(text, 64, "default//user%u@example%u.test", n, n % 97);

    return sgl_view_of(text, (size_t)len);
}

static void test_one(void **state)
{
    struct suppression_set s;
    unsigned word = 9;

    (void)state;
    suppression_set_init(&s);
    CHECK_TRUE("an empty set has nothing", !suppression_set_has(&s, SGL_LIT("a"), NOW, &word));
    CHECK_TRUE("and nothing to remove", !suppression_set_remove(&s, SGL_LIT("a")));
    assert_true(suppression_set_put(&s, SGL_LIT("a"), 5, 0));
    CHECK_TRUE("what was put is there", suppression_set_has(&s, SGL_LIT("a"), NOW, &word));
    CHECK_EQ("with its word", word, 5);
    CHECK_TRUE("another is not", !suppression_set_has(&s, SGL_LIT("b"), NOW, &word));
    assert_true(suppression_set_put(&s, SGL_LIT("a"), 2, 0));
    CHECK_TRUE("put again", suppression_set_has(&s, SGL_LIT("a"), NOW, &word));
    CHECK_EQ("it says the new word", word, 2);
    CHECK_EQ("and counts once", s.used, 1);
    CHECK_TRUE("it is removed", suppression_set_remove(&s, SGL_LIT("a")));
    CHECK_TRUE("and gone", !suppression_set_has(&s, SGL_LIT("a"), NOW, &word));
    suppression_set_done(&s);
}

static void test_until(void **state)
{
    static const struct {
        const char *name;
        int64_t until, now;
        bool want;
    } rows[] = {
        {"without an end it is for ever", 0, INT64_MAX / 2, true},
        {"before its end", NOW, NOW - 1, true},
        {"at its end it is over", NOW, NOW, false},
        {"an end beyond what fits is far away", INT64_MAX, NOW, true},
        {"an end long ago", 1, NOW, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct suppression_set s;
        unsigned word;

        suppression_set_init(&s);
        assert_true(suppression_set_put(&s, SGL_LIT("a"), 0, rows[i].until));
        CHECK_EQ(rows[i].name, suppression_set_has(&s, SGL_LIT("a"), rows[i].now, &word),
                 rows[i].want);
        suppression_set_done(&s);
    }
}

/* Puts and removals in a fixed disorder, against an array that remembers what should be there. */
static void test_against_a_list(void **state)
{
    static uint8_t there[1000];
    struct suppression_set s;
    uint32_t random = 12345;
    size_t count = 0;

    (void)state;
    suppression_set_init(&s);
    for (unsigned step = 0; step < 50000; step++) {
        char text[64];
        unsigned n, word;
        sgl_view name;

        random = random * 1664525u + 1013904223u;
        n = (random >> 8) % 1000;
        name = name_of(n, text);
        assert_int_equal(suppression_set_has(&s, name, NOW, &word), there[n] != 0);
        if (there[n] != 0)
            assert_int_equal(word, there[n] - 1);
        if ((random >> 24) % 3 == 0) {
            assert_int_equal(suppression_set_remove(&s, name), there[n] != 0);
            count -= there[n] != 0;
            there[n] = 0;
        } else {
            assert_true(suppression_set_put(&s, name, n % 8, 0));
            count += there[n] == 0;
            there[n] = (uint8_t)(n % 8 + 1);
        }
        assert_int_equal(s.used, count);
    }
    suppression_set_done(&s);
}

static void test_expire(void **state)
{
    struct suppression_set s;
    char text[64];
    unsigned word;

    (void)state;
    suppression_set_init(&s);
    CHECK_EQ("an empty set has none that is over", suppression_set_expire(&s, NOW), 0);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(suppression_set_put(&s, name_of(i, text), i % 8, i % 3 == 0 ? 0 : NOW + i % 3));
    CHECK_EQ("none is over yet", suppression_set_expire(&s, NOW), 0);
    CHECK_EQ("a third is", suppression_set_expire(&s, NOW + 1), MANY / 3);
    CHECK_EQ("the others stay", s.used, MANY - MANY / 3);
    CHECK_EQ("then the second third", suppression_set_expire(&s, NOW + 2), MANY / 3);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(suppression_set_has(&s, name_of(i, text), 0, &word), i % 3 == 0);
    CHECK_EQ("what has no end stays for ever", suppression_set_expire(&s, INT64_MAX), 0);
    suppression_set_done(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct suppression_set s;
        char text[64];
        unsigned word, count = 0;

        suppression_set_init(&s);
        while (count < 200 && suppression_set_put(&s, name_of(count, text), 1, 0))
            count++;
        CHECK_EQ("what fitted is counted", s.used, count);
        for (unsigned i = 0; i < 200; i++)
            CHECK_EQ("and found, and nothing else",
                     suppression_set_has(&s, name_of(i, text), NOW, &word), i < count);
        suppression_set_done(&s);
    }
}

static void test_many_cost_little(void **state)
{
    struct suppression_set s;
    char text[64];
    unsigned word, strangers = 0;

    (void)state;
    suppression_set_init(&s);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(suppression_set_put(&s, name_of(i, text), i % 8, 0));
    for (unsigned i = 0; i < MANY; i++)
        assert_true(suppression_set_has(&s, name_of(i, text), NOW, &word) && word == i % 8);
    for (unsigned i = MANY; i < 4 * MANY; i++)
        strangers += suppression_set_has(&s, name_of(i, text), NOW, &word);
    CHECK_EQ("no stranger is found", strangers, 0);
    printf("%u addresses take %zu bytes\n", MANY, suppression_set_bytes(&s));
    CHECK_TRUE("100,000 addresses take at most 4 MiB", suppression_set_bytes(&s) <= 4u << 20);
    suppression_set_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_until),
        cmocka_unit_test(test_against_a_list),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_many_cost_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
