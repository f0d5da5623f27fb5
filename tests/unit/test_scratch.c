/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../server/loop/scratch.h"
#include "check.h"

static size_t names_in(const char *folder)
{
    DIR *d = opendir(folder);
    size_t count = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count - 2; /* . and .. */
}

static void test_what_is_put_is_read_again(void **state)
{
    char folder[] = "/tmp/scratch.XXXXXX";
    struct scratch s;
    uint8_t out[8] = {0};
    uint64_t first = 99, second = 99;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(scratch_open(&s, folder));
    assert_true(scratch_put(&s, SGL_LIT("first"), &first));
    assert_true(scratch_put(&s, SGL_LIT("second"), &second));
    assert_true(scratch_get(&s, first, out, 5));
    assert_memory_equal(out, "first", 5);
    assert_true(scratch_get(&s, second, out, 6));
    assert_memory_equal(out, "second", 6);
    CHECK_EQ("what lies beyond its end is not there", scratch_get(&s, second, out, 7), false);
    CHECK_EQ("it has no name", names_in(folder), 0);
    scratch_close(&s);
    assert_int_equal(rmdir(folder), 0);
}

static void test_without_a_file_nothing_is_put(void **state)
{
    struct scratch s;
    uint64_t at = 99;

    (void)state;
    CHECK_EQ("no such folder", scratch_open(&s, "/nonexistent"), false);
    CHECK_EQ("it is refused", scratch_put(&s, SGL_LIT("x"), &at), false);
    CHECK_EQ("and says no place", at, 99);
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_read_again),
        cmocka_unit_test(test_without_a_file_nothing_is_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
