/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a pattern means. */
#include "../../server/doors/http/sendgrid_walk.h"
#include "check.h"

static void test_patterns(void **state)
{
    static const struct {
        const char *name, *pattern, *address;
        bool want;
    } rows[] = {
        {"the beginning", "sales", "sales@x.test", true},
        {"more than the beginning", "sales", "salesdepartment@x.test", true},
        {"what stands inside", "ales", "sales@x.test", false},
        {"unless anything may be before", "%ales", "sales@x.test", true},
        {"two pieces in their order", "%market%tree", "a.market.of.trees@x.test", true},
        {"not in another", "%tree%market", "a.market.of.trees@x.test", false},
        {"pieces do not share letters", "%aba%ba", "xaba@x.test", false},
        {"the first place will do", "%ab%abc", "ababc@x.test", true},
        {"letters of either case", "%@X.Test", "sales@x.test", true},
        {"nothing is all", "", "a@x.test", true},
        {"as is anything", "%%", "a@x.test", true},
        {"longer than the address", "a@x.test.", "a@x.test", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(
            rows[i].name,
            sendgrid_email_match(sgl_view_cstr(rows[i].pattern), sgl_view_cstr(rows[i].address)),
            rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
