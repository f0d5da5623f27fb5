/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/authres.h"

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

#define V(s) sgl_view_cstr(s)

/* "id | method[/v]=result !reason ptype.property=value ... | ..." */
static void show(const struct sgl_authres *ar, struct sgl_buf *to)
{
    sgl_buf_add(to, ar->authserv_id);
    for (size_t i = 0; i < ar->results; i++) {
        const struct sgl_authres_result *r = &ar->result[i];

        sgl_buf_addf(to, " | %.*s", SGL_FMT(r->method));
        if (r->version != 1)
            sgl_buf_addf(to, "/%u", r->version);
        sgl_buf_addf(to, "=%.*s", SGL_FMT(r->result));
        if (r->reason.ptr != NULL)
            sgl_buf_addf(to, " !%.*s", SGL_FMT(r->reason));
        for (size_t p = 0; p < r->properties; p++)
            sgl_buf_addf(to, " %.*s.%.*s=%.*s", SGL_FMT(r->property[p].ptype),
                         SGL_FMT(r->property[p].property), SGL_FMT(r->property[p].value));
    }
}

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

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static enum sgl_status put_value(const char *value, size_t len, struct sgl_buf *out)
{
    struct sgl_authres_property p = {SGL_LIT("smtp"), SGL_LIT("helo"), sgl_view_of(value, len)};
    struct sgl_authres_result r = {SGL_LIT("spf"), 1, SGL_LIT("pass"), {NULL, 0}, &p, 1};
    struct sgl_authres ar = {SGL_LIT("id"), 1, &r, 1};

    return sgl_authres_put(&ar, out);
}

/* [RFC 8601 s2.2, s7.2; RFC 2045 s5.1] */
static void values(void **state)
{
    static const struct {
        const char *name, *value, *want;
    } cases[] = {
        {"a token", "mx.example", "mx.example"},
        {"nothing", "", "\"\""},
        {"an address literal", "[192.0.2.1]", "\"[192.0.2.1]\""},
        {"IPv6", "2001:db8::1", "\"2001:db8::1\""},
        {"the front of a signature", "ab/+=cd", "\"ab/+=cd\""},
        {"an address", "a.b+c=d/e@example.org", "a.b+c=d/e@example.org"},
        {"an identity without local part", "@example.org", "@example.org"},
        {"a local part that needs quotes", "a;dkim=pass@b.example", "\"a;dkim=pass\"@b.example"},
        {"a local part with @", "a@b@c.example", "\"a@b\"@c.example"},
        {"a local part with two dots", "a..b@c.example", "\"a..b\"@c.example"},
        {"a domain that is none", "a@b(c", "\"a@b(c\""},
        {"a domain with two dots", "a@b..c", "\"a@b..c\""},
        {"HELO that adds a result", "x; dmarc=pass", "\"x; dmarc=pass\""},
        {"a comment", "legit.example(.attacker.example", "\"legit.example(.attacker.example\""},
        {"quotes and backslashes", "a\"b\\c", "\"a\\\"b\\\\c\""},
        {"line ends", "a\r\nX-Evil: b", "\"a??X-Evil: b\""},
        {"a line end and a fold", "s\r\n ; dkim=pass", "\"s?? ; dkim=pass\""},
        {"an escape sequence", "\033[2Jx", "\"?[2Jx\""},
        {"a tab", "a\tb", "\"a?b\""},
        {"UTF-8", "b\xc3\xbc", "\"b\xc3\xbc\""},
        {"no UTF-8", "b\xc3(", "\"b?(\""},
        {"a surrogate", "\xed\xa0\x80", "\"???\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(4096);
        sgl_auto(sgl_buf) want = SGL_BUF_INIT(4096);

        CHECK_EQ(cases[i].name, put_value(cases[i].value, strlen(cases[i].value), &got), SGL_OK);
        sgl_buf_addf(&want, "Authentication-Results: id;\r\n spf=pass smtp.helo=%s\r\n",
                     cases[i].want);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_buf_view(&want));
    }
}

