/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/json.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

/* want: the tree as {name=value,...} and [value,...], strings in quotes as they are meant; NULL where the text is refused. */
static const struct {
    const char *name, *text, *want;
} cases[] = {
    {"an object with each kind of value", "{\"a\":1,\"b\":\"x\",\"c\":[true,false,null],\"d\":{}}",
     "{a=1,b=\"x\",c=[true,false,null],d={}}"},
    {"a text may be any value", " \"x\" ", "\"x\""},
    {"blanks stand between all parts", "\t{ \"a\" :\r\n[ 1 , 2 ] }\n", "{a=[1,2]}"},
    {"a byte order mark is passed over", "\xef\xbb\xbf[]", "[]"},
    {"empty arrays are in each other", "[[],[[]]]", "[[],[[]]]"},
    {"numbers stay as they were written", "[0,-0,1.50,2e3,-1E-2,10]", "[0,-0,1.50,2e3,-1E-2,10]"},
    {"all escapes mean something", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\"\\/\b\f\n\r\t\""},
    {"escapes of one, two and three bytes", "\"\\u0041\\u00e9\\u20AC\"",
     "\"A\xc3\xa9\xe2\x82\xac\""},
    {"two units make a character", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
    {"UTF-8 stays as it is", "\"\xc3\xa9\"", "\"\xc3\xa9\""},
    {"names are decoded, too", "{\"\\u0061\":1}", "{a=1}"},
    {"the same name may stand in two objects", "[{\"a\":1},{\"a\":2}]", "[{a=1},{a=2}]"},
    {"a member that stands twice refuses the text", "{\"a\":1,\"a\":1}",
     NULL}, /* [RFC 7493 s2.3] */
    {"also when its names are written otherwise", "{\"a\":1,\"\\u0061\":1}", NULL},
    {"half of a pair is no character", "\"\\ud83d\"", NULL}, /* [RFC 7493 s2.1] */
    {"nor is the other half", "\"\\ude00\"", NULL},
    {"nor are two first halves", "\"\\ud83d\\ud83d\"", NULL},
    {"a pair is not cut by the end of the string", "\"\\ud83d\\ude0\"", NULL},
    {"an escape that is not known", "\"\\x41\"", NULL},
    {"an escape of three digits", "\"\\u041\"", NULL},
    {"a backslash at the very end", "\"\\", NULL},
    {"a string without an end", "\"abc", NULL},
    {"an escaped quote is no end", "\"abc\\\"", NULL},
    {"a control character in a string", "\"a\nb\"", NULL},
    {"also behind a backslash", "\"a\\\nb\"", NULL},
    {"bytes that are not UTF-8", "\"\xff\"", NULL},
    {"a surrogate in UTF-8", "\"\xed\xa0\x80\"", NULL},
    {"nothing", "", NULL},
    {"only blanks", " ", NULL},
    {"two values", "1 2", NULL},
    {"a comma at the end of an array", "[1,]", NULL},
    {"a comma at the beginning", "[,1]", NULL},
    {"a comma at the end of an object", "{\"a\":1,}", NULL},
    {"no comma", "[1 2]", NULL},
    {"no colon", "{\"a\" 1}", NULL},
    {"no value", "{\"a\":}", NULL},
    {"a name without quotes", "{a:1}", NULL},
    {"a name that is a number", "{1:1}", NULL},
    {"an array without an end", "[1", NULL},
    {"an object without an end", "{\"a\":1", NULL},
    {"the wrong end", "[1}", NULL},
    {"an end too many", "[]]", NULL},
    {"a zero in front", "01", NULL},
    {"a plus in front", "+1", NULL},
    {"a point in front", ".5", NULL},
    {"a point at the end", "5.", NULL},
    {"an exponent without digits", "1e", NULL},
    {"a minus alone", "-", NULL},
    {"words are in small letters", "True", NULL},
    {"words are whole", "tru", NULL},
    {"and no longer", "truex", NULL},
    {"no such number", "NaN", NULL},
    {"no comments", "[1/*x*/]", NULL},
    {"no single quotes", "'a'", NULL},
};

static void put_tree(struct sgl_buf *out, const struct sgl_json *v)
{
    static const char *const word[] = {"null", "false", "true"};

    switch (v->kind) {
    case SGL_JSON_NULL:
    case SGL_JSON_FALSE:
    case SGL_JSON_TRUE:
        sgl_buf_add_cstr(out, word[v->kind]);
        return;
    case SGL_JSON_NUMBER:
        sgl_buf_add(out, v->text);
        return;
    case SGL_JSON_STRING:
        sgl_buf_add_byte(out, '"');
        sgl_buf_add(out, v->text);
        sgl_buf_add_byte(out, '"');
        return;
    case SGL_JSON_ARRAY:
    case SGL_JSON_OBJECT:
        break;
    }
    sgl_buf_add_byte(out, v->kind == SGL_JSON_ARRAY ? '[' : '{');
    for (const struct sgl_json *in = v->first; in != NULL; in = in->next) {
        if (in != v->first)
            sgl_buf_add_byte(out, ',');
        if (v->kind == SGL_JSON_OBJECT) {
            sgl_buf_add(out, in->name);
            sgl_buf_add_byte(out, '=');
        }
        put_tree(out, in);
    }
    sgl_buf_add_byte(out, v->kind == SGL_JSON_ARRAY ? ']' : '}');
}

static void rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
        const struct sgl_json *root = NULL;
        struct sgl_diag diag = {0};
        enum sgl_status status = sgl_json_parse(sgl_view_cstr(cases[i].text), &arena, &root, &diag);

        if (cases[i].want == NULL) {
            CHECK_EQ(cases[i].name, status, SGL_E_SYNTAX);
            CHECK_TRUE(cases[i].name, root == NULL && diag.what != NULL);
            continue;
        }
        CHECK_EQ(cases[i].name, status, SGL_OK);
        put_tree(&got, root);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].want));
    }
}

