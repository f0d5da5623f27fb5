/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/dns_name.h"

#include "check.h"
#include "sigillo/buf.h"

#define V(s)    sgl_view_cstr(s)
#define LABEL63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static const struct {
    const char *name, *text;
    unsigned flags;
    const char *want;
} texts[] = {
    {"a host", "mx1.example.org", SGL_NAME_HOST, "mx1.example.org"},
    {"letters are folded", "MX1.Example.ORG", SGL_NAME_HOST, "mx1.example.org"},
    {"one label", "localhost", SGL_NAME_HOST, "localhost"},
    {"an A-label", "xn--bcher-kva.example", SGL_NAME_HOST, "xn--bcher-kva.example"},
    {"a U-label is refused",
     "b\xc3\xbc"
     "cher.example",
     SGL_NAME_HOST, NULL},
    {"a label of 63", LABEL63 ".org", SGL_NAME_HOST, LABEL63 ".org"},
    {"a label of 64", LABEL63 "d.org", SGL_NAME_HOST, NULL},
    {"a name of 253",
     LABEL63 "." LABEL63 "." LABEL63
             ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija",
     SGL_NAME_HOST,
     LABEL63 "." LABEL63 "." LABEL63
             ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija"},
    {"a name of 254",
     LABEL63 "." LABEL63 "." LABEL63
             ".abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijab",
     SGL_NAME_HOST, NULL},
    {"an empty name", "", SGL_NAME_HOST, NULL},
    {"an empty label", "a..b", SGL_NAME_HOST, NULL},
    {"a leading dot", ".a", SGL_NAME_HOST, NULL},
    {"a final dot", "a.b.", SGL_NAME_HOST, NULL},
    {"a final dot where allowed", "a.b.", SGL_NAME_FINAL_DOT, "a.b"},
    {"two final dots", "a.b..", SGL_NAME_FINAL_DOT, NULL},
    {"the root", ".", SGL_NAME_HOST, NULL},
    {"the root is no final dot", ".", SGL_NAME_FINAL_DOT, NULL},
    {"the root where allowed", ".", SGL_NAME_ROOT, ""},
    {"a leading hyphen", "-a.org", SGL_NAME_HOST, NULL},
    {"a final hyphen", "a-.org", SGL_NAME_HOST, NULL},
    {"an underscore", "_25._tcp.a.org", SGL_NAME_HOST, NULL},
    {"an underscore where allowed", "_25._tcp.a.org", SGL_NAME_UNDERSCORE, "_25._tcp.a.org"},
    {"an address is no name", "192.0.2.1", SGL_NAME_HOST, NULL},
    {"digits before the last label", "1.2.3.a", SGL_NAME_HOST, "1.2.3.a"},
    {"a blank", "a b.org", SGL_NAME_HOST, NULL},
    {"a line end", "a.org\r\n", SGL_NAME_HOST, NULL},
    {"a backslash", "a\\.b.org", SGL_NAME_UNDERSCORE, NULL},
    {"brackets", "[192.0.2.1]", SGL_NAME_HOST, NULL},
    {"a wildcard", "*.a.org", SGL_NAME_UNDERSCORE, NULL},
    {"any printable byte where allowed", "a b+=\\\"/*.Org", SGL_NAME_ANY, "a b+=\\\"/*.org"},
    {"no control character anywhere", "a\x01.org", SGL_NAME_ANY, NULL},
    {"no 8-bit byte anywhere", "a\xe9.org", SGL_NAME_ANY, NULL},
    {"no empty label anywhere", "a..org", SGL_NAME_ANY, NULL},
};

/* want NULL: refused. [RFC 1035 s2.3.4, RFC 1123 s2.1] */
static void parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1000);
        struct sgl_diag diag = {0};
        struct sgl_name name = {SGL_LIT("untouched")};
        enum sgl_status want = texts[i].want == NULL ? SGL_E_SYNTAX : SGL_OK;

        CHECK_EQ(texts[i].name,
                 sgl_name_parse(V(texts[i].text), texts[i].flags, &arena, &diag, &name), want);
        CHECK_EQ(texts[i].name, sgl_name_ok(V(texts[i].text), texts[i].flags), want == SGL_OK);
        CHECK_VIEW(texts[i].name, name.text, V(want == SGL_OK ? texts[i].want : "untouched"));
        CHECK_EQ(texts[i].name, diag.what != NULL, want != SGL_OK);
    }
}

