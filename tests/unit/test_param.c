/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/param.h"

#include "check.h"

#define V(s) sgl_view_cstr(s)

/* [RFC 2045 s5.1; RFC 2231 s3, s4] */
static void reading(void **state)
{
    static const struct {
        const char *name, *text, *want; /* "token name=value ..." or NULL: refused */
    } cases[] = {
        {"a type alone", "Text/Plain", "text/plain"},
        {"a token", "text/plain; charset=UTF-8", "text/plain charset=UTF-8"},
        {"quotes", "a/b; Name=\"x \\\"y\\\" ;z\"", "a/b name=x \"y\" ;z"},
        {"blanks, folds and comments", "a/b (c)\r\n ; x = 1 ; y=2 (z)", "a/b x=1 y=2"},
        {"semicolons too many", "a/b;;x=1;", "a/b x=1"},
        {"pieces", "a; f*0=\"long \"; f*1=name.txt", "a f=long name.txt"},
        {"percent and charset", "a; f*=utf-8'en'caf%C3%A9", "a f=caf\xc3\xa9"},
        {"Latin-1", "a; f*=iso-8859-1''caf%E9", "a f=caf\xc3\xa9"},
        {"percent in pieces, one plain", "a; f*0*=us-ascii'en'a%20b; f*1*=%20c; f*2=\"d%20\"",
         "a f=a b cd%20"},
        {"pieces out of order", "a; f*1=b; f*0=a", "a f=ab"},
        {"a gap ends it", "a; f*0=a; f*2=c", "a f=a"},
        {"RFC 2231 before plain", "a; f=old; f*=utf-8''new", "a f=new"},
        {"the first of two", "a; f=1; f=2", "a f=1"},
        {"no UTF-8", "a; f*=utf-8''%FF", "a f=\xef\xbf\xbd"},
        {"an unquoted value with signs", "a; b=x/y=z", "a b=x/y=z"},
        {"blanks in an unquoted value", "a; f=my file.txt; g=1", "a f=my g=1"},
        {"no token", "; x=1", NULL},
        {"nothing", "", NULL},
        {"no value", "a; x", NULL},
        {"an open quote", "a; x=\"y", NULL},
        {"a number that is none", "a; x*q=1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4096);
        struct sgl_param_value v = {.count = 99};
        enum sgl_status st = sgl_param_parse(V(cases[i].text), &arena, &v, NULL);

        CHECK_EQ(cases[i].name, st, cases[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        if (st != SGL_OK) {
            CHECK_EQ(cases[i].name, v.count, 99);
            continue;
        }
        sgl_buf_add(&got, v.token);
        for (size_t k = 0; k < v.count; k++) {
            sgl_buf_add_byte(&got, ' ');
            sgl_buf_add(&got, v.param[k].name);
            sgl_buf_add_byte(&got, '=');
            sgl_buf_add(&got, v.param[k].value);
        }
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), V(cases[i].want));
    }
}

static void limit(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1 << 16);
    struct sgl_param_value v;

    (void)state;
    sgl_buf_add_cstr(&b, "a/b");
    for (unsigned i = 0; i < 65; i++)
        sgl_buf_addf(&b, "; n%u=1", i);
    CHECK_EQ("65 parameters", sgl_param_parse(sgl_buf_view(&b), &arena, &v, NULL), SGL_E_LIMIT);
}

static void writing(void **state)
{
    static const struct {
        const char *name, *value, *want; /* want NULL: only its meaning counts */
    } cases[] = {
        {"a token", "a.txt", "; filename=a.txt"},
        {"blanks", "a b.txt", "; filename=\"a b.txt\""},
        {"quotes and backslashes", "a\"\\b", "; filename=\"a\\\"\\\\b\""},
        {"UTF-8", "caf\xc3\xa9.txt", "; filename*=utf-8''caf%C3%A9.txt"},
        {"empty", "", "; filename=\"\""},
        {"long", "a-very-long-name-of-a-file-that-does-not-fit-into-one-line-of-a-header-field.txt",
         NULL},
        {"long and UTF-8",
         "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6"
         "\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.pdf",
         NULL},
    };
    static const char *const bad[] = {"a\r\nb", "a\nb", "\xff", "a\x01"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);
        struct sgl_param_value v;

        sgl_param_put(&b, V("filename"), V(cases[i].value));
        CHECK_EQ(cases[i].name, b.status, SGL_OK);
        if (cases[i].want != NULL)
            CHECK_VIEW(cases[i].name, sgl_buf_view(&b), V(cases[i].want));
        {
            sgl_auto(sgl_buf) whole = SGL_BUF_INIT(4096);
            sgl_view rest;

            sgl_buf_add_cstr(&whole, "attachment");
            sgl_buf_add(&whole, sgl_buf_view(&b));
            CHECK_EQ(cases[i].name, sgl_param_parse(sgl_buf_view(&whole), &arena, &v, NULL),
                     SGL_OK);
            CHECK_VIEW(cases[i].name, sgl_param_get(&v, V("FileName")), V(cases[i].value));
            for (rest = sgl_buf_view(&b); rest.len > 0;)
                CHECK_TRUE(cases[i].name, sgl_view_split(rest, ';', &rest).len <= 75);
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sgl_auto(sgl_buf) b = SGL_BUF_INIT(4096);

        sgl_param_put(&b, V("filename"), V(bad[i]));
        CHECK_EQ("refused", b.status, SGL_E_SYNTAX);
    }
}

static void words(void **state)
{
    (void)state;
    CHECK_TRUE("token", sgl_token_ok(V("a-b.c!")) && !sgl_token_ok(V("a b")) &&
                            !sgl_token_ok(V("")) && !sgl_token_ok(V("a/b")));
    CHECK_TRUE("type", sgl_media_type_ok(V("a/b")) && !sgl_media_type_ok(V("a")) &&
                           !sgl_media_type_ok(V("a/")) && !sgl_media_type_ok(V("/b")) &&
                           !sgl_media_type_ok(V("a/b/c")) && !sgl_media_type_ok(V("a/b; c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reading), cmocka_unit_test(limit),
                                       cmocka_unit_test(writing), cmocka_unit_test(words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
