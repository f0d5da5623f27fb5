/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/tags.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

/* want: "name=value|..." of what was read, or NULL where the list is refused. */
static const struct {
    const char *name, *text;
    unsigned flags;
    const char *want;
} cases[] = {
    {"one tag", "v=1", 0, "v=1|"},
    {"one semicolon may end the list", "v=1;", 0, "v=1|"},
    {"blanks and folds around name, equals and value mean nothing", " v =\r\n 1 ; a\t= x ;\r\n ", 0,
     "v=1|a=x|"},
    {"names are case-sensitive", "d=1;D=2", 0, "d=1|D=2|"},
    {"an empty value is not an absent tag", "p=", 0, "p=|"},
    {"blanks inside of a value stay", "b=ab cd", 0, "b=ab cd|"},
    {"a value may hold an equals sign", "b=ab==", 0, "b=ab==|"},
    {"two semicolons are an error", "v=1;;a=x", 0, NULL},
    {"a semicolon first is an error", ";v=1", 0, NULL},
    {"a spec without an equals sign is an error", "v=1; hello", 0, NULL},
    {"a tag that stands twice refuses the list", "v=1; a=x; a=x", 0, NULL},
    {"a name begins with a letter", "1v=1", 0, NULL},
    {"a name holds letters, digits and underscores", "v-1=1", 0, NULL},
    {"a control character is an error", "v=1\x01", 0, NULL},
    {"DEL is an error", "v=\x7f", 0, NULL},
    {"a byte above 127 is an error", "d=b\xc3\xbc", 0, NULL},
    {"in an internationalised header it is not", "d=b\xc3\xbc", SGL_TAGS_UTF8, "d=b\xc3\xbc|"},
    {"an empty text is no list", "", 0, NULL},
    {"blanks are no list", " \r\n ", 0, NULL},
    {"where bad tags are skipped the others count", "v=1; hello; ;a=x", SGL_TAGS_SKIP_BAD,
     "v=1|a=x|"},
    {"even then no tag stands twice", "v=1;a=x;a=y", SGL_TAGS_SKIP_BAD, NULL},
    {"nothing but bad tags is no list", "hello; world", SGL_TAGS_SKIP_BAD, NULL},
};

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) { /* [RFC 6376 s3.2] */
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
        struct sgl_tags tags = {NULL, 99};
        struct sgl_diag diag = {0};
        enum sgl_status status =
            sgl_tags_parse(sgl_view_cstr(cases[i].text), cases[i].flags, &arena, &tags, &diag);

        if (cases[i].want == NULL) {
            CHECK_EQ(cases[i].name, status, SGL_E_SYNTAX);
            CHECK_EQ(cases[i].name, tags.count, 99);
            CHECK_TRUE(cases[i].name, diag.what != NULL);
            continue;
        }
        CHECK_EQ(cases[i].name, status, SGL_OK);
        for (size_t t = 0; t < tags.count; t++) {
            sgl_buf_add(&got, tags.tag[t].name);
            sgl_buf_add(&got, SGL_LIT("="));
            sgl_buf_add(&got, tags.tag[t].value);
            sgl_buf_add(&got, SGL_LIT("|"));
        }
        CHECK_EQ(cases[i].name, got.status, SGL_OK);
        CHECK_TRUE(cases[i].name, sgl_view_eq(sgl_buf_view(&got), sgl_view_cstr(cases[i].want)));
    }
}

static void too_many_tags_are_a_limit(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
    struct sgl_tags tags;

    (void)state;
    for (unsigned i = 0; i <= SGL_LIMIT_TAGS; i++) {
        char tag[16];

        snprintf(tag, sizeof tag, "t%u=1;", i);
        sgl_buf_add(&text, sgl_view_cstr(tag));
    }
    CHECK_EQ("text", text.status, SGL_OK);
    CHECK_EQ("too many", sgl_tags_parse(sgl_buf_view(&text), 0, &arena, &tags, NULL), SGL_E_LIMIT);
}

static void squeeze_takes_blanks_out(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_view out;

    (void)state;
    CHECK_EQ("squeeze", sgl_tag_squeeze(SGL_LIT("ab\r\n cd\te"), &arena, &out), SGL_OK);
    CHECK_TRUE("squeeze", sgl_view_eq(out, SGL_LIT("abcde")));
}

static void memory_that_ends_is_a_status(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_tags tags = {NULL, 99};
        enum sgl_status status = sgl_tags_parse(SGL_LIT("v=1; a=x"), 0, &arena, &tags, NULL);

        CHECK_EQ("no memory", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(too_many_tags_are_a_limit),
        cmocka_unit_test(squeeze_takes_blanks_out),
        cmocka_unit_test(memory_that_ends_is_a_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
