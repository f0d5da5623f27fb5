/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/spf.h"

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"
#include "spf_tree_fixture.h"

struct row {
    const char *name, *zone;
    const char *nodes, *costs; /* costs: lookups, voids, voids over IPv6 */
    const char *codes;
};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
