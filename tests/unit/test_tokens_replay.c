/* SPDX-License-Identifier: Apache-2.0 */
/* What was taken once, until it has ended  [RFC 7523 s3]. */
#include <stdlib.h>

#include "../../server/tokens/replay.h"
#include "check.h"

static void test_once(void **state)
{
    struct replay_table *r = malloc(sizeof(*r));

    (void)state;
    assert_non_null(r);
    replay_init(r);
    CHECK_EQ("the first time", replay_take(r, SGL_LIT("a"), 100, 10), REPLAY_FRESH);
    CHECK_EQ("the second time", replay_take(r, SGL_LIT("a"), 100, 99), REPLAY_SEEN);
    CHECK_EQ("another", replay_take(r, SGL_LIT("b"), 100, 99), REPLAY_FRESH);
    CHECK_EQ("when it has ended", replay_take(r, SGL_LIT("a"), 200, 100), REPLAY_FRESH);
    replay_give_back(r, SGL_LIT("a"));
    CHECK_EQ("when nothing came of it", replay_take(r, SGL_LIT("a"), 200, 100), REPLAY_FRESH);
    replay_done(r);
    free(r);
}

/* More than there is room for: refused, never forgotten. */
static void test_full(void **state)
{
    struct replay_table *r = malloc(sizeof(*r));
    unsigned fresh = 0, full = 0;

    (void)state;
    assert_non_null(r);
    replay_init(r);
    for (unsigned i = 0; i < 2 * REPLAY_ROWS * REPLAY_WAYS; i++) {
        enum replay got = replay_take(r, sgl_view_of(&i, sizeof(i)), 100, 10);

        fresh += got == REPLAY_FRESH;
        full += got == REPLAY_FULL;
        if (got == REPLAY_FRESH)
            assert_int_equal(replay_take(r, sgl_view_of(&i, sizeof(i)), 100, 10), REPLAY_SEEN);
    }
    CHECK_TRUE("no more than fit", fresh <= REPLAY_ROWS * REPLAY_WAYS);
    CHECK_EQ("the others are refused", full, 2 * REPLAY_ROWS * REPLAY_WAYS - fresh);
    CHECK_EQ("until some have ended", replay_take(r, SGL_LIT("later"), 300, 200), REPLAY_FRESH);
    replay_done(r);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_once), cmocka_unit_test(test_full)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
