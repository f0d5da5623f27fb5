/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/view.h"

#include "check.h"
#include "sigillo/arith.h"
#include "sigillo/ascii.h"
#include "sigillo/diag.h"

#define V(s) sgl_view_cstr(s)

static void compare(void **state)
{
    (void)state;
    CHECK_TRUE("letters fold", sgl_view_eq_nocase(V("AbZ@["), V("aBz@[")));
    CHECK_TRUE("only letters fold", !sgl_view_eq_nocase(V("@"), V("`")));
    CHECK_TRUE("lengths count", !sgl_view_eq_nocase(V("ab"), V("abc")));
    CHECK_TRUE("empty views are equal, NULL or not", sgl_view_eq(V(NULL), V("")));
    CHECK_TRUE("a prefix of itself", sgl_view_starts(V("ab"), V("ab")));
    CHECK_TRUE("a longer prefix does not fit", !sgl_view_starts(V("ab"), V("abc")));
    CHECK_TRUE("prefix folds", sgl_view_starts_nocase(V("DKIM-Signature"), V("dkim-")));
    CHECK_TRUE("suffix", sgl_view_ends(V("a.test"), V(".test")));
    CHECK_TRUE("suffix folds", sgl_view_ends_nocase(V("a.TEST"), V(".test")));
    CHECK_TRUE("a longer suffix does not fit", !sgl_view_ends(V("t"), V("st")));
    CHECK_TRUE("shorter sorts first", sgl_view_cmp(V("ab"), V("abc")) < 0);
    CHECK_TRUE("bytes sort before length", sgl_view_cmp(V("b"), V("abc")) > 0);
    CHECK_EQ("equal sorts equal", sgl_view_cmp(V(""), V(NULL)), 0);
    CHECK_TRUE("secrets are equal", sgl_view_eq_secret(V("abc"), V("abc")));
    CHECK_TRUE("secrets differ at the end", !sgl_view_eq_secret(V("abc"), V("abd")));
    CHECK_TRUE("secrets differ in length", !sgl_view_eq_secret(V("abc"), V("ab")));
}

static void cut(void **state)
{
    sgl_view rest, part;

    (void)state;
    CHECK_VIEW("sub is clipped at the end", sgl_view_sub(V("abc"), 1, SIZE_MAX), V("bc"));
    CHECK_VIEW("sub behind the end is empty", sgl_view_sub(V("abc"), 9, 1), V(""));
    CHECK_VIEW("trim takes both ends", sgl_view_trim(V(" \r\n\ta b\t ")), V("a b"));
    CHECK_VIEW("trim of blanks is empty", sgl_view_trim(V(" \t")), V(""));
    CHECK_EQ("a missing byte is at the end", sgl_view_find(V("abc"), 'x'), 3);
    CHECK_EQ("the first byte of two", sgl_view_find(V("abab"), 'b'), 1);
    CHECK_EQ("an empty needle is at 0", sgl_view_find_view(V("abc"), V("")), 0);
    CHECK_EQ("a needle", sgl_view_find_view(V("a\r\n.\r\n"), V("\r\n.\r\n")), 1);
    CHECK_EQ("a needle too long", sgl_view_find_view(V("ab"), V("abc")), 2);
    part = sgl_view_split(V("a,b"), ',', &rest);
    CHECK_VIEW("split: head", part, V("a"));
    CHECK_VIEW("split: rest", rest, V("b"));
    part = sgl_view_split(V("a,"), ',', &rest);
    CHECK_TRUE("split: an empty rest behind a separator is not NULL",
               rest.len == 0 && rest.ptr != NULL);
    part = sgl_view_split(V("a"), ',', &rest);
    CHECK_VIEW("split: without separator all is head", part, V("a"));
    CHECK_TRUE("split: without separator the rest is NULL", rest.ptr == NULL && rest.len == 0);
}

