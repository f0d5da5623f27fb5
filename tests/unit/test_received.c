/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/received.h"

#include "check.h"
#include "sigillo/header.h"

#define V(s) sgl_view_cstr(s)

/* [RFC 5321 s4.4; RFC 8314 s4.3] */
static void writing(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
    struct sgl_mailbox m;
    struct sgl_received r = {
        .helo = V("client.example"),
        .peer = V("[192.0.2.1]"),
        .by = V("mail.example.org"),
        .with = V("ESMTPSA"),
        .tls_cipher = V("TLS_AES_256_GCM_SHA384"),
        .tls_version = V("TLSv1.3"),
        .id = V("0123456789abc"),
        .time = 1795349343,
    };

    (void)state;
    CHECK_EQ("mailbox", sgl_mailbox_parse(V("bob@example.net"), &arena, &m, NULL), SGL_OK);
    r.recipient = &m;
    sgl_received_put(&b, &r);
    CHECK_VIEW("whole", sgl_buf_view(&b),
               V("Received: from client.example ([192.0.2.1]) by mail.example.org with ESMTPSA\r\n"
                 "\tid 0123456789abc for <bob@example.net> tls TLS_AES_256_GCM_SHA384\r\n"
                 "\t(TLSv1.3);\r\n"
                 "\tSun, 22 Nov 2026 12:09:03 +0000\r\n"));
    sgl_buf_reset(&b);
    r = (struct sgl_received){.by = V("m"), .with = V("HTTPS"), .time = 0};
    sgl_received_put(&b, &r);
    CHECK_VIEW(
        "least", sgl_buf_view(&b),
        V("Received: from unknown by m with HTTPS;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"));
}

static void ascii_only(void **state)
{
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
    struct sgl_received r = {.helo = V("b\xc3\xbc"
                                       "cher.example"),
                             .by = V("m"),
                             .with = V("ESMTP"),
                             .time = 0};

    (void)state;
    sgl_received_put(&b, &r);
    CHECK_VIEW("a client's name in UTF-8 does not make the header one of SMTPUTF8",
               sgl_buf_view(&b),
               V("Received: from b??cher.example by m with ESMTP;\r\n"
                 "\tThu, 1 Jan 1970 00:00:00 +0000\r\n"));
}

static void hostile(void **state)
{
    static const char *const helo[] = {"a\r\nBcc: x", "a b c",      "a;b(c)\\d",
                                       "a\x01",       "\"quoted\"", "[192.0.2.1]"};

    (void)state;
    for (size_t i = 0; i < sizeof helo / sizeof helo[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
        struct sgl_received r = {
            .helo = V(helo[i]), .peer = V(helo[i]), .by = V("m"), .with = V("ESMTP"), .time = 0};
        struct sgl_headers h;

        sgl_received_put(&b, &r);
        CHECK_EQ(helo[i], sgl_headers_parse(sgl_buf_view(&b), SGL_HEADERS_STRICT, &arena, &h, NULL),
                 SGL_OK);
        CHECK_EQ(helo[i], h.count, 1);
        CHECK_EQ(
            "one semicolon",
            sgl_view_find(sgl_view_from(h.field[0].value, sgl_view_find(h.field[0].value, ';') + 1),
                          ';'),
            h.field[0].value.len - sgl_view_find(h.field[0].value, ';') - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writing), cmocka_unit_test(ascii_only),
                                       cmocka_unit_test(hostile)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
