/* SPDX-License-Identifier: Apache-2.0 */
/* Reading Authentication-Results. */
#include "sigillo/authres.h"

#include "authres_fixture.h"
#include "check.h"

struct reading {
    const char *name, *value, *want; /* want NULL: refused */
};
static const struct reading readings[] = {
    /* [RFC 8601 Appendix B] */
    {"B.2: nothing was tried", " example.org 1; none", "example.org"},
    {"B.3: one method", " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
     "example.com | spf=pass smtp.mailfrom=example.net"},
    {"B.4: two methods and a comment",
     " example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
     "          spf=pass smtp.mailfrom=example.net",
     "example.com | auth=pass smtp.auth=sender@example.net | spf=pass smtp.mailfrom=example.net"},
    {"B.4: iprev", " example.com; iprev=pass\r\n          policy.iprev=192.0.2.200",
     "example.com | iprev=pass policy.iprev=192.0.2.200"},
    {"B.6: reasons, an identity without a local part",
     " example.com;\r\n      dkim=pass reason=\"good signature\"\r\n"
     "        header.i=@mail-router.example.net;\r\n      dkim=fail reason=\"bad signature\"\r\n"
     "        header.i=@newyork.example.com",
     "example.com | dkim=pass !good signature header.i=@mail-router.example.net | dkim=fail !bad "
     "signature header.i=@newyork.example.com"},
    {"B.7: comments between all words",
     " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for "
     "it) fail\r\n      policy (A dot can go here) . (like that) expired\r\n      (this surprised "
     "me) = (as I wasn't expecting it) 1362471462",
     "foo.example.net | dkim=fail policy.expired=1362471462"},

    /* [RFC 8601 s2.2] */
    {"names in any case, kept in lower case", "A; DKIM=Pass Header.D=B.Example",
     "A | dkim=pass header.d=B.Example"},
    {"a quoted id", "\"a b\"; none", "a b"},
    {"an id with a part behind a slash", "a.example/7; none", "a.example/7"},
    {"quotes hide everything", "a; m=r x.y=\"b; c=d (e) \\\"f\\\\\"",
     "a | m=r x.y=b; c=d (e) \"f\\"},
    {"a fold in quotes", "a; m=r reason=\"b\r\n c\"", "a | m=r !b c"},
    {"an empty value in quotes", "a; m=r x.y=\"\"", "a | m=r x.y="},
    {"an address with a quoted local part", "a; m=r x.y=\"b c;d\"@e.example",
     "a | m=r x.y=b c;d@e.example"},
    {"comments nest and hold quoted pairs", "(x (y) \\) z)a(;); m=r", "a | m=r"},
    {"a comment may stand for a blank", "a(b)1(c);m=r(d)x.y=z(e)", "a | m=r x.y=z"},
    {"no blank behind the semicolon", "a;m=r;n=s", "a | m=r | n=s"},
    {"a version of the method", "a; m/2=r", "a | m/2=r"},
    {"a method called none", "a; none=pass", "a | none=pass"},
    {"a method that begins with none", "a; nonesuch=pass", "a | nonesuch=pass"},
    {"LF as a line end", "a;\n m=r", "a | m=r"},
    {"bytes above 127 [RFC 8616 s2]", "b\xc3\xbc.example; m=r x.y=j@b\xc3\xbc.example",
     "b\xc3\xbc.example | m=r x.y=j@b\xc3\xbc.example"},
    {"the first reason counts", "a; m=r reason=b reason=c", "a | m=r !b"},
    {"a reason behind a property is none", "a; m=r x.y=z reason=b", "a | m=r x.y=z"},
    {"a reason without quotes", "a; m=r reason=bad x.y=z", "a | m=r !bad x.y=z"},
    {"a type called reason is a type", "a; m=r reason.x=z", "a | m=r reason.x=z"},

    /* What others write. */
    {"one semicolon at the end", "a; m=r;", "a | m=r"},
    {"and behind none", "a; none ;", "a"},
    {"base64 without quotes", "a; dkim=pass header.b=a/b+c=", "a | dkim=pass header.b=a/b+c="},
    {"an IPv6 address without quotes", "a; m=r policy.iprev=2001:db8::1",
     "a | m=r policy.iprev=2001:db8::1"},
    {"a property without a type is passed over", "a; x-tls=pass version=TLSv1.2 bits=256; m=r",
     "a | x-tls=pass | m=r"},

    /* What is no such field. */
    {"nothing", "", NULL},
    {"blanks", " \r\n ", NULL},
    {"an id alone", "a", NULL},
    {"an id and a semicolon", "a;", NULL},
    {"no id", "; m=r", NULL},
    {"no id, and results", "spf=pass (x) smtp.mailfrom=b; dkim=pass", NULL},
    {"an empty id", "\"\"; none", NULL},
    {"two ids", "a b; none", NULL},
    {"version 99 ends the reading [RFC 8601 s2.6]", "a 99; m=r", NULL},
    {"version 0", "a 0; m=r", NULL},
    {"a version of many digits", "a 11111111111111111111111; m=r", NULL},
    {"a version that is no number", "a 1x; m=r", NULL},
    {"an empty place between two results", "a;; m=r", NULL},
    {"an empty place behind two results", "a; m=r; ;", NULL},
    {"a method without result", "a; m", NULL},
    {"a method with nothing behind =", "a; m=", NULL},
    {"a result that is quoted", "a; m=\"pass\"", NULL},
    {"a property without value", "a; m=r x.y", NULL},
    {"a property with nothing behind =", "a; m=r x.y=; n=s", NULL},
    {"a property without a name", "a; m=r x.=z", NULL},
    {"none among others", "a; none; m=r", NULL},
    {"none behind others", "a; m=r; none", NULL},
    {"a method with a sign", "a; m_m=r", NULL},
    {"a keyword that ends in a hyphen [RFC 5321 s4.1.2]", "a; m-=r", NULL},
    {"an open comment", "a; m=r (x", NULL},
    {"an open comment in a comment", "a; m=r (x (y)", NULL},
    {"a comment that ends in a backslash", "a; m=r (x\\", NULL},
    {"a closing parenthesis alone", "a; m=r ) n=s", NULL},
    {"an open quote", "a; m=r x.y=\"z", NULL},
    {"an open quote that ends in a backslash", "a; m=r x.y=\"z\\", NULL},
    {"quotes behind a value", "a; m=r x.y=z\"w\"", NULL},
    {"a quoted local part without a domain", "a; m=r x.y=\"z\"@", NULL},
    {"an address without a domain", "a; m=r x.y=z@", NULL},
    {"an address with signs in its domain", "a; m=r x.y=z@b=c", NULL},
    {"and behind a quoted local part", "a; m=r x.y=\"z\"@b.example=c", NULL},
    {"an escape character in a comment", "a; m=r (\033[2J)", NULL},
    {"an escape character in quotes", "a; m=r x.y=\"\033[2J\"", NULL},
    {"a backslash before a line end", "a; m=r x.y=\"z\\\r\n w\"", NULL},
    {"a parenthesis in a domain opens a comment (CVE-2020-12272)",
     "a; spf=pass smtp.mailfrom=legit.example(.attacker.example", NULL},
};

