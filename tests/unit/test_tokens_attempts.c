/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong secrets are counted for each client id and address. */
#include <sodium.h>

#include "../../server/tokens/attempts.h"
#include "check.h"

static void test_attempts(void **state)
{
    static struct attempts a;
    sgl_view app = SGL_LIT("f47ac10b-58cc-4372-a567-0e02b2c3d479"), here = SGL_LIT("192.0.2.1"),
             there = SGL_LIT("192.0.2.2");
    uint64_t now = 1000000;

    (void)state;
    attempts_init(&a);
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
        CHECK_EQ("some wrong ones are borne", attempts_wait_s(&a, app, here, now), 0);
        attempts_wrong(&a, app, here, now);
    }
    CHECK_EQ("then there is a pause", attempts_wait_s(&a, app, here, now), ATTEMPTS_WINDOW_S);
    CHECK_EQ("told in whole seconds, rounded up", attempts_wait_s(&a, app, here, now + 1),
             ATTEMPTS_WINDOW_S);
    CHECK_EQ("which ends", attempts_wait_s(&a, app, here, now + ATTEMPTS_WINDOW_S * 1000ull), 0);
    CHECK_EQ("nobody else waits for it: another address", attempts_wait_s(&a, app, there, now), 0);
    CHECK_EQ("nor another client",
             attempts_wait_s(&a, SGL_LIT("f47ac10b-58cc-4372-a567-0e02b2c3d470"), here, now), 0);
    now += ATTEMPTS_WINDOW_S * 1000ull;
    attempts_wrong(&a, app, here, now);
    CHECK_EQ("a new window counts from the start", attempts_wait_s(&a, app, here, now), 0);
    attempts_done(&a);
}

static void test_who_is_the_same(void **state)
{
    static const struct {
        const char *name, *client_id, *peer;
        bool same;
    } rows[] = {
        {"in upper case it is the same client", "F47AC10B-58CC-4372-A567-0E02B2C3D479",
         "2001:db8::1", true},
        {"the /64 is one peer", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "2001:db8::ffff:1", true},
        {"the next /64 is another", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "2001:db8:0:1::1",
         false},
        {"what is no client id is another", "x", "2001:db8::1", false},
    };
    static struct attempts a;

    (void)state;
    attempts_init(&a);
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        attempts_wrong(&a, SGL_LIT("f47ac10b-58cc-4372-a567-0e02b2c3d479"), SGL_LIT("2001:db8::1"),
                       1000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name,
                 attempts_wait_s(&a, sgl_view_cstr(rows[i].client_id), sgl_view_cstr(rows[i].peer),
                                 1000) > 0,
                 rows[i].same);
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        attempts_wrong(&a, SGL_LIT("guess"), SGL_LIT("::ffff:192.0.2.1"), 1000);
    CHECK_TRUE("those that are none are one, from the same address written otherwise",
               attempts_wait_s(&a, SGL_LIT("another"), SGL_LIT("192.0.2.1"), 1000) > 0);
    attempts_done(&a);
}

static void test_names_of_other_things(void **state)
{
    static struct attempts a;
    sgl_view here = SGL_LIT("192.0.2.1");

    (void)state;
    attempts_init(&a);
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        attempts_named_wrong(&a, SGL_LIT("01ftz85b24zv"), here, 1000);
    CHECK_TRUE("it waits", attempts_named_wait_s(&a, SGL_LIT("01ftz85b24zv"), here, 1000) > 0);
    CHECK_EQ("another does not", attempts_named_wait_s(&a, SGL_LIT("01ftz85b24zw"), here, 1000), 0);
    CHECK_EQ("nor what has no name", attempts_named_wait_s(&a, SGL_LIT(""), here, 1000), 0);
    CHECK_EQ("nor elsewhere",
             attempts_named_wait_s(&a, SGL_LIT("01ftz85b24zv"), SGL_LIT("192.0.2.2"), 1000), 0);
    attempts_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attempts),
                                       cmocka_unit_test(test_who_is_the_same),
                                       cmocka_unit_test(test_names_of_other_things)};

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
