/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/finding.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

static const struct sgl_finding fault = {.code = "spf-two-records", .severity = SGL_ERROR};

static void a_finding_is_printable_whatever_was_in_it(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_findings list = {0};

    (void)state;
    CHECK_EQ("add",
             sgl_finding_add(&list, &arena, &fault, "publish \"v=spf1\"", "name %s\n\x1b[1m",
                             "\xc3\xbc"),
             SGL_OK);
    CHECK_TRUE("text", sgl_view_eq(list.first->text, SGL_LIT("name \\xc3\\xbc\\x0a\\x1b[1m")));
    CHECK_TRUE("mend", sgl_view_eq(list.first->mend, SGL_LIT("publish \"v=spf1\"")));
    CHECK_EQ("errors", list.errors, 1);
    CHECK_TRUE("have", sgl_findings_have(&list, "spf-two-records"));
    CHECK_TRUE("have not", !sgl_findings_have(&list, "spf-two"));
}

static void more_than_anybody_reads_is_left_out(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_findings list = {0};

    (void)state;
    for (unsigned i = 0; i < SGL_LIMIT_FINDINGS + 5; i++)
        CHECK_EQ("add", sgl_finding_add(&list, &arena, &fault, NULL, "no. %u", i), SGL_OK);
    CHECK_EQ("count", list.count, SGL_LIMIT_FINDINGS);
    CHECK_TRUE("full", list.full);
    CHECK_EQ("errors are counted all the same", list.errors, SGL_LIMIT_FINDINGS + 5);
}

static void memory_that_ends_adds_nothing(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_findings list = {0};
        enum sgl_status status = sgl_finding_add(&list, &arena, &fault, "mend", "text");

        CHECK_EQ("status", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_EQ("count", list.count, fail_alloc_hit() ? 0 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_is_printable_whatever_was_in_it),
        cmocka_unit_test(more_than_anybody_reads_is_left_out),
        cmocka_unit_test(memory_that_ends_adds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
