/* SPDX-License-Identifier: Apache-2.0 */
/* A list of suppressions from CSV: columns by name or by place, faults with their lines, every allocation made to fail. */
#include "../../server/doors/http/suppression_list.h"
#include "check.h"
#include "fail_alloc.h"

static bool read_text(struct suppression_list *l, char *copy, size_t size, const char *text)
{
    snprintf(copy, size, "%s", text);
    suppression_list_init(l);
    return suppression_list_read(l, copy, strlen(copy));
}

static void test_read(void **state)
{
    char copy[512];
    struct suppression_list l;

    (void)state;
    assert_true(read_text(&l, copy, sizeof(copy),
                          "# mine\nReply,ADDRESS,created_at,domain,case_sensitive,expires_at,"
                          "reason\n550 no,a@x.test,2026-01-01,d.test,true,4000000000,complaint\n\n"
                          ",b@x.test\n"));
    CHECK_EQ("two entries", l.items, 2);
    CHECK_EQ("of lines 3", l.line[0], 3);
    CHECK_EQ("and 5", l.line[1], 5);
    CHECK_TRUE("columns are in any order", sgl_view_eq(l.item[0].address, SGL_LIT("a@x.test")) &&
                                               sgl_view_eq(l.item[0].reply, SGL_LIT("550 no")) &&
                                               sgl_view_eq(l.item[0].domain, SGL_LIT("d.test")));
    CHECK_EQ("times", l.item[0].created_at, 1767225600);
    CHECK_EQ("of two kinds", l.item[0].expires_at, 4000000000);
    CHECK_EQ("a reason", l.item[0].reason, SUPPRESSION_COMPLAINT);
    CHECK_EQ("a spelling", l.item[0].spelling, SUPPRESSION_EXACT);
    CHECK_EQ("what a line does not say is as given", l.item[1].reason, SUPPRESSION_MANUAL);
    CHECK_EQ("everything", l.item[1].spelling, SUPPRESSION_AS_CONFIGURED);
    suppression_list_done(&l);
    assert_true(read_text(&l, copy, sizeof(copy), ""));
    CHECK_EQ("nothing is an empty list", l.items, 0);
    suppression_list_done(&l);
}

static void test_too_many(void **state)
{
    static char text[2 * DIRECTORY_SUPPRESSIONS_MAX + 2];
    struct suppression_list l;

    (void)state;
    for (size_t i = 0; i <= DIRECTORY_SUPPRESSIONS_MAX; i++)
        memcpy(text + 2 * i, "a\n", 2);
    suppression_list_init(&l);
    CHECK_TRUE("100,000 fit", suppression_list_read(&l, text, 2 * DIRECTORY_SUPPRESSIONS_MAX));
    suppression_list_done(&l);
    suppression_list_init(&l);
    CHECK_TRUE("not one more", !suppression_list_read(&l, text, sizeof(text)));
    CHECK_EQ("its line is told", l.fault_line, DIRECTORY_SUPPRESSIONS_MAX + 1);
    suppression_list_done(&l);
}

static void test_no_memory(void **state)
{
    static char text[6000], copy[sizeof(text)];

    (void)state;
    memset(text, '\n', sizeof(text));
    for (size_t i = 0; i < sizeof(text); i += 2)
        text[i] = 'a';
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct suppression_list l;
        bool fine;

        suppression_list_init(&l);
        memcpy(copy, text, sizeof(text));
        fine = suppression_list_read(&l, copy, sizeof(copy));
        CHECK_EQ("memory ends", fine, !fail_alloc_hit());
        CHECK_EQ("which is the fault of no line", l.fault_line, 0);
        CHECK_TRUE("all or less", fine ? l.items == 3000 : l.items < 3000);
        suppression_list_done(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