static void members_and_numbers(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    const struct sgl_json *root = NULL;
    uint64_t n = 99;

    (void)state;
    assert_int_equal(
        sgl_json_parse(
            SGL_LIT("{\"a\":12,\"b\":\"12\",\"c\":-1,\"d\":1.0,\"e\":18446744073709551616}"),
            &arena, &root, NULL),
        SGL_OK);
    CHECK_EQ("all are counted", root->count, 5);
    assert_true(sgl_json_u64(sgl_json_member(root, SGL_LIT("a")), 12, &n));
    CHECK_EQ("a number", n, 12);
    CHECK_TRUE("above the maximum", !sgl_json_u64(sgl_json_member(root, SGL_LIT("a")), 11, &n));
    CHECK_TRUE("a string is none", !sgl_json_u64(sgl_json_member(root, SGL_LIT("b")), 99, &n));
    CHECK_TRUE("below zero", !sgl_json_u64(sgl_json_member(root, SGL_LIT("c")), 99, &n));
    CHECK_TRUE("with a fraction", !sgl_json_u64(sgl_json_member(root, SGL_LIT("d")), 99, &n));
    CHECK_TRUE("above 64 bits", !sgl_json_u64(sgl_json_member(root, SGL_LIT("e")), UINT64_MAX, &n));
    CHECK_TRUE("one that is not there", !sgl_json_u64(sgl_json_member(root, SGL_LIT("z")), 99, &n));
    CHECK_TRUE("of nothing", sgl_json_member(NULL, SGL_LIT("a")) == NULL);
    CHECK_TRUE("of a number",
               sgl_json_member(sgl_json_member(root, SGL_LIT("a")), SGL_LIT("a")) == NULL);
}

static enum sgl_status parse(struct sgl_buf *text, size_t arena_max)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(arena_max);
    const struct sgl_json *root = NULL;

    return sgl_json_parse(sgl_buf_view(text), &arena, &root, NULL);
}

static void nested(struct sgl_buf *out, size_t deep)
{
    sgl_buf_reset(out);
    for (size_t i = 0; i < deep; i++)
        sgl_buf_add_byte(out, '[');
    for (size_t i = 0; i < deep; i++)
        sgl_buf_add_byte(out, ']');
}

static void bounds(void **state)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 22);

    (void)state;
    nested(&text, SGL_LIMIT_JSON_DEPTH);
    CHECK_EQ("as deep as may be", parse(&text, 1 << 16), SGL_OK);
    nested(&text, SGL_LIMIT_JSON_DEPTH + 1);
    CHECK_EQ("one deeper", parse(&text, 1 << 16), SGL_E_LIMIT);
    nested(&text, 1000000);
    CHECK_EQ("a million deep", parse(&text, 1 << 16), SGL_E_LIMIT);
    for (size_t extra = 0; extra < 2; extra++) {
        sgl_buf_reset(&text);
        for (size_t i = 0; i < SGL_LIMIT_JSON_MEMBERS + extra; i++)
            sgl_buf_addf(&text, "%s\"m%zu\":0", i == 0 ? "{" : ",", i);
        sgl_buf_add_byte(&text, '}');
        CHECK_EQ("members of one object", parse(&text, 1 << 16), extra == 0 ? SGL_OK : SGL_E_LIMIT);
    }
    sgl_buf_reset(&text);
    for (size_t i = 0; i < 100000; i++)
        sgl_buf_add_cstr(&text, i == 0 ? "[0" : ",0");
    sgl_buf_add_byte(&text, ']');
    CHECK_EQ("many values fill the arena and no more", parse(&text, 1 << 20), SGL_E_LIMIT);
    CHECK_EQ("or fit", parse(&text, 1 << 24), SGL_OK);
}

static void a_nul_is_a_byte(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    const struct sgl_json *root = NULL;

    (void)state;
    assert_int_equal(sgl_json_parse(SGL_LIT("\"a\\u0000b\""), &arena, &root, NULL), SGL_OK);
    CHECK_VIEW("escaped it is a character", root->text, SGL_LIT("a\0b"));
    CHECK_EQ("raw it is none", sgl_json_parse(SGL_LIT("\"a\0b\""), &arena, &root, NULL),
             SGL_E_SYNTAX);
    CHECK_EQ("nor a blank", sgl_json_parse(SGL_LIT("[]\0"), &arena, &root, NULL), SGL_E_SYNTAX);
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        const struct sgl_json *root = NULL;
        enum sgl_status status =
            sgl_json_parse(SGL_LIT("{\"a\":[\"\\u0041\"]}"), &arena, &root, NULL);

        CHECK_EQ("memory ends", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        CHECK_TRUE("nothing came of it", (root == NULL) == fail_alloc_hit());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),      cmocka_unit_test(members_and_numbers),
        cmocka_unit_test(bounds),    cmocka_unit_test(a_nul_is_a_byte),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
