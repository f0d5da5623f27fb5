/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"
#include "sigillo/spf.h"
#include "spf_internal.h"

#define V(s) sgl_view_cstr(s)

/* The version section  [RFC 7208 s4.5]. */
static void selects(void **state)
{
    static const struct {
        const char *name, *text;
        bool want;
    } cases[] = {
        {"the version alone", "v=spf1", true},
        {"the version and a blank", "v=spf1 ", true},
        {"a record", "v=spf1 -all", true},
        {"ABNF strings have no case [RFC 5234 s2.3]", "V=SPF1 -all", true},
        {"another version", "v=spf10 -all", false},
        {"a TAB is no blank", "v=spf1\t-all", false},
        {"text in front", " v=spf1 -all", false},
        {"quotes", "\"v=spf1 -all\"", false},
        {"Sender ID", "spf2.0/mfrom -all", false},
        {"a comma", "v=spf1,-all", false},
        {"nothing", "", false},
        {"part of it", "v=spf", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_EQ(cases[i].name, sgl_spf_is_record(V(cases[i].text)), cases[i].want);
}

struct syntax {
    const char *name, *terms;
    bool good;
};

static const struct syntax syntax_cases[] = {
    /* Terms  [RFC 7208 s4.6.1] */
    {"nothing but the version", "", true},
    {"blanks at the end", "-all   ", true},
    {"several blanks between", "mx    -all", true},
    {"a TAB between terms", "mx\t-all", false},
    {"names have no case", "IP4:192.0.2.1 Include:A.test ALL Redirect=a.test", true},
    {"each qualifier", "+a -a ~a ?a", true},
    {"two qualifiers", "--all", false},
    {"a qualifier alone", "-", false},
    {"an unknown mechanism", "foo -all", false},
    {"an unknown mechanism with an argument", "foo:bar.test -all", false},
    {"an error behind all counts [RFC 7208 s4.6]", "-all foo", false},
    {"a mechanism's name and more", "allx", false},
    {"a dot behind a mechanism", "mx.a.test", false},
    {"a comma", "ip4:192.0.2.1,ip4:192.0.2.2", false},
    {"a control character", "a:b\x01.test", false},
    {"an 8-bit byte", "a:b\xc3\xbc.test", false},

    /* Modifiers  [RFC 7208 s6] */
    {"an unknown modifier", "moo.cow-far_out=man:dog/cat -all", true},
    {"an unknown modifier twice", "x=1 x=2", true},
    {"an unknown modifier's value is a macro string", "x=%{i} y=%%%_%-", true},
    {"an unknown modifier with a bad macro", "x=%abc", false},
    {"an unknown modifier without a value", "x=", true},
    {"a mechanism's name as a modifier is unknown", "ip4=192.0.2.1", true},
    {"a modifier's name begins with a letter", "1x=1", false},
    {"a name alone is missing", "=x", false},
    {"redirect twice", "redirect=a.test redirect=b.test", false},
    {"exp twice", "exp=a.test -all exp=a.test", false},
    {"one of each", "redirect=a.test exp=b.test", true},
    {"an empty redirect", "redirect=", false},
    {"an empty exp", "-all exp=", false},
    {"a qualifier on a modifier", "-redirect=a.test", false},
    {"redirect with a colon", "redirect:a.test", false},
    {"a redirect with a prefix length", "redirect=a.test/24", false},

    /* all, include, exists, ptr */
    {"all with a domain", "all:a.test", false},
    {"all with a length", "all/8", false},
    {"all with a dot", "-all.", false},
    {"include without a domain", "include", false},
    {"include with an empty domain", "include:", false},
    {"include with a length", "include:a.test/24", false},
    {"exists without a domain", "exists", false},
    {"exists with a length", "exists:a.test/8", false},
    {"ptr", "ptr", true},
    {"ptr with a domain", "ptr:a.test", true},
    {"ptr with an empty domain", "ptr:", false},
    {"ptr with a length", "ptr/0", false},

    /* a and mx  [RFC 7208 s5.3, s5.4, s5.6] */
    {"a", "a mx", true},
    {"a with a length", "a/24", true},
    {"mx with an IPv6 length", "mx//64", true},
    {"both lengths", "a/24//64", true},
    {"a domain and both lengths", "mx:a.test/0//0", true},
    {"the most", "a/32//128", true},
    {"above it", "a/33", false},
    {"above it for IPv6", "a//129", false},
    {"a huge length", "a/99999999999999999999", false},
    {"a zero in front", "a/08", false},
    {"a zero in front for IPv6", "a//064", false},
    {"an empty length", "a/", false},
    {"an empty IPv6 length", "a//", false},
    {"lengths in the wrong order", "a//64/24", false},
    {"three lengths", "a/24/24//64", false},
    {"three slashes", "a/24///64", false},
    {"an empty domain", "a:", false},
    {"an empty domain and a length", "a:/24", false},
    {"a negative length", "a/-1", false},
    {"a slash inside a domain", "a:b/24.test", true},

    /* ip4 and ip6  [RFC 7208 s5.6] */
    {"an address", "ip4:192.0.2.1", true},
    {"a network", "ip4:192.0.2.0/24", true},
    {"length 0 and 32", "ip4:192.0.2.0/0 ip4:192.0.2.0/32", true},
    {"length 33", "ip4:192.0.2.0/33", false},
    {"a length with a zero in front", "ip4:192.0.2.0/08", false},
    {"an empty length", "ip4:192.0.2.0/", false},
    {"a double slash", "ip4:192.0.2.0//24", false},
    {"three octets", "ip4:192.0.2", false},
    {"five octets", "ip4:192.0.2.1.1", false},
    {"an octet with a zero in front", "ip4:192.0.02.1", false},
    {"an octet above 255", "ip4:192.0.256.1", false},
    {"an IPv6 address in ip4", "ip4:2001:db8::1", false},
    {"nothing", "ip4", false},
    {"an empty address", "ip4:", false},
    {"a host name", "ip4:a.test", false},
    {"a macro", "ip4:%{i}", false},
    {"an IPv6 address", "ip6:2001:db8::1", true},
    {"an IPv6 network", "ip6:2001:db8::/32", true},
    {"IPv6 with a dotted quad", "ip6:::ffff:192.0.2.1", true},
    {"all of IPv6", "ip6:::/0", true},
    {"length 129", "ip6:2001:db8::/129", false},
    {"an IPv6 length with a zero in front", "ip6:2001:db8::/032", false},
    {"an IPv4 address in ip6", "ip6:192.0.2.1", false},
    {"two gaps", "ip6:2001::db8::1", false},
    {"too few groups", "ip6:2001:db8:1", false},

    /* domain-spec  [RFC 7208 s7.1] */
    {"a final dot", "a:b.test.", true},
    {"two final dots", "a:b.test..", false},
    {"a single label", "a:test", false},
    {"a single label with a dot", "a:test.", false},
    {"a top-level label of digits", "a:b.123", false},
    {"an address is no domain", "a:192.0.2.1", false},
    {"a top-level label with a digit", "a:b.1c", true},
    {"a top-level label with a hyphen inside", "a:b.c-d a:b.1-2", true},
    {"a hyphen at its end", "a:b.c-", false},
    {"a hyphen at its start", "a:b.-c", false},
    {"an underscore in it", "a:b.c_d", false},
    {"an underscore before it", "a:_b.test", true},
    {"any visible character before it", "a:b:c/d!\"#$&'()*+,;<=>?@[\\]^`{|}~.test", true},
    {"an empty label inside has the grammar's blessing", "a:b..test", true},
    {"a macro at the end", "a:b.%{d}", true},
    {"a macro and a dot", "a:%{d}.", false},
    {"text behind a macro", "a:%{d}test", false},
    {"a label behind a macro", "a:%{d}.test", true},
    {"an escape at the end", "a:b.%% a:b.%_ a:b.%-", true},

    /* macro-expand  [RFC 7208 s7.1, s7.2] */
    {"each letter of a term", "exists:%{s}%{l}%{o}%{d}%{i}%{p}%{h}%{v}", true},
    {"each in upper case", "exists:%{S}%{L}%{O}%{D}%{I}%{P}%{H}%{V}", true},
    {"c is for explanations", "exists:%{c}.test", false},
    {"r is for explanations", "exists:%{r}.test", false},
    {"t is for explanations", "exists:%{t}.test", false},
    {"c in the name of an explanation", "-all exp=%{c}.test", false},
    {"another letter", "exists:%{x}.test", false},
    {"no letter", "exists:%{}.test", false},
    {"a digit first", "exists:%{2d}.test", false},
    {"digits and r", "exists:%{d2r}.test", true},
    {"r has no case", "exists:%{dR}", true},
    {"r and digits", "exists:%{dr2}.test", false},
    {"zero parts", "exists:%{d0}.test", false},
    {"zero parts written long", "exists:%{d00}.test", false},
    {"127 parts", "exists:%{d127}.test", true},
    {"more parts than any integer", "exists:%{d99999999999999999999999999}.test", true},
    {"every delimiter", "exists:%{dr.-+,/_=}.test", true},
    {"another delimiter", "exists:%{d:}.test", false},
    {"a delimiter before r", "exists:%{d.r}.test", false},
    {"an open macro", "exists:%{d", false},
    {"an open macro with a delimiter", "exists:%{d-", false},
    {"a percent sign at the end", "exists:b.test%", false},
    {"a percent sign and a brace at the end", "exists:b.test%{", false},
    {"a percent sign and a letter", "exists:%d.test", false},
    {"parentheses", "exists:%(ir).test", false},
    {"a blank inside", "exists:%{d }.test", false},
};

static sgl_view with_version(struct sgl_buf *buf, const char *terms)
{
    sgl_buf_reset(buf);
    sgl_buf_add(buf, SGL_LIT("v=spf1 "));
    sgl_buf_add_cstr(buf, terms);
    assert_int_equal(buf->status, SGL_OK);
    return sgl_buf_view(buf);
}

static void checks_syntax(void **state)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(4096);

    (void)state;
    for (size_t i = 0; i < sizeof syntax_cases / sizeof syntax_cases[0]; i++) {
        const struct syntax *c = &syntax_cases[i];
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_record record = {.count = 99};
        struct sgl_diag diag = {0};
        enum sgl_status st = sgl_spf_parse(with_version(&text, c->terms), &arena, &record, &diag);

        CHECK_EQ(c->name, st, c->good ? SGL_OK : SGL_E_SYNTAX);
        CHECK_EQ(c->name, diag.what == NULL, c->good);
        CHECK_TRUE(c->name, diag.off <= text.len);
        if (!c->good) {
            CHECK_EQ(c->name, record.count, 99);
            CHECK_EQ(c->name, arena.used, 0);
        }
    }
}

/* What the terms mean. */
static void reads_terms(void **state)
{
    static const char text[] =
        "v=spf1 +A:b/c.test/20//60 ~mx ?ptr:%{d} -include:x.test. ip4:192.0.2.128/25 "
        "ip6:2001:db8::/32 exists:%{i}.y.test exp=e.test u=v redirect=r.test all";
    static const struct {
        enum sgl_spf_mechanism mechanism;
        enum sgl_spf_result qualifier;
        const char *text, *domain;
        uint8_t bits4, bits6;
    } want[] = {
        {SGL_SPF_A, SGL_SPF_PASS, "+A:b/c.test/20//60", "b/c.test", 20, 60},
        {SGL_SPF_MX, SGL_SPF_SOFTFAIL, "~mx", "", 32, 128},
        {SGL_SPF_PTR, SGL_SPF_NEUTRAL, "?ptr:%{d}", "%{d}", 32, 128},
        {SGL_SPF_INCLUDE, SGL_SPF_FAIL, "-include:x.test.", "x.test.", 32, 128},
        {SGL_SPF_IP4, SGL_SPF_PASS, "ip4:192.0.2.128/25", "", 32, 128},
        {SGL_SPF_IP6, SGL_SPF_PASS, "ip6:2001:db8::/32", "", 32, 128},
        {SGL_SPF_EXISTS, SGL_SPF_PASS, "exists:%{i}.y.test", "%{i}.y.test", 32, 128},
        {SGL_SPF_ALL, SGL_SPF_PASS, "all", "", 32, 128},
    };
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_spf_record record;

    (void)state;
    assert_int_equal(sgl_spf_parse(V(text), &arena, &record, NULL), SGL_OK);
    assert_int_equal(record.count, sizeof want / sizeof want[0]);
    CHECK_VIEW("record", record.text, V(text));
    CHECK_VIEW("redirect", record.redirect, V("r.test"));
    CHECK_VIEW("exp", record.exp, V("e.test"));
    for (size_t i = 0; i < record.count; i++) {
        CHECK_VIEW(want[i].text, record.term[i].text, V(want[i].text));
        CHECK_VIEW(want[i].text, record.term[i].domain, V(want[i].domain));
        CHECK_EQ(want[i].text, record.term[i].mechanism, want[i].mechanism);
        CHECK_EQ(want[i].text, record.term[i].qualifier, want[i].qualifier);
        CHECK_EQ(want[i].text, record.term[i].bits4, want[i].bits4);
        CHECK_EQ(want[i].text, record.term[i].bits6, want[i].bits6);
    }
    assert_int_equal(record.term[4].network.bits, 25);
    assert_int_equal(record.term[5].network.ip.version, 6);
    assert_int_equal(sgl_spf_parse(V("v=spf1"), &arena, &record, NULL), SGL_OK);
    assert_true(record.redirect.ptr == NULL && record.exp.ptr == NULL && record.count == 0);
}

static void tells_the_place(void **state)
{
    static const struct {
        const char *terms, *what;
        size_t off;
    } cases[] = {
        {"mx foo -all", "unknown mechanism", 10},
        {"a:b.%{q}.test", "macro with a letter that it can't have here", 11},
        {"a:b.%{d0}", "macro that keeps zero parts", 11},
        {"ip4:192.0.2.1/99", "not an IPv4 address or network", 11},
        {"a:b.test/99", "prefix length is not a number of that range", 16},
        {"a:b.42", "domain does not end in a top-level label or a macro", 9},
        {"redirect=a.test redirect=b.test", "modifier stands twice", 23},
    };
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(4096);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_record record;
        struct sgl_diag diag = {0};

        CHECK_EQ(cases[i].terms,
                 sgl_spf_parse(with_version(&text, cases[i].terms), &arena, &record, &diag),
                 SGL_E_SYNTAX);
        CHECK_STR(cases[i].terms, diag.what, cases[i].what);
        CHECK_EQ(cases[i].terms, diag.off, cases[i].off);
        CHECK_TRUE(cases[i].terms, diag.rule != NULL);
    }
}

