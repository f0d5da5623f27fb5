/* SPDX-License-Identifier: Apache-2.0 */
/* Records in the forms that name servers read. */
#include <stdlib.h>

#include "../../cli/cli.h"
#include "check.h"

static void test_txt(void **state)
{
    static const struct {
        const char *name, *value, *want;
    } rows[] = {
        {"a short text is one string", "v=spf1 -all", "\"v=spf1 -all\""},
        {"an empty text is an empty string", "", "\"\""},
        {"quotes and backslashes are escaped", "a\"b\\c", "\"a\\\"b\\\\c\""},
        {"other bytes become decimal escapes", "a\xc3\n", "\"a\\195\\010\""},
    };
    struct sgl_buf out = SGL_BUF_INIT(4096);
    char long_text[600];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sgl_buf_reset(&out);
        records_put_txt(&out, rows[i].value);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(rows[i].want));
    }
    memset(long_text, 'x', sizeof(long_text));
    long_text[510] = '\0';
    sgl_buf_reset(&out);
    records_put_txt(&out, long_text);
    CHECK_EQ("a string has at most 255 bytes [RFC 1035 s3.3]",
             sgl_view_find_view(sgl_buf_view(&out), SGL_LIT("\" \"")), 256);
    CHECK_EQ("a text of 510 has two strings", out.len, 510 + 5);
    sgl_buf_done(&out);
}

static void test_forms(void **state)
{
    json_t *records = json_loads(
        "[{\"name\":\"example.org\",\"type\":\"TXT\",\"purpose\":\"spf\",\"why\":\"two\\nlines\","
        "\"value\":\"v=spf1 ~all\",\"replaces\":[{\"type\":\"TXT\",\"value\":\"v=spf1 -all\"}]},"
        "{\"name\":\"b.example.org\",\"type\":\"MX\",\"value\":\"10 a.test.\",\"why\":\"\"},"
        "{\"name\":\"c.example.org\",\"type\":\"TXT\",\"purpose\":\"spf\",\"value\":\"\","
        "\"why\":\"nothing can be published\"}]",
        0, NULL);
    struct sgl_buf out = SGL_BUF_INIT(4096);

    (void)state;
    records_put_zone(&out, records);
    CHECK_VIEW("zone form: remarks are comments of one line", sgl_buf_view(&out),
               SGL_LIT("; spf: two\\x0alines\n; it takes the place of: TXT v=spf1 -all\n"
                       "example.org. 3600 IN TXT \"v=spf1 ~all\"\n"
                       "b.example.org. 3600 IN MX 10 a.test.\n"
                       "; spf: nothing can be published\n"));
    sgl_buf_reset(&out);
    records_put_nsupdate(&out, records, "example.org");
    CHECK_VIEW("nsupdate form: what is replaced goes, and nothing else [RFC 2136 s2.5.4]",
               sgl_buf_view(&out),
               SGL_LIT("zone example.org.\n; spf: two\\x0alines\n"
                       "update delete example.org. TXT \"v=spf1 -all\"\n"
                       "update add example.org. 3600 TXT \"v=spf1 ~all\"\n"
                       "update add b.example.org. 3600 MX 10 a.test.\n"
                       "; spf: nothing can be published\nsend\n"));
    sgl_buf_reset(&out);
    records_put_nsupdate(&out, NULL, NULL);
    CHECK_VIEW("nothing at all", sgl_buf_view(&out), SGL_LIT("send\n"));
    sgl_buf_done(&out);
    json_decref(records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_txt), cmocka_unit_test(test_forms)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
