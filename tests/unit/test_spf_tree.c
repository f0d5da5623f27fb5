/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/spf.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

#define ARENA (8 * 1024 * 1024)

static enum sgl_status tree_of(struct dns_fixture *fx, enum dns_driver driver,
                               struct sgl_arena *arena, struct sgl_spf_tree *out)
{
    enum sgl_status st;

    out->lookups = 99;
    for (int passes = 0; (st = sgl_spf_tree(fx->name, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < 3000);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        CHECK_EQ("nothing leaks out of a pending pass", out->lookups, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

/* "ip4:192.0.2.1 include:b.test=1(a=1 -all) ~exp=x": a term, what it costs, "~" when ignored, "!" at a fault, what hangs below it. */
static void put_nodes(const struct sgl_spf_node *node, size_t count, struct sgl_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct sgl_spf_node *n = &node[i];

        sgl_buf_addf(out, "%s%s%.*s%s", i == 0 ? "" : " ", n->ignored ? "~" : "", SGL_FMT(n->text),
                     n->fault[0] == '\0' ? "" : "!");
        if (n->lookups > 0)
            sgl_buf_addf(out, "=%u", n->lookups);
        if (n->children > 0) {
            sgl_buf_add_byte(out, '(');
            put_nodes(n->child, n->children, out);
            sgl_buf_add_byte(out, ')');
        }
    }
}

static void put_codes(const struct sgl_findings *findings, struct sgl_buf *out)
{
    for (const struct sgl_finding *f = findings->first; f != NULL; f = f->next) {
        CHECK_TRUE("a sentence ends in a full stop", sgl_view_ends(f->text, SGL_LIT(".")));
        CHECK_TRUE("errors and warnings say what helps, unless nothing does",
                   f->severity == SGL_INFO || f->mend.len > 0 || f->text.len < 60);
        CHECK_TRUE("codes begin with spf-",
                   sgl_view_starts(sgl_view_cstr(f->code), SGL_LIT("spf-")));
        sgl_buf_addf(out, "%s%s", out->len == 0 ? "" : " ", f->code + 4);
    }
}

struct row {
    const char *name, *zone;
    const char *nodes, *costs; /* costs: lookups, voids, voids over IPv6 */
    const char *codes;
};

#define A4 "A 192.0.2.1\n"
#define A6 "AAAA 2001:db8::1\n"

static const struct row rows[] = {
    /* Counting.  [RFC 7208 s4.6.4] */
    {"ip4, ip6, all and exp cost nothing",
     "TXT v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 exp=e.a.test -all",
     "ip4:192.0.2.0/24 ip6:2001:db8::/32 exp=e.a.test -all", "0/0/0", ""},
    {"include, a, mx, ptr, exists and redirect cost one each [RFC 7208 s4.6.4]",
     "TXT v=spf1 include:b.test a mx ptr exists:b.test redirect=c.test\n" A4 A6
     "MX 10 b.test\nb.test TXT v=spf1 -all\nb.test " A4 "b.test " A6 "c.test TXT v=spf1 -all",
     "include:b.test=1(-all) a=1 mx=1 ptr!=1 exists:b.test=1 redirect=c.test=1(-all)", "6/0/0",
     "ptr"},
    {"what is included counts, however deep [RFC 7208 s4.6.4]",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 include:c.test ?all\nc.test TXT v=spf1 "
     "include:d.test ?all\nd.test TXT v=spf1 a ?all\nd.test " A4 "d.test " A6,
     "include:b.test=4(include:c.test=3(include:d.test=2(a=1 ?all) ?all) ?all) -all", "4/0/0", ""},
    {"a record that is included twice counts twice",
     "TXT v=spf1 include:b.test include:c.test -all\nb.test TXT v=spf1 include:c.test "
     "?all\nc.test TXT v=spf1 include:d.test ?all\nd.test TXT v=spf1 ip4:192.0.2.1 ?all",
     "include:b.test=3(include:c.test=2(include:d.test=1(ip4:192.0.2.1 ?all) ?all) ?all) "
     "include:c.test=2(include:d.test=1(ip4:192.0.2.1 ?all) ?all) -all",
     "5/0/0", ""},
    {"%{p} costs what ptr costs", "TXT v=spf1 exists:%{p}.b.test -all",
     "exists:%{p}.b.test!=2 -all", "2/0/0", "macro"},
    {"what has macros of the client is not looked up", "TXT v=spf1 include:%{i}.b.test a:%{h} -all",
     "include:%{i}.b.test!=1 a:%{h}!=1 -all", "2/0/0", "macro macro"},
    {"%{d} and %{o} are known",
     "TXT v=spf1 include:_x.%{d} -all\n_x.a.test TXT v=spf1 exists:%{o}.%{d2} ?all\n"
     "a.test.a.test " A4,
     "include:_x.%{d}=2(exists:%{o}.%{d2}=1 ?all) -all", "2/0/0", ""},
    {"ten are allowed, and the owner is warned from eight [RFC 7208 s4.6.4]",
     "TXT v=spf1 a:b.test a:c.test a:d.test a:e.test a:f.test a:g.test a:h.test a:i.test a:j.test "
     "a:k.test -all\n"
     "b.test " A4 "c.test " A4 "d.test " A4 "e.test " A4 "f.test " A4 "g.test " A4 "h.test " A4
     "i.test " A4 "j.test " A4 "k.test " A4 "b.test " A6 "c.test " A6 "d.test " A6 "e.test " A6
     "f.test " A6 "g.test " A6 "h.test " A6 "i.test " A6 "j.test " A6 "k.test " A6,
     "a:b.test=1 a:c.test=1 a:d.test=1 a:e.test=1 a:f.test=1 a:g.test=1 a:h.test=1 a:i.test=1 "
     "a:j.test=1 a:k.test=1 -all",
     "10/0/0", "many-lookups"},
    {"eleven are a permerror, split over includes as well [RFC 7208 s4.6.4]",
     "TXT v=spf1 include:b.test include:c.test -all\n"
     "b.test TXT v=spf1 exists:x.test exists:x.test exists:x.test exists:x.test ?all\n"
     "c.test TXT v=spf1 exists:x.test exists:x.test exists:x.test exists:x.test exists:x.test "
     "?all\nx.test " A4,
     "include:b.test=5(exists:x.test=1 exists:x.test=1 exists:x.test=1 exists:x.test=1 ?all) "
     "include:c.test=6(exists:x.test=1 exists:x.test=1 exists:x.test=1 exists:x.test=1 "
     "exists:x.test!=1 ?all) -all",
     "11/0/0", "too-many-lookups"},

    /* Void lookups.  [RFC 7208 s4.6.4] */
    {"a name without address is void for both families", "TXT v=spf1 a:b.test exists:c.test -all",
     "a:b.test!=1 exists:c.test!=1 -all", "2/2/2", "void-lookup void-lookup"},
    {"three are a permerror; they are not counted anew in an include [RFC 7208 s4.6.4]",
     "TXT v=spf1 a:b.test include:i.test -all\ni.test TXT v=spf1 a:c.test mx:d.test ?all",
     "a:b.test!=1 include:i.test=3(a:c.test!=1 mx:d.test!=1 ?all) -all", "4/3/3",
     "void-lookup void-lookup void-lookup too-many-voids"},
    {"hosts without IPv6 are void for a client over IPv6 only",
     "TXT v=spf1 a:b.test a:c.test a:d.test -all\nb.test " A4 "c.test " A4 "d.test " A4,
     "a:b.test=1 a:c.test=1 a:d.test=1 -all", "3/0/3", "too-many-voids-ipv6"},
    {"an exchange without address is void", "TXT v=spf1 mx -all\nMX 10 b.test", "mx!=1 -all",
     "1/1/1", "void-lookup"},
    {"a term is one void lookup, however many of its exchanges have no address [RFC 7208 s4.6.4]",
     "TXT v=spf1 mx -all\nMX 1 b.test\nMX 2 c.test\nMX 3 d.test", "mx!=1 -all", "1/1/1",
     "void-lookup void-lookup void-lookup"},
    {"a null MX names no host [RFC 7505 s3]", "TXT v=spf1 mx -all\nMX 0 .", "mx!=1 -all", "1/0/0",
     "null-mx"},
    {"eleven exchanges are a permerror [RFC 7208 s4.6.4]",
     "TXT v=spf1 mx -all\nMX 1 b.test\nMX 2 b.test\nMX 3 b.test\nMX 4 b.test\nMX 5 b.test\nMX 6 "
     "b.test\nMX 7 b.test\nMX 8 b.test\nMX 9 b.test\nMX 10 b.test\nMX 11 b.test\nb.test " A4,
     "mx!=1 -all", "1/0/0", "too-many-exchanges"},
    {"ten are not",
     "TXT v=spf1 mx -all\nMX 1 b.test\nMX 2 b.test\nMX 3 b.test\nMX 4 b.test\nMX 5 b.test\nMX 6 "
     "b.test\nMX 7 b.test\nMX 8 b.test\nMX 9 b.test\nMX 10 b.test\nb.test " A4 "b.test " A6,
     "mx=1 -all", "1/0/0", ""},

    /* "all" and redirect.  [RFC 7208 s5.1, s6.1] */
    {"what stands behind all is shown, neither walked nor counted [RFC 7208 s5.1]",
     "TXT v=spf1 -all a:b.test include:c.test", "-all ~a:b.test ~include:c.test", "0/0/0",
     "after-all"},
    {"a redirect beside all is not followed, wherever it stands [RFC 7208 s6.1]",
     "TXT v=spf1 redirect=b.test -all\nb.test TXT v=spf1 a ?all", "~redirect=b.test -all", "0/0/0",
     "redirect-ignored"},
    {"a redirect is evaluated last, wherever it stands",
     "TXT v=spf1 redirect=b.test ip4:192.0.2.1\nb.test TXT v=spf1 -all",
     "redirect=b.test=1(-all) ip4:192.0.2.1", "1/0/0", ""},
    {"a redirect inside an include is followed",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 redirect=c.test\nc.test TXT v=spf1 a "
     "-all\nc.test " A4 "c.test " A6,
     "include:b.test=3(redirect=c.test=2(a=1 -all)) -all", "3/0/0", ""},
    {"+all", "TXT v=spf1 +all", "+all!", "0/0/0", "pass-all"},
    {"all is +all", "TXT v=spf1 all", "all!", "0/0/0", "pass-all"},
    {"a network of no bits is all, too", "TXT v=spf1 ip4:0.0.0.0/0 ip6:::/0 -all",
     "ip4:0.0.0.0/0! ip6:::/0! -all", "0/0/0", "pass-all pass-all wide-sum"},
    {"+all behind an include lets everybody pass",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 +all", "include:b.test=1(+all!) -all",
     "1/0/0", "pass-all"},
    {"?all says nothing [RFC 7208 s8.2]", "TXT v=spf1 ip4:192.0.2.1 ?all", "ip4:192.0.2.1 ?all",
     "0/0/0", "neutral-all"},
    {"?all in an include is as good as any other",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 ip4:192.0.2.1 ?all",
     "include:b.test=1(ip4:192.0.2.1 ?all) -all", "1/0/0", ""},
    {"~all [RFC 7208 s8.5]", "TXT v=spf1 ip4:192.0.2.1 ~all", "ip4:192.0.2.1 ~all", "0/0/0",
     "soft-all"},
    {"neither all nor redirect [RFC 7208 s4.7]", "TXT v=spf1 ip4:192.0.2.1", "ip4:192.0.2.1",
     "0/0/0", "no-all"},
    {"the end of the record that redirect leads to counts",
     "TXT v=spf1 redirect=b.test\nb.test TXT v=spf1 ip4:192.0.2.1",
     "redirect=b.test=1(ip4:192.0.2.1)", "1/0/0", "no-all"},

    /* Which record.  [RFC 7208 s4.5] */
    {"no such name", "NXDOMAIN", "", "0/0/0", "none"},
    {"no record", "TXT something else\n" A4, "", "0/0/0", "none"},
    {"two records are a permerror [RFC 7208 s4.5]", "TXT v=spf1 -all\nTXT v=spf1 mx -all", "",
     "0/0/0", "many-records"},
    {"capital letters select, too", "TXT V=SPF1 IP4:192.0.2.1 -ALL", "IP4:192.0.2.1 -ALL", "0/0/0",
     "upper-case"},
    {"v=spf10 is another version", "TXT v=spf10 -all", "", "0/0/0", "misspelt-record"},
    {"a semicolon behind the version", "TXT v=spf1; include:b.test -all", "", "0/0/0",
     "misspelt-record"},
    {"quotes that were meant for the zone file", "TXT \"v=spf1 -all\"", "", "0/0/0",
     "misspelt-record"},
    {"the old type alone is found by nobody [RFC 7208 s3.1]", "SPF v=spf1 -all", "", "0/0/0",
     "type99-only"},
    {"the old type beside TXT [RFC 7208 s3.1]", "SPF v=spf1 -all\nTXT v=spf1 -all", "-all", "0/0/0",
     "type99"},
    {"a failure to ask for the old type tells nothing", "SERVFAIL SPF\nTXT v=spf1 -all", "-all",
     "0/0/0", ""},

    /* Includes that break the record.  [RFC 7208 s5.2] */
    {"include of a name that does not exist [RFC 7208 s5.2]", "TXT v=spf1 include:b.test -all",
     "include:b.test!=1 -all", "1/1/1", "include-none"},
    {"include of a name without a record", "TXT v=spf1 include:b.test -all\nb.test TXT hello",
     "include:b.test!=1 -all", "1/0/0", "include-none"},
    {"redirect to a name without a record [RFC 7208 s6.1]", "TXT v=spf1 redirect=b.test",
     "redirect=b.test!=1", "1/1/1", "include-none"},
    {"include of a name with two records",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 -all\nb.test TXT v=spf1 ?all",
     "include:b.test!=1 -all", "1/0/0", "many-records"},
    {"include of a record that cannot be read",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 ip4:1.2.3 -all",
     "include:b.test!=1(ip4:1.2.3! ~-all) -all", "1/0/0", "syntax"},
    {"a record that includes itself is entered once", "TXT v=spf1 include:a.test -all",
     "include:a.test!=1 -all", "1/0/0", "loop"},
    {"a longer loop",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 redirect=c.test\nc.test TXT v=spf1 "
     "include:b.test ?all",
     "include:b.test=3(redirect=c.test=2(include:b.test!=1 ?all)) -all", "3/0/0", "loop"},

    /* Syntax.  [RFC 7208 s4.6] */
    {"a fault anywhere, also behind all [RFC 7208 s4.6]", "TXT v=spf1 ip4:192.0.2.1 -all foo",
     "~ip4:192.0.2.1 ~-all foo!", "0/0/0", "syntax"},
    {"a tab is no blank", "TXT v=spf1 a\tmx -all", "a\tmx! ~-all", "0/0/0", "syntax"},

    /* Terms.  */
    {"ptr should not be published [RFC 7208 s5.5]", "TXT v=spf1 ptr:b.test -all",
     "ptr:b.test!=1 -all", "1/0/0", "ptr"},
    {"IPv4 networks shorter than 16 bits are wide",
     "TXT v=spf1 ip4:198.0.0.0/15 ip4:198.51.0.0/16 -all",
     "ip4:198.0.0.0/15! ip4:198.51.0.0/16 -all", "0/0/0", "wide-network"},
    {"IPv6 networks shorter than 32 bits are wide",
     "TXT v=spf1 ip6:2001:db8::/31 ip6:2001:db8::/32 -all",
     "ip6:2001:db8::/31! ip6:2001:db8::/32 -all", "0/0/0", "wide-network"},
    {"a length behind a and mx counts as well", "TXT v=spf1 a/8 mx//20 -all\n" A4 A6 "MX 10 a.test",
     "a/8!=1 mx//20!=1 -all", "2/0/0", "wide-network wide-network"},
    {"the sum of networks", "TXT v=spf1 ip4:198.0.0.0/12 ip4:192.0.2.1 -all",
     "ip4:198.0.0.0/12! ip4:192.0.2.1 -all", "0/0/0", "wide-network wide-sum"},
    {"a wide network that does not pass is none", "TXT v=spf1 -ip4:198.0.0.0/8 -all",
     "-ip4:198.0.0.0/8 -all", "0/0/0", ""},
    {"private networks", "TXT v=spf1 ip4:10.0.0.0/8 ip4:192.168.1.7 -all",
     "ip4:10.0.0.0/8! ip4:192.168.1.7! -all", "0/0/0", "private-network private-network wide-sum"},
    {"the same term twice", "TXT v=spf1 ip4:192.0.2.1 IP4:192.0.2.1/32 -all",
     "ip4:192.0.2.1 IP4:192.0.2.1/32 -all", "0/0/0", "duplicate-term upper-case"},
    {"include= is not include: [RFC 7208 s6]", "TXT v=spf1 include=b.test mx=1 what=ever -all",
     "include=b.test mx=1 what=ever -all", "0/0/0",
     "misspelt-mechanism misspelt-mechanism unknown-modifier"},
    {"a bulk service beside others belongs on a subdomain",
     "TXT v=spf1 ip4:192.0.2.1 include:sendgrid.net -all\nsendgrid.net TXT v=spf1 ip4:192.0.2.9 "
     "~all",
     "ip4:192.0.2.1 include:sendgrid.net=1(ip4:192.0.2.9 ~all) -all", "1/0/0", "bulk-service"},
    {"a bulk service by itself is on one already",
     "TXT v=spf1 include:sendgrid.net -all\nsendgrid.net TXT v=spf1 ip4:192.0.2.9 ~all",
     "include:sendgrid.net=1(ip4:192.0.2.9 ~all) -all", "1/0/0", ""},
    {"a name that only ends like a service's is another one",
     "TXT v=spf1 ip4:192.0.2.1 include:xsendgrid.net -all\nxsendgrid.net TXT v=spf1 ip4:192.0.2.9 "
     "~all",
     "ip4:192.0.2.1 include:xsendgrid.net=1(ip4:192.0.2.9 ~all) -all", "1/0/0", ""},
    {"names that cannot be [RFC 7208 s4.8]", "TXT v=spf1 a:b..test -all", "a:b..test!=1 -all",
     "1/0/0", "bad-name"},

    /* Failures. */
    {"the first lookup fails", "SERVFAIL", "", "0/0/0", "lookup-failed"},
    {"an include cannot be asked for: the rest is walked",
     "TXT v=spf1 include:b.test a -all\n" A4 A6 "b.test TIMEOUT", "include:b.test!=1 a=1 -all",
     "2/0/0", "lookup-failed"},
    {"a forged answer is a failure", "TXT v=spf1 a:b.test -all\nb.test BOGUS", "a:b.test!=1 -all",
     "1/0/0", "lookup-failed"},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];

        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", row->zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
            sgl_auto(sgl_buf) got = SGL_BUF_INIT(10000);
            struct sgl_spf_tree tree;

            CHECK_EQ(row->name, tree_of(&fx, (enum dns_driver)driver, &arena, &tree), SGL_OK);
            put_nodes(tree.node, tree.nodes, &got);
            CHECK_VIEW(row->name, sgl_buf_view(&got), sgl_view_cstr(row->nodes));
            sgl_buf_reset(&got);
            sgl_buf_addf(&got, "%u/%u/%u", tree.lookups, tree.void_lookups, tree.void_lookups6);
            CHECK_VIEW(row->name, sgl_buf_view(&got), sgl_view_cstr(row->costs));
            sgl_buf_reset(&got);
            put_codes(&tree.findings, &got);
            CHECK_VIEW(row->name, sgl_buf_view(&got), sgl_view_cstr(row->codes));
            CHECK_EQ(row->name, tree.failed, strstr(row->codes, "lookup-failed") != NULL);
        }
    }
}

