/* SPDX-License-Identifier: Apache-2.0 */
/* A rolling day in cells of half an hour. */
#include "../../server/guard/window.h"
#include "check.h"

#define H      INT64_C(3600000)
#define BEGAN  (INT64_C(500000) * WINDOW_CELL_MS)
#define MINUTE INT64_C(60000)

static void test_day(void **state)
{
    static const struct {
        const char *name;
        int64_t added_ms, looked_ms;
        uint64_t want;
    } rows[] = {
        {"at once it counts", 0, 0, 3},
        {"after a day but a moment it counts", 0, 24 * H - 1, 3},
        {"of the cell's begin it counts half an hour longer", 0, 24 * H + 29 * MINUTE, 3},
        {"then it does not", 0, 24 * H + 30 * MINUTE, 0},
        {"of the cell's end it counts a day", 29 * MINUTE, 48 * H / 2 + 29 * MINUTE, 3},
        {"and no longer", 29 * MINUTE, 24 * H + 30 * MINUTE, 0},
        {"after a long time nothing is left", 0, 1000 * H, 0},
        {"a clock that goes back by an hour changes nothing", 0, -H, 3},
        {"one that had been wrong by days begins anew", 0, -48 * H, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct window w = {.cell = 0};

        window_add(&w, BEGAN + rows[i].added_ms, 3, 2);
        window_advance(&w, BEGAN + rows[i].looked_ms);
        CHECK_EQ(rows[i].name, w.messages_sum, rows[i].want);
        CHECK_EQ(rows[i].name, w.complaints_sum, rows[i].want * 2 / 3);
    }
}

/* Against the plain way: a list of all that was counted. */
static void test_against_a_list(void **state)
{
    static struct {
        int64_t at_ms;
        uint32_t n;
    } all[4000];
    struct window w = {.cell = 0};
    int64_t now = BEGAN;
    uint32_t seed = 7;

    (void)state;
    for (size_t i = 0; i < 4000; i++) {
        uint64_t want = 0;

        seed = seed * 1664525u + 1013904223u;
        now += seed >> 8 & 0x3fffff; /* up to 70 minutes */
        all[i].at_ms = now;
        all[i].n = seed >> 28;
        window_add(&w, now, all[i].n, 0);
        for (size_t k = 0; k <= i; k++)
            if (all[k].at_ms / WINDOW_CELL_MS > now / WINDOW_CELL_MS - WINDOW_CELLS)
                want += all[k].n;
        CHECK_EQ("the sum is that of the list", w.messages_sum, want);
    }
}

static void test_give_back(void **state)
{
    struct window w = {.cell = 0};
    int64_t first = window_add(&w, BEGAN, 5, 0), second = window_add(&w, BEGAN + H, 7, 0);

    (void)state;
    CHECK_EQ("another hour is another cell", second - first, 2);
    window_give_back(&w, first, 2);
    CHECK_EQ("what is given back no longer counts", w.messages_sum, 10);
    window_give_back(&w, first, 9);
    CHECK_EQ("never more than there was", w.messages_sum, 7);
    window_advance(&w, BEGAN + 25 * H);
    window_give_back(&w, first, 1);
    CHECK_EQ("what has left the day is not looked for", w.messages_sum, 7);
    window_give_back(&w, second + 100, 1);
    CHECK_EQ("nor what is to come", w.messages_sum, 7);
}

static void test_bounds(void **state)
{
    struct window w = {.cell = 0};

    (void)state;
    window_add(&w, BEGAN, UINT32_MAX, 1);
    window_add(&w, BEGAN, 5, UINT32_MAX);
    CHECK_EQ("a full cell takes no more", w.messages_sum, UINT32_MAX);
    CHECK_EQ("of either", w.complaints_sum, UINT32_MAX);
    window_add(&w, BEGAN - H, 5, 0);
    CHECK_EQ("an earlier cell has room of its own", w.messages_sum, UINT32_MAX + UINT64_C(5));
    CHECK_EQ("what is stored is the cell's end", window_stored_ms(BEGAN), BEGAN + 30 * MINUTE - 1);
    CHECK_EQ("which is in the same cell", window_stored_ms(BEGAN + 1) / WINDOW_CELL_MS,
             BEGAN / WINDOW_CELL_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_day), cmocka_unit_test(test_against_a_list),
        cmocka_unit_test(test_give_back), cmocka_unit_test(test_bounds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
