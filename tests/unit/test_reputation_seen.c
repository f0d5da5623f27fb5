/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded memory: found by kind and name, the least telling goes first, what changed and what went is written. */
#include "../../server/reputation/seen.h"

#include <stdlib.h>

#include "check.h"
#include "fail_alloc.h"

#define V(s) sgl_view_cstr(s)

static struct seen_set k;

static struct seen *add(const char *name, double good)
{
    struct seen *e = seen_add(&k, 0, V(name), 100);

    assert_non_null(e);
    e->counts.of[REPUTATION_GOOD] = good;
    return e;
}

static struct seen *add_stored(const char *name, double good)
{
    struct seen *e = add(name, good);

    e->stored = true;
    return e;
}

static void by_kind_and_name(void **state)
{
    struct seen *a, *b;

    (void)state;
    assert_true(seen_init(&k, 10));
    a = seen_add(&k, 0, V("a"), 100);
    b = seen_add(&k, 1, V("a"), 100);
    assert_ptr_equal(seen_find(&k, 0, V("a")), a);
    assert_ptr_equal(seen_find(&k, 1, V("a")), b);
    assert_null(seen_find(&k, 2, V("a")));
    assert_null(seen_find(&k, 0, V("aa")));
    seen_remove(&k, a);
    assert_null(seen_find(&k, 0, V("a")));
    assert_ptr_equal(seen_find(&k, 1, V("a")), b);
    seen_done(&k);
}

static void the_least_telling_makes_room(void **state)
{
    char name[32];

    (void)state;
    assert_true(seen_init(&k, 12));
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "host%d", i);
        add(name, 10 + i);
    }
    add("new", 1);
    CHECK_EQ("bounded", k.used, 12);
    assert_null(seen_find(&k, 0, V("host0")));
    assert_non_null(seen_find(&k, 0, V("new")));
    add("newer", 1);
    assert_null(seen_find(&k, 0, V("new")));
    for (int i = 1; i < 12; i++) {
        snprintf(name, sizeof(name), "host%d", i);
        assert_non_null(seen_find(&k, 0, V(name)));
    }
    seen_done(&k);
}

static void what_changed_is_written_in_order(void **state)
{
    struct seen *a, *b, *c, *gone;

    (void)state;
    assert_true(seen_init(&k, 10));
    a = add("a", 1);
    b = add("b", 1);
    c = add_stored("c", 1);
    seen_changed(&k, a);
    seen_changed(&k, b);
    seen_changed(&k, c);
    seen_changed(&k, a);
    seen_remove(&k, b); /* never written: nothing to remove */
    seen_remove(&k, c);
    CHECK_EQ("one row is to go", k.gone, 1);
    assert_ptr_equal(seen_take_changed(&k), a);
    gone = seen_take_changed(&k);
    assert_ptr_equal(gone, c);
    assert_true(gone->gone);
    free(gone);
    CHECK_EQ("none is to go", k.gone, 0);
    assert_null(seen_take_changed(&k));
    seen_changed(&k, a);
    assert_ptr_equal(seen_take_changed(&k), a);
    seen_done(&k);
}

/* However long the store is away, memory has an end. */
static void what_went_is_bounded_as_well(void **state)
{
    char name[32];
    struct seen *e;
    size_t gone = 0;

    (void)state;
    assert_true(seen_init(&k, 10));
    for (size_t i = 0; i < SEEN_GONE_MAX + 100; i++) {
        snprintf(name, sizeof(name), "host%zu", i);
        seen_changed(&k, add_stored(name, 1));
    }
    CHECK_EQ("known", k.used, 10);
    CHECK_EQ("to be removed", k.gone, SEEN_GONE_MAX);
    while ((e = seen_take_changed(&k)) != NULL) {
        gone += e->gone;
        if (e->gone)
            free(e);
    }
    CHECK_EQ("removed", gone, SEEN_GONE_MAX);
    seen_done(&k);
}

static void what_is_worth_nothing_goes(void **state)
{
    (void)state;
    assert_true(seen_init(&k, 10));
    k.half_life_s = 10;
    add("small", 1);
    add("large", 1000);
    seen_tidy(&k, 0, SEEN_LINES, 100);
    CHECK_EQ("at once", k.used, 2);
    seen_tidy(&k, 0, SEEN_LINES, 160);
    CHECK_EQ("later", k.used, 1);
    assert_non_null(seen_find(&k, 0, V("large")));
    seen_done(&k);
}

static void without_memory_nobody_is_known(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        if (!seen_init(&k, 2)) {
            seen_done(&k);
            continue;
        }
        for (int i = 0; i < 4; i++)
            (void)seen_add(&k, 0, V(i % 2 == 0 ? "a" : "b"), 1);
        assert_true(k.used <= 2);
        seen_done(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_kind_and_name),
        cmocka_unit_test(the_least_telling_makes_room),
        cmocka_unit_test(what_changed_is_written_in_order),
        cmocka_unit_test(what_went_is_bounded_as_well),
        cmocka_unit_test(what_is_worth_nothing_goes),
        cmocka_unit_test(without_memory_nobody_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
