/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "sigillo/smtp_reply.h"

static const struct {
    const char *name, *bytes;
    enum sgl_status status;
    uint16_t code;
    size_t lines;
    const char *enhanced, *text, *rest; /* rest: not taken */
} rows[] = {
    {"one line", "250 ok\r\n", SGL_OK, 250, 1, "", "ok", ""},
    {"a line without text [RFC 5321 s4.2]", "250\r\n", SGL_OK, 250, 1, "", "", ""},
    {"several lines are joined", "250-a\r\n250-\r\n250 c\r\n", SGL_OK, 250, 3, "", "a\n\nc", ""},
    {"an enhanced code is taken off [RFC 2034 s4]", "550 5.1.1 no\r\n", SGL_OK, 550, 1, "5.1.1",
     "no", ""},
    {"of every line", "550-5.1.1 no\r\n550-5.1.1\r\n550 5.1.1 user\r\n", SGL_OK, 550, 3, "5.1.1",
     "no\n\nuser", ""},
    {"one of another class is text [RFC 3463 s2]", "550 4.1.1 no\r\n", SGL_OK, 550, 1, "",
     "4.1.1 no", ""},
    {"leading zeros are text", "550 5.01.1 no\r\n", SGL_OK, 550, 1, "", "5.01.1 no", ""},
    {"three digits at most", "550 5.7.1000 no\r\n", SGL_OK, 550, 1, "", "5.7.1000 no", ""},
    {"nothing behind the end is taken", "220 a\r\n220 b\r\n", SGL_OK, 220, 1, "", "a", "220 b\r\n"},
    {"half a line", "250 o", SGL_MORE, 0, 0, "", "", ""},
    {"half a reply", "250-ok\r\n", SGL_MORE, 0, 0, "", "", ""},
    {"other codes within a reply [RFC 5321 s4.2.1]", "250-ok\r\n251 ok\r\n", SGL_E_SYNTAX, 0, 0, "",
     "", NULL},
    {"a bare LF", "250 ok\n", SGL_E_SYNTAX, 0, 0, "", "", NULL},
    {"a bare CR", "250 o\rk\r\n", SGL_E_SYNTAX, 0, 0, "", "", NULL},
    {"two digits", "25 ok\r\n", SGL_E_SYNTAX, 0, 0, "", "", NULL},
    {"four digits", "2500 ok\r\n", SGL_E_SYNTAX, 0, 0, "", "", NULL},
    {"a code below 200", "150 ok\r\n", SGL_E_SYNTAX, 0, 0, "", "", NULL},
    {"a code above 599", "600 ok\r\n", SGL_E_SYNTAX, 0, 0, "", "", NULL},
    {"an empty line", "\r\n", SGL_E_SYNTAX, 0, 0, "", "", NULL},
};

static void one(size_t i, size_t cut)
{
    struct sgl_smtp_reply_parser p;
    struct sgl_smtp_reply r = {.code = 9};
    sgl_view all = sgl_view_cstr(rows[i].bytes), first = sgl_view_sub(all, 0, cut);
    size_t used = 0, total;
    enum sgl_status st;

    sgl_smtp_reply_parser_init(&p);
    st = sgl_smtp_reply_feed(&p, first, &used, &r);
    total = used;
    if (st == SGL_MORE) {
        CHECK_EQ("everything is taken", used, first.len);
        st = sgl_smtp_reply_feed(&p, sgl_view_from(all, cut), &used, &r);
        total += used;
    }
    CHECK_EQ(rows[i].name, st, rows[i].status);
    CHECK_EQ(rows[i].name, r.code, st == SGL_OK ? rows[i].code : 9);
    if (st == SGL_OK) {
        CHECK_EQ(rows[i].name, r.lines, rows[i].lines);
        CHECK_VIEW(rows[i].name, r.enhanced_text, sgl_view_cstr(rows[i].enhanced));
        CHECK_VIEW(rows[i].name, r.text, sgl_view_cstr(rows[i].text));
    }
    if (rows[i].rest != NULL)
        CHECK_VIEW(rows[i].name, sgl_view_from(all, total), sgl_view_cstr(rows[i].rest));
    sgl_smtp_reply_parser_done(&p);
}

static void replies_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t cut = 0; cut <= strlen(rows[i].bytes); cut++)
            one(i, cut);
    }
}

static void a_nul_is_no_text(void **state)
{
    struct sgl_smtp_reply_parser p;
    struct sgl_smtp_reply r;
    size_t used;

    (void)state;
    sgl_smtp_reply_parser_init(&p);
    CHECK_EQ("NUL", sgl_smtp_reply_feed(&p, sgl_view_of("250\0\r\n", 6), &used, &r), SGL_E_SYNTAX);
    sgl_smtp_reply_parser_done(&p);
    sgl_smtp_reply_parser_init(&p);
    CHECK_EQ("NUL", sgl_smtp_reply_feed(&p, sgl_view_of("250 \0\r\n", 7), &used, &r), SGL_E_SYNTAX);
    sgl_smtp_reply_parser_done(&p);
}

static void replies_are_written_in_lines_of_512(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
    struct sgl_smtp_reply_parser p;
    struct sgl_smtp_reply r;
    size_t used;

    (void)state;
    for (int i = 0; i < 200; i++)
        sgl_buf_add_cstr(&text, i % 2 == 0 ? "some words " : "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
    sgl_smtp_reply_put(&out, 550, SGL_LIT("5.7.1"), sgl_buf_view(&text));
    CHECK_EQ("status", out.status, SGL_OK);
    for (sgl_view rest = sgl_buf_view(&out); rest.ptr != NULL && rest.len != 0;) {
        sgl_view line = sgl_view_split(rest, '\n', &rest);

        CHECK_TRUE("512 with CR LF", line.len + 1 <= 512);
        CHECK_TRUE("each with its codes", sgl_view_starts(line, SGL_LIT("550-5.7.1 ")) ||
                                              sgl_view_starts(line, SGL_LIT("550 5.7.1 ")));
    }
    sgl_smtp_reply_parser_init(&p);
    CHECK_EQ("our own parser reads it", sgl_smtp_reply_feed(&p, sgl_buf_view(&out), &used, &r),
             SGL_OK);
    CHECK_EQ("whole", used, out.len);
    sgl_smtp_reply_parser_done(&p);
}

static void line_ends_are_never_written(void **state)
{
    static const sgl_view bad[] = {SGL_LIT_INIT("a\r\nb"), SGL_LIT_INIT("a\n"),
                                   SGL_LIT_INIT("a\rb"), SGL_LIT_INIT("a\0b")};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1000);

        sgl_smtp_reply_put(&out, 250, SGL_LIT(""), bad[i]);
        CHECK_EQ("text", out.status, SGL_E_SYNTAX);
        CHECK_EQ("nothing is added", out.len, 0);
        sgl_buf_reset(&out);
        sgl_smtp_reply_put(&out, 250, bad[i], SGL_LIT("x"));
        CHECK_EQ("enhanced", out.status, SGL_E_SYNTAX);
        sgl_buf_reset(&out);
        sgl_smtp_reply_put_line(&out, 250, true, bad[i]);
        CHECK_EQ("line", out.status, SGL_E_SYNTAX);
        CHECK_EQ("nothing is added", out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read_strictly),
        cmocka_unit_test(a_nul_is_no_text),
        cmocka_unit_test(replies_are_written_in_lines_of_512),
        cmocka_unit_test(line_ends_are_never_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
