/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what is known of a domain.  [RFC 8461 s3.1, s3.3, s5.1] */
#include "../../server/sts/sts_internal.h"
#include "check.h"

#define DAY  86400
#define WEEK (7 * DAY)
#define NOW  (100 * (int64_t)DAY)

enum { NONE = STS_NONE, POLICY = STS_POLICY, UNKNOWN = STS_UNKNOWN };
enum {
    NOTHING = SGL_MTA_STS_NONE,
    FOUND = SGL_MTA_STS_FOUND,
    SEVERAL = SGL_MTA_STS_SEVERAL,
    BROKEN = SGL_MTA_STS_BROKEN,
    TEMPERROR = SGL_MTA_STS_TEMPERROR
};

static const struct {
    const char *rule;
    /* known: its id, NULL: none; how long ago it was fetched; its max_age */
    const char *known;
    int64_t ago, max_age;
    bool unread;
    int said;
    const char *id;
    const char
        *failed; /* id of a fetch that failed, and in how many seconds it may be tried again */
    int64_t retry_in;
    int state;
    bool fetch, wait;
} cases[] = {
    {"no record and nothing known: none", NULL, 0, 0, false, NOTHING, "", "", 0, NONE, false,
     false},
    {"several records are as none", NULL, 0, 0, false, SEVERAL, "", "", 0, NONE, false, false},
    {"a broken record is as none", NULL, 0, 0, false, BROKEN, "", "", 0, NONE, false, false},
    {"a record and nothing known: fetched, and waited for", NULL, 0, 0, false, FOUND, "a", "", 0,
     NONE, true, true},
    {"the same id, fetched lately", "a", 60, WEEK, false, FOUND, "a", "", 0, POLICY, false, false},
    {"after a day it is fetched again, and counts meanwhile", "a", DAY, WEEK, false, FOUND, "a", "",
     0, POLICY, true, false},
    {"not before", "a", DAY - 1, WEEK, false, FOUND, "a", "", 0, POLICY, false, false},
    {"a short one at half its time", "a", 1800, 3600, false, FOUND, "a", "", 0, POLICY, true,
     false},
    {"not before that", "a", 1799, 3600, false, FOUND, "a", "", 0, POLICY, false, false},
    {"another id: what it says now is waited for", "a", 60, WEEK, false, FOUND, "b", "", 0, POLICY,
     true, true},
    {"an id has no order", "b", 60, WEEK, false, FOUND, "a", "", 0, POLICY, true, true},
    {"an id is compared as it is", "a", 60, WEEK, false, FOUND, "A", "", 0, POLICY, true, true},
    {"one that has ended is fetched anew", "a", WEEK, WEEK, false, FOUND, "a", "", 0, NONE, true,
     true},
    {"and until then it counts", "a", WEEK - 1, WEEK, false, FOUND, "a", "a", 300, POLICY, false,
     false},
    {"max_age 0 is for the delivery that asked", "a", 1, 0, false, FOUND, "a", "a", 300, POLICY,
     false, false},
    {"and then no more", "a", STS_LEAST_S, 0, false, FOUND, "a", "a", 300, NONE, false, false},
    {"a record that is gone takes nothing back", "a", 60, WEEK, false, NOTHING, "", "", 0, POLICY,
     false, false},
    {"nor do several", "a", 60, WEEK, false, SEVERAL, "", "", 0, POLICY, false, false},
    {"nor a broken one", "a", 60, WEEK, false, BROKEN, "", "", 0, POLICY, false, false},
    {"nor a lookup that fails", "a", 60, WEEK, false, TEMPERROR, "", "", 0, POLICY, false, false},
    {"the end of its time does", "a", WEEK, WEEK, false, NOTHING, "", "", 0, NONE, false, false},
    {"a lookup that fails and nothing known: nobody knows", NULL, 0, 0, false, TEMPERROR, "", "", 0,
     UNKNOWN, false, false},
    {"nor with one that has ended", "a", WEEK, WEEK, false, TEMPERROR, "", "", 0, UNKNOWN, false,
     false},
    {"a store that cannot be read and no record: nobody knows", NULL, 0, 0, true, NOTHING, "", "",
     0, UNKNOWN, false, false},
    {"a store that cannot be read and a record: it is asked", NULL, 0, 0, true, FOUND, "a", "", 0,
     UNKNOWN, true, true},
    {"and if that failed lately, nobody knows", NULL, 0, 0, true, FOUND, "a", "a", 300, UNKNOWN,
     false, false},
    {"after a failure nobody asks for five minutes", NULL, 0, 0, false, FOUND, "a", "a", 1, NONE,
     false, false},
    {"then again", NULL, 0, 0, false, FOUND, "a", "a", 0, NONE, true, true},
    {"another id is another matter", NULL, 0, 0, false, FOUND, "b", "a", 300, NONE, true, true},
    {"a new id that failed: the known one counts", "a", 60, WEEK, false, FOUND, "b", "b", 300,
     POLICY, false, false},
    {"a wait that is too long was made by another clock", NULL, 0, 0, false, FOUND, "a", "a", 301,
     NONE, true, true},
    {"fetched in the future: by another clock; it counts and is asked for", "a", -DAY, WEEK, false,
     FOUND, "a", "", 0, POLICY, true, false},
};

static void test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sts_policy known = {.fetched_at = NOW - cases[i].ago};
        struct sts_failure failure = {.until = NOW + cases[i].retry_in};
        struct sts_facts facts = {.known = cases[i].known != NULL ? &known : NULL,
                                  .read = !cases[i].unread,
                                  .said = (enum sgl_mta_sts_state)cases[i].said,
                                  .id = sgl_view_cstr(cases[i].id),
                                  .failure = &failure,
                                  .now = NOW};
        struct sts_verdict v;

        snprintf(failure.id, sizeof(failure.id), "%s", cases[i].failed);
        if (facts.known != NULL)
            known.id = sgl_view_cstr(cases[i].known);
        known.expires_at = known.fetched_at + cases[i].max_age;
        v = sts_judge(&facts);
        CHECK_EQ(cases[i].rule, v.state, cases[i].state);
        CHECK_EQ(cases[i].rule, v.fetch, cases[i].fetch);
        CHECK_EQ(cases[i].rule, v.wait, cases[i].wait);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_judge)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