/* ---- what mends --------------------------------------------------------------------------------------------------- */

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

/* ---- hostile records ---------------------------------------------------------------------------------------------- */

/* Each of many names includes many: without a limit the walk would not end. */
static void a_forest_ends(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);

    (void)state;
    for (int n = 0; n < 20; n++) {
        sgl_buf_addf(&zone, "%s%d.test TXT v=spf1", n == 0 ? "TXT v=spf1 include:n1.test\nn" : "n",
                     n);
        for (int k = 1; k < 20; k++)
            sgl_buf_addf(&zone, " include:n%d.test a:h%d.test", (n + k) % 20, k);
        sgl_buf_addf(&zone, " -all\n");
    }
    for (int driver = 0; driver < DNS_DRIVERS; driver++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
        struct sgl_spf_tree tree;

        sgl_dns_init(&fx.dns, 2048);
        CHECK_EQ("a forest", tree_of(&fx, (enum dns_driver)driver, &arena, &tree), SGL_OK);
        CHECK_TRUE("it says so", sgl_findings_have(&tree.findings, "spf-too-many-lookups"));
        CHECK_TRUE("it ends soon", tree.lookups > 100 && tree.lookups < 1000);
        CHECK_TRUE("every question was worth it", fx.asked < 200);
    }
}

