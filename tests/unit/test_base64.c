/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/base64.h"

#include "check.h"

#define V(s) sgl_view_cstr(s)

/* [RFC 4648 s10] */
static void vectors(void **state)
{
    static const struct {
        const char *plain, *text;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(100);
        sgl_auto(sgl_buf) plain = SGL_BUF_INIT(100);

        sgl_base64_encode(&text, V(cases[i].plain));
        CHECK_VIEW(cases[i].plain, sgl_buf_view(&text), V(cases[i].text));
        CHECK_EQ(cases[i].plain, sgl_base64_size(strlen(cases[i].plain)), strlen(cases[i].text));
        CHECK_EQ(cases[i].text, sgl_base64_decode(V(cases[i].text), &plain), SGL_OK);
        CHECK_VIEW(cases[i].text, sgl_buf_view(&plain), V(cases[i].plain));
    }
}

/* Decoded with so much room for each piece; each but the last fills it. */
static enum sgl_status in_pieces(sgl_view text, size_t room, struct sgl_buf *out)
{
    bool last = false;

    while (text.len > 0) {
        uint8_t piece[64];
        size_t got;
        sgl_view before = text;

        if (sgl_base64_decode_some(&text, piece, room, &got) != SGL_OK) {
            CHECK_TRUE("the text is as before", text.ptr == before.ptr && text.len == before.len);
            return SGL_E_SYNTAX;
        }
        CHECK_TRUE("a short one is the last", !last || got == 0);
        last = got < room / 3 * 3;
        sgl_buf_add(out, sgl_view_of(piece, got));
    }
    return SGL_OK;
}

static void refusals(void **state)
{
    static const struct {
        const char *name, *text;
        enum sgl_status strict, fws;
    } cases[] = {
        {"no padding", "Zg", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"half the padding", "Zg=", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"too much padding", "Zg===", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"only padding", "====", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"one character and padding", "Z===", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"unused bits set, one byte", "Zh==", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"unused bits set, two bytes", "Zm9=", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"more after padding", "Zg==Zg==", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"padding inside", "Z=g=", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"the URL alphabet", "-_-_", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"a high byte", "Zm9\xff", SGL_E_SYNTAX, SGL_E_SYNTAX},
        {"a blank inside", "Zm 9v", SGL_E_SYNTAX, SGL_OK},
        {"folded", "Zm9\r\n v\r\n", SGL_E_SYNTAX, SGL_OK},
        {"blanks behind the padding", "Zg== \r\n", SGL_E_SYNTAX, SGL_OK},
        {"blanks within the padding", "Zg= =", SGL_E_SYNTAX, SGL_OK},
        {"only blanks", " \t", SGL_E_SYNTAX, SGL_OK},
        {"many blanks", "      ", SGL_E_SYNTAX, SGL_OK},
        {"a vertical tab is no blank", "Zm9\vv", SGL_E_SYNTAX, SGL_E_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(100);

        sgl_buf_add_byte(&out, '!');
        CHECK_EQ(cases[i].name, sgl_base64_decode(V(cases[i].text), &out), cases[i].strict);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&out), V("!"));
        CHECK_EQ(cases[i].name, sgl_base64_decode_fws(V(cases[i].text), &out), cases[i].fws);
        CHECK_TRUE(cases[i].name, cases[i].fws == SGL_OK || out.len == 1);
        CHECK_EQ(cases[i].name, in_pieces(V(cases[i].text), 3, &out), cases[i].fws);
    }
}

/* Piece by piece is the same as at once, however the text is folded and however large the pieces are. */
static void pieces(void **state)
{
    uint8_t bytes[100];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 41 + 7);
    for (size_t n = 0; n <= sizeof bytes; n++)
        for (size_t room = 3; room < 40; room += n % 5 + 1) {
            sgl_auto(sgl_buf) text = SGL_BUF_INIT(1000);
            sgl_auto(sgl_buf) back = SGL_BUF_INIT(1000);

            sgl_base64_encode_lines(&text, sgl_view_of(bytes, n), 4 + room);
            CHECK_EQ("decodes", in_pieces(sgl_buf_view(&text), room, &back), SGL_OK);
            CHECK_TRUE("is the same", sgl_view_eq(sgl_buf_view(&back), sgl_view_of(bytes, n)));
        }
}

static void lines(void **state)
{
    static const struct {
        const char *plain, *want;
        size_t line;
    } cases[] = {{"", "", 76},
                 {"foobar", "Zm9vYmFy\r\n", 76},
                 {"foobar", "Zm9v\r\nYmFy\r\n", 4},
                 {"foobar", "Zm9v\r\nYmFy\r\n", 7},
                 {"fooba", "Zm9v\r\nYmE=\r\n", 4}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(100);

        sgl_base64_encode_lines(&out, V(cases[i].plain), cases[i].line);
        CHECK_VIEW(cases[i].want, sgl_buf_view(&out), V(cases[i].want));
    }
}

static void every_length_survives(void **state)
{
    uint8_t bytes[200];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1000);
        sgl_auto(sgl_buf) back = SGL_BUF_INIT(1000);

        sgl_base64_encode_lines(&text, sgl_view_of(bytes, n), 76);
        CHECK_EQ("decodes", sgl_base64_decode_fws(sgl_buf_view(&text), &back), SGL_OK);
        CHECK_TRUE("is the same", sgl_view_eq(sgl_buf_view(&back), sgl_view_of(bytes, n)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(refusals),
        cmocka_unit_test(lines),
        cmocka_unit_test(pieces),
        cmocka_unit_test(every_length_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
