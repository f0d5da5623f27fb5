/* SPDX-License-Identifier: Apache-2.0 */
/* A secret is made once, and is the same one ever after. */
#include "../../server/secret/secret.h"
#include "directory_fixture.h"

static struct secret *opened(struct directory_fixture *f, const char *kind)
{
    char why[200];
    struct secret *s =
        secret_new(f->loop, f->store, (struct keys *)&fake_keys, kind, why, sizeof(why));

    if (s == NULL)
        fail_msg("%s", why);
    return s;
}

static void wait_for(struct secret *s, uint8_t out[SECRET_SIZE])
{
    while (!secret_get(s, out))
        usleep(1000);
}

static void is_made_once(void **state)
{
    struct directory_fixture *f = *state;
    uint8_t first[SECRET_SIZE], again[SECRET_SIZE], other[SECRET_SIZE];
    struct secret *s;

    atomic_store(&fake_keys.down, 1); /* it is tried again */
    s = opened(f, "test-key");
    wait_for(s, first);
    fixture_close(f);
    secret_free(s);
    fixture_open(f);
    s = opened(f, "test-key");
    wait_for(s, again);
    CHECK_EQ("the same after a restart", memcmp(first, again, SECRET_SIZE), 0);
    fixture_close(f);
    secret_free(s);
    fixture_open(f);
    s = opened(f, "other-key");
    wait_for(s, other);
    CHECK_TRUE("another for another purpose", memcmp(first, other, SECRET_SIZE) != 0);
    fixture_close(f);
    secret_free(s);
    fixture_open(f);
}

/* What cannot be opened is not replaced: all that was signed with it would be nobody's. */
static void is_not_replaced(void **state)
{
    struct directory_fixture *f = *state;
    uint8_t bytes[SECRET_SIZE];
    struct secret *s = opened(f, "test-key");

    wait_for(s, bytes);
    fixture_close(f);
    secret_free(s);
    fixture_open(f);
    atomic_store(&fake_keys.refuse, 1);
    s = opened(f, "test-key");
    while (atomic_load(&fake_keys.refuse) > 0)
        usleep(1000);
    fixture_close(f);
    CHECK_EQ("there is none", secret_get(s, bytes), false);
    secret_free(s);
    fixture_open(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DIRECTORY_TEST(is_made_once),
                                       DIRECTORY_TEST(is_not_replaced)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