/* A chain of redirects ends at the depth limit, and costs by then more than is allowed. */
static void a_chain_ends(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    sgl_buf_addf(&zone, "TXT v=spf1 redirect=n0.test\n");
    for (int n = 0; n < 50; n++)
        sgl_buf_addf(&zone, "n%d.test TXT v=spf1 redirect=n%d.test\n", n, n + 1);
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));

        CHECK_EQ("a chain", tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
        CHECK_EQ("as deep as it may", tree.lookups, SGL_LIMIT_SPF_DEPTH);
        CHECK_TRUE("it says so", sgl_findings_have(&tree.findings, "spf-too-many-lookups"));
    }
}

static void a_small_snapshot_is_said(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("a.test", "TXT v=spf1 a:b.test a:c.test a:d.test -all");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    sgl_dns_init(&fx.dns, 4);
    CHECK_EQ("four questions", tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
    CHECK_TRUE("the tree is not whole", tree.failed);
    CHECK_TRUE("it says so", sgl_findings_have(&tree.findings, "spf-tree-cut"));
    CHECK_EQ("the terms are there", tree.lookups, 3);
}

/* Bytes that must not reach a terminal are escaped in what is said. */
static void foreign_bytes_are_escaped(void **state)
{
    sgl_auto(dns_fixture) fx =
        dns_fixture_init("a.test", "RAW TXT 0f763d73706631201b5b33316d0007ff");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    CHECK_EQ("escape codes", tree_of(&fx, DNS_ALL_AT_ONCE, &arena, &tree), SGL_OK);
    CHECK_TRUE("a syntax error", sgl_findings_have(&tree.findings, "spf-syntax"));
    for (const struct sgl_finding *f = tree.findings.first; f != NULL; f = f->next) {
        for (size_t i = 0; i < f->text.len; i++)
            CHECK_TRUE("printable", f->text.ptr[i] >= ' ' && f->text.ptr[i] <= '~');
    }
}

/* ---- a record that is not published ------------------------------------------------------------------------------- */

static void the_old_type_is_asked_for_last(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "a.test",
        "TIMEOUT SPF\nTXT v=spf1 include:b.test a -all\nb.test TXT v=spf1 mx ?all\n" A4 A6);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree;

    (void)state;
    while (sgl_spf_tree(fx.name, &fx.dns, &arena, &tree) == SGL_NEED_DNS) {
        const struct sgl_dns_question *q = sgl_dns_next_open(&fx.dns, NULL);

        CHECK_TRUE("alone, when all else is known",
                   q->type != SGL_RR_SPF || sgl_dns_next_open(&fx.dns, q) == NULL);
        dns_fixture_answer(&fx);
    }
    CHECK_TRUE("and without an answer it says nothing", !tree.failed && tree.lookups == 3);
}

