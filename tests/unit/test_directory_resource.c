/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are found again as they were left: whose, and how many. */
#include "../../server/directory/directory_internal.h"
#include "directory_fixture.h"

static enum directory_result put(struct directory_fixture *f, enum directory_verb verb,
                                 const char *subscription, const char *name, const char *facts)
{
    const struct resource_change resource = {.facts = sgl_view_cstr(facts)};
    struct directory_change c = {.noun = DIRECTORY_RESOURCE,
                                 .verb = verb,
                                 .subscription = sgl_view_cstr(subscription),
                                 .name = sgl_view_cstr(name),
                                 .resource = &resource};

    return fixture_change(f, &c);
}

static const char *facts_of(struct directory_fixture *f, const char *subscription, const char *name)
{
    static char text[100];
    struct resource *r =
        directory_resource(f->directory, sgl_view_cstr(subscription), sgl_view_cstr(name));

    snprintf(text, sizeof(text), "%s", r == NULL ? "none" : r->facts);
    resource_unref(r);
    return text;
}

static void test_whose(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change acme = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = SGL_LIT_INIT("acme")};

    assert_int_equal(fixture_change(f, &acme), DIRECTORY_OK);
    CHECK_EQ("added", put(f, DIRECTORY_ADD, "default", "t/A", "mine"), DIRECTORY_OK);
    CHECK_EQ("twice", put(f, DIRECTORY_ADD, "default", "T/a", "x"), DIRECTORY_EXISTS);
    CHECK_EQ("of another", put(f, DIRECTORY_ADD, "acme", "t/A", "theirs"), DIRECTORY_OK);
    CHECK_STR("each has its own", facts_of(f, "default", "t/a"), "mine");
    CHECK_STR("in any case", facts_of(f, "acme", "T/A"), "theirs");
    CHECK_EQ("removed", put(f, DIRECTORY_REMOVE, "acme", "t/a", ""), DIRECTORY_OK);
    CHECK_STR("that one only", facts_of(f, "default", "t/a"), "mine");
    CHECK_STR("it is gone", facts_of(f, "acme", "t/a"), "none");
    CHECK_EQ("a name with a line end", put(f, DIRECTORY_ADD, "acme", "t/a\n", ""),
             DIRECTORY_INVALID);
}

static void test_how_many(void **state)
{
    struct directory_fixture *f = *state;
    struct directory_change acme = {
        .noun = DIRECTORY_SUBSCRIPTION, .verb = DIRECTORY_ADD, .name = SGL_LIT_INIT("acme")};

    assert_int_equal(fixture_change(f, &acme), DIRECTORY_OK);
    f->directory->resources_max = 2;
    CHECK_EQ("one", put(f, DIRECTORY_ADD, "default", "t/1", "{}"), DIRECTORY_OK);
    CHECK_EQ("two", put(f, DIRECTORY_ADD, "default", "t/2", "{}"), DIRECTORY_OK);
    CHECK_EQ("three", put(f, DIRECTORY_ADD, "default", "t/3", "{}"), DIRECTORY_INVALID);
    CHECK_STR("is not there", facts_of(f, "default", "t/3"), "none");
    CHECK_EQ("of another", put(f, DIRECTORY_ADD, "acme", "t/3", "{}"), DIRECTORY_OK);
    CHECK_EQ("what is there changes", put(f, DIRECTORY_CHANGE, "default", "t/2", "{}"),
             DIRECTORY_OK);
    CHECK_EQ("one less", put(f, DIRECTORY_REMOVE, "default", "t/2", ""), DIRECTORY_OK);
    CHECK_EQ("and one more", put(f, DIRECTORY_ADD, "default", "t/3", "{}"), DIRECTORY_OK);
}

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whose, setup, teardown),
        cmocka_unit_test_setup_teardown(test_how_many, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
