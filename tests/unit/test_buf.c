/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/buf.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/hex.h"

#define V(s) sgl_view_cstr(s)

static void appends(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(200);

    (void)state;
    sgl_buf_add(&b, SGL_LIT("a"));
    sgl_buf_add_cstr(&b, "b");
    sgl_buf_add_byte(&b, 'c');
    sgl_buf_add_u64(&b, 0);
    sgl_buf_add_u64(&b, UINT64_MAX);
    sgl_buf_add_i64(&b, INT64_MIN);
    sgl_buf_addf(&b, "<%d %s>", 7, "x");
    sgl_buf_add(&b, sgl_view_of(NULL, 0));
    CHECK_VIEW("all in a row", sgl_buf_view(&b),
               V("abc018446744073709551615-9223372036854775808<7 x>"));
    CHECK_EQ("no failure", b.status, SGL_OK);
    sgl_buf_remove_front(&b, 3);
    sgl_buf_truncate(&b, 1);
    CHECK_VIEW("cut at both ends", sgl_buf_view(&b), V("0"));
    CHECK_TRUE("sane", sgl_buf_sane(&b));
}

static void maximum(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(4);

    (void)state;
    sgl_buf_add(&b, SGL_LIT("1234"));
    CHECK_EQ("up to the maximum", b.status, SGL_OK);
    CHECK_STR("there is room for the NUL", sgl_cstr(&b), "1234");
    sgl_buf_add(&b, SGL_LIT(""));
    CHECK_EQ("nothing more is fine", b.status, SGL_OK);
    sgl_buf_add_byte(&b, '5');
    CHECK_EQ("one more is not", b.status, SGL_E_LIMIT);
    sgl_buf_truncate(&b, 0);
    sgl_buf_add_byte(&b, 'x');
    CHECK_EQ("the failure is remembered", b.len, 0);
    sgl_buf_reset(&b);
    sgl_buf_addf(&b, "%s", "12345");
    CHECK_EQ("a format is all or nothing", b.len, 0);
    CHECK_EQ("a format says so", b.status, SGL_E_LIMIT);
    CHECK_TRUE("sane", sgl_buf_sane(&b));
}

static void line_safety(void **state)
{
    static const struct {
        const char *name;
        sgl_view v;
        enum sgl_status want;
    } cases[] = {
        {"plain", SGL_LIT_INIT("MAIL FROM:<a@b>"), SGL_OK},
        {"CR", SGL_LIT_INIT("a\rb"), SGL_E_SYNTAX},
        {"LF", SGL_LIT_INIT("a\nb"), SGL_E_SYNTAX},
        {"NUL", SGL_LIT_INIT("a\0b"), SGL_E_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(100);

        sgl_buf_add_line_safe(&b, cases[i].v);
        CHECK_EQ(cases[i].name, b.status, cases[i].want);
        CHECK_EQ(cases[i].name, b.len, cases[i].want == SGL_OK ? cases[i].v.len : 0);
    }
}

static void escapes(void **state)
{
    static const struct {
        const char *name, *in, *want;
        size_t max;
    } cases[] = {
        {"printable stays", "a b~", "a b~", 99},
        {"a line end is shown", "a\r\nb", "a\\x0d\\x0ab", 99},
        {"a backslash is doubled", "\\", "\\\\", 99},
        {"UTF-8 stays", "\xc3\xa9", "\xc3\xa9", 99},
        {"other bytes are shown", "\xff\xc3", "\\xff\\xc3", 99},
        {"C1 controls are shown", "\xc2\x9b", "\\xc2\\x9b", 99},
        {"direction marks are shown", "\xe2\x80\xae", "\\xe2\\x80\\xae", 99},
        {"DEL is shown", "\x7f", "\\x7f", 99},
        {"the end is cut", "abcdef", "abc...", 3},
        {"the whole is not cut", "abc", "abc", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(100);

        sgl_buf_add_escaped(&b, V(cases[i].in), cases[i].max);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].want));
    }
}

static void ownership(void **state)
{
    sgl_auto(sgl_buf) a = SGL_BUF_INIT(10);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(20);
    sgl_auto(sgl_buf) zero = {0};

    (void)state;
    sgl_buf_add_cstr(&a, "old");
    sgl_buf_add_cstr(&b, "new");
    sgl_buf_take(&a, &b);
    CHECK_VIEW("the bytes moved", sgl_buf_view(&a), V("new"));
    CHECK_TRUE("the source is empty", b.len == 0 && b.data == NULL && b.max == 20);
    sgl_buf_fit(&a);
    CHECK_VIEW("the bytes stay", sgl_buf_view(&a), V("new"));
    CHECK_TRUE("and no more is held", a.cap == 3 && sgl_buf_sane(&a));
    sgl_buf_fit(&b);
    CHECK_TRUE("nothing of nothing", sgl_buf_sane(&b) && b.cap == 0);
    sgl_buf_add_cstr(&a, "\x01");
    sgl_buf_add_byte(&a, 0);
    CHECK_TRUE("a NUL is no string", sgl_cstr(&a) == NULL);
    sgl_buf_add_byte(&zero, 1);
    CHECK_EQ("a zeroed buffer has no room", zero.status, SGL_E_LIMIT);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);

        for (int i = 0; i < 200; i++)
            sgl_buf_addf(&b, "%032d", i);
        (void)sgl_cstr(&b);
        CHECK_EQ("no memory is a status", b.status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_TRUE("sane", sgl_buf_sane(&b));
    }
}

static void hex(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(100);

    (void)state;
    sgl_hex_encode(&b, SGL_LIT("\x00\xab\xff"));
    CHECK_VIEW("lower case", sgl_buf_view(&b), V("00abff"));
    sgl_buf_reset(&b);
    CHECK_EQ("either case", sgl_hex_decode(SGL_LIT("00aBFf"), &b), SGL_OK);
    CHECK_VIEW("bytes", sgl_buf_view(&b), SGL_LIT("\x00\xab\xff"));
    CHECK_EQ("odd", sgl_hex_decode(SGL_LIT("0"), &b), SGL_E_SYNTAX);
    CHECK_EQ("not hex", sgl_hex_decode(SGL_LIT("0g"), &b), SGL_E_SYNTAX);
    CHECK_EQ("out as before", b.len, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),       cmocka_unit_test(maximum),   cmocka_unit_test(line_safety),
        cmocka_unit_test(escapes),       cmocka_unit_test(ownership), cmocka_unit_test(hex),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
