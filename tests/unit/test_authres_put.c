/* SPDX-License-Identifier: Apache-2.0 */
/* Writing Authentication-Results. */
#include "sigillo/authres.h"

#include "authres_fixture.h"
#include "check.h"

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
        {"a hyphen ends the method [RFC 5321 s4.1.2]", "a", "spf-", "pass", "smtp", "helo"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(a_long_value_is_cut_and_says_so),
        cmocka_unit_test(lines),
        cmocka_unit_test(what_is_no_keyword_is_refused),
        cmocka_unit_test(a_full_buffer_holds_no_half_of_a_field),
        cmocka_unit_test(there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
