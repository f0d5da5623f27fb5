/* SPDX-License-Identifier: Apache-2.0 */
/* A secret is made once, and is the same one ever after. */
#include "../../server/secret/secret.h"
#include "directory_fixture.h"

/* Waits until it is there, or nobody tries any more; then its loop ends. */
static bool look_at(struct directory_fixture *f, const char *kind, uint8_t out[SECRET_SIZE])
{
    struct loop *loop = loop_new("secret");
    char why[200];
    struct secret *s =
        secret_new(loop, f->store, (struct keys *)&fake_keys, kind, why, sizeof(why));
    bool there;

    if (s == NULL)
        fail_msg("%s", why);
    assert_true(loop_start(loop));
    while (!(there = secret_get(s, out)) && !secret_is_lost(s))
        usleep(1000);
    loop_stop(loop);
    loop_join(loop);
    secret_free(s);
    loop_free(loop);
    return there;
}

static void is_made_once(void **state)
{
    struct directory_fixture *f = *state;
    uint8_t first[SECRET_SIZE], again[SECRET_SIZE], other[SECRET_SIZE];

    atomic_store(&fake_keys.down, 1); /* it is tried again */
    CHECK_EQ("made", look_at(f, "test-key", first), true);
    CHECK_EQ("read", look_at(f, "test-key", again), true);
    CHECK_EQ("the same after a restart", memcmp(first, again, SECRET_SIZE), 0);
    CHECK_EQ("made", look_at(f, "other-key", other), true);
    CHECK_TRUE("another for another purpose", memcmp(first, other, SECRET_SIZE) != 0);
}

/* What cannot be opened is not replaced: all that was signed with it would be nobody's. */
static void is_not_replaced(void **state)
{
    struct directory_fixture *f = *state;
    uint8_t bytes[SECRET_SIZE], again[SECRET_SIZE];

    CHECK_EQ("made", look_at(f, "test-key", bytes), true);
    atomic_store(&fake_keys.refuse, 1);
    CHECK_EQ("refused", look_at(f, "test-key", again), false);
    CHECK_EQ("later", look_at(f, "test-key", again), true);
    CHECK_EQ("it is the same", memcmp(bytes, again, SECRET_SIZE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DIRECTORY_TEST(is_made_once),
                                       DIRECTORY_TEST(is_not_replaced)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
