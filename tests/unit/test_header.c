/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/header.h"

#include <stdlib.h>

#include "check.h"
#include "sigillo/limits.h"

#define V(s) sgl_view_cstr(s)

/* [RFC 5322 s2.1, s2.2] */
#define NAME_78                                                                                    \
    "x234567890123456789012345678901234567890123456789012345678901234567890123456"                 \
    "78"

static void strict_and_tolerant(void **state)
{
    static const struct {
        const char *name, *text;
        enum sgl_status strict, tolerant;
        size_t fields; /* tolerant */
    } cases[] = {
        {"a field and an empty line", "A: b\r\n\r\nbody", SGL_OK, SGL_OK, 1},
        {"nothing at all", "", SGL_OK, SGL_OK, 0},
        {"a body without a header", "\r\nbody", SGL_OK, SGL_OK, 0},
        {"a header without a body", "A: b\r\n", SGL_OK, SGL_OK, 1},
        {"a folded field", "A: b\r\n c\r\nD: e\r\n\r\n", SGL_OK, SGL_OK, 2},
        {"a field without a value", "A:\r\n\r\n", SGL_OK, SGL_OK, 1},
        {"a bare LF ends no line", "A: b\nC: d\n\n", SGL_E_SYNTAX, SGL_OK, 2},
        {"one bare LF among CRLF", "A: b\r\nC: d\nE: f\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 3},
        {"a bare CR in a value", "A: b\rC: d\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 1},
        {"CR CR LF", "A: b\r\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 1},
        {"a line without a colon", "A: b\r\nnonsense\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 1},
        {"a blank before the colon", "A : b\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 1},
        {"a blank in the name", "A b: c\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 0},
        {"no name before the colon", ": c\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 0},
        {"an 8-bit name", "\xc3\xa9: c\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 0},
        {"a name of 78 bytes", "A: b\r\n" NAME_78 ": c\r\nD: e\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 3},
        {"a continuation first", " A: b\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 0},
        {"the last line is cut", "A: b\r\nC: d", SGL_E_SYNTAX, SGL_OK, 2},
        {"an mbox line first", "From x Mon\r\nA: b\r\n\r\n", SGL_E_SYNTAX, SGL_OK, 1},
        {"a From field with a blank is no mbox line", "From : x@a.test\r\nA: b\r\n\r\n",
         SGL_E_SYNTAX, SGL_OK, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_headers h = {.count = 99};
        struct sgl_diag diag = {0};
        const char *name = cases[i].name;

        CHECK_EQ(name, sgl_headers_parse(V(cases[i].text), SGL_HEADERS_STRICT, &arena, &h, &diag),
                 cases[i].strict);
        CHECK_TRUE(name, (h.count == 99) == (cases[i].strict != SGL_OK));
        CHECK_TRUE(name, (diag.what == NULL) == (cases[i].strict == SGL_OK));
        CHECK_EQ(name, sgl_headers_parse(V(cases[i].text), SGL_HEADERS_TOLERANT, &arena, &h, NULL),
                 cases[i].tolerant);
        CHECK_EQ(name, h.count, cases[i].fields);
    }
}

static void views(void **state)
{
    static const char text[] = "From: a@b.c\r\nTo: x\r\n\ty\r\nX-N:  v \r\nto: z\r\n\r\nBody\r\n";
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_headers h;
    sgl_view out;

    (void)state;
    CHECK_EQ("parse", sgl_headers_parse(V(text), SGL_HEADERS_STRICT, &arena, &h, NULL), SGL_OK);
    CHECK_EQ("fields", h.count, 4);
    CHECK_VIEW("raw holds the line ends", h.field[1].raw, V("To: x\r\n\ty\r\n"));
    CHECK_VIEW("value has the fold and not the last line end", h.field[1].value, V(" x\r\n\ty"));
    CHECK_VIEW("body", sgl_view_from(V(text), h.body_off), V("Body\r\n"));
    CHECK_VIEW("section", h.section, V("From: a@b.c\r\nTo: x\r\n\ty\r\nX-N:  v \r\nto: z\r\n"));
    CHECK_TRUE("first ignores case", sgl_headers_first(&h, V("TO")) == &h.field[1]);
    CHECK_TRUE("last", sgl_headers_last(&h, V("To")) == &h.field[3]);
    CHECK_TRUE("next", sgl_headers_next(&h, V("To"), &h.field[1]) == &h.field[3]);
    CHECK_TRUE("none further", sgl_headers_next(&h, V("To"), &h.field[3]) == NULL);
    CHECK_TRUE("absent", sgl_headers_first(&h, V("Cc")) == NULL);
    CHECK_EQ("count", sgl_headers_count(&h, V("to")), 2);
    CHECK_EQ("unfold", sgl_header_unfold(h.field[1].value, &arena, &out), SGL_OK);
    CHECK_VIEW("unfold keeps the blank of the fold", out, V("x\ty"));
    CHECK_EQ("unfold", sgl_header_unfold(h.field[2].value, &arena, &out), SGL_OK);
    CHECK_VIEW("unfold trims", out, V("v"));
}

/* Fills a buffer with `count` copies. */
static void repeat(struct sgl_buf *buf, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sgl_buf_add_cstr(buf, text);
}

static void limits(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 22);
    struct sgl_headers h;

    (void)state;
    repeat(&b, "A: b\r\n", SGL_LIMIT_HEADER_FIELDS);
    CHECK_EQ("as many fields as allowed",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL), SGL_OK);
    repeat(&b, "A: b\r\n", 1);
    CHECK_EQ("one more", sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL),
             SGL_E_LIMIT);
    sgl_buf_reset(&b);
    sgl_buf_add(&b, SGL_LIT("A: "));
    repeat(&b, "x", SGL_LIMIT_LINE - 3);
    repeat(&b, "\r\n", 2);
    CHECK_EQ("a line of 998",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL), SGL_OK);
    sgl_buf_truncate(&b, b.len - 4);
    repeat(&b, "x", 1);
    CHECK_EQ("a line of 999 that does not end",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL),
             SGL_E_LIMIT);
    repeat(&b, "\r\n", 2);
    CHECK_EQ("a line of 999",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL),
             SGL_E_LIMIT);
    CHECK_EQ("a line of 999 is others' business",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_TOLERANT, &arena, &h, NULL), SGL_OK);
    sgl_buf_reset(&b);
    repeat(&b, "A: 0123456789012345678901234567890123456789\r\n 0123456789\r\n", 1 << 14);
    CHECK_EQ("a header over its size",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL),
             SGL_E_LIMIT);
    CHECK_EQ("the same, tolerant",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_TOLERANT, &arena, &h, NULL),
             SGL_E_LIMIT);
    sgl_buf_reset(&b);
    repeat(&b, "x", 1 << 20);
    CHECK_EQ("a megabyte without a line end",
             sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL),
             SGL_E_LIMIT);
}

static void writing(void **state)
{
    static const struct {
        const char *name, *field, *value, *want; /* want NULL: refused */
    } cases[] = {
        {"short", "A", "b", "A: b\r\n"},
        {"empty", "A", "", "A:\r\n"},
        {"blanks at the ends go", "A", "  b ", "A: b\r\n"},
        {"folded at a blank before column 76", "Subject",
         "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 end",
         "Subject: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\r\n "
         "0123456789 end\r\n"},
        {"a word that only fits a line of its own", "Subject",
         "0123456789012345678901234567890123456789012345678901234567890123456789abc",
         "Subject:\r\n "
         "0123456789012345678901234567890123456789012345678901234567890123456789abc\r\n"},
        {"CRLF injection", "A", "b\r\nBcc: c", NULL},
        {"LF injection", "A", "b\nBcc: c", NULL},
        {"CR injection", "A", "b\rBcc: c", NULL},
        {"a control character", "A", "b\x1b[31m", NULL},
        {"a colon in the name", "A:b", "c", NULL},
        {"a line end in the name", "A\r\nB", "c", NULL},
        {"no name", "", "c", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);

        sgl_header_put(&b, V(cases[i].field), V(cases[i].value));
        CHECK_EQ(cases[i].name, b.status, cases[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].want));
    }
    {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
        sgl_auto(sgl_buf) word = SGL_BUF_INIT(4096);

        sgl_header_put(&b, V("A"), sgl_view_of("b\0c", 3));
        CHECK_EQ("a NUL", b.status, SGL_E_SYNTAX);
        sgl_buf_reset(&b);
        repeat(&word, "x", 1200);
        sgl_header_put(&b, V("A"), sgl_buf_view(&word));
        CHECK_EQ("a word over 998", b.status, SGL_E_LIMIT);
        CHECK_EQ("leaves nothing behind", b.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strict_and_tolerant),
                                       cmocka_unit_test(views), cmocka_unit_test(limits),
                                       cmocka_unit_test(writing)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
