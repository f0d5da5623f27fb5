/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, and memory that ends. */
#include "dkim_tags_fixture.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

static void sizes_have_an_end(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 20);
    struct sgl_dkim_tags tags;

    (void)state;
    sgl_buf_add_cstr(&field, GOOD);
    for (int i = 1; i < SGL_LIMIT_DKIM_SIGNED; i++)
        sgl_buf_add_cstr(&field, ":x");
    CHECK_EQ("256 names",
             sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, sgl_buf_view(&field), &arena, &tags, NULL),
             SGL_OK);
    CHECK_EQ("all of them", tags.signed_names, SGL_LIMIT_DKIM_SIGNED);
    sgl_buf_add_cstr(&field, ":x");
    CHECK_EQ("257 names",
             sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, sgl_buf_view(&field), &arena, &tags, NULL),
             SGL_E_SYNTAX);
    CHECK_STR("why", tags.why, "h= names more fields than we look at");
    sgl_buf_truncate(&field, strlen(GOOD));
    for (int i = 0; i < SGL_LIMIT_TAGS; i++)
        sgl_buf_addf(&field, ";x%d=", i);
    CHECK_EQ("over 100 tags are the field's fault, not a failure",
             sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, sgl_buf_view(&field), &arena, &tags, NULL),
             SGL_E_SYNTAX);
    CHECK_STR("why", tags.why, "too many tags");
    sgl_buf_truncate(&field, strlen(GOOD));
    for (int i = 0; i < SGL_LIMIT_TAGS - 10; i++)
        sgl_buf_addf(&field, ";x%d=", i);
    sgl_arena_reset(&arena);
    CHECK_EQ("90 tags more",
             sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, sgl_buf_view(&field), &arena, &tags, NULL),
             SGL_OK);
    CHECK_TRUE("leave nothing behind", arena.used < 1024);
    sgl_buf_reset(&field);
    sgl_buf_add_cstr(&field, "v=1; a=rsa-sha256; d=example.org; s=s1; " BH "; h=from; b=");
    for (int i = 0; i <= 1024; i++)
        sgl_buf_add_cstr(&field, "AAAA");
    CHECK_EQ("b= of 4100 characters",
             sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, sgl_buf_view(&field), &arena, &tags, NULL),
             SGL_E_SYNTAX);
    CHECK_STR("why", tags.why, "b= is longer than any signature");
    while (field.len <= SGL_LIMIT_DKIM_FIELD)
        sgl_buf_add_byte(&field, ' ');
    CHECK_EQ("over 16 KiB",
             sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, sgl_buf_view(&field), &arena, &tags, NULL),
             SGL_E_SYNTAX);
    CHECK_STR("why", tags.why, "the signature is larger than we read");
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_dkim_tags tags = {.why = "untouched"};
        enum sgl_status status = sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE,
                                                     SGL_LIT(GOOD "; i=a=20b\r\n @b\xc3\xbc"
                                                                  "cher.example.org; z=a b"),
                                                     &arena, &tags, NULL);

        if (fail_alloc_hit())
            CHECK_TRUE("out of memory is said", status == SGL_E_NOMEM || status == SGL_OK);
        if (status == SGL_E_NOMEM)
            CHECK_STR("nothing leaks out", tags.why, "untouched");
    }
}

static void a_full_arena_is_not_the_fields_fault(void **state)
{
    (void)state;
    for (size_t max = 0; max < 4000; max += 8) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(max);
        struct sgl_dkim_tags tags;
        enum sgl_status status = sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE,
                                                     SGL_LIT(GOOD "; i=a@b\xc3\xbc"
                                                                  ".example.org"),
                                                     &arena, &tags, NULL);

        CHECK_TRUE("full or read", status == SGL_E_LIMIT || status == SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_an_end),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_full_arena_is_not_the_fields_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
