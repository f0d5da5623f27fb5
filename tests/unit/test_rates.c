/* SPDX-License-Identifier: Apache-2.0 */
/* What an address did in the last minute: counted, bounded, forgotten. */
#include "../../server/doors/inbound/rates.h"
#include "check.h"

static struct sgl_ip ip_of(const char *text)
{
    struct sgl_ip ip = {0};

    CHECK_EQ(text, sgl_ip_parse(sgl_view_cstr(text), &ip), SGL_OK);
    return ip;
}

static void so_many_a_minute(void **state)
{
    struct rates *r = rates_new();
    struct sgl_ip a = ip_of("192.0.2.1"), b = ip_of("192.0.2.2");

    (void)state;
    for (int i = 0; i < 3; i++)
        CHECK_TRUE("room", rates_take(r, &a, RATE_MESSAGES, 3, 1000));
    CHECK_TRUE("no more", !rates_take(r, &a, RATE_MESSAGES, 3, 60999));
    CHECK_TRUE("looked at", rates_is_over(r, &a, RATE_MESSAGES, 3, 60999));
    CHECK_TRUE("another one", !rates_is_over(r, &b, RATE_MESSAGES, 3, 60999));
    CHECK_TRUE("another kind", rates_take(r, &a, RATE_NULL, 3, 60999));
    CHECK_TRUE("0: any number", rates_take(r, &a, RATE_MESSAGES, 0, 60999));
    CHECK_TRUE("a minute later", rates_take(r, &a, RATE_MESSAGES, 3, 61000));
    rates_free(r);
}

static void to_look_counts_nothing(void **state)
{
    struct rates *r = rates_new();
    struct sgl_ip a = ip_of("192.0.2.1");

    (void)state;
    for (int i = 0; i < 10; i++)
        CHECK_TRUE("room", !rates_is_over(r, &a, RATE_ERRORS, 1, 1000));
    CHECK_TRUE("room", rates_take(r, &a, RATE_ERRORS, 1, 1000));
    CHECK_TRUE("a clock read earlier is no new minute", !rates_take(r, &a, RATE_ERRORS, 1, 999));
    rates_free(r);
}

static void a_network_of_ipv6_is_one(void **state)
{
    struct rates *r = rates_new();
    struct sgl_ip a = ip_of("2001:db8:1:2::1"), b = ip_of("2001:db8:1:2:ffff::9"),
                  c = ip_of("2001:db8:1:3::1"), mapped = ip_of("::ffff:192.0.2.1"),
                  plain = ip_of("192.0.2.1");

    (void)state;
    CHECK_TRUE("one", rates_take(r, &a, RATE_ERRORS, 1, 1));
    CHECK_TRUE("its neighbour", !rates_take(r, &b, RATE_ERRORS, 1, 1));
    CHECK_TRUE("another network", rates_take(r, &c, RATE_ERRORS, 1, 1));
    CHECK_TRUE("mapped", rates_take(r, &mapped, RATE_ERRORS, 1, 1));
    CHECK_TRUE("is the same", !rates_take(r, &plain, RATE_ERRORS, 1, 1));
    rates_free(r);
}

static void all_together(void **state)
{
    struct rates *r = rates_new();

    (void)state;
    CHECK_TRUE("room", rates_take_all(r, RATE_NULL, 2, 1));
    CHECK_TRUE("room", rates_take_all(r, RATE_NULL, 2, 1));
    CHECK_TRUE("no more", !rates_take_all(r, RATE_NULL, 2, 1));
    CHECK_TRUE("a minute later", rates_take_all(r, RATE_NULL, 2, 60001));
    rates_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_a_minute),
        cmocka_unit_test(to_look_counts_nothing),
        cmocka_unit_test(a_network_of_ipv6_is_one),
        cmocka_unit_test(all_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
