/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"
#include "spf_internal.h"

#define V(s)    sgl_view_cstr(s)
#define LABEL63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"
#define NIBBLES "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1"

static const struct spf_values values4 = {
    .sender = SGL_LIT_INIT("strong-bad@email.example.com"),
    .local = SGL_LIT_INIT("strong-bad"),
    .sender_domain = SGL_LIT_INIT("email.example.com"),
    .domain = SGL_LIT_INIT("email.example.com"),
    .address = SGL_LIT_INIT("192.0.2.3"),
    .readable = SGL_LIT_INIT("192.0.2.3"),
    .version = SGL_LIT_INIT("in-addr"),
    .validated = SGL_LIT_INIT("mx.example.org"),
    .helo = SGL_LIT_INIT("a\x01\xff~b c@[1]"),
    .receiver = SGL_LIT_INIT("rcv.test"),
    .now = SGL_LIT_INIT("1400000000"),
};

static sgl_view expand_text(struct sgl_arena *arena, const char *name, const char *text)
{
    sgl_view out = {NULL, 0};
    size_t off;

    CHECK_TRUE(name, sgl_spf_macro_fault(V(text), SPF_EXPLANATION, &off) == NULL);
    CHECK_EQ(name, sgl_spf_expand_text(V(text), &values4, arena, &out), SGL_OK);
    return out;
}

/* [RFC 7208 s7.3, s7.4] */
static void expands(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        /* The examples of s7.4. */
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
        /* Escapes and explanations. */
        {"100%% of%_it%-", "100% of it%20"},
        {"%{c} %{r} %{t} %{p}", "192.0.2.3 rcv.test 1400000000 mx.example.org"},
        /* URL escapes: bytes are bytes, not signed chars. */
        {"%{S}", "strong-bad%40email.example.com"},
        {"%{H}", "a%01%FF~b%20c%40%5B1%5D"},
        {"%{h}", "a??~b c@[1]"}, /* printable US-ASCII only [RFC 7208 s6.2] */
        /* Digits. */
        {"%{d127}", "email.example.com"},
        {"%{d255}", "email.example.com"},
        {"%{d256}", "email.example.com"},
        {"%{d4294967297}", "email.example.com"},
        {"%{d18446744073709551617r}", "com.example.email"},
        {"%{d01}", "com"},
        /* Delimiters; of several each counts. */
        {"%{s1-}", "bad@email.example.com"},
        {"%{i.-+,/_=}", "192.0.2.3"},
        {"%{lr.-}", "bad.strong"},
        {"", ""},
        {"plain text; nothing else", "plain text; nothing else"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);

        CHECK_VIEW(cases[i].text, expand_text(&arena, cases[i].text, cases[i].text),
                   V(cases[i].want));
    }
}