static void a_long_value_is_cut_and_says_so(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    struct sgl_headers headers;
    char text[2000];
    size_t len;

    (void)state;
    memset(text, '"', sizeof text);
    CHECK_EQ("all of it escaped", put_value(text, sizeof text, &out), SGL_OK);
    CHECK_EQ("no line over 998",
             sgl_headers_parse(sgl_buf_view(&out), SGL_HEADERS_STRICT, &arena, &headers, NULL),
             SGL_OK);
    sgl_buf_reset(&out);
    memset(text, 'a', sizeof text);
    memcpy(text + 388, "@good.example.attacker.example", 30); /* the cut would be behind "good." */
    CHECK_EQ("an address", put_value(text, 418, &out), SGL_OK);
    CHECK_TRUE("is none any more", sgl_view_ends(sgl_buf_view(&out), V("@good.exa...\"\r\n")));
    for (len = 0; len < 1200; len += 3)
        memcpy(text + len, "\xe2\x82\xac", 3);
    sgl_buf_reset(&out);
    CHECK_EQ("UTF-8 is cut between characters", put_value(text, len, &out), SGL_OK);
    CHECK_TRUE("no ?", sgl_view_find(sgl_buf_view(&out), '?') == out.len);
}

static void lines(void **state)
{
    static const struct sgl_authres_property p[] = {
        {SGL_LIT_INIT("header"), SGL_LIT_INIT("d"), SGL_LIT_INIT("newsletter.example.com")},
        {SGL_LIT_INIT("header"), SGL_LIT_INIT("s"), SGL_LIT_INIT("selector-2026")},
        {SGL_LIT_INIT("Header"), SGL_LIT_INIT("A"), SGL_LIT_INIT("rsa-sha256")},
        {SGL_LIT_INIT("header"), SGL_LIT_INIT("b"), SGL_LIT_INIT("AbCdEf12")},
    };
    static const struct sgl_authres_result r[] = {
        {SGL_LIT_INIT("SPF"), 1, SGL_LIT_INIT("Pass"), {NULL, 0}, NULL, 0},
        {SGL_LIT_INIT("dkim"), 2, SGL_LIT_INIT("fail"), SGL_LIT_INIT("the body was changed"), p, 4},
        {SGL_LIT_INIT("arc"), 1, SGL_LIT_INIT("none"), SGL_LIT_INIT("no"), NULL, 0},
    };
    struct sgl_authres ar = {SGL_LIT("mx.example.org"), 1, r, 3};
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
    const char *want =
        "Authentication-Results: mx.example.org;\r\n spf=pass;\r\n"
        " dkim/2=fail reason=\"the body was changed\" header.d=newsletter.example.com\r\n"
        " header.s=selector-2026 header.a=rsa-sha256 header.b=AbCdEf12;\r\n"
        " arc=none reason=no\r\n";

    (void)state;
    CHECK_EQ("put", sgl_authres_put(&ar, &out), SGL_OK);
    CHECK_VIEW("folded at 78, names in lower case", sgl_buf_view(&out), V(want));
    sgl_buf_reset(&out);
    ar.results = 2;
    CHECK_EQ("put results", sgl_authres_put_results(&ar, &out), SGL_OK);
    CHECK_VIEW("one line, as an ARC set holds it", sgl_buf_view(&out),
               V("spf=pass; dkim/2=fail reason=\"the body was changed\" "
                 "header.d=newsletter.example.com header.s=selector-2026 header.a=rsa-sha256 "
                 "header.b=AbCdEf12"));
    sgl_buf_reset(&out);
    ar.results = 0;
    CHECK_EQ("put nothing", sgl_authres_put(&ar, &out), SGL_OK);
    CHECK_VIEW("none", sgl_buf_view(&out), V("Authentication-Results: mx.example.org; none\r\n"));
    sgl_buf_reset(&out);
    CHECK_EQ("put no results", sgl_authres_put_results(&ar, &out), SGL_OK);
    CHECK_VIEW("none", sgl_buf_view(&out), V("none"));
    sgl_buf_reset(&out);
    ar.authserv_id = SGL_LIT("b\xc3\xbc"
                             "cher; x");
    CHECK_EQ("an id that needs quotes", sgl_authres_put(&ar, &out), SGL_OK);
    CHECK_VIEW("quoted", sgl_buf_view(&out),
               V("Authentication-Results: \"b\xc3\xbc"
                 "cher; x\"; none\r\n"));
}

