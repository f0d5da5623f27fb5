/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives as a report about TLS  [RFC 8460 s5.2, s5.3]. */
#include "../../server/intake/intake.h"

#include "../../server/gzip/gzip.h"
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/base64.h"

#define JSON "{\"policies\":[{}]}"

static const struct {
    const char *name, *bytes, *why; /* NULL: the report is found */
} cases[] = {
    {"the text itself", JSON, NULL},
    {"behind a byte order mark and blanks", "\xef\xbb\xbf \r\n" JSON, NULL},
    {"in a mail of its own type", "Content-Type: application/tlsrpt+json\r\n\r\n" JSON, NULL},
    {"in an attachment by its type",
     "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nhello "
     "{}\r\n--b\r\nContent-Type: "
     "application/tlsrpt+json\r\n\r\n" JSON "\r\n--b--\r\n",
     NULL},
    {"in an attachment by its name, encoded",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/octet-stream; "
     "name=\"a!b!1!2.JSON\"\nContent-Transfer-Encoding: "
     "base64\n\neyJwb2xpY2llcyI6W3t9XX0=\n--b--\n",
     NULL},
    {"a mail without one", "Subject: x\r\n\r\nhello\r\n", "there is no report about TLS in it"},
    {"an attachment that is broken",
     "Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n",
     "its attachment is no base64"},
    {"a zip archive", "PK\x03\x04xxxx", "it is a zip archive; reports about TLS are JSON or gzip"},
    {"gzip that breaks off", "\x1f\x8b\x08", "its gzip is damaged or not whole"},
    {"something else", "hello", "there is no report about TLS in it"},
    {"nothing", "", "there is no report about TLS in it"},
};

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1000);
        const char *why = NULL;
        enum sgl_status status = intake_tls_report(sgl_view_cstr(cases[i].bytes), &text, &why);

        CHECK_EQ(cases[i].name, status, cases[i].why == NULL ? SGL_OK : SGL_E_SYNTAX);
        CHECK_VIEW(cases[i].name, sgl_view_cstr(why),
                   sgl_view_cstr(cases[i].why == NULL ? "" : cases[i].why));
        if (cases[i].why == NULL)
            CHECK_TRUE(cases[i].name, sgl_view_ends(sgl_buf_view(&text), SGL_LIT(JSON)));
    }
}

/* Zeros as gzip, packed `times` times. */
static void bomb(struct sgl_buf *out, size_t size, unsigned times)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(size);

    assert_int_equal(sgl_buf_reserve(&text, size), SGL_OK);
    memset(text.data, '0', size);
    text.len = size;
    while (times-- > 0) {
        sgl_buf_reset(out);
        assert_int_equal(gzip(sgl_buf_view(&text), out), SGL_OK);
        sgl_buf_reset(&text);
        sgl_buf_add(&text, sgl_buf_view(out));
    }
}

static void packed(void **state)
{
    sgl_auto(sgl_buf) in = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) mail = SGL_BUF_INIT(1 << 20);
    const char *why;

    (void)state;
    for (unsigned times = 1; times <= 2; times++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(INTAKE_TEXT_MAX);

        bomb(&in, 1 << 20, times);
        CHECK_EQ("packed once or twice", intake_tls_report(sgl_buf_view(&in), &text, &why),
                 times == 1 ? SGL_OK : SGL_E_SYNTAX);
        CHECK_VIEW("why", sgl_view_cstr(why),
                   sgl_view_cstr(times == 1 ? "" : "it is packed twice"));
    }
    bomb(&in, INTAKE_TEXT_MAX + 1, 1);
    sgl_buf_add_cstr(&mail, "Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: "
                            "base64\r\n\r\n");
    sgl_base64_encode_lines(&mail, sgl_buf_view(&in), 76);
    for (unsigned way = 0; way < 2; way++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(INTAKE_TEXT_MAX);

        CHECK_EQ("a bomb", intake_tls_report(sgl_buf_view(way == 0 ? &in : &mail), &text, &why),
                 SGL_E_LIMIT);
        CHECK_VIEW("why", sgl_view_cstr(why), SGL_LIT("unpacked it is too large"));
    }
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1000);
        const char *why;
        enum sgl_status status = intake_tls_report(sgl_view_cstr(cases[4].bytes), &text, &why);

        CHECK_EQ("memory ends", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(packed),
                                       cmocka_unit_test(no_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
