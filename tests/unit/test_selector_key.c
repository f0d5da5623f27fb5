/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of domains: in memory or in a file, they are the same. */
#include "../../server/directory/domain_internal.h"
#include "check.h"

static bool has(const struct selector_key *k, sgl_view public_key, sgl_view sealed)
{
    uint8_t public_space[SELECTOR_PUBLIC_MAX], space[KEYS_DATA_MAX];

    return sgl_view_eq(selector_key_public(k, public_space), public_key) &&
           sgl_view_eq(selector_key_sealed(k, space), sealed);
}

static struct selector_key *key(sgl_view public_key, sgl_view sealed)
{
    struct selector_key *k =
        selector_key_new(public_key.ptr, public_key.len, sealed.ptr, sealed.len);

    assert_non_null(k);
    return k;
}

static void keys_are_read_from_the_file(void **state)
{
    static const sgl_view p1 = SGL_LIT_INIT("public one"), s1 = SGL_LIT_INIT("sealed one");
    static const sgl_view p2 = SGL_LIT_INIT("two"), s2 = SGL_LIT_INIT("sealed, and longer");
    struct selector_key *one = key(p1, s1), *two = key(p2, s2), *three = key(p1, s2);
    struct scratch file = {0};

    (void)state;
    CHECK_TRUE("in memory", has(one, p1, s1) && has(two, p2, s2));
    selector_key_spill(one, &file);
    CHECK_TRUE("without a file it stays there", one->bytes != NULL && has(one, p1, s1));
    assert_true(scratch_open(&file, "/tmp"));
    selector_key_spill(one, &file);
    selector_key_spill(two, &file);
    three->refs++;
    selector_key_spill(three, &file);
    CHECK_TRUE("what somebody else holds stays where it is", three->bytes != NULL);
    selector_key_unref(three);
    CHECK_TRUE("the others have left memory", one->bytes == NULL && two->bytes == NULL);
    CHECK_TRUE("and are read again", has(one, p1, s1) && has(two, p2, s2));
    selector_key_spill(one, &file);
    CHECK_TRUE("a second time nothing happens", has(one, p1, s1));
    scratch_close(&file);
    CHECK_TRUE("a file that cannot be read gives nothing",
               has(one, sgl_view_of(NULL, 0), sgl_view_of(NULL, 0)));
    selector_key_unref(one);
    selector_key_unref(two);
    selector_key_unref(three);
}

static void keys_have_a_size(void **state)
{
    static const uint8_t bytes[KEYS_DATA_MAX + 1] = {0};
    struct selector_key *k;

    (void)state;
    assert_null(selector_key_new(bytes, SELECTOR_PUBLIC_MAX + 1, bytes, 1));
    assert_null(selector_key_new(bytes, 1, bytes, KEYS_DATA_MAX + 1));
    k = selector_key_new(bytes, SELECTOR_PUBLIC_MAX, bytes, KEYS_DATA_MAX);
    assert_non_null(k);
    CHECK_TRUE("the longest",
               has(k, sgl_view_of(bytes, SELECTOR_PUBLIC_MAX), sgl_view_of(bytes, KEYS_DATA_MAX)));
    selector_key_unref(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_are_read_from_the_file),
                                       cmocka_unit_test(keys_have_a_size)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
