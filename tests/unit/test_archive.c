/* SPDX-License-Identifier: Apache-2.0 */
/* The first file of a zip archive, and what is refused  [RFC 9990 s8.1]. */
#include "../../server/archive/zip.h"

#include "check.h"
#include "fail_alloc.h"
#include "zip_fixture.h"

#define XML_ SGL_LIT_INIT("<feedback/>")

static const struct {
    const char *name;
    struct zip_file file[3];
    enum sgl_status want;
    const char *text; /* or why not */
} cases[] = {
    {"packed", {{"a.xml", XML_, ZIP_DEFLATED, 0, 0}}, SGL_OK, "<feedback/>"},
    {"stored", {{"a.xml", XML_, ZIP_STORED, 0, 0}}, SGL_OK, "<feedback/>"},
    {"a name that leads elsewhere is not looked at",
     {{"../../etc/passwd", XML_, ZIP_DEFLATED, 0, 0}},
     SGL_OK,
     "<feedback/>"},
    {"behind a folder and an empty file",
     {{"a/", {NULL, 0}, ZIP_STORED, 0, 0},
      {"b", {NULL, 0}, ZIP_STORED, 0, 0},
      {"c", XML_, ZIP_DEFLATED, 0, 0}},
     SGL_OK,
     "<feedback/>"},
    {"only the first",
     {{"a", XML_, ZIP_DEFLATED, 0, 0}, {"b", SGL_LIT_INIT("more"), ZIP_DEFLATED, 0, 0}},
     SGL_OK,
     "<feedback/>"},
    {"an encrypted one",
     {{"a", XML_, ZIP_DEFLATED, ZIP_ENCRYPTED, 0}},
     SGL_E_SYNTAX,
     "its zip archive is encrypted"},
    {"a method that wants memory",
     {{"a", XML_, ZIP_LZMA, 0, 0}},
     SGL_E_SYNTAX,
     "its zip archive is packed in a way that reports are not"},
    {"a size of 4 GB",
     {{"a", XML_, ZIP_DEFLATED, 0, 0xfffffffe}},
     SGL_E_LIMIT,
     "unpacked it is too large"},
    {"a size that is not true",
     {{"a", XML_, ZIP_DEFLATED, 0, 5}},
     SGL_E_SYNTAX,
     "its zip archive is damaged or not whole"},
    {"a folder with something in it",
     {{"a/", XML_, ZIP_DEFLATED, 0, 0}, {"b", XML_, ZIP_DEFLATED, 0, 0}},
     SGL_E_SYNTAX,
     "its zip archive has a folder with something in it"},
    {"a folder whose size comes behind it",
     {{"a/", XML_, ZIP_DEFLATED, ZIP_SIZE_BEHIND, ZIP_ZERO}, {"b", XML_, ZIP_DEFLATED, 0, 0}},
     SGL_E_SYNTAX,
     "its zip archive has a folder with something in it"},
    {"only a folder",
     {{"a/", {NULL, 0}, ZIP_STORED, 0, 0}},
     SGL_E_SYNTAX,
     "its zip archive has no file"},
};

static bool add(void *ctx, sgl_view bytes)
{
    sgl_buf_add(ctx, bytes);
    return true;
}

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) zip = SGL_BUF_INIT(4000);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        const char *why = NULL;

        for (size_t k = 0; k < 3 && cases[i].file[k].name != NULL; k++)
            zip_add(&zip, &cases[i].file[k]);
        zip_end(&zip);
        CHECK_EQ(cases[i].name, zip_first(sgl_buf_view(&zip), 1000, add, &got, &why),
                 cases[i].want);
        CHECK_VIEW(cases[i].name, cases[i].want == SGL_OK ? sgl_buf_view(&got) : sgl_view_cstr(why),
                   sgl_view_cstr(cases[i].text));
    }
}

static void too_many_folders_are_not_searched(void **state)
{
    static const struct zip_file folder = {"a/", {NULL, 0}, ZIP_STORED, 0, 0},
                                 file = {"x", XML_, ZIP_DEFLATED, 0, 0};

    (void)state;
    for (size_t n = ZIP_ENTRIES_MAX - 1; n <= ZIP_ENTRIES_MAX; n++) {
        sgl_auto(sgl_buf) zip = SGL_BUF_INIT(4000);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        const char *why;

        for (size_t i = 0; i < n; i++)
            zip_add(&zip, &folder);
        zip_add(&zip, &file);
        assert_int_equal(zip_first(sgl_buf_view(&zip), 1000, add, &got, &why),
                         n < ZIP_ENTRIES_MAX ? SGL_OK : SGL_E_SYNTAX);
    }
}

static bool count(void *ctx, sgl_view bytes)
{
    uint64_t *n = ctx;

    *n += bytes.len;
    return true;
}

/* Zeros: a thousand bytes of one. */
static void a_bomb_is_stopped(void **state)
{
    sgl_auto(sgl_buf) zip = SGL_BUF_INIT(1 << 20);
    static uint8_t zeros[16 << 20];
    struct zip_file file = {"a", sgl_view_of(zeros, sizeof zeros), ZIP_DEFLATED, 0, 0};
    uint64_t got = 0;
    const char *why;

    (void)state;
    zip_add(&zip, &file);
    assert_int_equal(zip_first(sgl_buf_view(&zip), 1 << 30, count, &got, &why), SGL_E_LIMIT);
    assert_true(got < 5 << 20);
    got = 0;
    assert_int_equal(zip_first(sgl_buf_view(&zip), 1000, count, &got, &why), SGL_E_LIMIT);
    assert_true(got <= 1000);
}

static bool no_more(void *ctx, sgl_view bytes)
{
    (void)bytes;
    ++*(int *)ctx;
    return false;
}

static void whoever_reads_may_stop(void **state)
{
    sgl_auto(sgl_buf) zip = SGL_BUF_INIT(4000);
    int calls = 0;
    const char *why;

    (void)state;
    zip_add(&zip, &cases[0].file[0]);
    assert_int_equal(zip_first(sgl_buf_view(&zip), 1000, no_more, &calls, &why), SGL_OK);
    assert_int_equal(calls, 1);
}

/* Cut anywhere: no error is a crash, and none is success before the data are whole. */
static void cut_anywhere(void **state)
{
    sgl_auto(sgl_buf) zip = SGL_BUF_INIT(4000);

    (void)state;
    zip_add(&zip, &cases[0].file[0]);
    for (size_t len = 0; len < zip.len; len++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        const char *why = NULL;

        assert_int_equal(zip_first(sgl_view_of(zip.data, len), 1000, add, &got, &why),
                         SGL_E_SYNTAX);
        assert_true(why != NULL && why[0] != '\0');
    }
}

static void each_allocation_may_fail(void **state)
{
    sgl_auto(sgl_buf) zip = SGL_BUF_INIT(4000);
    size_t rounds = 0;

    (void)state;
    zip_add(&zip, &cases[0].file[0]);
    for (size_t n = 1; fail_alloc_round(n); n++, rounds++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4000);
        const char *why;
        enum sgl_status status = zip_first(sgl_buf_view(&zip), 1000, add, &got, &why);

        CHECK_TRUE("a failure is one", fail_alloc_hit() || status == SGL_OK);
        CHECK_TRUE("and says so", status != SGL_OK || got.status != SGL_OK || got.len == 11);
    }
    assert_true(rounds > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(too_many_folders_are_not_searched),
        cmocka_unit_test(a_bomb_is_stopped),
        cmocka_unit_test(whoever_reads_may_stop),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
