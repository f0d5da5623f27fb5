/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/mailbox.h"

#include "check.h"

#define V(s)    sgl_view_cstr(s)
#define TEN     "aaaaaaaaaa"
#define LOCAL64 TEN TEN TEN TEN TEN TEN "aaaa"
#define LABEL63 TEN TEN TEN TEN TEN TEN "aaa"

static const struct {
    const char *name, *text, *want; /* NULL: refused */
} envelopes[] = {
    {"dot-atom", "user@example.org", "user@example.org"},
    {"the domain is lower-cased, the local part is not", "User@EXAMPLE.Org", "User@example.org"},
    {"all of atext", "!#$%&'*+-/=?^_`{|}~@a.b", "!#$%&'*+-/=?^_`{|}~@a.b"},
    {"quotes that are not needed go", "\"user\"@example.org", "user@example.org"},
    {"quotes that are needed stay", "\"a b\"@example.org", "\"a b\"@example.org"},
    {"backslashes are written only where needed", "\"a\\@b\\\"\"@example.org",
     "\"a@b\\\"\"@example.org"},
    {"an empty quoted string", "\"\"@example.org", "\"\"@example.org"},
    {"two dots in quotes", "\"a..b\"@example.org", "\"a..b\"@example.org"},
    {"a literal", "a@[192.0.2.1]", "a@[192.0.2.1]"},
    {"a version 6 literal", "a@[ipv6:2001:DB8::1]", "a@[IPv6:2001:db8::1]"},
    {"a domain of one label", "a@localhost", "a@localhost"},
    {"UTF-8 local part", "jos\xc3\xa9@example.org", "jos\xc3\xa9@example.org"},
    {"U-labels become A-labels",
     "a@b\xc3\xbc"
     "cher.example",
     "a@xn--bcher-kva.example"},
    {"U-labels are lower-cased",
     "a@B\xc3\x9c"
     "cher.example",
     "a@xn--bcher-kva.example"},
    {"local part of 64", LOCAL64 "@a.b", LOCAL64 "@a.b"},
    {"label of 63", "a@" LABEL63 ".b", "a@" LABEL63 ".b"},
    {"local part of 65", LOCAL64 "a@a.b", NULL},
    {"label of 64", "a@a" LABEL63 ".b", NULL},
    {"longer than 254", LOCAL64 "@" LABEL63 "." LABEL63 "." LABEL63, NULL},
    {"nothing", "", NULL},
    {"no @", "user", NULL},
    {"no local part", "@example.org", NULL},
    {"no domain", "user@", NULL},
    {"two @", "a@b@c.d", NULL},
    {"a leading dot", ".a@b.c", NULL},
    {"a trailing dot", "a.@b.c", NULL},
    {"two dots", "a..b@c.d", NULL},
    {"a blank", "a b@c.d", NULL},
    {"a blank in front", " a@c.d", NULL},
    {"a blank behind", "a@c.d ", NULL},
    {"a comment", "a(x)@c.d", NULL},
    {"angle brackets", "<a@c.d>", NULL},
    {"CR and LF", "a@c.d\r\nRCPT TO:<x@y.z>", NULL},
    {"CR and LF in quotes", "\"a\r\n b\"@c.d", NULL},
    {"a control character in quotes", "\"a\x01\"@c.d", NULL},
    {"an open quote", "\"a@c.d", NULL},
    {"text behind a quoted string", "\"a\"b@c.d", NULL},
    {"an empty label", "a@b..c", NULL},
    {"a dot ends the domain", "a@b.c.", NULL},
    {"a hyphen begins a label", "a@-b.c", NULL},
    {"a hyphen ends a label", "a@b-.c", NULL},
    {"an underscore in the domain", "a@b_c.d", NULL},
    {"a literal without an address", "a@[x]", NULL},
    {"an open literal", "a@[192.0.2.1", NULL},
    {"an empty literal", "a@[]", NULL},
    {"a number too large", "a@[192.0.2.256]", NULL},
    {"version 6 without its tag", "a@[2001:db8::1]", NULL},
    {"a general literal", "a@[tag:content]", NULL},
    {"no UTF-8 in the local part", "a\xff@b.c", NULL},
    {"no UTF-8 in the domain", "a@\xff.c", NULL},
    {"a U-label that IDNA forbids", "a@\xe2\x98\xba\xe2\x80\xae.c", NULL},
    {"a fullwidth @ in the domain",
     "a@b\xef\xbc\xa0"
     "c.d",
     NULL},
};

