/* SPDX-License-Identifier: Apache-2.0 */
/* gzip as strangers write it. */
#include <stdlib.h>
#include <zlib.h>

#include "../../server/gzip/gzip.h"
#include "check.h"
#include "fail_alloc.h"

/* "hello\n", by another program */
#define HELLO                                                                                      \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06" \
    "\x00\x00\x00"
#define HELLO_LEN 26

static void test_rows(void **state)
{
    static const struct {
        const char *name, *in;
        size_t len, max;
        enum sgl_status want;
        const char *out;
    } rows[] = {
        {"one member", HELLO, HELLO_LEN, 100, SGL_OK, "hello\n"},
        {"two members are one text [RFC 1952 s2.2]", HELLO HELLO, 2 * HELLO_LEN, 100, SGL_OK,
         "hello\nhello\n"},
        {"as much as there is room for", HELLO, HELLO_LEN, 6, SGL_OK, "hello\n"},
        {"more than there is room for", HELLO, HELLO_LEN, 5, SGL_E_LIMIT, NULL},
        {"more in the second member", HELLO HELLO, 2 * HELLO_LEN, 11, SGL_E_LIMIT, NULL},
        {"nothing at all", "", 0, 100, SGL_E_SYNTAX, NULL},
        {"no gzip", "hello", 5, 100, SGL_E_SYNTAX, NULL},
        {"zlib's own form", "\x78\x9c\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x08\x4b\x02\x1f", 14, 100,
         SGL_E_SYNTAX, NULL},
        {"something behind it", HELLO "x", HELLO_LEN + 1, 100, SGL_E_SYNTAX, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_buf out = SGL_BUF_INIT(rows[i].max);

        CHECK_EQ(rows[i].name, gunzip(sgl_view_of(rows[i].in, rows[i].len), &out), rows[i].want);
        if (rows[i].out != NULL)
            CHECK_VIEW(rows[i].name, sgl_buf_view(&out), sgl_view_cstr(rows[i].out));
        sgl_buf_done(&out);
    }
}

static void test_cut_off_anywhere(void **state)
{
    (void)state;
    for (size_t len = 0; len < HELLO_LEN; len++) {
        struct sgl_buf out = SGL_BUF_INIT(100);
        uint8_t *part = malloc(len == 0 ? 1 : len); /* of its size: reading on would show */

        assert_non_null(part);
        memcpy(part, HELLO, len);
        CHECK_EQ("what is not whole is refused", gunzip(sgl_view_of(part, len), &out),
                 SGL_E_SYNTAX);
        sgl_buf_done(&out);
        free(part);
    }
}

static void test_a_wrong_sum(void **state)
{
    char in[HELLO_LEN];

    (void)state;
    for (size_t i = 18; i < HELLO_LEN; i++) { /* its CRC and its length */
        struct sgl_buf out = SGL_BUF_INIT(100);

        memcpy(in, HELLO, sizeof(in));
        in[i] ^= 1;
        CHECK_EQ("what was changed is refused", gunzip(sgl_view_of(in, sizeof(in)), &out),
                 SGL_E_SYNTAX);
        sgl_buf_done(&out);
    }
}

/* A thousand bytes for each that came: what is held stays within what is allowed. */
static void test_a_bomb(void **state)
{
    static uint8_t zeros[1 << 20], packed[1 << 16];
    z_stream z = {.next_in = zeros, .avail_in = 0, .next_out = packed, .avail_out = sizeof(packed)};
    struct sgl_buf out = SGL_BUF_INIT(100000);

    (void)state;
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    for (int i = 0; i < 32; i++) {
        z.next_in = zeros;
        z.avail_in = sizeof(zeros);
        assert_int_equal(deflate(&z, i == 31 ? Z_FINISH : Z_NO_FLUSH),
                         i == 31 ? Z_STREAM_END : Z_OK);
    }
    (void)deflateEnd(&z);
    CHECK_EQ("32 MiB in 32 KiB", gunzip(sgl_view_of(packed, z.total_out), &out), SGL_E_LIMIT);
    CHECK_TRUE("no more was held", out.cap <= 100001);
    sgl_buf_done(&out);
}

static void test_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_buf out = SGL_BUF_INIT(100);
        enum sgl_status got = gunzip(sgl_view_of(HELLO, HELLO_LEN), &out);

        CHECK_EQ("it says that memory has ended", got, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        sgl_buf_done(&out);
    }
}

static void test_first_member(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(100);

    (void)state;
    CHECK_EQ("what follows is not looked at",
             gunzip_first(sgl_view_of(HELLO "bombs", HELLO_LEN + 5), &out), SGL_OK);
    CHECK_VIEW("what follows is not looked at", sgl_buf_view(&out), SGL_LIT("hello\n"));
    CHECK_EQ("it must be whole", gunzip_first(sgl_view_of(HELLO, HELLO_LEN - 1), &out),
             SGL_E_SYNTAX);
    CHECK_TRUE("its beginning", gzip_is(sgl_view_of(HELLO, 2)) && !gzip_is(SGL_LIT("\x1f")));
}

static void test_packing(void **state)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);

    (void)state;
    for (size_t size = 0; size <= 300000; size = size * 7 + 1) {
        sgl_auto(sgl_buf) packed = SGL_BUF_INIT(1 << 20);
        sgl_auto(sgl_buf) back = SGL_BUF_INIT(1 << 20);

        while (text.len < size)
            sgl_buf_addf(&text, "%zu,", text.len * 2654435761u % 1000);
        CHECK_EQ("packed", gzip(sgl_buf_view(&text), &packed), SGL_OK);
        CHECK_EQ("and back", gunzip(sgl_buf_view(&packed), &back), SGL_OK);
        CHECK_VIEW("the same", sgl_buf_view(&back), sgl_buf_view(&text));
        sgl_buf_reset(&packed);
        packed.max = 10;
        CHECK_EQ("no room", gzip(sgl_buf_view(&text), &packed), SGL_E_LIMIT);
    }
}

static void test_packing_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) packed = SGL_BUF_INIT(100);
        enum sgl_status got = gzip(SGL_LIT("hello"), &packed);

        CHECK_EQ("memory ends", got, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_cut_off_anywhere),
        cmocka_unit_test(test_a_wrong_sum),    cmocka_unit_test(test_a_bomb),
        cmocka_unit_test(test_without_memory), cmocka_unit_test(test_first_member),
        cmocka_unit_test(test_packing),        cmocka_unit_test(test_packing_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
