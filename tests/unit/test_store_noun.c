/* SPDX-License-Identifier: Apache-2.0 */
/* The nouns of the directory as the store keeps them: versions decide, lists go by kind. */
#include "store_steps.h"

static enum store_result put_noun(enum store_op_kind kind, struct store_noun *n, size_t count)
{
    struct store_noun_op op = {.op = {.kind = kind}, .noun = n, .nouns = count};

    return store_fixture_run(&fx, &op.op);
}

static bool count_noun(void *ctx, const struct store_noun *n)
{
    (void)n;
    ++*(size_t *)ctx;
    return true;
}

static void test_nouns(void **state)
{
    struct store_noun n[2] = {
        {.kind = SGL_LIT("domain"), .key = SGL_LIT("example.org"), .value = SGL_LIT("{}")},
        {.kind = SGL_LIT("credential"), .key = SGL_LIT("app1"), .value = SGL_LIT("{}")}};
    size_t count = 0;

    (void)state;
    CHECK_EQ("two are made", put_noun(STORE_NOUN_PUT, n, 2), STORE_OK);
    CHECK_EQ("their version is told", n[1].version, 1);
    n[0].version = 0;
    n[1].value = SGL_LIT("{\"x\":1}");
    CHECK_EQ("one that exists cannot be made", put_noun(STORE_NOUN_PUT, n, 2), STORE_EXISTS);
    n[0].version = 1;
    CHECK_EQ("the other was not changed with it", put_noun(STORE_NOUN_PUT, n, 2), STORE_OK);
    n[0].version = 1;
    CHECK_EQ("an old version is a conflict", put_noun(STORE_NOUN_PUT, n, 1), STORE_CONFLICT);
    assert_int_equal(store_read_nouns(fx.store, SGL_LIT("domain"), count_noun, &count), STORE_OK);
    CHECK_EQ("by kind", count, 1);
    assert_int_equal(store_read_nouns(fx.store, (sgl_view){0}, count_noun, &count), STORE_OK);
    CHECK_EQ("all", count, 3);
    n[0].version = 2;
    CHECK_EQ("deleted", put_noun(STORE_NOUN_DELETE, n, 1), STORE_OK);
    CHECK_EQ("not twice", put_noun(STORE_NOUN_DELETE, n, 1), STORE_NOT_FOUND);
}

static void test_nouns_of_the_last_writer(void **state)
{
    struct store_noun n = {.kind = SGL_LIT("suppression"),
                           .key = SGL_LIT("a"),
                           .value = SGL_LIT("{}"),
                           .version = STORE_NOUN_ANY};
    struct store_noun pair[2] = {n, n};
    struct store_noun_page page = {.kind = n.kind, .max = 10};
    size_t count = 0;

    (void)state;
    CHECK_EQ("made, whatever is there", put_noun(STORE_NOUN_PUT, &n, 1), STORE_OK);
    CHECK_TRUE("its version stays a wish", n.version == STORE_NOUN_ANY);
    CHECK_EQ("and replaced", put_noun(STORE_NOUN_PUT, &n, 1), STORE_OK);
    pair[1].key = SGL_LIT("b");
    CHECK_EQ("one old, one new", put_noun(STORE_NOUN_PUT, pair, 2), STORE_OK);
    pair[1].key = SGL_LIT("c");
    CHECK_EQ("one that is not there is no reason to refuse the deletion",
             put_noun(STORE_NOUN_DELETE, pair, 2), STORE_OK);
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("what is left", count, 1);
    page.after = SGL_LIT("a");
    page.before = SGL_LIT("b");
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("both bounds are left out", count, 1);
    page.before = SGL_LIT("c");
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("between them it is found", count, 2);
    page.max = 0;
    assert_int_equal(store_read_noun_page(fx.store, &page, count_noun, &count), STORE_OK);
    CHECK_EQ("at most so many", count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_nouns),
        STORE_TEST(test_nouns_of_the_last_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