static void numbers(void **state)
{
    static const struct {
        const char *name, *text;
        uint64_t max;
        bool ok;
        uint64_t want;
    } cases[] = {
        {"zero", "0", 9, true, 0},
        {"the maximum itself", "255", 255, true, 255},
        {"one above the maximum", "256", 255, false, 0},
        {"the greatest of all", "18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"one more wraps", "18446744073709551616", UINT64_MAX, false, 0},
        {"far more wraps", "99999999999999999999999", UINT64_MAX, false, 0},
        {"empty", "", 9, false, 0},
        {"a sign", "+1", 9, false, 0},
        {"a blank", " 1", 9, false, 0},
        {"hexadecimal", "0x1", 99, false, 0},
        {"leading zeros are digits", "007", 9, true, 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t got = 4711;

        CHECK_EQ(cases[i].name, sgl_view_u64(V(cases[i].text), cases[i].max, &got), cases[i].ok);
        CHECK_EQ(cases[i].name, got, cases[i].ok ? cases[i].want : 4711);
    }
}

static void classes(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t b = (uint8_t)c;
        bool upper = c >= 65 && c <= 90, lower = c >= 97 && c <= 122, digit = c >= 48 && c <= 57;

        CHECK_EQ("alnum", sgl_ascii_is_alnum(b), upper || lower || digit);
        CHECK_EQ("lower of upper", sgl_ascii_lower(b), upper ? c + 32 : c);
        CHECK_EQ("upper of lower", sgl_ascii_upper(b), lower ? c - 32 : c);
        CHECK_EQ("hex", sgl_ascii_hex_value(b) >= 0,
                 digit || (c >= 65 && c <= 70) || (c >= 97 && c <= 102));
        CHECK_EQ("control", sgl_ascii_is_control(b), c < 32 || c == 127);
    }
    CHECK_TRUE("nine ASCII bytes", sgl_ascii_only(V("123456789")));
    CHECK_TRUE("a high byte in the first eight", !sgl_ascii_only(V("1234567\x80"
                                                                   "9")));
    CHECK_TRUE("a high byte behind them", !sgl_ascii_only(V("12345678\xff")));
    CHECK_TRUE("a tab is not printable", !sgl_ascii_is_printable(V("a\tb")));
}

static void checked_arithmetic(void **state)
{
    size_t n = 7;

    (void)state;
    CHECK_TRUE("a sum that fits", sgl_add_size(SIZE_MAX - 1, 1, &n) && n == SIZE_MAX);
    CHECK_TRUE("a sum that wraps leaves out alone",
               !sgl_add_size(SIZE_MAX, 1, &n) && n == SIZE_MAX);
    CHECK_TRUE("a product that fits", sgl_mul_size(3, 5, &n) && n == 15);
    CHECK_TRUE("a product that wraps leaves out alone",
               !sgl_mul_size(SIZE_MAX / 2, 3, &n) && n == 15);
}

static void diagnostics(void **state)
{
    struct sgl_diag diag = {0};
    sgl_view input = V("0123456789012345678901234567890123456789");

    (void)state;
    sgl_diag_set(NULL, "no place to note it", NULL, input, 0);
    sgl_diag_set(&diag, "first", "RFC 1 s1", input, 2);
    sgl_diag_set(&diag, "second", NULL, input, 3);
    CHECK_STR("the first reason stays", diag.what, "first");
    CHECK_EQ("near is filled", diag.near_len, sizeof diag.near);
    CHECK_EQ("near starts at the place", diag.near[0], '2');
    diag = (struct sgl_diag){0};
    sgl_diag_set(&diag, "behind the end", NULL, input, 4000);
    CHECK_EQ("nothing is near the end", diag.near_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compare),
        cmocka_unit_test(cut),
        cmocka_unit_test(numbers),
        cmocka_unit_test(classes),
        cmocka_unit_test(checked_arithmetic),
        cmocka_unit_test(diagnostics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
