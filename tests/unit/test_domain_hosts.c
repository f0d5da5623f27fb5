/* SPDX-License-Identifier: Apache-2.0 */
/* The hosts that take a domain's mail: what is written is read, and nothing else is. */
#include "../../server/directory/domain.h"
#include "check.h"

static void test_written_and_read(void **state)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(DOMAIN_HOSTS_MAX);
    struct domain_host h;
    sgl_view rest;

    (void)state;
    for (int i = 0; i < DOMAIN_TLSAS; i++)
        domain_hosts_put(&text,
                         &(struct domain_host){SGL_LIT("mx.example.org"), (enum domain_tlsa)i});
    CHECK_EQ("all fit", text.status, SGL_OK);
    rest = sgl_buf_view(&text);
    for (int i = 0; i < DOMAIN_TLSAS; i++) {
        CHECK_TRUE(domain_tlsa_name((enum domain_tlsa)i), domain_hosts_next(&rest, &h));
        CHECK_TRUE("its name", sgl_view_eq(h.name, SGL_LIT("mx.example.org")));
        CHECK_EQ(domain_tlsa_name((enum domain_tlsa)i), h.tlsa, i);
    }
    CHECK_TRUE("then there is no more", !domain_hosts_next(&rest, &h));
}

static void test_what_is_not_ours(void **state)
{
    static const struct {
        const char *rule, *text, *name;
        enum domain_tlsa tlsa;
    } rows[] = {
        {"a word of a newer program says nothing", "mx.test proved", "mx.test",
         DOMAIN_TLSA_UNKNOWN},
        {"no word does not either", "mx.test", "mx.test", DOMAIN_TLSA_UNKNOWN},
        {"the first of two", "a.test missing,b.test published", "a.test", DOMAIN_TLSA_MISSING},
    };
    struct domain_host h;
    sgl_view rest = SGL_LIT("");

    (void)state;
    CHECK_TRUE("of nothing nothing is read", !domain_hosts_next(&rest, &h));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rest = sgl_view_cstr(rows[i].text);
        CHECK_TRUE(rows[i].rule, domain_hosts_next(&rest, &h));
        CHECK_TRUE(rows[i].rule, sgl_view_eq(h.name, sgl_view_cstr(rows[i].name)));
        CHECK_EQ(rows[i].rule, h.tlsa, rows[i].tlsa);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_what_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
