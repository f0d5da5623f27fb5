/* SPDX-License-Identifier: Apache-2.0 */
/* The hash table of names: what is added is found, what is removed is not, whatever the order. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../server/directory/table.h"
#include "check.h"

#define NAMES 3000

static void test_add_find_remove(void **state)
{
    static char name[NAMES][16];
    static bool in[NAMES];
    struct table t;
    uint32_t random = 12345;
    size_t count = 0;

    (void)state;
    assert_true(sodium_init() >= 0);
    table_init(&t);
    for (unsigned i = 0; i < NAMES; i++)
        snprintf(name[i], sizeof(name[i]), "name-%u", i);
    for (unsigned step = 0; step < 30000; step++) {
        unsigned i;

        random = random * 1664525 + 1013904223;
        i = (random >> 8) % NAMES;
        if (in[i])
            assert_ptr_equal(table_remove(&t, sgl_view_cstr(name[i])), name[i]);
        else
            assert_true(table_add(&t, name[i], name[i]));
        in[i] = !in[i];
    }
    for (unsigned i = 0; i < NAMES; i++) {
        assert_ptr_equal(table_find(&t, sgl_view_cstr(name[i])), in[i] ? name[i] : NULL);
        count += in[i];
    }
    assert_int_equal(t.used, count);
    table_done(&t);
}

static void test_sorted(void **state)
{
    struct table t;
    char **all;
    size_t count;

    (void)state;
    table_init(&t);
    assert_null(table_sorted(&t, &count));
    assert_int_equal(count, 0);
    assert_true(table_add(&t, "b", "2"));
    assert_true(table_add(&t, "c", "3"));
    assert_true(table_add(&t, "a", "1"));
    all = (char **)table_sorted(&t, &count);
    assert_int_equal(count, 3);
    assert_string_equal(all[0], "1");
    assert_string_equal(all[2], "3");
    free(all);
    table_done(&t);
    assert_null(table_find(&t, SGL_LIT("a")));
    assert_null(table_remove(&t, SGL_LIT("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_add_find_remove),
                                       cmocka_unit_test(test_sorted)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
