/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/utf8.h"

#include "check.h"

/* [RFC 3629 s3, s4] */
static void validity(void **state)
{
    static const struct {
        const char *name, *text;
        bool ok;
    } cases[] = {
        {"ASCII", "plain text, more than eight bytes of it", true},
        {"the first of two bytes", "\xc2\x80", true},
        {"the last of three bytes", "\xef\xbf\xbf", true},
        {"the last of four bytes", "\xf4\x8f\xbf\xbf", true},
        {"behind eight ASCII bytes", "12345678\xe2\x82\xac", true},
        {"above U+10FFFF", "\xf4\x90\x80\x80", false},
        {"a longer form of /", "\xc0\xaf", false},
        {"a longer form in three bytes", "\xe0\x80\xaf", false},
        {"a longer form in four bytes", "\xf0\x80\x80\xaf", false},
        {"a surrogate", "\xed\xa0\x80", false},
        {"just below the surrogates", "\xed\x9f\xbf", true},
        {"cut short", "\xe2\x82", false},
        {"a continuation alone", "a\x80", false},
        {"an ASCII byte inside", "\xe2(\xac", false},
        {"ISO 8859-1", "caf\xe9", false},
        {"ff", "\xff", false},
        {"empty", "", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_EQ(cases[i].name, sgl_utf8_valid(sgl_view_cstr(cases[i].text)), cases[i].ok);
}

static void every_character_comes_back(void **state)
{
    (void)state;
    for (uint32_t c = 0x80; c <= 0x10ffff; c += 7) {
        uint8_t b[4];
        uint32_t got = 0;
        size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        bool surrogate = c >= 0xd800 && c <= 0xdfff;

        for (size_t i = n - 1; i > 0; i--)
            b[i] = (uint8_t)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
        b[0] = (uint8_t)((0xf00u >> n & 0xff) | c >> (6 * (n - 1)));
        CHECK_EQ("length", sgl_utf8_next(sgl_view_of(b, n), 0, &got), surrogate ? 0 : n);
        CHECK_EQ("code", got, surrogate ? 0 : c);
        if (!surrogate) {
            uint8_t made[4];

            CHECK_EQ("length as it is written", sgl_utf8_put(c, made), n);
            CHECK_TRUE("bytes as they are written", memcmp(made, b, n) == 0);
        }
        CHECK_EQ("cut short", sgl_utf8_next(sgl_view_of(b, n - 1), 0, &got), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validity),
        cmocka_unit_test(every_character_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
