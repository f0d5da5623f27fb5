/* SPDX-License-Identifier: Apache-2.0 */
/* Where an issuer may be. */
#include "../../server/https/https.h"
#include "check.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *address;
        bool may, may_with_loopback;
    } cases[] = {
        {"192.0.2.1", true, true},         {"10.0.0.1", true, true},
        {"169.253.255.255", true, true},   {"2001:db8::1", true, true},
        {"fd00::1", true, true},           {"::ffff:192.0.2.1", true, true},
        {"127.0.0.1", false, true},        {"::1", false, true},
        {"::ffff:127.0.0.1", false, true}, {"0.0.0.0", false, false},
        {"0.1.2.3", false, false},         {"::", false, false},
        {"169.254.169.254", false, false}, {"::ffff:169.254.169.254", false, false},
        {"fe80::1", false, false},         {"febf::1", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sgl_ip ip;

        assert_int_equal(sgl_ip_parse(sgl_view_cstr(cases[i].address), &ip), SGL_OK);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, false), cases[i].may);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, true), cases[i].may_with_loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
