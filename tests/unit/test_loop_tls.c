/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "../../server/loop/tls.h"
#include "check.h"
#include "tls_fixture.h"

static void mistakes_are_named_and_the_old_pair_stays(void **state)
{
    struct made_pair good, other;
    struct tls_server *s;
    char why[200] = "";
    SSL *ssl;
    static const sgl_view nothing = {NULL, 0};

    (void)state;
    make_certificate(&good, "a.test", 86400);
    make_certificate(&other, "b.test", 2 * 86400);
    s = tls_server_new(sgl_view_cstr(good.certificate), sgl_view_cstr(good.key), why, sizeof(why));
    CHECK_TRUE(why, s != NULL);
    CHECK_TRUE("a certificate that is none",
               !tls_server_swap(s, SGL_LIT("hello"), sgl_view_cstr(good.key), why, sizeof(why)));
    CHECK_TRUE(why, strncmp(why, "certificate: ", 13) == 0);
    CHECK_TRUE("a key that is none",
               !tls_server_swap(s, sgl_view_cstr(good.certificate), nothing, why, sizeof(why)));
    CHECK_TRUE(why, strncmp(why, "key: not ", 9) == 0);
    CHECK_TRUE("a key of another", !tls_server_swap(s, sgl_view_cstr(good.certificate),
                                                    sgl_view_cstr(other.key), why, sizeof(why)));
    CHECK_TRUE(why, strncmp(why, "key: does not belong", 20) == 0);
    ssl = tls_server_session(s);
    CHECK_TRUE("sessions go on", ssl != NULL);
    SSL_free(ssl);
    CHECK_TRUE("ends in a day", tls_server_expires_at(s) < time(NULL) + 90000);
    CHECK_TRUE(why, tls_server_swap(s, sgl_view_cstr(other.certificate), sgl_view_cstr(other.key),
                                    why, sizeof(why)));
    CHECK_TRUE("ends in two days", tls_server_expires_at(s) > time(NULL) + 90000);
    tls_server_free(s);
}

static void broken_roots_are_refused(void **state)
{
    struct made_pair good;
    struct tls_client *c;
    char why[200] = "", twice[8400];

    (void)state;
    make_certificate(&good, "a.test", 86400);
    snprintf(twice, sizeof(twice), "# a comment\n%s\n%s", good.certificate, good.certificate);
    c = tls_client_new(sgl_view_cstr(twice), why, sizeof(why));
    CHECK_TRUE(why, c != NULL);
    tls_client_free(c);
    c = tls_client_new(sgl_view_of(NULL, 0), why, sizeof(why));
    CHECK_TRUE("none at all is allowed", c != NULL);
    tls_client_free(c);
    twice[strlen(twice) - 40] = '!';
    CHECK_TRUE("broken", tls_client_new(sgl_view_cstr(twice), why, sizeof(why)) == NULL);
    CHECK_TRUE(why, strncmp(why, "roots: ", 7) == 0);
}

static void names_of_the_certificate_in_use(void **state)
{
    static const struct {
        const char *host;
        bool before, after;
    } cases[] = {
        {"a.test", true, false},
        {"A.TEST", true, false},
        {"links.b.test", true, false},
        {"LINKS.b.test", true, false},
        {"x.links.b.test", false, false},
        {"b.test", false, true},
        {"subject.test", false, false},
        {".b.test", false, false},
        {"", false, false},
        {"c.test", false, true},
    };
    struct made_pair first, second, third;
    struct tls_server *s;
    char why[200] = "";

    (void)state;
    make_named_certificate(&first, "subject.test", "DNS:a.test,DNS:*.b.test", 86400);
    make_named_certificate(&second, "subject.test", "DNS:b.test,DNS:c.test", 86400);
    s = tls_server_new(sgl_view_cstr(first.certificate), sgl_view_cstr(first.key), why,
                       sizeof(why));
    CHECK_TRUE(why, s != NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ(cases[i].host, tls_server_covers(s, cases[i].host), cases[i].before);
    CHECK_TRUE(why, tls_server_swap(s, sgl_view_cstr(second.certificate), sgl_view_cstr(second.key),
                                    why, sizeof(why)));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ(cases[i].host, tls_server_covers(s, cases[i].host), cases[i].after);
    make_named_certificate(&third, "subject.test", "email:me@subject.test", 86400);
    CHECK_TRUE(why, tls_server_swap(s, sgl_view_cstr(third.certificate), sgl_view_cstr(third.key),
                                    why, sizeof(why)));
    CHECK_TRUE("CN is no name", !tls_server_covers(s, "subject.test"));
    tls_server_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named_and_the_old_pair_stays),
        cmocka_unit_test(broken_roots_are_refused),
        cmocka_unit_test(names_of_the_certificate_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
