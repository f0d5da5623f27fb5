/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of those who send to us: replaced, removed, there after a restart. */
#include "../../server/store/reputation.h"
#include "store_steps.h"

#define V(s) sgl_view_cstr(s)

static void write_rows(const struct reputation_row *row, size_t rows)
{
    struct reputation_op op = {.op = {.kind = STORE_REPUTATION}, .row = row, .rows = rows};

    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
}

static bool put(void *ctx, const struct reputation_row *r)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 1000 - len, "%d %.*s %d %d", r->kind, SGL_FMT(r->name), (int)r->at,
             (int)r->last);
    for (int i = 0; i < REPUTATION_COUNTS; i++) {
        len = strlen(text);
        snprintf(text + len, 1000 - len, " %g", r->count[i]);
    }
    strcat(text, "; ");
    return true;
}

static const char *all(void)
{
    static char text[1000];

    text[0] = '\0';
    assert_int_equal(store_read_reputation(fx.store, put, text), STORE_OK);
    return text;
}

static void test_rows_are_replaced_and_removed(void **state)
{
    struct reputation_row row[] = {
        {.kind = 0, .name = V("192.0.2.1"), .at = 7, .last = 5, .count = {0.5, 2, 3, 4, 5, 6}},
        {.kind = 1, .name = V("192.0.2.1"), .at = 8, .count = {1}},
    };
    struct reputation_row next[] = {
        {.kind = 0, .name = V("192.0.2.1"), .at = 9, .last = 9, .count = {0, 0, 1.25}},
        {.kind = 1, .name = V("192.0.2.1"), .remove = true},
        {.kind = 2, .name = V("nobody.test"), .remove = true},
    };

    (void)state;
    write_rows(row, 2);
    assert_string_equal(all(), "0 192.0.2.1 7 5 0.5 2 3 4 5 6; 1 192.0.2.1 8 0 1 0 0 0 0 0; ");
    write_rows(next, 3);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    assert_string_equal(all(), "0 192.0.2.1 9 9 0 0 1.25 0 0 0; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TEST(test_rows_are_replaced_and_removed)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
