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

/* What the server answers, and its two forms. */
static const struct {
    const char *name, *answer, *zone, *nsupdate;
} forms[] = {
    {"nothing at all", "{}", "", "send\n"},
    {"a record to publish, unseen",
     "{\"zone\":\"example.org\",\"checked\":false,\"records\":[{\"name\":\"b.example.org\","
     "\"type\":\"MX\",\"value\":\"10 a.test.\",\"why\":\"\",\"state\":\"not_started\","
     "\"publish\":true}]}",
     "b.example.org. 3600 IN MX 10 a.test.\n",
     "zone example.org.\n; not compared with what is published: --check does that\n"
     "update add b.example.org. 3600 MX 10 a.test.\nsend\n"},
    {"remarks are comments of one line; what is replaced goes, and nothing else [RFC 2136 s2.5.4]",
     "{\"checked\":true,\"records\":[{\"name\":\"example.org\",\"type\":\"TXT\","
     "\"purpose\":\"spf\",\"state\":\"failed\",\"publish\":true,\"why\":\"two\\nlines\","
     "\"value\":\"v=spf1 ~all\",\"replaces\":[{\"type\":\"TXT\",\"value\":\"v=spf1 -all\"}]}]}",
     "; spf: two\\x0alines\n; it takes the place of: TXT v=spf1 -all\n"
     "example.org. 3600 IN TXT \"v=spf1 ~all\"\n",
     "; spf: two\\x0alines\n; it takes the place of: TXT v=spf1 -all\n"
     "update delete example.org. TXT \"v=spf1 -all\"\n"
     "update add example.org. 3600 TXT \"v=spf1 ~all\"\nsend\n"},
    {"what is only missing needs no remark",
     "{\"checked\":true,\"records\":[{\"name\":\"example.org\",\"type\":\"TXT\","
     "\"purpose\":\"spf\",\"state\":\"in_progress\",\"publish\":true,\"why\":\"none yet\","
     "\"value\":\"v=spf1 ~all\",\"replaces\":[]}]}",
     "example.org. 3600 IN TXT \"v=spf1 ~all\"\n",
     "update add example.org. 3600 TXT \"v=spf1 ~all\"\nsend\n"},
    {"what cannot be published is only said",
     "{\"checked\":true,\"records\":[{\"name\":\"c.example.org\",\"type\":\"TXT\","
     "\"purpose\":\"spf\",\"value\":\"\",\"why\":\"too many lookups\"}]}",
     "; spf: too many lookups\n", "; spf: too many lookups\nsend\n"},
    {"a script adds nothing beside a record that it does not know how to remove",
     "{\"checked\":false,\"records\":[{\"name\":\"c.example.org\",\"type\":\"TXT\","
     "\"purpose\":\"spf\",\"value\":\"v=spf1 ~all\",\"why\":\"other\",\"state\":\"failed\","
     "\"publish\":true}]}",
     "; spf: other\nc.example.org. 3600 IN TXT \"v=spf1 ~all\"\n",
     "; not compared with what is published: --check does that\n; spf: other\nsend\n"},
    {"what was verified may stand there in other words",
     "{\"checked\":false,\"records\":[{\"name\":\"_dmarc.a.test\",\"type\":\"TXT\","
     "\"purpose\":\"dmarc\",\"value\":\"v=DMARC1; p=none\",\"state\":\"verified\","
     "\"publish\":false}]}",
     "; dmarc: _dmarc.a.test is verified already\n",
     "; not compared with what is published: --check does that\n"
     "; dmarc: _dmarc.a.test is verified already\nsend\n"},
    {"what was compared stands in the zone as it is, and is not added again",
     "{\"checked\":true,\"records\":[{\"name\":\"_dmarc.a.test\",\"type\":\"TXT\","
     "\"purpose\":\"dmarc\",\"value\":\"v=DMARC1; p=none\",\"state\":\"verified\","
     "\"publish\":false,\"replaces\":[]}]}",
     "_dmarc.a.test. 3600 IN TXT \"v=DMARC1; p=none\"\n", "send\n"},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        json_t *answer = json_loads(forms[i].answer, 0, NULL);
        struct sgl_buf out = SGL_BUF_INIT(4096);

        assert_non_null(answer);
        records_put_zone(&out, answer);
        CHECK_VIEW(forms[i].name, sgl_buf_view(&out), sgl_view_cstr(forms[i].zone));
        sgl_buf_reset(&out);
        records_put_nsupdate(&out, answer);
        CHECK_VIEW(forms[i].name, sgl_buf_view(&out), sgl_view_cstr(forms[i].nsupdate));
        sgl_buf_done(&out);
        json_decref(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_txt), cmocka_unit_test(test_forms)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