static void what_is_no_keyword_is_refused(void **state)
{
    static const struct {
        const char *name, *id, *method, *result, *ptype, *property;
    } cases[] = {
        {"no id", "", "spf", "pass", "smtp", "helo"},
        {"a line end in the id", "a\r\nb", "spf", "pass", "smtp", "helo"},
        {"no UTF-8 in the id", "\xff", "spf", "pass", "smtp", "helo"},
        {"no method", "a", "", "pass", "smtp", "helo"},
        {"a blank in the method", "a", "s pf", "pass", "smtp", "helo"},
        {"a second result", "a", "spf", "pass; dkim=pass", "smtp", "helo"},
        {"a dot in the type", "a", "spf", "pass", "smtp.x", "helo"},
        {"a line end in the property", "a", "spf", "pass", "smtp", "helo\r\n"},
        {"a property of 65", "a", "spf", "pass", "smtp",
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        struct sgl_authres_property p = {V(cases[i].ptype), V(cases[i].property), V("x")};
        struct sgl_authres_result r = {V(cases[i].method), 1, V(cases[i].result), {NULL, 0}, &p, 1};
        struct sgl_authres ar = {V(cases[i].id), 1, &r, 1};

        CHECK_EQ(cases[i].name, sgl_authres_put(&ar, &out), SGL_E_SYNTAX);
        CHECK_EQ(cases[i].name, out.len, 0);
        CHECK_EQ(cases[i].name, out.status, SGL_OK);
    }
}

static void a_full_buffer_holds_no_half_of_a_field(void **state)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(40);

    (void)state;
    sgl_buf_add_cstr(&out, "before");
    CHECK_EQ("too long", put_value("mx.example", 10, &out), SGL_E_LIMIT);
    CHECK_VIEW("what stood before", sgl_buf_view(&out), V("before"));
}

/* ---- there and back ------------------------------------------------------------------------------------------------ */

static uint32_t seed = 1;
static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static sgl_view random_text(struct sgl_arena *arena, const char *alphabet, size_t min, size_t max)
{
    size_t len = min + draw((uint32_t)(max - min + 1));
    uint8_t *text = sgl_arena_alloc(arena, len);

    CHECK_TRUE("memory", text != NULL);
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)alphabet[draw((uint32_t)strlen(alphabet))];
    return sgl_view_of(text, len);
}

#define WORDS  "abcxyz0189"
#define NASTY  "ab.@;=()<>[]\"\\ ,:/?!~{}-_+%"
#define DOMAIN "abc-.xyz"

static void random_result(struct sgl_arena *arena, struct sgl_authres_result *r)
{
    struct sgl_authres_property *p;
    size_t n = draw(5);

    p = SGL_NEW_N(arena, n, struct sgl_authres_property);
    CHECK_TRUE("memory", p != NULL);
    *r = (struct sgl_authres_result){random_text(arena, WORDS, 1, 12),
                                     draw(4) == 0 ? 2 + draw(90) : 1,
                                     random_text(arena, WORDS, 1, 9),
                                     {NULL, 0},
                                     p,
                                     n};
    if (draw(2) == 0)
        r->reason = random_text(arena, NASTY, 0, 60);
    for (size_t i = 0; i < n; i++)
        p[i] = (struct sgl_authres_property){
            random_text(arena, WORDS, 1, 8), random_text(arena, WORDS, 1, 20),
            random_text(arena, draw(2) == 0 ? NASTY : DOMAIN, 0, draw(10) == 0 ? 400 : 40)};
}

static void there_and_back(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 18);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) want = SGL_BUF_INIT(1 << 16);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1 << 16);
        struct sgl_authres_result r[6];
        struct sgl_authres ar = {random_text(&arena, NASTY, 1, 30), 1, r, draw(7)}, back;
        struct sgl_headers headers;

        for (size_t i = 0; i < ar.results; i++)
            random_result(&arena, &r[i]);
        CHECK_EQ("put", sgl_authres_put(&ar, &out), SGL_OK);
        CHECK_EQ("a strict header",
                 sgl_headers_parse(sgl_buf_view(&out), SGL_HEADERS_STRICT, &arena, &headers, NULL),
                 SGL_OK);
        CHECK_EQ("of one field", headers.count, 1);
        CHECK_EQ("parse", sgl_authres_parse(headers.field[0].value, &arena, &back, NULL), SGL_OK);
        show(&ar, &want);
        show(&back, &got);
        CHECK_VIEW("the same", sgl_buf_view(&got), sgl_buf_view(&want));
    }
}

/* ---- forged ones --------------------------------------------------------------------------------------------------- */

