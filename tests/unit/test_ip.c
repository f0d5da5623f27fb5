/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/ip.h"

#include "check.h"

#define V(s) sgl_view_cstr(s)

static struct sgl_ip ip_of(const char *text)
{
    struct sgl_ip ip = {0, {0}};

    CHECK_EQ(text, sgl_ip_parse(V(text), &ip), SGL_OK);
    return ip;
}

/* want NULL: refused; else the canonical text. [RFC 4291 s2.2, RFC 5952 s4.2, s5] */
static void parse_and_print(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"dotted quad", "192.0.2.255", "192.0.2.255"},
        {"zeros", "0.0.0.0", "0.0.0.0"},
        {"three parts", "192.0.2", NULL},
        {"five parts", "192.0.2.1.1", NULL},
        {"final dot", "192.0.2.1.", NULL},
        {"part above 255", "192.0.2.256", NULL},
        {"leading zero", "192.0.02.1", NULL},
        {"hexadecimal", "0x7f.0.0.1", NULL},
        {"empty part", "1..2.3", NULL},
        {"empty", "", NULL},
        {"blank", " 192.0.2.1", NULL},
        {"longest run is shortened", "2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"},
        {"first of equal runs", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"one zero group is not shortened", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"leading zeros and capitals go", "2001:0DB8::0001", "2001:db8::1"},
        {"all zero", "::", "::"},
        {"loopback", "::1", "::1"},
        {"run at the end", "fe80::", "fe80::"},
        {"run at the start", "0:0:0:1:2:3:4:5", "::1:2:3:4:5"},
        {"mapped", "::ffff:c000:0201", "::ffff:192.0.2.1"},
        {"quad at the end", "64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"quad behind six groups", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"quad behind seven groups", "1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"quad in the middle", "1:1.2.3.4::", NULL},
        {"nine groups", "1:2:3:4:5:6:7:8:9", NULL},
        {"seven groups", "1:2:3:4:5:6:7", NULL},
        {"a gap of no group", "1:2:3:4:5:6:7::8", NULL},
        {"a gap of one group", "1:2:3:4:5:6::8", "1:2:3:4:5:6:0:8"},
        {"a gap at the end of seven", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"two gaps", "1::2::3", NULL},
        {"three colons", "1:::2", NULL},
        {"one colon at the start", ":1:2:3:4:5:6:7", NULL},
        {"one colon at the end", "1:2:3:4:5:6:7:", NULL},
        {"five digits", "12345::", NULL},
        {"zone", "fe80::1%eth0", NULL},
        {"brackets", "[::1]", NULL},
        {"not hex", "g::", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_ip ip = {99, {0}};
        char text[SGL_IP_TEXT_SIZE];
        enum sgl_status want = cases[i].want == NULL ? SGL_E_SYNTAX : SGL_OK;

        CHECK_EQ(cases[i].name, sgl_ip_parse(V(cases[i].text), &ip), want);
        if (want == SGL_OK)
            CHECK_VIEW(cases[i].name, sgl_ip_text(&ip, text), V(cases[i].want));
        else
            CHECK_EQ(cases[i].name, ip.version, 99);
    }
}

static void prefixes(void **state)
{
    static const struct {
        const char *prefix, *ip;
        bool in;
    } cases[] = {
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "::1", false},
        {"10.0.0.0/9", "10.127.0.1", true},
        {"10.0.0.0/9", "10.128.0.1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::1/128", "::1", true},
        {"192.0.2.77/24", "192.0.2.1", true},
    };
    static const char *const wrong[] = {"192.0.2.0/33",  "::/129", "192.0.2.0/",   "192.0.2.0/-1",
                                        "192.0.2.0/024", "/8",     "192.0.2.0/8/8"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_ip_prefix prefix;
        struct sgl_ip ip = ip_of(cases[i].ip);

        CHECK_EQ(cases[i].prefix, sgl_ip_prefix_parse(V(cases[i].prefix), &prefix), SGL_OK);
        CHECK_EQ(cases[i].prefix, sgl_ip_in_prefix(&ip, &prefix), cases[i].in);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sgl_ip_prefix prefix;

        CHECK_EQ(wrong[i], sgl_ip_prefix_parse(V(wrong[i]), &prefix), SGL_E_SYNTAX);
    }
}

static void kinds(void **state)
{
    static const struct {
        const char *ip;
        bool loopback, private, special;
    } cases[] = {
        {"127.0.0.1", true, false, true},
        {"127.255.255.255", true, false, true},
        {"::1", true, false, true},
        {"::ffff:127.0.0.1", true, false, true},
        {"10.1.2.3", false, true, true},
        {"172.16.0.1", false, true, true},
        {"172.32.0.1", false, false, false},
        {"192.168.255.1", false, true, true},
        {"169.254.169.254", false, true, true},
        {"100.64.0.1", false, true, true},
        {"fd00::1", false, true, true},
        {"fe80::1", false, true, true},
        {"::ffff:10.0.0.1", false, true, true},
        {"0.0.0.0", false, false, true},
        {"224.0.0.1", false, false, true},
        {"255.255.255.255", false, false, true},
        {"192.0.2.1", false, false, true},
        {"2001:db8::1", false, false, true},
        {"64:ff9b::7f00:1", false, false, true},
        {"2002:7f00:1::", false, false, true},
        {"::", false, false, true},
        {"ff02::1", false, false, true},
        {"::127.0.0.1", false, false, true},
        {"8.8.8.8", false, false, false},
        {"2606:4700::1111", false, false, false},
        {"::ffff:8.8.8.8", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_ip ip = ip_of(cases[i].ip);

        CHECK_EQ(cases[i].ip, sgl_ip_is_loopback(&ip), cases[i].loopback);
        CHECK_EQ(cases[i].ip, sgl_ip_is_private(&ip), cases[i].private);
        CHECK_EQ(cases[i].ip, sgl_ip_is_special(&ip), cases[i].special);
    }
}

static void reverse(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(200);
    struct sgl_ip v4 = ip_of("192.0.2.1"), v6 = ip_of("2001:db8::567:89ab");

    (void)state;
    sgl_ip_put_reverse(&b, &v4);
    CHECK_VIEW("version 4", sgl_buf_view(&b), V("1.2.0.192"));
    sgl_buf_reset(&b);
    sgl_ip_put_reverse(&b, &v6);
    CHECK_VIEW("version 6 [RFC 3596 s2.5]", sgl_buf_view(&b),
               V("b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_and_print),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(kinds),
        cmocka_unit_test(reverse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
