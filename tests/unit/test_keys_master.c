/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../server/keys/keys.h"

static char folder[] = "/tmp/test-keys-XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/master", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(size_t len, mode_t mode)
{
    char bytes[64] = {0};
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_true(write(fd, bytes, len) == (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void test_create_and_read(void **state)
{
    uint8_t first[32] = {0}, second[32] = {0};
    const uint8_t nothing[32] = {0};
    char why[200];
    struct stat st;

    (void)state;
    assert_true(keys_master_load(path, first, why, sizeof why));
    assert_memory_not_equal(first, nothing, 32);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_true(keys_master_load(path, second, why, sizeof why));
    assert_memory_equal(first, second, 32);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *name;
        size_t len;
        mode_t mode;
        const char *want;
    } cases[] = {
        {"others may read it", 32, 0640, "readable by its owner only"},
        {"the world may read it", 32, 0604, "readable by its owner only"},
        {"one byte too few", 31, 0600, "exactly 32 bytes"},
        {"one byte too many", 33, 0600, "exactly 32 bytes"},
        {"empty", 0, 0600, "exactly 32 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[32] = {0x55};
        char why[200] = "";

        write_file(cases[i].len, cases[i].mode);
        CHECK_TRUE(cases[i].name, !keys_master_load(path, out, why, sizeof why));
        CHECK_TRUE(cases[i].name, strstr(why, path) != NULL && strstr(why, cases[i].want) != NULL);
        CHECK_EQ(cases[i].name, out[0], 0x55);
    }
}

static void test_links_and_folders(void **state)
{
    uint8_t out[32];
    char why[200], other[80];

    (void)state;
    unlink(path);
    snprintf(other, sizeof other, "%s.other", path);
    write_file(32, 0600);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_false(keys_master_load(path, out, why, sizeof why));
    assert_non_null(strstr(why, "must not be a link"));
    unlink(other);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(keys_master_load(path, out, why, sizeof why));
    assert_non_null(strstr(why, "is not a file"));
    rmdir(path);
    assert_false(keys_master_load("/nonexistent/folder/master", out, why, sizeof why));
    assert_non_null(strstr(why, "/nonexistent/folder/master"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_and_read),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_links_and_folders),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