/* [RFC 8601 s5; RFC 8616 s3] */
static void judging(void **state)
{
    static const struct {
        const char *name, *value, *id;
        enum sgl_authres_forgery want;
    } cases[] = {
        {"ours", " mx.example; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"somebody else's", " mx.other; spf=pass", "mx.example", SGL_AUTHRES_FOREIGN},
        {"in other case", " MX.Example; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"in quotes", " \"mx.example\"; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"in quotes with backslashes", " \"m\\x.exa\\mple\"; spf=pass", "mx.example",
         SGL_AUTHRES_OURS},
        {"in quotes with blanks", " \" mx.example \"; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"behind comments", " (a (b) c)(d) mx.example; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"before comments", "mx.example(.evil.example); spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"folded", "\r\n\tmx.example\r\n ; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"folded in quotes", " \"mx.example\r\n \"; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"with a version", " mx.example 1; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"with a part behind it", " mx.example/filter-7; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"ours has one", " mx.example; spf=pass", "mx.example/filter-7", SGL_AUTHRES_OURS},
        {"with a dot behind it", " mx.example.; spf=pass", "mx.example", SGL_AUTHRES_OURS},
        {"as U-label [RFC 8601 s5]",
         " b\xc3\xbc"
         "cher.example; none",
         "xn--bcher-kva.example", SGL_AUTHRES_OURS},
        {"as A-label", " XN--bcher-KVA.example; none",
         "b\xc3\xbc"
         "cher.example",
         SGL_AUTHRES_OURS},
        {"as U-label in other case",
         " \"B\xc3\x9c"
         "CHER.example\"; none",
         "xn--bcher-kva.example", SGL_AUTHRES_OURS},
        {"in letters that only look wider", " \xef\xbd\x8dx.example; none", "mx.example",
         SGL_AUTHRES_OURS},
        {"ours and broken is ours", " mx.example; ;;", "mx.example", SGL_AUTHRES_OURS},
        {"ours and of another version is ours", " mx.example 2; spf=pass", "mx.example",
         SGL_AUTHRES_OURS},
        {"a name below ours", " a.mx.example; none", "mx.example", SGL_AUTHRES_FOREIGN},
        {"a name with ours in front", " mx.example.evil; none", "mx.example", SGL_AUTHRES_FOREIGN},
        {"an id that is no name", " a_b c; none", "mx.example", SGL_AUTHRES_BROKEN},
        {"an id with a NUL's place taken by \\", " \"a\\\\\"; none", "mx.example",
         SGL_AUTHRES_FOREIGN},
        {"unknown version", " mx.other 2; spf=pass", "mx.example", SGL_AUTHRES_BROKEN},
        {"no result", " mx.other; spf", "mx.example", SGL_AUTHRES_BROKEN},
        {"nothing", "", "mx.example", SGL_AUTHRES_BROKEN},
        {"an open comment", " (mx.example; spf=pass", "mx.example", SGL_AUTHRES_BROKEN},
        {"an open quote", " \"mx.example; spf=pass", "mx.example", SGL_AUTHRES_BROKEN},
        {"no UTF-8", " m\xff.example; spf=pass", "mx.example", SGL_AUTHRES_FOREIGN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        struct sgl_header field = {V(""), V("Authentication-Results"), V(cases[i].value)};
        enum sgl_authres_forgery got = (enum sgl_authres_forgery)99;

        CHECK_EQ(cases[i].name, sgl_authres_judge(&field, V(cases[i].id), &arena, &got), SGL_OK);
        CHECK_EQ(cases[i].name, got, cases[i].want);
        CHECK_EQ("the arena is where it was", arena.used, 0);
    }
}

static void long_and_deep_ones_are_broken(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    struct sgl_header field = {V(""), V("Authentication-Results"), V("")};
    enum sgl_authres_forgery got = SGL_AUTHRES_FOREIGN;

    (void)state;
    for (int i = 0; i < 100000; i++)
        sgl_buf_add_byte(&text, '(');
    field.value = sgl_buf_view(&text);
    CHECK_EQ("100000 bytes", sgl_authres_judge(&field, V("a"), &arena, &got), SGL_OK);
    CHECK_EQ("100000 bytes", got, SGL_AUTHRES_BROKEN);
    field.value.len = 1000;
    got = SGL_AUTHRES_FOREIGN;
    CHECK_EQ("1000 deep", sgl_authres_judge(&field, V("a"), &arena, &got), SGL_OK);
    CHECK_EQ("1000 deep", got, SGL_AUTHRES_BROKEN);
}

/* Fields of which the first `forged` bear our name, at places drawn by lot between others; none survives, the rest keeps its order. [RFC 8601 s5] */
static void stripping(void **state)
{
    static const char *const forgeries[] = {
        "Authentication-Results: mx.example; dmarc=pass\r\n",
        "authentication-results: MX.EXAMPLE; dmarc=pass\r\n",
        "Authentication-Results : (x) \"mx.example\" 1; dmarc=pass\r\n",
        "AUTHENTICATION-RESULTS:\r\n mx.example/1;\r\n\tdmarc=pass\r\n",
        "Authentication-Results: mx.example; broken\r\n",
        "Authentication-Results: other.example 2; dmarc=pass\r\n",
    };
    static const char *const others[] = {
        "Authentication-Results: other.example; dmarc=pass\r\n",
        "Received: from a by b; 1 Jan 2026 00:00:00 +0000\r\n",
        "X-Authentication-Results: mx.example; dmarc=pass\r\n",
    };

    (void)state;
    for (int round = 0; round < 600; round++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 16);
        struct sgl_headers headers;
        bool forged[12], removed[12];
        size_t count = 1 + draw(12), want = 0, got = 99;

        for (size_t i = 0; i < count; i++) {
            forged[i] = want < 5 && draw(2) == 0;
            want += forged[i];
            sgl_buf_add_cstr(&text, forged[i] ? forgeries[draw(6)] : others[draw(3)]);
        }
        CHECK_EQ(
            "headers",
            sgl_headers_parse(sgl_buf_view(&text), SGL_HEADERS_TOLERANT, &arena, &headers, NULL),
            SGL_OK);
        CHECK_EQ("fields", headers.count, count);
        CHECK_EQ("strip", sgl_authres_strip(&headers, V("mx.example"), &arena, removed, &got),
                 SGL_OK);
        CHECK_EQ("so many", got, want);
        for (size_t i = 0; i < count; i++)
            CHECK_EQ("none survives, others stay", removed[i], forged[i]);
    }
}

static void fields_that_nobody_looks_at_are_removed(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 18);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 18);
    struct sgl_headers headers;
    bool removed[200];
    size_t got = 0;

    (void)state;
    for (int i = 0; i < 150; i++)
        sgl_buf_add_cstr(&text, "Authentication-Results: other.example; none\r\n");
    CHECK_EQ("headers",
             sgl_headers_parse(sgl_buf_view(&text), SGL_HEADERS_STRICT, &arena, &headers, NULL),
             SGL_OK);
    CHECK_EQ("strip", sgl_authres_strip(&headers, V("mx.example"), &arena, removed, &got), SGL_OK);
    CHECK_EQ("those above the limit", got, 150 - SGL_LIMIT_AUTHRES_FIELDS);
}

