/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/qp.h"

#include "check.h"

#define V(s) sgl_view_cstr(s)
#define X70  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* [RFC 2045 s6.7; RFC 2049 s3] */
static void writing(void **state)
{
    static const struct {
        const char *name, *data, *text, *binary;
    } cases[] = {
        {"plain", "abc", "abc", "abc"},
        {"equals sign", "a=b", "a=3Db", "a=3Db"},
        {"8 bits", "\xc3\xa9", "=C3=A9", "=C3=A9"},
        {"a line end is kept in text", "a\r\nb", "a\r\nb", "a=0D=0Ab"},
        {"LF becomes CRLF in text", "a\nb", "a\r\nb", "a=0Ab"},
        {"a lone CR is no line end", "a\rb", "a=0Db", "a=0Db"},
        {"a blank before a line end", "a \r\nb\t\r\n", "a=20\r\nb=09\r\n", "a =0D=0Ab\t=0D=0A"},
        {"a blank at the very end", "a ", "a=20", "a=20"},
        {"a dot begins a line", ".\r\n.a", "=2E\r\n=2Ea", "=2E=0D=0A.a"},
        {"From begins a line", "From me", "=46rom me", "=46rom me"},
        {"76 characters fit", X70 "yyyyyy", X70 "yyyyyy", X70 "yyyyyy"},
        {"77 do not", X70 "yyyyyyy", X70 "yyyyy=\r\nyy", X70 "yyyyy=\r\nyy"},
        {"an escape is not cut",
         X70 "yyy\xff"
             "z",
         X70 "yyy=\r\n=FFz", X70 "yyy=\r\n=FFz"},
        {"an escape may fill the last line", X70 "yyy\xff", X70 "yyy=FF", X70 "yyy=FF"},
        {"a dot behind a soft break", X70 "yyyyy.z", X70 "yyyyy=\r\n=2Ez", X70 "yyyyy=\r\n=2Ez"},
        {"empty", "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
        sgl_auto(sgl_buf) back = SGL_BUF_INIT(4096);

        sgl_qp_put(&b, V(cases[i].data), true);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].text));
        CHECK_EQ(cases[i].name, sgl_qp_size(V(cases[i].data), true), b.len);
        sgl_buf_reset(&b);
        sgl_qp_put(&b, V(cases[i].data), false);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].binary));
        CHECK_EQ(cases[i].name, sgl_qp_size(V(cases[i].data), false), b.len);
        sgl_qp_decode(&back, sgl_buf_view(&b), true);
        CHECK_EQ(cases[i].name, back.status, SGL_OK);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&back), V(cases[i].data));
    }
}

static void reading(void **state)
{
    static const struct {
        const char *name, *text, *want;
        bool strict_ok;
    } cases[] = {
        {"small letters", "=c3=a9", "\xc3\xa9", true},
        {"a soft break", "a=\r\nb", "ab", true},
        {"blanks behind a soft break", "a= \t\r\nb", "ab", true},
        {"blanks at a line end go", "a \t\r\nb", "a\r\nb", true},
        {"a soft break at the end", "a=", "a", true},
        {"LF line ends", "a=\nb\nc", "ab\nc", false},
        {"no escape", "a=zb", "a=zb", false},
        {"half an escape", "a=4", "a=4", false},
        {"8 bits", "a\xff", "a\xff", false},
        {"a line over 76", X70 "yyyyyyy", X70 "yyyyyyy", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
        sgl_auto(sgl_buf) strict = SGL_BUF_INIT(4096);

        sgl_qp_decode(&b, V(cases[i].text), false);
        CHECK_EQ(cases[i].name, b.status, SGL_OK);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].want));
        sgl_qp_decode(&strict, V(cases[i].text), true);
        CHECK_EQ(cases[i].name, strict.status, cases[i].strict_ok ? SGL_OK : SGL_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writing), cmocka_unit_test(reading)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
