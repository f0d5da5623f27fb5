/* SPDX-License-Identifier: Apache-2.0 */
/* Records summed up by source and result. */
#include "../../cli/dmarc_report.h"

#include "check.h"

static struct sgl_dmarc_report_record record(uint32_t n, uint64_t count)
{
    uint8_t ip[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

    return (struct sgl_dmarc_report_record){.ip = sgl_ip_v4(ip),
                                            .count = count,
                                            .dkim = SGL_DMARC_ALIGNED_FAIL,
                                            .spf = SGL_DMARC_ALIGNED_FAIL,
                                            .header_from = SGL_LIT("example.org")};
}

static void same_source_and_result_is_one_row(void **state)
{
    struct sgl_dmarc_report_record a = record(1, 5), b = record(2, 9), other = record(1, 1);
    struct dmarc_sum s;

    (void)state;
    other.dkim = SGL_DMARC_ALIGNED_PASS;
    dmarc_sum_init(&s, 1);
    assert_true(dmarc_sum_add(&s, &a) && dmarc_sum_add(&s, &b) && dmarc_sum_add(&s, &a));
    assert_true(dmarc_sum_add(&s, &other));
    dmarc_sum_sort(&s);
    assert_int_equal(s.rows, 3);
    assert_true(s.messages == 20 && s.passed == 1 && s.others == 0);
    assert_true(s.row[0].messages == 10 && s.row[1].messages == 9 && s.row[2].messages == 1);
    assert_true(s.row[2].passed && !s.row[0].passed);
    dmarc_sum_done(&s);
}

/* What comes when the table is full is counted, and takes no memory. */
static void the_table_has_an_end(void **state)
{
    struct dmarc_sum s;

    (void)state;
    dmarc_sum_init(&s, 1);
    for (uint32_t i = 0; i < DMARC_ROWS_MAX + 100; i++) {
        struct sgl_dmarc_report_record r = record(i, 2);

        assert_true(dmarc_sum_add(&s, &r));
    }
    assert_int_equal(s.rows, DMARC_ROWS_MAX);
    assert_int_equal(s.others, 200);
    assert_int_equal(s.messages, 2 * (DMARC_ROWS_MAX + 100));
    dmarc_sum_done(&s);
}

static void cells_say_what_was_said_and_of_whom(void **state)
{
    static const struct sgl_dmarc_report_dkim
        failed[] = {{SGL_LIT_INIT("a.example"), {NULL, 0}, SGL_DMARC_RAW_FAIL, {NULL, 0}},
                    {SGL_LIT_INIT("b.example"), {NULL, 0}, SGL_DMARC_RAW_PASS, {NULL, 0}}},
        hostile[] = {{SGL_LIT_INIT("a\x1b[31m\nb"), {NULL, 0}, SGL_DMARC_RAW_FAIL, {NULL, 0}}};
    static const struct sgl_dmarc_report_spf spf[] = {
        {SGL_LIT_INIT("c.example"), SGL_DMARC_SCOPE_MFROM, SGL_DMARC_RAW_SOFTFAIL, {NULL, 0}}};
    struct sgl_dmarc_report_record r = record(1, 1);
    char cell[DMARC_CELL_SIZE];

    (void)state;
    dmarc_dkim_cell(&r, cell);
    CHECK_STR("no signature", cell, "none");
    r.dkim_result = failed;
    r.dkims = 1;
    dmarc_dkim_cell(&r, cell);
    CHECK_STR("one that fails", cell, "fail: a.example");
    r.dkims = 2;
    dmarc_dkim_cell(&r, cell);
    CHECK_STR("one that passes, and is not aligned", cell, "pass: b.example");
    r.dkim = SGL_DMARC_ALIGNED_PASS;
    dmarc_dkim_cell(&r, cell);
    CHECK_STR("aligned", cell, "pass");
    r.dkim = SGL_DMARC_ALIGNED_FAIL;
    r.dkim_result = hostile;
    r.dkims = 1;
    dmarc_dkim_cell(&r, cell);
    CHECK_STR("nothing that moves a terminal", cell, "fail: a?[31m?b");
    dmarc_spf_cell(&r, cell);
    CHECK_STR("SPF that nobody asked", cell, "none");
    r.spf_result = spf;
    r.spfs = 1;
    dmarc_spf_cell(&r, cell);
    CHECK_STR("SPF", cell, "softfail: c.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_source_and_result_is_one_row),
        cmocka_unit_test(the_table_has_an_end),
        cmocka_unit_test(cells_say_what_was_said_and_of_whom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
