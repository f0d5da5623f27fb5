/* SPDX-License-Identifier: Apache-2.0 */
/* What a message asks of TLS, in words. */
#include "../../server/doors/http/message_tls.h"

#include "check.h"

static void test_names(void **state)
{
    enum message_tls got = MESSAGE_TLS_VERIFIED;

    (void)state;
    for (int i = MESSAGE_TLS_DEFAULT; i <= MESSAGE_TLS_VERIFIED; i++) {
        CHECK_TRUE("a name is read again",
                   message_tls_parse(sgl_view_cstr(message_tls_name((enum message_tls)i)), &got));
        CHECK_EQ("as what it was", got, i);
    }
    CHECK_TRUE("no other word", !message_tls_parse(SGL_LIT("required"), &got) &&
                                    !message_tls_parse(SGL_LIT("Verified"), &got) &&
                                    !message_tls_parse(SGL_LIT("verified "), &got) &&
                                    !message_tls_parse(SGL_LIT(""), &got));
    CHECK_EQ("which leaves what was there", got, MESSAGE_TLS_VERIFIED);
}

static void test_show(void **state)
{
    static const struct {
        const char *name;
        struct store_message m;
        const char *want;
    } cases[] = {
        {"nothing", {0}, "{}"},
        {"optional", {.tls = MESSAGE_TLS_OPTIONAL}, "{\"tls\":\"optional\"}"},
        {"verified", {.tls = MESSAGE_TLS_VERIFIED}, "{\"tls\":\"verified\"}"},
        {"REQUIRETLS", {.require_tls = true}, "{\"require_tls\":true}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *json = json_object();
        char *text;

        message_tls_show(&cases[i].m, json);
        text = json_dumps(json, JSON_COMPACT);
        CHECK_STR(cases[i].name, text, cases[i].want);
        free(text);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
