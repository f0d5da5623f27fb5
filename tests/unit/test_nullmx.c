/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/nullmx.h"

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"

/* [RFC 7505 s3] */
static void null_mx(void **state)
{
    static const struct {
        const char *name, *zone;
        enum sgl_nullmx want;
    } cases[] = {
        {"one root exchange, preference 0, is a null MX", "MX 0 .", SGL_NULLMX_PRESENT},
        {"a root exchange beside another is broken", "MX 0 .\nMX 10 mx.a.test", SGL_NULLMX_BROKEN},
        {"a root exchange with another preference is broken", "MX 10 .", SGL_NULLMX_BROKEN},
        {"a root exchange beside a malformed one is broken", "MX 0 .\nRAW MX 00",
         SGL_NULLMX_BROKEN},
        {"an ordinary exchange is not a null MX", "MX 10 mx.a.test", SGL_NULLMX_ABSENT},
        {"no such name is not a null MX", "NXDOMAIN", SGL_NULLMX_ABSENT},
        {"no such type is not a null MX", "A 192.0.2.1", SGL_NULLMX_ABSENT},
        {"a failed lookup is temporary", "SERVFAIL", SGL_NULLMX_TEMPERROR},
        {"a forged answer is temporary", "BOGUS", SGL_NULLMX_TEMPERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", cases[i].zone);
        enum sgl_nullmx got = (enum sgl_nullmx)99;

        CHECK_EQ(cases[i].name, sgl_nullmx_check(fx.name, &fx.dns, &got), SGL_NEED_DNS);
        CHECK_EQ(cases[i].name, got, 99); /* nothing leaks out of a pending pass */
        dns_fixture_answer(&fx);
        CHECK_EQ(cases[i].name, sgl_nullmx_check(fx.name, &fx.dns, &got), SGL_OK);
        CHECK_EQ(cases[i].name, got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(null_mx)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
