/* SPDX-License-Identifier: Apache-2.0 */
/* Sums that wait for a commit: one for each day, kind and names. */
#include "../../server/store/sqlite/sqlite_internal.h"
#include "check.h"
#include "fail_alloc.h"

struct counted {
    struct sum sum;
    int n;
};

static struct counted *find(struct sums *s, int64_t day, uint32_t kind, const char *a,
                            const char *b, const char *c)
{
    struct sum_key key = {
        .day = day, .kind = kind, .name = {sgl_view_cstr(a), sgl_view_cstr(b), sgl_view_cstr(c)}};

    return (struct counted *)(void *)sums_find(s, &key);
}

static void test_keys(void **state)
{
    static struct sums s;

    (void)state;
    sums_init(&s, sizeof(struct counted));
    for (int i = 0; i < 2; i++) {
        find(&s, 1, 0, "a", "b", "c")->n++;
        find(&s, 2, 0, "a", "b", "c")->n++;
        find(&s, 1, 1, "a", "b", "c")->n++;
        find(&s, 1, 0, "x", "b", "c")->n++;
        find(&s, 1, 0, "a", "x", "c")->n++;
        find(&s, 1, 0, "a", "b", "x")->n++;
        find(&s, 1, 0, "ab", "", "c")->n++;
        find(&s, 1, 0, "", "", "")->n++;
    }
    CHECK_EQ("each is another", s.all.count, 8);
    for (size_t i = 0; i < s.all.count; i++)
        CHECK_EQ("and is found again", ((const struct counted *)(const void *)sums_at(&s, i))->n,
                 2);
    CHECK_TRUE("its names are told apart",
               sgl_view_eq(sum_key(sums_at(&s, 6)).name[0], SGL_LIT("ab")) &&
                   sgl_view_eq(sum_key(sums_at(&s, 6)).name[2], SGL_LIT("c")));
    CHECK_EQ("its day", sum_key(sums_at(&s, 1)).day, 2);
    CHECK_EQ("its kind", sum_key(sums_at(&s, 2)).kind, 1);
    sums_done(&s);
}

static void test_many_and_none(void **state)
{
    static struct sums s;

    (void)state;
    sums_init(&s, sizeof(struct counted));
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 3 * SUM_LINES; i++)
            find(&s, 1, i, "a", "b", "c")->n++;
    CHECK_EQ("more than there are lines", s.all.count, (size_t)3 * SUM_LINES);
    sums_forget(&s);
    CHECK_EQ("forgotten", s.all.count, 0);
    CHECK_EQ("starts again", find(&s, 1, 5, "a", "b", "c")->n, 0);
    sums_done(&s);
}

/* Each allocation fails once: nothing is there that was not kept whole. */
static void test_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        static struct sums s;
        struct counted *c;

        sums_init(&s, sizeof(struct counted));
        c = find(&s, 1, 0, "a", "b", "c");
        CHECK_EQ("one, or memory ended", s.all.count, c != NULL);
        CHECK_EQ("which is told", c == NULL, fail_alloc.failed);
        sums_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_many_and_none),
                                       cmocka_unit_test(test_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
