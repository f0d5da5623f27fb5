/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of routes as text: what is taken, how it is kept, what leads inside. */
#include "../../server/directory/route_target.h"

#include "check.h"

static void test_servers(void **state)
{
    static const struct {
        const char *text, *kept; /* NULL: refused */
        bool unix_paths;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1:24", true},
        {"127.0.0.1:2424", "127.0.0.1:2424", true},
        {"[::1]:24", "[::1]:24", true},
        {"::1", "[::1]:24", true},
        {"2001:db8::1", "[2001:db8::1]:24", true},
        {"Mail.Example.ORG", "mail.example.org:24", true},
        {"mail_1.example.org:2525", "mail_1.example.org:2525", true},
        {"localhost", "localhost:24", true},
        {"unix:/run/dovecot/lmtp", "unix:/run/dovecot/lmtp", true},
        {"unix:/run/dovecot/lmtp", NULL, false},
        {"unix:run/lmtp", NULL, true},
        {"unix:", NULL, true},
        {"unix:/run/../etc/lmtp", NULL, true},
        {"unix:/run/..", NULL, true},
        {"unix:/run/a b", NULL, true},
        {"unix:/run/a\r\nb", NULL, true},
        {"", NULL, true},
        {":24", NULL, true},
        {"127.0.0.1:", NULL, true},
        {"127.0.0.1:0", NULL, true},
        {"127.0.0.1:65536", NULL, true},
        {"127.0.0.1:24x", NULL, true},
        {"127.0.0", NULL, true},
        {"127.0.0.256", NULL, true},
        {"[::1", NULL, true},
        {"[::1]24", NULL, true},
        {"[::1]:", NULL, true},
        {"[mail.example.org]:24", NULL, true},
        {"a b", NULL, true},
        {"a\r\nb.example", NULL, true},
        {"-a.example", NULL, true},
        {"a..example", NULL, true},
        {"https://a.example", NULL, true},
        {"a@b.example", NULL, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1024);
        struct route_server server = {.port = 99};
        const char *why = route_server_parse(sgl_view_cstr(cases[i].text), ROUTE_PORT_LMTP,
                                             cases[i].unix_paths, &server);

        CHECK_EQ(cases[i].text, why == NULL, cases[i].kept != NULL);
        if (why != NULL) {
            CHECK_EQ("untouched", server.port, 99);
            continue;
        }
        route_server_put(&out, &server);
        CHECK_EQ(cases[i].text, out.status, SGL_OK);
        sgl_buf_add_byte(&out, '\0');
        CHECK_STR(cases[i].text, (const char *)out.data, cases[i].kept);
    }
}

static void test_long(void **state)
{
    struct route_server server;
    char path[200] = "unix:/", name[600];

    (void)state;
    memset(path + 6, 'a', 106);
    path[5 + ROUTE_PATH_MAX] = '\0';
    CHECK_EQ("just fits", route_server_parse(sgl_view_cstr(path), 24, true, &server) == NULL, true);
    path[5 + ROUTE_PATH_MAX] = 'a';
    CHECK_EQ("one more", route_server_parse(sgl_view_cstr(path), 24, true, &server) == NULL, false);
    memset(name, 'a', sizeof(name));
    for (size_t i = 50; i < sizeof(name); i += 51)
        name[i] = '.';
    CHECK_EQ("253 bytes", route_server_parse(sgl_view_of(name, 253), 24, true, &server) == NULL,
             true);
    CHECK_EQ("254 bytes", route_server_parse(sgl_view_of(name, 254), 24, true, &server) == NULL,
             false);
    CHECK_EQ("a label of 64",
             route_server_parse(sgl_view_cstr("a234567890123456789012345678901234567890123456789012"
                                              "345678901234.example"),
                                24, true, &server) == NULL,
             false);
}

static void test_urls(void **state)
{
    static const struct {
        const char *url, *host; /* NULL: refused */
    } cases[] = {
        {"https://hooks.example.org/in", "hooks.example.org"},
        {"HTTPS://hooks.example.org", "hooks.example.org"},
        {"https://hooks.example.org:8443?x=1", "hooks.example.org"},
        {"https://192.0.2.1/", "192.0.2.1"},
        {"https://[2001:db8::1]:8443/a", "2001:db8::1"},
        {"https://hooks.example.org/@a", "hooks.example.org"},
        {"http://hooks.example.org/in", NULL},
        {"https://", NULL},
        {"https:///in", NULL},
        {"https://:443/in", NULL},
        {"https://a.example:/in", NULL},
        {"https://user@a.example/in", NULL},
        {"https://user:word@a.example/in", NULL},
        {"https://a.example/in#x", NULL},
        {"https://a.example/i n", NULL},
        {"https://a.example/i\r\nn", NULL},
        {"https://a.example/\xc3\xa4", NULL},
        {"https://a.example\\@b.example/", NULL},
        {"ftp://a.example/", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sgl_view host = SGL_LIT("untouched");
        const char *why = route_url_parse(sgl_view_cstr(cases[i].url), &host);

        CHECK_EQ(cases[i].url, why == NULL, cases[i].host != NULL);
        CHECK_VIEW(cases[i].url, host, sgl_view_cstr(why == NULL ? cases[i].host : "untouched"));
    }
}

/* Names are looked at when they are looked up: here only what is written as an address. */
static void test_inside(void **state)
{
    static const struct {
        const char *host;
        bool inside;
    } cases[] = {
        {"127.0.0.1", true},       {"::1", true},       {"10.1.2.3", true},
        {"169.254.169.254", true}, {"fe80::1", true},   {"::ffff:127.0.0.1", true},
        {"0.0.0.0", true},         {"192.0.2.1", true}, {"100.64.0.1", true},
        {"64:ff9b::7f00:1", true}, {"8.8.8.8", false},  {"2a00:1450::1", false},
        {"localhost", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ(cases[i].host, route_host_is_inside(sgl_view_cstr(cases[i].host)),
                 cases[i].inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
