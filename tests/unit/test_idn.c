/* SPDX-License-Identifier: Apache-2.0 */
/* Names in other scripts, both ways.  [RFC 5891] */
#include "sigillo/idn.h"

#include "check.h"

static const struct {
    const char *rule, *unicode, *ascii;
} both[] = {
    {"a name without other letters is its own", "example.org", "example.org"},
    {"a U-label",
     "b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example"},
    {"several", "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84",
     "xn--e1afmkfd.xn--p1ai"},
};

static void test_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        struct sgl_arena arena = SGL_ARENA_INIT(4096);
        sgl_view out;

        CHECK_EQ(both[i].rule, sgl_idn_to_ascii(sgl_view_cstr(both[i].unicode), &arena, &out),
                 SGL_OK);
        CHECK_VIEW(both[i].rule, out, sgl_view_cstr(both[i].ascii));
        CHECK_EQ(both[i].rule, sgl_idn_to_unicode(sgl_view_cstr(both[i].ascii), &arena, &out),
                 SGL_OK);
        CHECK_VIEW(both[i].rule, out, sgl_view_cstr(both[i].unicode));
        sgl_arena_done(&arena);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *rule;
        sgl_view text;
        size_t room;
        enum sgl_status ascii, unicode;
    } rows[] = {
        {"a NUL is in no name", SGL_LIT_INIT("b\xc3\xbc\0.example"), 4096, SGL_E_SYNTAX,
         SGL_E_SYNTAX},
        {"an A-label that is none", SGL_LIT_INIT("xn--\xc3\xbc.example"), 4096, SGL_E_SYNTAX,
         SGL_E_SYNTAX},
        {"no memory",
         SGL_LIT_INIT("b\xc3\xbc"
                      "cher.example"),
         0, SGL_E_LIMIT, SGL_E_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_arena arena = SGL_ARENA_INIT(rows[i].room);
        sgl_view out = SGL_LIT("untouched");

        CHECK_EQ(rows[i].rule, sgl_idn_to_ascii(rows[i].text, &arena, &out), rows[i].ascii);
        CHECK_EQ(rows[i].rule, sgl_idn_to_unicode(rows[i].text, &arena, &out), rows[i].unicode);
        CHECK_VIEW(rows[i].rule, out, SGL_LIT("untouched"));
        sgl_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_ways),
                                       cmocka_unit_test(test_refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
