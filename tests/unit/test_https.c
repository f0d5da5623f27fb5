/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be asked. */
#include "../../server/https/https.h"
#include "check.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *address;
        bool public, private, loopback;
    } cases[] = {
        {"1.1.1.1", true, true, true},
        {"2606:4700::1111", true, true, true},
        {"192.0.2.1", false, true, true},
        {"10.0.0.1", false, true, true},
        {"172.16.0.1", false, true, true},
        {"192.168.1.1", false, true, true},
        {"100.64.0.1", false, true, true},
        {"::ffff:10.0.0.1", false, true, true},
        {"169.253.255.255", true, true, true},
        {"2001:db8::1", false, true, true},
        {"fd00::1", false, true, true},
        {"224.0.0.1", false, true, true},
        {"::ffff:192.0.2.1", false, true, true},
        {"127.0.0.1", false, false, true},
        {"::1", false, false, true},
        {"::ffff:127.0.0.1", false, false, true},
        {"0.0.0.0", false, false, false},
        {"0.1.2.3", false, false, false},
        {"::", false, false, false},
        {"169.254.169.254", false, false, false},
        {"::ffff:169.254.169.254", false, false, false},
        {"fe80::1", false, false, false},
        {"febf::1", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sgl_ip ip;

        assert_int_equal(sgl_ip_parse(sgl_view_cstr(cases[i].address), &ip), SGL_OK);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, HTTPS_PUBLIC), cases[i].public);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, HTTPS_PRIVATE), cases[i].private);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, HTTPS_LOOPBACK), cases[i].loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
