/* SPDX-License-Identifier: Apache-2.0 */
/* The host of public_url, and another one in its place. */
#include "../../server/lists/list_url.h"
#include "check.h"

static const struct {
    const char *url, *host, *branded;
} cases[] = {
    {"https://mail.example.org", "mail.example.org", "https://links.a.test"},
    {"https://Mail.Example.org:8443", "mail.example.org", "https://links.a.test:8443"},
    {"https://mail.example.org/sigillo", "mail.example.org", "https://links.a.test/sigillo"},
    {"https://mail.example.org:1/a:b", "mail.example.org", "https://links.a.test:1/a:b"},
    {"https://192.0.2.1:8443", "", "https://192.0.2.1:8443"},
    {"https://[2001:db8::1]:8443", "", "https://[2001:db8::1]:8443"},
    {"https://1.test.2", "", "https://1.test.2"},
    {"http://mail.example.org", "", "http://mail.example.org"},
    {"https://user@mail.example.org", "", "https://user@mail.example.org"},
    {"https://", "", "https://"},
    {"", "", ""},
};

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sgl_buf own = SGL_BUF_INIT(200), branded = SGL_BUF_INIT(200);
        char host[LIST_HOST_SIZE];

        list_url_host(sgl_view_cstr(cases[i].url), host);
        CHECK_STR(cases[i].url, host, cases[i].host);
        list_url_put(sgl_view_cstr(cases[i].url), NULL, &own);
        list_url_put(sgl_view_cstr(cases[i].url), "links.a.test", &branded);
        CHECK_EQ(cases[i].url, own.status | branded.status, SGL_OK);
        CHECK_VIEW(cases[i].url, sgl_buf_view(&own), sgl_view_cstr(cases[i].url));
        CHECK_VIEW(cases[i].url, sgl_buf_view(&branded), sgl_view_cstr(cases[i].branded));
        sgl_buf_done(&own);
        sgl_buf_done(&branded);
    }
}

static void test_too_long(void **state)
{
    char url[400] = "https://", host[LIST_HOST_SIZE];

    (void)state;
    memset(url + 8, 'a', LIST_HOST_SIZE - 1);
    list_url_host(sgl_view_cstr(url), host);
    CHECK_EQ("the longest", strlen(host), LIST_HOST_SIZE - 1);
    url[8 + LIST_HOST_SIZE - 1] = 'a';
    list_url_host(sgl_view_cstr(url), host);
    CHECK_STR("one more", host, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