static enum sgl_status parse_many(const char *term, size_t count)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_spf_record record;

    sgl_buf_add(&text, SGL_LIT("v=spf1"));
    for (size_t i = 0; i < count; i++) {
        sgl_buf_add_byte(&text, ' ');
        sgl_buf_add_cstr(&text, term);
    }
    assert_int_equal(text.status, SGL_OK);
    return sgl_spf_parse(sgl_buf_view(&text), &arena, &record, NULL);
}

static void keeps_its_limits(void **state)
{
    sgl_auto(sgl_arena) small = SGL_ARENA_INIT(64);
    struct sgl_spf_record record;

    (void)state;
    assert_int_equal(parse_many("a", SGL_LIMIT_SPF_TERMS), SGL_OK);
    assert_int_equal(parse_many("a", SGL_LIMIT_SPF_TERMS + 1), SGL_E_LIMIT);
    assert_int_equal(parse_many("ip4:192.0.2.128/32", 40000), SGL_E_LIMIT);
    assert_int_equal(sgl_spf_parse(V("v=spf1 a mx"), &small, &record, NULL), SGL_E_LIMIT);
}

static void survives_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_record record;
        enum sgl_status st = sgl_spf_parse(V("v=spf1 a mx -all"), &arena, &record, NULL);

        CHECK_EQ("no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

static void names_its_results(void **state)
{
    static const char *const want[] = {"none",     "neutral",   "pass",     "fail",
                                       "softfail", "temperror", "permerror"};

    (void)state;
    for (size_t i = 0; i < 7; i++)
        CHECK_STR("lower case [RFC 7208 s9.1]", sgl_spf_result_name((enum sgl_spf_result)i),
                  want[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects),           cmocka_unit_test(checks_syntax),
        cmocka_unit_test(reads_terms),       cmocka_unit_test(tells_the_place),
        cmocka_unit_test(keeps_its_limits),  cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(names_its_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
