/* SPDX-License-Identifier: Apache-2.0 */
/* The records that mend others. */
#include "sigillo/spf.h"

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"
#include "spf_tree_fixture.h"

static const struct {
    const char *name, *zone, *code, *mend;
} mends[] = {
    {"several records become one",
     "TXT v=spf1 mx ip4:192.0.2.1 -all\nTXT v=spf1 ip4:192.0.2.1 a ~all", "spf-many-records",
     "v=spf1 ip4:192.0.2.1 a mx ~all"},
    {"+all becomes -all", "TXT v=spf1 mx +all", "spf-pass-all", "v=spf1 mx -all"},
    {"?all becomes -all", "TXT v=spf1 mx ?all exp=e.test", "spf-neutral-all",
     "v=spf1 mx -all exp=e.test"},
    {"all is added before modifiers", "TXT v=spf1 mx exp=e.test", "spf-no-all",
     "v=spf1 mx -all exp=e.test"},
    {"ptr goes", "TXT v=spf1 ptr mx ptr:b.test -all", "spf-ptr", "v=spf1 mx -all"},
    {"what stood behind all stands before it", "TXT v=spf1 mx ~all a:b.test", "spf-after-all",
     "v=spf1 mx a:b.test ~all"},
    {"a redirect beside all goes", "TXT v=spf1 mx redirect=b.test ~all", "spf-redirect-ignored",
     "v=spf1 mx ~all"},
    {"the second one of a pair goes", "TXT v=spf1 mx a mx -all", "spf-duplicate-term",
     "v=spf1 mx a -all"},
    {"small letters, but not in macros", "TXT V=spf1 MX exists:%{I}.B.test -ALL", "spf-upper-case",
     "v=spf1 mx exists:%{I}.B.test -all"},
    {"an include of nothing goes", "TXT v=spf1 mx include:b.test -all", "spf-include-none",
     "v=spf1 mx -all"},
    {"everybody is not let in by mending", "TXT v=spf1 mx +all\nTXT v=spf1 a ~all",
     "spf-many-records", "v=spf1 a mx ~all"},
    {"nor where all records do", "TXT v=spf1 mx +all\nTXT v=spf1 a all", "spf-many-records",
     "v=spf1 a mx -all"},
    {"but the only one has a slip in its name", "TXT v=spf1 include:b.test -all",
     "spf-include-none",
     "look for a slip in the name; else take the term out, or publish a record there"},
    {"and the only ptr needs something in its place", "TXT v=spf1 -ip4:192.0.2.1 ptr -all",
     "spf-ptr", "name the networks that send, with ip4: and ip6:, instead"},
    {"a loop is cut",
     "TXT v=spf1 mx include:b.test -all\nb.test TXT v=spf1 include:_s.a.test\n"
     "_s.a.test TXT v=spf1 a:x.test include:b.test -all",
     "spf-loop", "at _s.a.test: v=spf1 a:x.test -all"},
    {"a term that nothing matches goes", "TXT v=spf1 mx a:b.test -all", "spf-void-lookup",
     "v=spf1 a:b.test -all"},
    {"but not one of which a part does",
     "TXT v=spf1 mx -all\nMX 1 b.test\nMX 2 c.test\nb.test A 192.0.2.1", "spf-void-lookup",
     "take the term out, or give the name what the term looks for"},
    {"an impossible name goes", "TXT v=spf1 a:b..test mx -all", "spf-bad-name", "v=spf1 mx -all"},
    {"= becomes :", "TXT v=spf1 include=b.test -all", "spf-misspelt-mechanism",
     "v=spf1 include:b.test -all"},
    {"but only where that can be read", "TXT v=spf1 mx all=1", "spf-misspelt-mechanism",
     "write \":\" instead of \"=\""},

    /* Slips that make a record unreadable. */
    {"ipv4: and ipv6:", "TXT v=spf1 ipv4:192.0.2.1 ~IPv6:2001:db8::/32 -all", "spf-syntax",
     "v=spf1 ip4:192.0.2.1 ~ip6:2001:db8::/32 -all"},
    {"the other family, and a name",
     "TXT v=spf1 ip4:2001:db8::1 ip6:192.0.2.1 ip4:b.test ?ip:c.test -all", "spf-syntax",
     "v=spf1 ip6:2001:db8::1 ip4:192.0.2.1 a:b.test ?a:c.test -all"},
    {"addresses alone, commas and a dash of a word processor",
     "TXT v=spf1 192.0.2.1, 2001:db8::/32; \xe2\x80\x93"
     "all",
     "spf-syntax", "v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 -all"},
    {"a blank too many", "TXT v=spf1 include: b.test redirect:c.test", "spf-syntax",
     "v=spf1 include:b.test redirect=c.test"},
    {"two redirects", "TXT v=spf1 mx redirect=b.test redirect=c.test", "spf-syntax",
     "v=spf1 mx redirect=b.test"},
    {"what can't be told goes, and that is said", "TXT v=spf1 mx ip4:192.0.2.0/33 -all",
     "spf-syntax", "without it: v=spf1 mx -all"},
    {"twice", "TXT v=spf1 mx ip4:192.0.2.0/33 foo -all", "spf-syntax",
     "without such terms: v=spf1 mx -all"},
    {"unless nobody could send then", "TXT v=spf1 ip4:192.0.2.0/33 -all", "spf-syntax",
     "write that term as RFC 7208 section 12 allows"},
    {"a semicolon behind the version", "TXT v=spf1; mx; -all", "spf-misspelt-record",
     "v=spf1 mx -all"},
    {"quotes of a form", "TXT \"v=spf1 mx -all\"", "spf-misspelt-record", "v=spf1 mx -all"},
    {"blanks in the version", "TXT v = spf1 mx -all", "spf-misspelt-record", "v=spf1 mx -all"},
    {"a blank too few", "TXT v=spf1mx a -all", "spf-misspelt-record",
     "begin it with \"v=spf1\" and one blank"},
    {"no such domain", "NXDOMAIN", "spf-none",
     "register the domain, or look for a slip in its name"},
    {"a record further down is named",
     "TXT v=spf1 redirect=_s.a.test\n_s.a.test TXT v=spf1 mx ?all", "spf-neutral-all",
     "at _s.a.test: v=spf1 mx -all"},
    {"the costliest include is to move",
     "TXT v=spf1 include:b.test include:c.test a:x.test a:y.test a:z.test -all\nb.test TXT v=spf1 "
     "a:x.test ?all\nc.test TXT v=spf1 a:x.test a:y.test ?all",
     "spf-many-lookups",
     "move \"include:c.test\" (3 of them) to a subdomain: sigillo spf build --subdomain "
     "news:c.test a.test"},
    {"or a bulk service, though it costs less",
     "TXT v=spf1 include:mcsv.net include:c.test a:x.test a:y.test a:z.test a:w.test -all\n"
     "mcsv.net TXT v=spf1 ip4:192.0.2.1 ?all\nc.test TXT v=spf1 a:x.test a:y.test ?all",
     "spf-many-lookups",
     "move \"include:mcsv.net\" (1 of them) to a subdomain: sigillo spf build --subdomain "
     "news:mcsv.net a.test"},
};

