/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of addresses: whose, by which name, and what is in them. */
#include "directory_fixture.h"

static enum directory_result change(struct directory_fixture *f, enum directory_verb verb,
                                    const char *within, const char *name, struct pool_change pool,
                                    struct directory_change *out)
{
    *out = (struct directory_change){.noun = DIRECTORY_POOL,
                                     .verb = verb,
                                     .within = sgl_view_cstr(within),
                                     .name = sgl_view_cstr(name),
                                     .pool = &pool};
    return fixture_change(f, out);
}

static enum directory_result add(struct directory_fixture *f, const char *within, const char *name)
{
    struct directory_change c;

    return change(f, DIRECTORY_ADD, within, name, (struct pool_change){0}, &c);
}

/* "ADDRESS ADDRESS "; "none" */
static const char *shown(struct directory_fixture *f, const char *subscription, const char *name)
{
    static char text[400];
    struct pool *p = directory_pool(f->directory, sgl_view_cstr(subscription), sgl_view_cstr(name));

    text[0] = '\0';
    for (size_t i = 0; p != NULL && i < p->addresses; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", p->address[i]);
    if (p == NULL)
        snprintf(text, sizeof(text), "none");
    pool_unref(p);
    return text;
}

static void test_life(void **state)
{
    struct directory_fixture *f = *state;
    struct pool_change one = {.add = SGL_LIT_INIT("192.0.2.1")},
                       two = {.add = SGL_LIT_INIT("2001:db8::1")},
                       out = {.drop = SGL_LIT_INIT("192.0.2.1")},
                       name = {.rename = SGL_LIT_INIT("news")};
    struct directory_change c;

    CHECK_EQ("added", add(f, "default", "mine"), DIRECTORY_OK);
    CHECK_STR("empty", shown(f, "default", "mine"), "");
    CHECK_EQ("one", change(f, DIRECTORY_CHANGE, "default", "mine", one, &c), DIRECTORY_OK);
    CHECK_EQ("another", change(f, DIRECTORY_CHANGE, "default", "mine", two, &c), DIRECTORY_OK);
    CHECK_EQ("the first again", change(f, DIRECTORY_CHANGE, "default", "mine", one, &c),
             DIRECTORY_OK);
    CHECK_STR("is in it once", shown(f, "default", "mine"), "192.0.2.1 2001:db8::1 ");
    CHECK_EQ("renamed", change(f, DIRECTORY_CHANGE, "default", "mine", name, &c), DIRECTORY_OK);
    CHECK_STR("the old name is free", shown(f, "default", "mine"), "none");
    CHECK_EQ("taken out", change(f, DIRECTORY_CHANGE, "default", "news", out, &c), DIRECTORY_OK);
    CHECK_EQ("only once", change(f, DIRECTORY_CHANGE, "default", "news", out, &c),
             DIRECTORY_NOT_FOUND);
    CHECK_STR("and that is said", c.field, "ip");
    fixture_close(f);
    fixture_open(f);
    CHECK_STR("after a restart", shown(f, "default", "news"), "2001:db8::1 ");
    CHECK_EQ("removed", change(f, DIRECTORY_REMOVE, "default", "news", (struct pool_change){0}, &c),
             DIRECTORY_OK);
    CHECK_STR("is gone", shown(f, "default", "news"), "none");
}

static void test_whose(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change acme = {.noun = DIRECTORY_SUBSCRIPTION,
                                    .verb = DIRECTORY_ADD,
                                    .name = SGL_LIT_INIT("acme")},
                            c;
    struct pool_change fill = {.add = SGL_LIT_INIT("192.0.2.1")},
                       name = {.rename = SGL_LIT_INIT("other")};

    assert_int_equal(fixture_change(f, &acme), DIRECTORY_OK);
    assert_int_equal(add(f, "default", "mine"), DIRECTORY_OK);
    CHECK_EQ("the name is taken", add(f, "default", "mine"), DIRECTORY_EXISTS);
    CHECK_STR("for others it is not there", shown(f, "acme", "mine"), "none");
    CHECK_EQ("nor to be filled", change(f, DIRECTORY_CHANGE, "acme", "mine", fill, &c),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("nor removed",
             change(f, DIRECTORY_REMOVE, "acme", "mine", (struct pool_change){0}, &c),
             DIRECTORY_NOT_FOUND);
    CHECK_EQ("but free", add(f, "acme", "mine"), DIRECTORY_OK);
    CHECK_EQ("filled", change(f, DIRECTORY_CHANGE, "acme", "mine", fill, &c), DIRECTORY_OK);
    CHECK_STR("theirs", shown(f, "acme", "mine"), "192.0.2.1 ");
    CHECK_STR("is another", shown(f, "default", "mine"), "");
    assert_int_equal(add(f, "default", "other"), DIRECTORY_OK);
    CHECK_EQ("renamed to one that is there",
             change(f, DIRECTORY_CHANGE, "default", "mine", name, &c), DIRECTORY_EXISTS);
    CHECK_STR("it is as it was", shown(f, "default", "mine"), "");
    CHECK_EQ("to its own name", change(f, DIRECTORY_CHANGE, "default", "other", name, &c),
             DIRECTORY_OK);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"",    "x",   "a\nb",   "a/b",
                                      " ab", ".ab", "a\177b", "\xc3\xa4\xc3\xa4"};
    struct directory_fixture *f = *state;
    struct directory_change c;
    char name[POOL_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(bad[i], add(f, "default", bad[i]), DIRECTORY_INVALID);
    memset(name, 'x', sizeof(name));
    name[POOL_NAME_MAX + 1] = '\0';
    CHECK_EQ("too long", add(f, "default", name), DIRECTORY_INVALID);
    name[POOL_NAME_MAX] = '\0';
    CHECK_EQ("as long as may be", add(f, "default", name), DIRECTORY_OK);
    for (size_t i = 0; i <= POOL_ADDRESSES_MAX; i++) {
        char address[32];

        snprintf(address, sizeof(address), "192.0.2.%zu", i);
        CHECK_EQ(address,
                 change(f, DIRECTORY_CHANGE, "default", name,
                        (struct pool_change){.add = sgl_view_cstr(address)}, &c),
                 i < POOL_ADDRESSES_MAX ? DIRECTORY_OK : DIRECTORY_INVALID);
    }
    for (size_t i = 1; i <= DIRECTORY_POOLS_MAX; i++) {
        snprintf(name, sizeof(name), "pool %zu", i);
        CHECK_EQ(name, add(f, "default", name),
                 i < DIRECTORY_POOLS_MAX ? DIRECTORY_OK : DIRECTORY_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, directory_setup, directory_teardown),
        cmocka_unit_test_setup_teardown(test_whose, directory_setup, directory_teardown),
        cmocka_unit_test_setup_teardown(test_refused, directory_setup, directory_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
