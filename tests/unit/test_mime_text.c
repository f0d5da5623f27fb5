/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a part in every charset that is known, and in those that are not. [RFC 2046 s4.1.2] */
#include "sigillo/mime.h"

#include "check.h"
#include "fail_alloc.h"

struct row {
    const char *name, *header, *body, *text;
    bool replaced;
    enum sgl_status status;
};
static const struct row rows[] = {
    {"nothing is said: UTF-8", "Subject: x", "a\xc3\xa9\r\nb\r\n", "a\xc3\xa9\nb\n", false, SGL_OK},
    {"no UTF-8 is replaced", "Subject: x", "a\xe9 b\xff", "a\xef\xbf\xbd b\xef\xbf\xbd", true,
     SGL_OK},
    {"Latin 1", "Content-Type: text/plain; charset=ISO-8859-1", "caf\xe9", "caf\xc3\xa9", false,
     SGL_OK},
    {"Latin 9", "Content-Type: text/plain; charset=iso-8859-15", "\xa4", "\xe2\x82\xac", false,
     SGL_OK},
    {"Windows", "Content-Type: text/plain; charset=\"windows-1252\"", "\x93x\x94",
     "\xe2\x80\x9cx\xe2\x80\x9d", false, SGL_OK},
    {"what Windows has not", "Content-Type: text/plain; charset=cp1252", "\x81", "\xef\xbf\xbd",
     true, SGL_OK},
    {"unknown: ASCII stays", "Content-Type: text/plain; charset=koi8-r", "x\xc1y", "x\xef\xbf\xbdy",
     true, SGL_OK},
    {"quoted-printable",
     "Content-Type: text/plain; charset=latin1\r\nContent-Transfer-Encoding: quoted-printable",
     "caf=E9=\r\n s\r\n", "caf\xc3\xa9 s\n", false, SGL_OK},
    {"base64", "Content-Transfer-Encoding: base64", "w6kNCg==\r\n", "\xc3\xa9\n", false, SGL_OK},
    {"no base64", "Content-Transfer-Encoding: base64", "!", "", false, SGL_E_SYNTAX},
    {"a bare CR is no line end", "Subject: x", "a\rb\r\r\n\r", "a\rb\r\n\r", false, SGL_OK},
};

static enum sgl_status text_of(const struct row *row, struct sgl_buf *out, bool *replaced)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(4096);
    const struct sgl_mime_part *part;
    size_t count;

    sgl_buf_addf(&message, "%s\r\n\r\n%s", row->header, row->body);
    if (message.status != SGL_OK)
        return message.status;
    SGL_TRY(sgl_mime_walk(sgl_buf_view(&message), &arena, &part, &count));
    return sgl_mime_text(part, out, replaced);
}

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        bool replaced = !rows[i].replaced;

        CHECK_EQ(rows[i].name, text_of(&rows[i], &out, &replaced), rows[i].status);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(rows[i].text));
        CHECK_EQ(rows[i].name, replaced, rows[i].replaced);
    }
}

/* A character may lie across two pieces of the work, a replacement, too. */
static void long_ones(void **state)
{
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(8192), out = SGL_BUF_INIT(30000);
    struct sgl_mime_part part = {.type = SGL_LIT_INIT("text/plain")};
    struct sgl_param charset = {SGL_LIT_INIT("charset"), SGL_LIT_INIT("latin1")};
    bool replaced;

    (void)state;
    for (int i = 0; i < 5000; i++)
        sgl_buf_add_byte(&body, 0xe9);
    part.body = sgl_buf_view(&body);
    part.content_type.param = &charset;
    part.content_type.count = 1;
    CHECK_EQ("of two bytes each", sgl_mime_text(&part, &out, &replaced), SGL_OK);
    CHECK_EQ("all of them", out.len, 10000);
    assert_false(replaced);
    out.max = 10001;
    CHECK_EQ("no room", sgl_mime_text(&part, &out, &replaced), SGL_E_LIMIT);
}

static void without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        bool replaced;
        enum sgl_status status = text_of(&rows[7], &out, &replaced);

        CHECK_TRUE("no memory", status == SGL_OK || status == SGL_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(long_ones),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