static const struct {
    const char *name;
    sgl_view wire;
    const char *want;
    size_t used;
    unsigned flags; /* 0: SGL_NAME_UNDERSCORE */
} wires[] = {
    {"the root", SGL_LIT_INIT("\0"), "", 1},
    {"two labels, more behind",
     SGL_LIT_INIT("\x01"
                  "A\x03org\0x"),
     "a.org", 7},
    {"no end",
     SGL_LIT_INIT("\x01"
                  "a"),
     NULL, 0},
    {"a label behind the end",
     SGL_LIT_INIT("\x05"
                  "ab\0"),
     NULL, 0},
    {"a pointer", SGL_LIT_INIT("\xc0\x0c\0"), NULL, 0},
    {"a dot in a label",
     SGL_LIT_INIT("\x03"
                  "a.b\0"),
     NULL, 0},
    {"a NUL in a label",
     SGL_LIT_INIT("\x03"
                  "a\0b\0"),
     NULL, 0},
    {"an underscore", SGL_LIT_INIT("\x02_a\0"), "_a", 4},
    {"nothing", SGL_LIT_INIT(""), NULL, 0},
    {"a colon where allowed",
     SGL_LIT_INIT("\x03"
                  "a:b\0"),
     "a:b", 5, SGL_NAME_ANY},
    {"a colon in a host",
     SGL_LIT_INIT("\x03"
                  "a:b\0"),
     NULL, 0},
    {"a dot in a label of any kind",
     SGL_LIT_INIT("\x03"
                  "a.b\0"),
     NULL, 0, SGL_NAME_ANY},
    {"a NUL in a label of any kind",
     SGL_LIT_INIT("\x03"
                  "a\0b\0"),
     NULL, 0, SGL_NAME_ANY},
};

static void wire(void **state)
{
    uint8_t longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1000);
        struct sgl_name name = {{NULL, 0}};
        size_t used = 0;
        enum sgl_status want = wires[i].want == NULL ? SGL_E_SYNTAX : SGL_OK;
        unsigned flags = wires[i].flags == 0 ? SGL_NAME_UNDERSCORE : wires[i].flags;

        CHECK_EQ(wires[i].name, sgl_name_from_wire(wires[i].wire, flags, &arena, &used, &name),
                 want);
        CHECK_VIEW(wires[i].name, name.text, V(wires[i].want));
        CHECK_EQ(wires[i].name, used, wires[i].used);
    }
    for (size_t last = 59; last < 64; last++) { /* 3 * 64 + 1 + 61 + 1 is 255 */
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1000);
        struct sgl_name name;
        size_t used, len = 192;

        memset(longest, 'a', sizeof longest);
        longest[0] = longest[64] = longest[128] = 63;
        longest[len] = (uint8_t)last;
        longest[len + 1 + last] = 0;
        CHECK_EQ("255 bytes and not one more",
                 sgl_name_from_wire(sgl_view_of(longest, len + 2 + last), SGL_NAME_UNDERSCORE,
                                    &arena, &used, &name),
                 last <= 61 ? SGL_OK : SGL_E_SYNTAX);
    }
}

static void relations(void **state)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4000);
    struct sgl_name org, a, ba, xa, root, made, deep;

    (void)state;
    CHECK_EQ("org", sgl_name_parse(V("org"), 0, &arena, NULL, &org), SGL_OK);
    CHECK_EQ("a.org", sgl_name_parse(V("A.org"), 0, &arena, NULL, &a), SGL_OK);
    CHECK_EQ("b.a.org", sgl_name_parse(V("b.a.org"), 0, &arena, NULL, &ba), SGL_OK);
    CHECK_EQ("xa.org", sgl_name_parse(V("xa.org"), 0, &arena, NULL, &xa), SGL_OK);
    CHECK_EQ("root", sgl_name_parse(V("."), SGL_NAME_ROOT, &arena, NULL, &root), SGL_OK);
    CHECK_TRUE("below", sgl_name_is_at_or_below(ba, org));
    CHECK_TRUE("at", sgl_name_is_at_or_below(a, a));
    CHECK_TRUE("a longer label is not below", !sgl_name_is_at_or_below(xa, a));
    CHECK_TRUE("all is below the root", sgl_name_is_at_or_below(a, root));
    CHECK_TRUE("the root is below nothing", !sgl_name_is_at_or_below(root, a));
    CHECK_TRUE("parent", sgl_name_eq(sgl_name_parent(ba), a));
    CHECK_TRUE("the root is its parent's child",
               sgl_name_is_root(sgl_name_parent(sgl_name_parent(org))));
    CHECK_EQ("labels", sgl_name_labels(ba), 3);
    CHECK_EQ("labels of the root", sgl_name_labels(root), 0);
    CHECK_EQ("under", sgl_name_under(V("_25._tcp"), a, &arena, &made), SGL_OK);
    CHECK_VIEW("under", made.text, V("_25._tcp.a.org"));
    CHECK_EQ("under the root", sgl_name_under(V("_25._tcp"), root, &arena, &made), SGL_OK);
    CHECK_VIEW("under the root", made.text, V("_25._tcp"));
    CHECK_EQ("wrong labels", sgl_name_under(V("a b"), a, &arena, &made), SGL_E_SYNTAX);
    CHECK_EQ("deep",
             sgl_name_parse(V(LABEL63 "." LABEL63 "." LABEL63 "." LABEL63), 0, &arena, NULL, &deep),
             SGL_E_SYNTAX);
    CHECK_EQ("deep",
             sgl_name_parse(V(LABEL63 "." LABEL63 "." LABEL63 ".org"), 0, &arena, NULL, &deep),
             SGL_OK);
    CHECK_EQ("too long under", sgl_name_under(V(LABEL63), deep, &arena, &made), SGL_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parse), cmocka_unit_test(wire),
                                       cmocka_unit_test(relations)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
