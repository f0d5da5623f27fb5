/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong secrets are counted for each client id and address. */
#include <sodium.h>

#include "../../server/tokens/attempts.h"
#include "check.h"

static void test_attempts(void **state)
{
    static struct attempts a;
    sgl_view app = SGL_LIT("app"), here = SGL_LIT("192.0.2.1"), there = SGL_LIT("192.0.2.2");
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
    CHECK_EQ("nor another client", attempts_wait_s(&a, SGL_LIT("app2"), here, now), 0);
    now += ATTEMPTS_WINDOW_S * 1000ull;
    attempts_wrong(&a, app, here, now);
    CHECK_EQ("a new window counts from the start", attempts_wait_s(&a, app, here, now), 0);
    attempts_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attempts)};

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
