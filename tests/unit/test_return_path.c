/* SPDX-License-Identifier: Apache-2.0 */
/* Return paths that name a recipient and cannot be made by others. */
#include <stdlib.h>

#include "../../server/returns/return_path.h"
#include "check.h"

static const uint8_t secret[2][RETURN_PATH_SECRET] = {{1, 2, 3}, {4, 5, 6}};
static const struct return_path path = {0x123456789abcdef, 42};

static sgl_view made(char out[400], const uint8_t *by, const char *domain)
{
    char local[RETURN_PATH_LOCAL + 1];

    return_path_put(by, &path, sgl_view_cstr(domain), local);
    snprintf(out, 400, "%s@%s", local, domain);
    return sgl_view_cstr(out);
}

static void test_there_and_back(void **state)
{
    struct return_path back = {0, 0};
    char text[400];
    sgl_view address = made(text, secret[1], "bounces.our.test");

    (void)state;
    assert_int_equal(return_path_open(secret, 2, address, &back), RETURN_PATH_OURS);
    assert_true(back.message == path.message && back.rcpt == path.rcpt);
    for (size_t i = 0; i < address.len; i++)
        text[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
    CHECK_EQ("servers may change the case", return_path_open(secret, 2, address, &back),
             RETURN_PATH_OURS);
    CHECK_TRUE("it fits a local part [RFC 5321 s4.5.3.1.1]", RETURN_PATH_LOCAL <= 64);
    CHECK_EQ("no detail can be cut off", sgl_view_find(address, '+'), address.len);
}

static void test_every_character_counts(void **state)
{
    struct return_path back = {7, 7};
    char text[400];
    sgl_view address = made(text, secret[0], "bounces.our.test");

    (void)state;
    for (size_t i = 0; i < address.len; i++) {
        char was = text[i];

        text[i] = was == '7' ? '8' : '7';
        if (return_path_open(secret, 2, address, &back) == RETURN_PATH_OURS)
            fail_msg("character %zu may be another one", i);
        text[i] = was;
    }
    CHECK_EQ("nothing was set", (int)back.rcpt, 7);
}

static void test_whose_it_is(void **state)
{
    struct return_path back;
    char text[400];
    sgl_view address = made(text, secret[1], "bounces.our.test");

    (void)state;
    CHECK_EQ("another secret made it", return_path_open(secret, 1, address, &back),
             RETURN_PATH_FORGED);
    CHECK_EQ("no secret is there", return_path_open(secret, 0, address, &back), RETURN_PATH_FORGED);
    memcpy(text + RETURN_PATH_LOCAL, "@bounces.other.test", 20);
    CHECK_EQ("it is of another domain", return_path_open(secret, 2, sgl_view_cstr(text), &back),
             RETURN_PATH_FORGED);
    CHECK_EQ("an ordinary address", return_path_open(secret, 2, SGL_LIT("b-anna@our.test"), &back),
             RETURN_PATH_NONE);
    CHECK_EQ("nothing", return_path_open(secret, 2, SGL_LIT(""), &back), RETURN_PATH_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_every_character_counts),
        cmocka_unit_test(test_whose_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