static void of_a_text(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "a.test", "TXT v=spf1 +all\nb.test TXT v=spf1 a:x.test ?all\nx.test " A4 "x.test " A6);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(ARENA);
    struct sgl_spf_tree tree = {.lookups = 99};
    sgl_view text = SGL_LIT("v=spf1 include:b.test -all");

    (void)state;
    CHECK_EQ("without DNS", sgl_spf_tree_text(fx.name, text, NULL, &arena, &tree), SGL_OK);
    CHECK_EQ("a term costs what it costs by itself", tree.lookups, 1);
    CHECK_EQ("nothing is asked", tree.findings.count, 0);
    while (sgl_spf_tree_text(fx.name, text, &fx.dns, &arena, &tree) == SGL_NEED_DNS)
        dns_fixture_answer(&fx);
    CHECK_EQ("with DNS", tree.lookups, 2);
    CHECK_EQ("what is published does not matter", tree.findings.count, 0);
    CHECK_EQ("not a record", sgl_spf_tree_text(fx.name, SGL_LIT("v=spf2"), NULL, &arena, &tree),
             SGL_E_SYNTAX);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct dns_fixture fx;
        struct sgl_arena arena = SGL_ARENA_INIT(ARENA);
        struct sgl_spf_tree tree = {.lookups = 99};
        enum sgl_status st;

        fail_alloc_off();
        fx = dns_fixture_init("a.test", "TXT v=spf1 include:b.test ptr mx a/8 +all a:c.test\nMX 1 "
                                        "b.test\nb.test TXT v=spf1 redirect=c.test\n" A4);
        fail_alloc_on();
        while ((st = sgl_spf_tree(fx.name, &fx.dns, &arena, &tree)) == SGL_NEED_DNS)
            dns_fixture_answer(&fx);
        CHECK_TRUE("no memory is a status, or an answer that failed",
                   st == SGL_E_NOMEM || (st == SGL_OK && (tree.lookups == 5 || tree.failed)));
        CHECK_TRUE("only when there is none", st == SGL_OK || fail_alloc_hit());
        CHECK_TRUE("out is untouched otherwise", st == SGL_OK || tree.lookups == 99);
        CHECK_TRUE("the arena goes back", st == SGL_OK || arena.used == 0);
        sgl_arena_done(&arena);
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(mending),
        cmocka_unit_test(long_records),
        cmocka_unit_test(a_forest_ends),
        cmocka_unit_test(a_chain_ends),
        cmocka_unit_test(a_small_snapshot_is_said),
        cmocka_unit_test(foreign_bytes_are_escaped),
        cmocka_unit_test(the_old_type_is_asked_for_last),
        cmocka_unit_test(of_a_text),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
