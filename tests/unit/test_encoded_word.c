/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/encoded_word.h"

#include "check.h"
#include "sigillo/utf8.h"

#define V(s) sgl_view_cstr(s)

/* [RFC 2231 s5] */
/* [RFC 2047 s2, s5, s6, s8] */
static void reading(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"plain text", "plain text", "plain text"},
        {"Q", "=?ISO-8859-1?Q?a?=", "a"},
        {"a word and text", "=?ISO-8859-1?Q?a?= b", "a b"},
        {"two words", "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
        {"two words, more blanks", "=?ISO-8859-1?Q?a?=  \r\n  =?ISO-8859-1?Q?b?=", "ab"},
        {"underscore is a blank", "=?ISO-8859-1?Q?a_b?=", "a b"},
        {"an encoded blank between words",
         "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a =?ISO-8859-2?Q?_b?="},
        {"Latin-1", "=?iso-8859-1?q?=E9?=", "\xc3\xa9"},
        {"Latin-9", "=?iso-8859-15?q?=A4?=", "\xe2\x82\xac"},
        {"Windows", "=?windows-1252?q?=80=81?=", "\xe2\x82\xac\xef\xbf\xbd"},
        {"B", "=?utf-8?B?w6k=?=", "\xc3\xa9"},
        {"B without padding", "=?utf-8?b?w6k?=", "\xc3\xa9"},
        {"a character cut in two", "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\xc3\xa9"},
        {"a language", "=?utf-8*fr?q?=C3=A9?=", "\xc3\xa9"},
        {"what is no UTF-8", "=?utf-8?q?=FF?=", "\xef\xbf\xbd"},
        {"raw bytes that are no UTF-8", "a\xff", "a\xef\xbf\xbd"},
        {"raw UTF-8 stays", "\xc3\xa9", "\xc3\xa9"},
        {"a fold goes", "a\r\n b", "a b"},
        {"not an encoding", "=?utf-8?x?a?=", "=?utf-8?x?a?="},
        {"not closed", "=?utf-8?q?a", "=?utf-8?q?a"},
        {"a blank inside", "=?utf-8?q?a b?=", "=?utf-8?q?a b?="},
        {"broken escapes stay", "=?utf-8?q?=G1=?=", "=G1="},
        {"equals signs", "a=b=?c", "a=b=?c"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 14);
        sgl_view got;

        CHECK_EQ(cases[i].name, sgl_encoded_word_decode(V(cases[i].text), &arena, &got), SGL_OK);
        CHECK_VIEW(cases[i].name, got, V(cases[i].want));
    }
}

/* Each word within 75, of whole characters; all of it back again. */
static void check_words(const char *name, sgl_view text, enum sgl_word_place place)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 20);
    sgl_view rest, back;

    sgl_encoded_word_put(&b, text, place);
    CHECK_EQ(name, b.status, SGL_OK);
    CHECK_EQ(name, sgl_encoded_word_decode(sgl_buf_view(&b), &arena, &back), SGL_OK);
    CHECK_VIEW(name, back, text);
    for (rest = sgl_buf_view(&b); rest.len > 0;) {
        sgl_view word = sgl_view_split(rest, ' ', &rest), one;

        if (!sgl_view_starts(word, V("=?")))
            continue;
        CHECK_TRUE(name, word.len <= 75);
        CHECK_EQ(name, sgl_encoded_word_decode(word, &arena, &one), SGL_OK);
        CHECK_TRUE(name, sgl_view_find_view(one, V("\xef\xbf\xbd")) == one.len);
    }
}

static void writing(void **state)
{
    static const struct {
        const char *name, *text, *want; /* NULL: only its meaning counts */
    } cases[] = {
        {"harmless", "Hello, world!", "Hello, world!"},
        {"empty", "", ""},
        {"one character", "caf\xc3\xa9", "=?UTF-8?Q?caf=C3=A9?="},
        {"mostly not ASCII", "\xe6\x97\xa5\xe6\x9c\xac", "=?UTF-8?B?5pel5pys?="},
        {"what looks like a word", "=?utf-8?q?a?=", NULL},
        {"blanks at the ends", " a ", NULL},
        {"four-byte characters",
         "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f"
         "\x98\x80\xf0\x9f\x98\x80"
         "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f"
         "\x98\x80\xf0\x9f\x98\x80",
         NULL},
        {"long, with blanks",
         "L\xc3\xa4nge, L\xc3\xa4nge, L\xc3\xa4nge, L\xc3\xa4nge, L\xc3\xa4nge, L\xc3\xa4nge, "
         "L\xc3\xa4nge, und noch mehr",
         NULL},
    };
    static const char *const bad[] = {"a\r\nBcc: b", "a\rb", "a\nb", "\x01",
                                      "\xff",        "\xc3", "\x7f"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);

        check_words(cases[i].name, V(cases[i].text), SGL_WORD_TEXT);
        check_words(cases[i].name, V(cases[i].text), SGL_WORD_PHRASE);
        sgl_encoded_word_put(&b, V(cases[i].text), SGL_WORD_TEXT);
        if (cases[i].want != NULL)
            CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].want));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);

        sgl_encoded_word_put(&b, V(bad[i]), SGL_WORD_TEXT);
        CHECK_EQ("refused", b.status, SGL_E_SYNTAX);
        CHECK_EQ("nothing written", b.len, 0);
    }
}

static void giant_word(void **state)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(8192);

    (void)state;
    for (int i = 0; i < 5000; i++)
        sgl_buf_add_byte(&text, 'x');
    check_words("5000 letters without a blank", sgl_buf_view(&text), SGL_WORD_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reading), cmocka_unit_test(writing),
                                       cmocka_unit_test(giant_word)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
