/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives as an aggregate report of DMARC  [RFC 9990 s3.5, s8.1]. */
#include "../../server/gzip/gzip.h"
#include "../../server/intake/intake.h"
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/base64.h"
#include "zip_fixture.h"

#define REPORT "<feedback><record/></feedback>"

static bool add(void *ctx, sgl_view bytes)
{
    sgl_buf_add(ctx, bytes);
    return true;
}

static enum sgl_status take(sgl_view bytes, uint64_t max, struct sgl_buf *got, const char **why)
{
    const struct intake_sink sink = {add, got, max};

    return intake_dmarc_report(bytes, &sink, why);
}

/* ---- mails, as text ---- */

static const struct {
    const char *name, *mail, *why; /* NULL: the report is found */
} mails[] = {
    {"the XML itself", REPORT, NULL},
    {"behind a mark and blank lines", "\xef\xbb\xbf\r\n " REPORT, NULL},
    {"a mail that is one", "Content-Type: text/xml\r\n\r\n" REPORT, NULL},
    {"an attachment, after a text for people that looks like XML",
     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
     "<html>\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n" REPORT "\r\n--b--\r\n",
     NULL},
    {"a text that has a name",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; "
     "name=a.xml\n\n" REPORT "\n--b--\n",
     NULL},
    {"behind an attachment that is broken",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pgp-keys\n"
     "Content-Transfer-Encoding: base64\n\n!\n--b\nContent-Type: text/xml\n\n" REPORT "\n--b--\n",
     NULL},
    {"behind a page that is attached",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; name=a.html\n\n"
     "<html>\n--b\nContent-Type: text/xml\n\n" REPORT "\n--b--\n",
     NULL},
    {"a picture is not it",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/svg+xml\n\n" REPORT
     "\n--b--\n",
     "there is no DMARC report in it"},
    {"a mail without one", "Subject: x\r\n\r\nhello\r\n", "there is no DMARC report in it"},
    {"an attachment that is broken",
     "Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n",
     "its attachment is no base64"},
    {"gzip that breaks off", "\x1f\x8b\x08", "its gzip is damaged or not whole"},
    {"a zip archive that breaks off", "PK\x03\x04xx", "its zip archive is damaged or not whole"},
    {"nothing", "", "there is no DMARC report in it"},
};

static void found_in_a_mail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mails / sizeof mails[0]; i++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
        const char *why = NULL;
        enum sgl_status status = take(sgl_view_cstr(mails[i].mail), 1000, &got, &why);

        CHECK_EQ(mails[i].name, status, mails[i].why == NULL ? SGL_OK : SGL_E_SYNTAX);
        CHECK_VIEW(mails[i].name, sgl_view_cstr(why),
                   sgl_view_cstr(mails[i].why == NULL ? "" : mails[i].why));
        if (mails[i].why == NULL)
            CHECK_TRUE(mails[i].name,
                       sgl_view_find_view(sgl_buf_view(&got), SGL_LIT(REPORT)) < got.len);
    }
}

/* ---- packed ---- */

enum packing { PLAIN, GZIP, GZIP_TWICE, GZIP_TRAILED, ZLIB, ZIP };

static void pack(enum packing how, sgl_view text, struct sgl_buf *out)
{
    struct zip_file file = {"a.xml", text, ZIP_DEFLATED, 0, 0};
    uint8_t z[4000];
    uLongf len = sizeof z;

    if (how == ZIP)
        zip_add(out, &file);
    else if (how == ZLIB) {
        assert_int_equal(compress(z, &len, text.ptr, text.len), Z_OK);
        sgl_buf_add(out, sgl_view_of(z, len));
    } else if (how != PLAIN)
        assert_int_equal(gzip(text, out), SGL_OK);
    if (how == PLAIN)
        sgl_buf_add(out, text);
    if (how == GZIP_TWICE)
        assert_int_equal(gzip(text, out), SGL_OK);
    if (how == GZIP_TRAILED)
        sgl_buf_add_cstr(out, "\r\n\r\nstray");
}

static void mail_with(sgl_view packed, const char *type, struct sgl_buf *out)
{
    sgl_buf_addf(out, "Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n", type);
    sgl_base64_encode(out, packed);
}

