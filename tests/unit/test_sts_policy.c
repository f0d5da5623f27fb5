/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as a value: copied, counted, with its end. */
#include <stdlib.h>

#include "../../server/sts/sts.h"
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define BODY                                                                                       \
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.d.test\r\nmx: *.m.test\r\nmax_age: 86400\r\n"

static enum sgl_status read_it(const char *body, struct sts_policy **out, char why[STS_WHY_SIZE])
{
    return sts_policy_read(SGL_LIT("d.test"), SGL_LIT("a1"), sgl_view_cstr(body), 1000, out, why);
}

static void test_read(void **state)
{
    struct sts_policy *p = NULL;
    char why[STS_WHY_SIZE] = "", body[] = BODY;

    (void)state;
    CHECK_EQ("a policy is read", read_it(body, &p, why), SGL_OK);
    memset(body, 'x', sizeof(body) - 1);
    CHECK_VIEW("its domain", p->domain, SGL_LIT("d.test"));
    CHECK_VIEW("its id", p->id, SGL_LIT("a1"));
    CHECK_VIEW("its body is a copy", p->body, SGL_LIT(BODY));
    CHECK_EQ("its mode", p->policy.mode, SGL_MTA_STS_ENFORCE);
    CHECK_EQ("its patterns", p->policy.count, 2);
    CHECK_EQ("when it was fetched", p->fetched_at, 1000);
    CHECK_EQ("it ends max_age later [RFC 8461 s3.2]", p->expires_at, 1000 + 86400);
    CHECK_TRUE("enforce counts", sts_policy_counts(p));
    CHECK_EQ("who takes a reference has the same one", sts_policy_ref(p) == p, true);
    sts_policy_unref(p);
    CHECK_VIEW("it lives until the last one goes", p->id, SGL_LIT("a1"));
    sts_policy_unref(p);
    sts_policy_unref(NULL);
}

static void test_modes(void **state)
{
    struct sts_policy *p = NULL;
    char why[STS_WHY_SIZE] = "";

    (void)state;
    CHECK_EQ("testing", read_it("version: STSv1\nmode: testing\nmx: a.test\nmax_age: 0\n", &p, why),
             SGL_OK);
    CHECK_TRUE("testing counts", sts_policy_counts(p));
    CHECK_EQ("max_age 0 has ended at once", p->expires_at, 1000);
    sts_policy_unref(p);
    CHECK_EQ("none", read_it("version: STSv1\nmode: none\nmax_age: 60\n", &p, why), SGL_OK);
    CHECK_TRUE("none does not count", !sts_policy_counts(p));
    CHECK_TRUE("nothing does not count", !sts_policy_counts(NULL));
    sts_policy_unref(p);
}

static void test_broken(void **state)
{
    struct sts_policy *p = NULL;
    char why[STS_WHY_SIZE] = "";
    char *large = calloc(1, SGL_LIMIT_MTA_STS_POLICY + 2);

    (void)state;
    CHECK_EQ("a broken one is refused",
             read_it("version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1\n", &p, why),
             SGL_E_SYNTAX);
    CHECK_STR("and says why", why,
              "its policy cannot be read: mode is not enforce, testing or none");
    memset(large, '\n', SGL_LIMIT_MTA_STS_POLICY + 1);
    CHECK_EQ("one byte more than 64 KiB", read_it(large, &p, why), SGL_E_LIMIT);
    CHECK_STR("says why", why, "its policy cannot be read: it is too large");
    CHECK_TRUE("nothing is given out", p == NULL);
    free(large);
}

/* The most that a policy may hold fits into what it may take. */
static void test_largest(void **state)
{
    struct sts_policy *p = NULL;
    char why[STS_WHY_SIZE] = "";
    struct sgl_buf body = SGL_BUF_INIT(SGL_LIMIT_MTA_STS_POLICY);

    (void)state;
    sgl_buf_add(&body, SGL_LIT("version: STSv1\nmode: enforce\nmax_age: 1\n"));
    for (unsigned i = 0; i < SGL_LIMIT_MTA_STS_MX; i++)
        sgl_buf_addf(&body,
                     "mx: *.h%u.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
                     "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
                     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd."
                     "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee.test\n",
                     i);
    CHECK_EQ("it fits a body", body.status, SGL_OK);
    CHECK_EQ("all of it is taken",
             sts_policy_read(SGL_LIT("d.test"), SGL_LIT("1"), sgl_buf_view(&body), 0, &p, why),
             SGL_OK);
    CHECK_EQ("all patterns", p->policy.count, SGL_LIMIT_MTA_STS_MX);
    sts_policy_unref(p);
    sgl_buf_done(&body);
}

static void test_memory(void **state)
{
    char why[STS_WHY_SIZE] = "";

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sts_policy *p = NULL;
        enum sgl_status status = read_it(BODY, &p, why);

        CHECK_EQ("without memory there is no policy", status,
                 fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_TRUE("and nothing is given out", (p == NULL) == fail_alloc_hit());
        sts_policy_unref(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),   cmocka_unit_test(test_modes),
        cmocka_unit_test(test_broken), cmocka_unit_test(test_largest),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