/* [RFC 5321 s4.1.2, s4.1.3, s4.5.3.1; RFC 6531 s3.3] */
static void envelope(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 14);
        struct sgl_mailbox m = {.literal = true};
        struct sgl_diag diag = {0};
        enum sgl_status st = sgl_mailbox_parse(V(envelopes[i].text), &arena, &m, &diag);

        CHECK_EQ(envelopes[i].name, st == SGL_OK, envelopes[i].want != NULL);
        if (envelopes[i].want == NULL) {
            CHECK_TRUE(envelopes[i].name, diag.what != NULL && m.text.ptr == NULL);
            continue;
        }
        CHECK_VIEW(envelopes[i].name, m.text, V(envelopes[i].want));
        CHECK_TRUE(envelopes[i].name, sgl_view_ends(m.text, m.domain));
    }
}

static void members(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 14);
    struct sgl_mailbox m, n;

    (void)state;
    CHECK_EQ("parse", sgl_mailbox_parse(V("\"a b\"@[192.0.2.1]"), &arena, &m, NULL), SGL_OK);
    CHECK_VIEW("local part without quotes", m.local, V("a b"));
    CHECK_VIEW("domain", m.domain, V("[192.0.2.1]"));
    CHECK_TRUE("literal", m.literal && !m.utf8);
    CHECK_EQ("parse", sgl_mailbox_parse(V("\xc3\xa9@x.y"), &arena, &m, NULL), SGL_OK);
    CHECK_TRUE("utf8", m.utf8 && !m.literal);
    CHECK_EQ("parse", sgl_mailbox_parse(V("\"\xc3\xa9\"@X.Y"), &arena, &n, NULL), SGL_OK);
    CHECK_TRUE("equal in their one form", sgl_mailbox_eq(&m, &n));
    CHECK_EQ("a NUL", sgl_mailbox_parse(sgl_view_of("a\0b@c.d", 7), &arena, &m, NULL),
             SGL_E_SYNTAX);
    CHECK_EQ("a NUL in the domain",
             sgl_mailbox_parse(sgl_view_of("a@\xc3\xa9\0.d", 7), &arena, &m, NULL), SGL_E_SYNTAX);
}

/* [RFC 5321 s4.1.2, appendix C] */
static void paths(void **state)
{
    static const struct {
        const char *name, *text;
        int kind; /* -1: refused */
        const char *want;
        size_t used;
    } cases[] = {
        {"a path and what follows", "<a@b.c> SIZE=1", SGL_PATH_MAILBOX, "a@b.c", 7},
        {"the null path", "<>", SGL_PATH_NULL, "", 2},
        {"postmaster alone", "<PostMaster> X", SGL_PATH_POSTMASTER, "", 12},
        {"postmaster with a domain", "<postmaster@b.c>", SGL_PATH_MAILBOX, "postmaster@b.c", 16},
        {"a > in a quoted local part", "<\"a>b\"@c.d>", SGL_PATH_MAILBOX, "\"a>b\"@c.d", 11},
        {"a source route is dropped", "<@x.y,@z.w:a@b.c>", SGL_PATH_MAILBOX, "a@b.c", 17},
        {"a blank inside", "< a@b.c>", -1, "", 0},
        {"no brackets", "a@b.c", -1, "", 0},
        {"not closed", "<a@b.c", -1, "", 0},
        {"another name without a domain", "<root>", -1, "", 0},
        {"a route without its colon", "<@x.y a@b.c>", -1, "", 0},
        {"an empty hop", "<@:a@b.c>", -1, "", 0},
        {"CR LF inside", "<a@b.c\r\n>", -1, "", 0},
        {"nothing", "", -1, "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 14);
        struct sgl_path p = {.used = 99};
        enum sgl_status st = sgl_path_parse(V(cases[i].text), &arena, &p, NULL);

        CHECK_EQ(cases[i].name, st == SGL_OK, cases[i].kind >= 0);
        if (st != SGL_OK) {
            CHECK_EQ(cases[i].name, p.used, 99);
            continue;
        }
        CHECK_EQ(cases[i].name, p.kind, cases[i].kind);
        CHECK_EQ(cases[i].name, p.used, cases[i].used);
        CHECK_VIEW(cases[i].name, p.mailbox.text, V(cases[i].want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(envelope), cmocka_unit_test(members),
                                       cmocka_unit_test(paths)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