static void out_of_memory(void **state)
{
    const char *value = " \"B\xc3\x9c"
                        "cher.example\"; DKIM=Pass reason=\"a\\b\" header.i=\"x y\"@z.example";

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(4096);
        struct sgl_header field = {V(""), V("Authentication-Results"), V(value)};
        struct sgl_authres ar = {.version = 77};
        enum sgl_authres_forgery forgery = SGL_AUTHRES_FOREIGN;
        enum sgl_status st =
            sgl_authres_judge(&field, SGL_LIT("xn--bcher-kva.example"), &arena, &forgery);

        if (st == SGL_OK) {
            CHECK_EQ("never foreign because memory ended", forgery, SGL_AUTHRES_OURS);
            st = sgl_authres_parse(V(value), &arena, &ar, NULL);
        }
        if (st == SGL_OK)
            st = sgl_authres_put(&ar, &out);
        if (fail_alloc_hit())
            CHECK_EQ("says so", st, SGL_E_NOMEM);
        else
            CHECK_EQ("works", st, SGL_OK);
    }
}

static void a_small_arena(void **state)
{
    (void)state;
    for (size_t max = 0; max < 600; max += 8) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(max);
        struct sgl_authres ar = {.version = 77};
        enum sgl_status st = sgl_authres_parse(V("a; DKIM=pass x.y=\"z\\z\""), &arena, &ar, NULL);

        CHECK_TRUE("all or nothing", st == SGL_OK || (st == SGL_E_LIMIT && ar.version == 77));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(finding),
        cmocka_unit_test(values),
        cmocka_unit_test(a_long_value_is_cut_and_says_so),
        cmocka_unit_test(lines),
        cmocka_unit_test(what_is_no_keyword_is_refused),
        cmocka_unit_test(a_full_buffer_holds_no_half_of_a_field),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(judging),
        cmocka_unit_test(long_and_deep_ones_are_broken),
        cmocka_unit_test(stripping),
        cmocka_unit_test(fields_that_nobody_looks_at_are_removed),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(a_small_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