/* Leading, trailing and doubled delimiters make empty parts.  [RFC 7208 s7.3] */
static void keeps_empty_parts(void **state)
{
    static const struct {
        const char *value, *text, *want;
    } cases[] = {
        {".a..b.", "%{l}", ".a..b."}, {".a..b.", "%{lr}", ".b..a."}, {".a..b.", "%{l1}", ""},
        {".a..b.", "%{l2}", "b."},    {".a..b.", "%{l3r}", ".a."},   {"", "%{l}", ""},
        {"", "%{l3r-}", ""},          {".", "%{lr}", "."},           {"--", "%{l-}", ".."},
        {"a", "%{l1}", "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct spf_values values = {.local = V(cases[i].value)};
        sgl_view out;

        assert_int_equal(sgl_spf_expand_text(V(cases[i].text), &values, &arena, &out), SGL_OK);
        CHECK_VIEW(cases[i].text, out, V(cases[i].want));
    }
}

/* Every letter with every number of parts, reversed or not, with every delimiter. */
static void all_transformers(void **state)
{
    static const char letters[] = "slodipvhcrtSLODIPVHCRT";
    static const char *const delimiters[] = {"", ".", "-", "+", ",", "/", "_", "=", "-.", "=+,"};
    char text[40];

    (void)state;
    for (const char *letter = letters; *letter != 0; letter++) {
        for (unsigned parts = 0; parts < 12; parts++) {
            for (size_t d = 0; d < 2 * sizeof delimiters / sizeof delimiters[0]; d++) {
                sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
                char digits[12] = "";
                sgl_view out;

                if (parts > 0)
                    (void)snprintf(digits, sizeof digits, "%u", parts);
                (void)snprintf(text, sizeof text, "%%{%c%s%s%s}", *letter, digits,
                               d % 2 == 0 ? "" : "r", delimiters[d / 2]);
                out = expand_text(&arena, text, text);
                assert_true(out.len <= SGL_LIMIT_SPF_EXPLANATION);
            }
        }
    }
}

static void cuts_explanations(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    sgl_view out;

    (void)state;
    for (int i = 0; i < 2000; i++)
        sgl_buf_add(&text, SGL_LIT("%{s}"));
    assert_int_equal(text.status, SGL_OK);
    assert_int_equal(sgl_spf_expand_text(sgl_buf_view(&text), &values4, &arena, &out), SGL_OK);
    assert_int_equal(out.len, SGL_LIMIT_SPF_EXPLANATION);
}

/* Names: labels on the left go until 253 bytes are left.  [RFC 7208 s7.3] */
static void makes_names(void **state)
{
    static const struct {
        const char *name, *spec, *local, *want;
    } cases[] = {
        {"letters are folded", "%{l}.Example.ORG", "Ab", "ab.example.org"},
        {"a final dot goes", "%{l}.a.test.", "b", "b.a.test"},
        {"without a macro", "A.test.", "", "a.test"},
        {"any printable byte", "%{l}.test", "a b+=\"\\@", "a b+=\"\\@.test"},
        {"a label of 63", "%{l}.test", LABEL63, LABEL63 ".test"},
        {"a label of 64 is no name [RFC 7208 s4.8]", "%{l}.test", LABEL63 "d", NULL},
        {"an empty label is no name [RFC 7208 s4.8]", "%{l}.test", "a..b", NULL},
        {"an empty label in front is no name", "%{l}.test", "", NULL},
        {"a control character is no name", "%{l}.test", "a\x01", NULL},
        {"an 8-bit byte is no name", "%{l}.test", "a\xc3\xbc", NULL},
        {"253 bytes stay", "%{l}.abcde",
         LABEL63 "." LABEL63 "." LABEL63 ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcde",
         LABEL63 "." LABEL63 "." LABEL63
                 ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcde.abcde"},
        {"254 bytes lose a label", "%{l}.abcdef",
         LABEL63 "." LABEL63 "." LABEL63 ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcde",
         LABEL63 "." LABEL63 ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcde.abcdef"},
        {"what was empty goes with it", "%{l}.%{l}.%{l}.%{l}.b.test", "." LABEL63, NULL},
        {"nothing left but one long label", "%{l}%{l}%{l}%{l}%{l}.test", LABEL63, "test"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct spf_values values = {.local = V(cases[i].local)};
        struct sgl_name name = {V("untouched")};
        enum sgl_status st = sgl_spf_expand_name(V(cases[i].spec), &values, &arena, &name);

        CHECK_EQ(cases[i].name, st, cases[i].want == NULL ? SGL_E_SYNTAX : SGL_OK);
        CHECK_VIEW(cases[i].name, name.text,
                   V(cases[i].want == NULL ? "untouched" : cases[i].want));
    }
}

/* However long: the end is what counts, and the whole never lies in memory. */
static void forgets_the_start(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1000);
    sgl_auto(sgl_buf) spec = SGL_BUF_INIT(1 << 20);
    struct sgl_name name;

    (void)state;
    for (int i = 0; i < 1500; i++)
        sgl_buf_add(&spec, SGL_LIT("%{s}."));
    sgl_buf_add(&spec, SGL_LIT("%{d2}"));
    assert_int_equal(spec.status, SGL_OK);
    assert_int_equal(sgl_spf_expand_name(sgl_buf_view(&spec), &values4, &arena, &name), SGL_OK);
    assert_true(name.text.len <= 253 && sgl_view_ends(name.text, SGL_LIT(".com.example.com")));
}

static void ipv6_as_nibbles(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct spf_values values = {.address = SGL_LIT_INIT(NIBBLES),
                                .version = SGL_LIT_INIT("ip6"),
                                .domain = SGL_LIT_INIT("email.example.com")};
    struct sgl_name name;

    (void)state;
    assert_int_equal(sgl_spf_expand_name(V("%{ir}.%{v}._spf.%{d2}"), &values, &arena, &name),
                     SGL_OK);
    CHECK_VIEW(
        "the example of RFC 7208 s7.4", name.text,
        V("1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"));
}

static void tells_the_letters(void **state)
{
    (void)state;
    assert_int_equal(sgl_spf_macro_letters(V("a.test")), 0);
    assert_int_equal(sgl_spf_macro_letters(V("%%%_%-.test")), 0);
    assert_int_equal(sgl_spf_macro_letters(V("%{D2r}.%{p}")), SPF_LETTER('d') | SPF_LETTER('p'));
}

static void explanations_allow_blanks(void **state)
{
    size_t off;

    (void)state;
    assert_null(sgl_spf_macro_fault(V("a b %{c}"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(V("a b"), SPF_TERM, &off));
    assert_non_null(sgl_spf_macro_fault(V("a\tb"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(V("a\r\n550 b"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(V("caf\xc3\xa9"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(V("%{x}"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(V("50% of"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(V("%"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(V("%{"), SPF_EXPLANATION, &off));
    assert_non_null(sgl_spf_macro_fault(SGL_LIT("a\0b"), SPF_EXPLANATION, &off));
}

static void survives_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_name name;
        sgl_view text;
        enum sgl_status st = sgl_spf_expand_name(V("%{d}"), &values4, &arena, &name);

        st = sgl_join(st, sgl_spf_expand_text(V("%{d}"), &values4, &arena, &text));
        CHECK_EQ("no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expands),
        cmocka_unit_test(keeps_empty_parts),
        cmocka_unit_test(all_transformers),
        cmocka_unit_test(cuts_explanations),
        cmocka_unit_test(makes_names),
        cmocka_unit_test(forgets_the_start),
        cmocka_unit_test(ipv6_as_nibbles),
        cmocka_unit_test(tells_the_letters),
        cmocka_unit_test(explanations_allow_blanks),
        cmocka_unit_test(survives_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