static void reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        const struct reading *row = &readings[i];
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4096);
        struct sgl_authres ar = {.version = 77};
        struct sgl_diag diag = {0};
        enum sgl_status st = sgl_authres_parse(V(row->value), &arena, &ar, &diag);

        CHECK_EQ(row->name, st, row->want == NULL ? SGL_E_SYNTAX : SGL_OK);
        if (st != SGL_OK) {
            CHECK_EQ("out is untouched", ar.version, 77);
            CHECK_EQ("the arena is where it was", arena.used, 0);
            CHECK_TRUE(row->name, diag.what != NULL && diag.off <= strlen(row->value));
            continue;
        }
        CHECK_EQ(row->name, ar.version, 1);
        show(&ar, &got);
        CHECK_VIEW(row->name, sgl_buf_view(&got), V(row->want));
    }
}

static void a_nul_is_refused(void **state)
{
    static const char *const cases[] = {"a\0; m=r", "a; m=r\0", "a; m=r x.y=z\0w"};
    static const size_t lens[] = {7, 7, 14};
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_authres ar;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ("NUL", sgl_authres_parse(sgl_view_of(cases[i], lens[i]), &arena, &ar, NULL),
                 SGL_E_SYNTAX);
}

/* `head`, then `piece` many times, then `tail`. */
static enum sgl_status parse_many(const char *head, const char *piece, size_t times,
                                  const char *tail)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    struct sgl_authres ar;

    sgl_buf_add_cstr(&text, head);
    for (size_t i = 0; i < times; i++)
        sgl_buf_add_cstr(&text, piece);
    sgl_buf_add_cstr(&text, tail);
    CHECK_EQ("the text fits", text.status, SGL_OK);
    return sgl_authres_parse(sgl_buf_view(&text), &arena, &ar, NULL);
}

static void limits(void **state)
{
    static const struct {
        const char *name, *head, *piece;
        size_t times;
        const char *tail;
        enum sgl_status want;
    } cases[] = {
        {"comments of depth 16", "a ", "(", 16, "))))))))))))))));m=r", SGL_OK},
        {"of depth 17", "a ", "(", 17, ")))))))))))))))));m=r", SGL_E_LIMIT},
        {"of depth 16000", "a ", "(", 16000, "", SGL_E_LIMIT},
        {"of depth 100000", "a ", "(", 100000, "", SGL_E_LIMIT},
        {"8000 comments side by side", "a ", "()", 8000, ";m=r", SGL_OK},
        {"100 results", "a", ";m=r", 100, "", SGL_OK},
        {"101 results", "a", ";m=r", 101, "", SGL_E_LIMIT},
        {"500 properties", "a;m=r", " x.y=z", 500, "", SGL_OK},
        {"501 properties", "a;m=r", " x.y=z", 501, "", SGL_E_LIMIT},
        {"a keyword of 64", "a;", "m", 64, "=r", SGL_OK},
        {"a keyword of 65", "a;", "m", 65, "=r", SGL_E_LIMIT},
        {"16384 bytes", "a;m=r reason=", "x", 16384 - 13, "", SGL_OK},
        {"16385 bytes", "a;m=r reason=", "x", 16385 - 13, "", SGL_E_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_EQ(cases[i].name,
                 parse_many(cases[i].head, cases[i].piece, cases[i].times, cases[i].tail),
                 cases[i].want);
}

/* [RFC 8601 s2.6] */
static void finding(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_authres ar;
    const struct sgl_authres_result *r;

    (void)state;
    CHECK_EQ("parse",
             sgl_authres_parse(V("a; dkim/2=pass; dkim=fail header.d=x header.d=y; dkim=pass"),
                               &arena, &ar, NULL),
             SGL_OK);
    r = sgl_authres_find(&ar, SGL_LIT("dkim"));
    CHECK_TRUE("there", r != NULL);
    CHECK_VIEW("of a version that is known, the first one", r->result, V("fail"));
    CHECK_VIEW("the first property", sgl_authres_property(r, SGL_LIT("header"), SGL_LIT("d")),
               V("x"));
    CHECK_TRUE("no property", sgl_authres_property(r, SGL_LIT("header"), SGL_LIT("s")).ptr == NULL);
    CHECK_TRUE("no method", sgl_authres_find(&ar, SGL_LIT("spf")) == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
