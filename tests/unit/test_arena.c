/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/arena.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"

static bool all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0)
            return false;
    }
    return true;
}

static void memory(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);

    (void)state;
    for (size_t n = 0; n < 3000; n += 37) {
        uint8_t *p = sgl_arena_alloc(&arena, n);

        CHECK_TRUE("memory is there", p != NULL);
        CHECK_EQ("memory is aligned", (uintptr_t)p % _Alignof(max_align_t), 0);
        CHECK_TRUE("memory is zeroed", all_zero(p, n));
        memset(p, 0xa5, n);
        if (n % 5 == 0)
            sgl_arena_reset(&arena);
    }
}

static void maximum(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(64);

    (void)state;
    CHECK_TRUE("up to the maximum", sgl_arena_alloc(&arena, 64) != NULL);
    CHECK_TRUE("not above it", sgl_arena_alloc(&arena, 1) == NULL);
    CHECK_EQ("it says why", arena.status, SGL_E_LIMIT);
    sgl_arena_reset(&arena);
    CHECK_TRUE("sizes that wrap are refused", sgl_arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK_TRUE("products that wrap are refused",
               sgl_arena_alloc_n(&arena, SIZE_MAX / 2, 4) == NULL);
    sgl_arena_reset(&arena);
    CHECK_TRUE("a reset arena works again", sgl_arena_alloc(&arena, 32) != NULL);
}

static void marks(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_arena_mark empty = sgl_arena_mark(&arena), mark;
    uint8_t *before, *after;

    (void)state;
    before = sgl_arena_alloc(&arena, 100);
    memset(before, 1, 100);
    mark = sgl_arena_mark(&arena);
    after = sgl_arena_alloc(&arena, 16);
    for (int i = 0; i < 50; i++)
        memset(sgl_arena_alloc(&arena, 1000), 2, 1000);
    sgl_arena_rewind(&arena, mark);
    CHECK_EQ("the count goes back", arena.used, mark.used);
    CHECK_TRUE("what was before the mark stays", before[0] == 1 && before[99] == 1);
    CHECK_TRUE("the place is used again", sgl_arena_alloc(&arena, 16) == after);
    sgl_arena_rewind(&arena, empty);
    CHECK_EQ("back to the empty arena", arena.used, 0);
}

static void copies(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1000);
    sgl_view copy = {NULL, 0};

    (void)state;
    CHECK_EQ("a copy", sgl_arena_dup(&arena, SGL_LIT("abc"), &copy), SGL_OK);
    CHECK_VIEW("a copy is equal", copy, SGL_LIT("abc"));
    CHECK_EQ("an empty copy", sgl_arena_dup(&arena, sgl_view_of(NULL, 0), &copy), SGL_OK);
    CHECK_TRUE("an empty copy points somewhere", copy.ptr != NULL && copy.len == 0);
    CHECK_STR("with a NUL behind", sgl_arena_cstr(&arena, SGL_LIT("abc")), "abc");
    CHECK_TRUE("an inner NUL is refused", sgl_arena_cstr(&arena, SGL_LIT("a\0c")) == NULL);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        bool failed = false;

        for (int i = 0; i < 40 && !failed; i++)
            failed = sgl_arena_alloc(&arena, 900) == NULL;
        CHECK_EQ("no memory is told", failed, fail_alloc_hit());
        CHECK_EQ("no memory is a status", arena.status, failed ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory), cmocka_unit_test(maximum),       cmocka_unit_test(marks),
        cmocka_unit_test(copies), cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