static const struct sgl_finding *find(const struct sgl_findings *list, const char *code)
{
    for (const struct sgl_finding *f = list->first; f != NULL; f = f->next) {
        if (strcmp(f->code, code) == 0)
            return f;
    }
    fail_msg("%s is missing", code);
    return NULL;
}

static void mending(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mends / sizeof mends[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", mends[i].zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
        struct sgl_spf_tree tree;

        CHECK_EQ(mends[i].name, tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
        CHECK_VIEW(mends[i].name, find(&tree.findings, mends[i].code)->mend,
                   sgl_view_cstr(mends[i].mend));
    }
}

/* [RFC 7208 s3.3, s3.4] */
static void long_records(void **state)
{
    static const struct {
        const char *name;
        int networks;
        const char *other, *codes;
    } cases[] = {
        {"up to 255 bytes a record is one string [RFC 7208 s3.3]", 13, "", ""},
        {"above that it is several", 20, "", "split-record"},
        {"above 450 it may not fit UDP [RFC 7208 s3.4]", 30, "", "long-record split-record"},
        {"other TXT records fill the answer, too [RFC 7208 s3.4]", 13,
         "TXT 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
         "5678901234567890123456789012345678901234567890123456789012345678901234567890123456789\nTX"
         "T "
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
         "large-answer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(sgl_buf) zone = SGL_BUF_INIT(100000);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(1000);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
        struct sgl_spf_tree tree;

        sgl_buf_addf(&zone, "%s\nTXT v=spf1", cases[i].other);
        for (int n = 0; n < cases[i].networks; n++)
            sgl_buf_addf(&zone, " ip4:198.51.100.%d", n);
        sgl_buf_addf(&zone, " -all");
        {
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));

            CHECK_EQ(cases[i].name, tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
        }
        put_codes(&tree.findings, &got);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&got), sgl_view_cstr(cases[i].codes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mending),
        cmocka_unit_test(long_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