/* Whatever it is called: what counts is how it begins. */
static void by_its_bytes_not_its_name(void **state)
{
    static const char *const types[] = {"application/gzip", "application/zip", "text/xml",
                                        "application/octet-stream; name=\"a!b!1!2.xml.gz\""};

    (void)state;
    for (unsigned how = PLAIN; how <= ZIP; how++)
        for (size_t i = 0; i < 4; i++) {
            sgl_auto(sgl_buf) packed = SGL_BUF_INIT(4000);
            sgl_auto(sgl_buf) mail = SGL_BUF_INIT(8000);
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
            const char *why;

            pack((enum packing)how, SGL_LIT(REPORT), &packed);
            mail_with(sgl_buf_view(&packed), types[i], &mail);
            CHECK_EQ(types[i], take(sgl_buf_view(&mail), 1000, &got, &why), SGL_OK);
            CHECK_VIEW(types[i], sgl_buf_view(&got),
                       how == GZIP_TWICE ? SGL_LIT(REPORT REPORT) : SGL_LIT(REPORT));
        }
}

/* One level: what is packed in it is XML. */
static void packed_twice_is_refused(void **state)
{
    static const enum packing outer[] = {GZIP, ZLIB, ZIP};

    (void)state;
    for (unsigned inner = GZIP; inner <= ZIP; inner++)
        for (size_t i = 0; i < 3; i++) {
            sgl_auto(sgl_buf) once = SGL_BUF_INIT(4000);
            sgl_auto(sgl_buf) twice = SGL_BUF_INIT(4000);
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
            const char *why;

            pack((enum packing)inner, SGL_LIT(REPORT), &once);
            pack(outer[i], sgl_buf_view(&once), &twice);
            assert_int_equal(take(sgl_buf_view(&twice), 1000, &got, &why), SGL_E_SYNTAX);
            assert_string_equal(why, "what is packed in it is no XML");
            assert_int_equal(got.len, 0);
        }
}

static void too_large_is_refused(void **state)
{
    (void)state;
    for (unsigned how = PLAIN; how <= ZIP; how++)
        for (uint64_t less = 0; less < 2; less++) {
            sgl_auto(sgl_buf) packed = SGL_BUF_INIT(4000);
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
            uint64_t size = (how == GZIP_TWICE ? 2 : 1) * (sizeof(REPORT) - 1);
            const char *why;

            pack((enum packing)how, SGL_LIT(REPORT), &packed);
            assert_int_equal(take(sgl_buf_view(&packed), size - less, &got, &why),
                             less == 0 ? SGL_OK : SGL_E_LIMIT);
            assert_true((less == 0) == (why[0] == '\0'));
        }
}

static bool count(void *ctx, sgl_view bytes)
{
    *(uint64_t *)ctx += bytes.len;
    return true;
}

/* 10 GB of one byte, as gzip members that stand one behind the other: each is small, and the whole would be read for a minute. */
static void a_bomb_is_stopped(void **state)
{
    sgl_auto(sgl_buf) bomb = SGL_BUF_INIT(4 << 20);
    static uint8_t text[16 << 20];
    uint64_t got = 0;
    const struct intake_sink sink = {count, &got, (uint64_t)1 << 34};
    const char *why;

    (void)state;
    memset(text, '<', sizeof text);
    for (int i = 0; i < 100; i++) {
        sgl_auto(sgl_buf) member = SGL_BUF_INIT(1 << 20);

        if (i == 0)
            assert_int_equal(gzip(sgl_view_of(text, sizeof text), &bomb), SGL_OK);
        else
            sgl_buf_add(&member, sgl_view_of(bomb.data, bomb.len / (size_t)i));
        sgl_buf_add(&bomb, sgl_buf_view(&member));
    }
    assert_int_equal(bomb.status, SGL_OK);
    assert_int_equal(intake_dmarc_report(sgl_buf_view(&bomb), &sink, &why), SGL_E_LIMIT);
    assert_string_equal(why, "unpacked it is too large");
    assert_true(got < 6 << 20);
}

static void each_allocation_may_fail(void **state)
{
    sgl_auto(sgl_buf) packed = SGL_BUF_INIT(4000);
    sgl_auto(sgl_buf) mail = SGL_BUF_INIT(8000);

    (void)state;
    pack(GZIP, SGL_LIT(REPORT), &packed);
    mail_with(sgl_buf_view(&packed), "application/gzip", &mail);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
        const char *why;
        enum sgl_status status = take(sgl_buf_view(&mail), 1000, &got, &why);

        CHECK_TRUE("out of memory",
                   status == (fail_alloc_hit() && got.status == SGL_OK ? SGL_E_NOMEM : SGL_OK));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_in_a_mail),         cmocka_unit_test(by_its_bytes_not_its_name),
        cmocka_unit_test(packed_twice_is_refused), cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(a_bomb_is_stopped),       cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
