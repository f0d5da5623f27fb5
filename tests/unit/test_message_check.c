/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/message_check.h"

#include "check.h"
#include "sigillo/limits.h"

#define V(s) sgl_view_cstr(s)
#define HEAD "From: a@b.c\r\nSubject: x\r\n\r\n"

/* [RFC 5321 s2.3.8, s4.5.3.1.6; RFC 5322 s2.1, s3.6] */
static void faults(void **state)
{
    static const struct {
        const char *name, *text;
        enum sgl_message_fault want;
        size_t off, line;
        const char *field;
    } cases[] = {
        {"a small message", HEAD "body\r\n", SGL_MESSAGE_FINE, 0, 0, ""},
        {"an empty body", HEAD, SGL_MESSAGE_FINE, 0, 0, ""},
        {"a bare CR in the body", HEAD "a\rb\r\n", SGL_MESSAGE_BARE_CR, 28, 4, ""},
        {"a bare CR at the very end", HEAD "ab\r", SGL_MESSAGE_BARE_CR, 29, 4, ""},
        {"a bare LF in the body", HEAD "a\nb\r\n", SGL_MESSAGE_BARE_LF, 28, 4, ""},
        {"a bare LF first in the body", HEAD "\nb\r\n", SGL_MESSAGE_BARE_LF, 27, 4, ""},
        {"LF CR", HEAD "a\n\rb\r\n", SGL_MESSAGE_BARE_LF, 28, 4, ""},
        {"CR CR LF", HEAD "a\r\r\nb\r\n", SGL_MESSAGE_BARE_CR, 28, 4, ""},
        {"the first of two is told", HEAD "a\nb\rc\r\n", SGL_MESSAGE_BARE_LF, 28, 4, ""},
        {"LF . LF, the smuggler's end", HEAD "a\r\nb\n.\n", SGL_MESSAGE_BARE_LF, 31, 5, ""},
        {"the last line is open", HEAD "body", SGL_MESSAGE_NOT_ENDED, 31, 4, ""},
        {"a bare LF in the header", "From: a@b.c\nSubject: x\r\n\r\n", SGL_MESSAGE_BARE_LF, 11, 1,
         ""},
        {"a bare CR in the header", "From: a@b.c\r\nSubject: \rx\r\n\r\n", SGL_MESSAGE_BARE_CR, 22,
         2, ""},
        {"no colon", "From: a@b.c\r\nSubject\r\n\r\n", SGL_MESSAGE_BAD_FIELD, 13, 2, ""},
        {"no empty line", "From: a@b.c\r\nSubject: x\r\n", SGL_MESSAGE_NO_SEPARATOR, 25, 3, ""},
        {"no From", "Subject: x\r\n\r\n", SGL_MESSAGE_NO_FROM, 0, 1, ""},
        {"two From", "From: a@b.c\r\nfrom: d@e.f\r\n\r\n", SGL_MESSAGE_MANY_FROM, 13, 2, "from"},
        {"two Subject", "From: a@b.c\r\nSubject: x\r\nSubject: y\r\n\r\n",
         SGL_MESSAGE_REPEATED_FIELD, 25, 3, "Subject"},
        {"two Received are fine", "Received: x\r\nReceived: y\r\nFrom: a@b.c\r\n\r\n",
         SGL_MESSAGE_FINE, 0, 0, ""},
        {"UTF-8 in the header", "From: a@b.c\r\nSubject: \xc3\xa9\r\n\r\n", SGL_MESSAGE_FINE, 0, 0,
         ""},
        {"Latin-1 in the header", "From: a@b.c\r\nSubject: \xe9\r\n\r\n",
         SGL_MESSAGE_HEADER_NOT_UTF8, 13, 2, "Subject"},
        {"nothing", "", SGL_MESSAGE_NO_SEPARATOR, 0, 1, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_message_report r;

        CHECK_EQ(cases[i].name, sgl_message_check(V(cases[i].text), &arena, &r), SGL_OK);
        CHECK_STR(cases[i].name, sgl_message_fault_code(r.fault),
                  sgl_message_fault_code(cases[i].want));
        CHECK_EQ(cases[i].name, r.off, cases[i].off);
        CHECK_EQ(cases[i].name, r.line, cases[i].line);
        CHECK_VIEW(cases[i].name, r.field, V(cases[i].field));
    }
}

static struct sgl_message_report check(const struct sgl_buf *b)
{
    static struct sgl_arena arena;
    struct sgl_message_report r = {0};

    sgl_arena_done(&arena);
    sgl_arena_init(&arena, 1 << 18);
    CHECK_EQ("check", sgl_message_check(sgl_buf_view(b), &arena, &r), SGL_OK);
    sgl_arena_done(&arena);
    return r;
}

static void fill(struct sgl_buf *b, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sgl_buf_add_cstr(b, text);
}

/* Each fault at each place of a body that spans several steps of 64 bytes. */
static void every_place(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
    size_t body;

    (void)state;
    sgl_buf_add_cstr(&b, HEAD);
    body = b.len;
    fill(&b, "x", 200);
    sgl_buf_add_cstr(&b, "\r\n");
    CHECK_EQ("fine before", check(&b).fault, SGL_MESSAGE_FINE);
    for (size_t i = 0; i < 200; i++) {
        static const struct {
            uint8_t byte;
            enum sgl_message_fault want;
        } bytes[] = {{'\r', SGL_MESSAGE_BARE_CR},
                     {'\n', SGL_MESSAGE_BARE_LF},
                     {'\0', SGL_MESSAGE_NUL},
                     {0x80, SGL_MESSAGE_FINE}};

        for (size_t k = 0; k < 4; k++) {
            struct sgl_message_report r;

            b.data[body + i] = bytes[k].byte;
            r = check(&b);
            CHECK_EQ("fault", r.fault, bytes[k].want);
            CHECK_EQ("8-bit is seen", r.eightbit, bytes[k].byte == 0x80);
            if (r.fault != SGL_MESSAGE_FINE)
                CHECK_EQ("place", r.off, body + i);
        }
        b.data[body + i] = 'x';
        if (i < 199) {
            b.data[body + i] = '\r';
            b.data[body + i + 1] = '\n';
            CHECK_EQ("CRLF across a step is one line end", check(&b).fault, SGL_MESSAGE_FINE);
            b.data[body + i] = b.data[body + i + 1] = 'x';
        }
    }
}

static void sizes(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(8 << 20);
    struct sgl_message_report r;

    (void)state;
    for (size_t lead = 0; lead < 70; lead++) {
        sgl_buf_reset(&b);
        sgl_buf_add_cstr(&b, HEAD);
        fill(&b, "y", lead);
        sgl_buf_add_cstr(&b, "\r\n");
        fill(&b, "x", SGL_LIMIT_LINE);
        sgl_buf_add_cstr(&b, "\r\nshort\r\n");
        CHECK_EQ("a line of 998", check(&b).fault, SGL_MESSAGE_FINE);
        sgl_buf_truncate(&b, b.len - 9);
        sgl_buf_add_cstr(&b, "x\r\nshort\r\n");
        r = check(&b);
        CHECK_EQ("a line of 999", r.fault, SGL_MESSAGE_LINE_TOO_LONG);
        CHECK_EQ("its line", r.line, 5);
        CHECK_TRUE("in the body", !r.in_header);
    }
    sgl_buf_reset(&b);
    sgl_buf_add_cstr(&b, "From: a@b.c\r\nX-Long: ");
    fill(&b, "x", 1 << 20);
    sgl_buf_add_cstr(&b, "\r\n\r\n");
    r = check(&b);
    CHECK_EQ("a header line of 1 MB", r.fault, SGL_MESSAGE_LINE_TOO_LONG);
    CHECK_VIEW("its name", r.field, V("X-Long"));
    CHECK_EQ("its line", r.line, 2);
    CHECK_TRUE("in the header", r.in_header);
    sgl_buf_reset(&b);
    sgl_buf_add_cstr(&b, "From: a@b.c\r\n");
    fill(&b, "X: y\r\n", 100000);
    sgl_buf_add_cstr(&b, "\r\n");
    r = check(&b);
    CHECK_EQ("100,000 header fields", r.fault, SGL_MESSAGE_TOO_MANY_FIELDS);
    CHECK_EQ("the line of the first too many", r.line, SGL_LIMIT_HEADER_FIELDS + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(faults), cmocka_unit_test(every_place),
                                       cmocka_unit_test(sizes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
