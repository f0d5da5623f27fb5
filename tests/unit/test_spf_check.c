/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/spf.h"

#include "check.h"
#include "dns_fixture.h"
#include "spf_fixture.h"

struct row {
    const char *name, *zone; /* names without one are of a.test */
    const char *ip, *sender; /* NULL: 192.0.2.1, u@a.test */
    enum sgl_spf_result result;
    const char *mechanism;
    unsigned lookups, voids;
};

/* check_host() by table and by all drivers.  [RFC 7208 s4]  N names that do not exist: */
#define VOID2 "a:x1.a.test a:x2.a.test"
#define VOID3 VOID2 " a:x3.a.test"
#define HAVE  "h.a.test A 198.51.100.7\n"
#define A5    "a:h.a.test a:h.a.test a:h.a.test a:h.a.test a:h.a.test"

static const struct row rows[] = {
    /* Records  [RFC 7208 s4.3, s4.4, s4.5] */
    {"no such domain [RFC 7208 s4.3]", "NXDOMAIN", NULL, NULL, SGL_SPF_NONE, "", 0, 0},
    {"no TXT record", "A 192.0.2.1", NULL, NULL, SGL_SPF_NONE, "", 0, 0},
    {"no SPF record among others", "TXT google-site-verification=1\nTXT v=spf10 -all", NULL, NULL,
     SGL_SPF_NONE, "", 0, 0},
    {"an SPF record among others", "TXT x\nTXT v=spf1 -all\nTXT y", NULL, NULL, SGL_SPF_FAIL,
     "-all", 0, 0},
    {"two records [RFC 7208 s4.5]", "TXT v=spf1 -all\nTXT v=spf1 +all", NULL, NULL,
     SGL_SPF_PERMERROR, "", 0, 0},
    {"two records, one empty", "TXT v=spf1\nTXT v=spf1 +all", NULL, NULL, SGL_SPF_PERMERROR, "", 0,
     0},
    {"strings are joined without a blank [RFC 7208 s3.3]",
     "RAW TXT 13763d73706631206970343a3139322e302e322e0631202d616c6c", NULL, NULL, SGL_SPF_PASS,
     "ip4:192.0.2.1", 0, 0},
    {"SERVFAIL [RFC 7208 s4.4]", "SERVFAIL", NULL, NULL, SGL_SPF_TEMPERROR, "", 0, 0},
    {"timeout", "TIMEOUT", NULL, NULL, SGL_SPF_TEMPERROR, "", 0, 0},
    {"forged", "BOGUS", NULL, NULL, SGL_SPF_TEMPERROR, "", 0, 0},
    {"a record behind an alias", "CNAME b.test\nb.test TXT v=spf1 a:%{d} -all", NULL, NULL,
     SGL_SPF_FAIL, "-all", 1, 1},

    /* Identities  [RFC 7208 s2.4, s4.3] */
    {"one label [RFC 7208 s4.3]", "localhost TXT v=spf1 -all", NULL, "u@localhost", SGL_SPF_NONE,
     "", 0, 0},
    {"an empty label", "TXT v=spf1 -all", NULL, "u@a..test", SGL_SPF_NONE, "", 0, 0},
    {"a label of 64", "TXT v=spf1 -all", NULL, "u@" OCTET62 "cd.test", SGL_SPF_NONE, "", 0, 0},
    {"an address literal", "TXT v=spf1 -all", NULL, "u@[192.0.2.1]", SGL_SPF_NONE, "", 0, 0},
    {"a final dot", "TXT v=spf1 -all", NULL, "u@a.test.", SGL_SPF_FAIL, "-all", 0, 0},
    {"a final dot goes from the macros, too",
     "TXT v=spf1 exists:%{l}.%{o}.x.test -all\nu.a.test.x.test A 127.0.0.2", NULL, "u@a.test.",
     SGL_SPF_PASS, "exists:%{l}.%{o}.x.test", 1, 0},
    {"two final dots", "TXT v=spf1 -all", NULL, "u@a.test..", SGL_SPF_NONE, "", 0, 0},
    {"upper case", "TXT v=spf1 -all", NULL, "u@A.Test", SGL_SPF_FAIL, "-all", 0, 0},
    {"the last @ divides", "TXT v=spf1 -all", NULL, "\"u@b.test\"@a.test", SGL_SPF_FAIL, "-all", 0,
     0},
    {"no local part is postmaster [RFC 7208 s4.3]",
     "TXT v=spf1 exists:%{l}.x.test -all\npostmaster.x.test A 127.0.0.2", NULL, "@a.test",
     SGL_SPF_PASS, "exists:%{l}.x.test", 1, 0},
    {"no @ at all", "TXT v=spf1 exists:%{l}.x.test -all\npostmaster.x.test A 127.0.0.2", NULL,
     "a.test", SGL_SPF_PASS, "exists:%{l}.x.test", 1, 0},
    {"the null sender is postmaster at HELO [RFC 7208 s2.4]",
     "helo.test TXT v=spf1 exists:%{l}.%{o} -all\npostmaster.helo.test A 127.0.0.2", NULL, "",
     SGL_SPF_PASS, "exists:%{l}.%{o}", 1, 0},
    {"U-labels become A-labels [RFC 8616 s4]",
     "xn--bcher-kva.test TXT v=spf1 exists:%{o}.x.test -all\nxn--bcher-kva.test.x.test A "
     "127.0.0.2",
     NULL,
     "u@b\xc3\xbc"
     "cher.test",
     SGL_SPF_PASS, "exists:%{o}.x.test", 1, 0},
    {"not UTF-8", "TXT v=spf1 -all", NULL, "u@\xff\xfe.test", SGL_SPF_NONE, "", 0, 0},
    {"control bytes", "TXT v=spf1 -all", NULL, "u@a\r\n.test", SGL_SPF_NONE, "", 0, 0},

    /* Syntax first  [RFC 7208 s4.6] */
    {"an error behind a match [RFC 7208 s4.6]", "TXT v=spf1 ip4:192.0.2.1 -all foo", NULL, NULL,
     SGL_SPF_PERMERROR, "", 0, 0},
    {"an error behind all", "TXT v=spf1 +all foo", NULL, NULL, SGL_SPF_PERMERROR, "", 0, 0},
    {"an 8-bit byte", "TXT v=spf1 a:\xff.test -all", NULL, NULL, SGL_SPF_PERMERROR, "", 0, 0},

    /* all, default, redirect  [RFC 7208 s4.7, s5.1, s6.1] */
    {"the default is neutral [RFC 7208 s4.7]", "TXT v=spf1", NULL, NULL, SGL_SPF_NEUTRAL, "default",
     0, 0},
    {"each qualifier [RFC 7208 s4.6.2]", "TXT v=spf1 ~all", NULL, NULL, SGL_SPF_SOFTFAIL, "~all", 0,
     0},
    {"terms behind all are ignored [RFC 7208 s5.1]", "TXT v=spf1 -all a mx", NULL, NULL,
     SGL_SPF_FAIL, "-all", 0, 0},
    {"redirect is ignored beside all, before it too [RFC 7208 s6.1]",
     "TXT v=spf1 redirect=b.test ?all\nb.test TXT v=spf1 -all", NULL, NULL, SGL_SPF_NEUTRAL, "?all",
     0, 0},
    {"redirect", "TXT v=spf1 redirect=b.test\nb.test TXT v=spf1 -all", NULL, NULL, SGL_SPF_FAIL,
     "-all", 1, 0},
    {"redirect before a mechanism is still last",
     "TXT v=spf1 redirect=b.test ip4:192.0.2.1\nb.test TXT v=spf1 -all", NULL, NULL, SGL_SPF_PASS,
     "ip4:192.0.2.1", 0, 0},
    {"redirect to nothing [RFC 7208 s6.1]", "TXT v=spf1 redirect=b.test", NULL, NULL,
     SGL_SPF_PERMERROR, "redirect=b.test", 1, 1},
    {"redirect to no possible name [RFC 7208 s6.1]", "TXT v=spf1 redirect=%{l}.b.test", NULL,
     "a..b@a.test", SGL_SPF_PERMERROR, "redirect=%{l}.b.test", 1, 0},
    {"redirect changes the current domain",
     "TXT v=spf1 redirect=b.test\nb.test TXT v=spf1 a -all\nb.test A 192.0.2.1", NULL, NULL,
     SGL_SPF_PASS, "a", 2, 0},
    {"redirect to itself ends at the limit", "TXT v=spf1 redirect=a.test", NULL, NULL,
     SGL_SPF_PERMERROR, "redirect=a.test", 11, 0},

    /* include: the table of RFC 7208 s5.2 */
    {"include: pass matches", "TXT v=spf1 ?include:b.test -all\nb.test TXT v=spf1 +all", NULL, NULL,
     SGL_SPF_NEUTRAL, "?include:b.test", 1, 0},
    {"include: fail does not", "TXT v=spf1 include:b.test ~all\nb.test TXT v=spf1 -all", NULL, NULL,
     SGL_SPF_SOFTFAIL, "~all", 1, 0},
    {"include: softfail does not", "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 ~all", NULL,
     NULL, SGL_SPF_FAIL, "-all", 1, 0},
    {"include: neutral does not", "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1", NULL, NULL,
     SGL_SPF_FAIL, "-all", 1, 0},
    {"include: temperror is one", "TXT v=spf1 include:b.test -all\nb.test SERVFAIL", NULL, NULL,
     SGL_SPF_TEMPERROR, "include:b.test", 1, 0},
    {"include: permerror is one", "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 foo", NULL,
     NULL, SGL_SPF_PERMERROR, "include:b.test", 1, 0},
    {"include: none is a permerror", "TXT v=spf1 include:b.test -all\nb.test TXT x", NULL, NULL,
     SGL_SPF_PERMERROR, "include:b.test", 1, 0},
    {"include: no such name is a permerror", "TXT v=spf1 include:b.test -all", NULL, NULL,
     SGL_SPF_PERMERROR, "include:b.test", 1, 1},
    {"include: two records are a permerror",
     "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 -all\nb.test TXT v=spf1 +all", NULL, NULL,
     SGL_SPF_PERMERROR, "include:b.test", 1, 0},
    {"include: a name that can't be is a permerror", "TXT v=spf1 include:%{l}.test -all", NULL,
     "a..b@a.test", SGL_SPF_PERMERROR, "include:%{l}.test", 1, 0},
    {"include of itself ends at the limit", "TXT v=spf1 include:a.test -all", NULL, NULL,
     SGL_SPF_PERMERROR, "include:a.test", 11, 0},
    {"the domain is back after an include",
     "TXT v=spf1 include:b.test a -all\nA 192.0.2.1\nb.test TXT v=spf1 a\nb.test A 192.0.2.9", NULL,
     NULL, SGL_SPF_PASS, "a", 3, 0},

    /* a, mx  [RFC 7208 s5.3, s5.4] */
    {"a", "TXT v=spf1 a -all\nA 192.0.2.9\nA 192.0.2.1", NULL, NULL, SGL_SPF_PASS, "a", 1, 0},
    {"a network", "TXT v=spf1 a/24 -all\nA 192.0.2.200", NULL, NULL, SGL_SPF_PASS, "a/24", 1, 0},
    {"a/0 wants an address", "TXT v=spf1 a/0 -all", NULL, NULL, SGL_SPF_FAIL, "-all", 1, 1},
    {"a/0 matches any", "TXT v=spf1 a/0 -all\nA 203.0.113.1", NULL, NULL, SGL_SPF_PASS, "a/0", 1,
     0},
    {"the IPv4 length is not for IPv6", "TXT v=spf1 a/0 -all\nAAAA 2001:db8::2", "2001:db8::1",
     NULL, SGL_SPF_FAIL, "-all", 1, 0},
    {"the IPv6 length", "TXT v=spf1 a//64 -all\nAAAA 2001:db8::2", "2001:db8::1", NULL,
     SGL_SPF_PASS, "a//64", 1, 0},
    {"an IPv6 client looks at AAAA only", "TXT v=spf1 a -all\nA 192.0.2.1", "2001:db8::1", NULL,
     SGL_SPF_FAIL, "-all", 1, 1},
    {"a mapped client is IPv4 [RFC 7208 s5]", "TXT v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1",
     NULL, SGL_SPF_PASS, "ip4:192.0.2.1", 0, 0},
    {"a mapped client is IPv4 for a, too", "TXT v=spf1 a -all\nA 192.0.2.1", "::ffff:192.0.2.1",
     NULL, SGL_SPF_PASS, "a", 1, 0},
    {"ip6 does not hold a mapped client", "TXT v=spf1 ip6:::ffff:0:0/96 -all", "::ffff:192.0.2.1",
     NULL, SGL_SPF_FAIL, "-all", 0, 0},
    {"SERVFAIL in a mechanism", "TXT v=spf1 a:b.test +all\nb.test SERVFAIL", NULL, NULL,
     SGL_SPF_TEMPERROR, "a:b.test", 1, 0},
    {"a match before an error counts", "TXT v=spf1 a a:b.test\nA 192.0.2.1\nb.test SERVFAIL", NULL,
     NULL, SGL_SPF_PASS, "a", 1, 0},
    {"mx", "TXT v=spf1 mx -all\nMX 10 m.test\nm.test A 192.0.2.1", NULL, NULL, SGL_SPF_PASS, "mx",
     1, 0},
    {"mx does not fall back to the domain [RFC 7208 s5.4]", "TXT v=spf1 mx -all\nA 192.0.2.1", NULL,
     NULL, SGL_SPF_FAIL, "-all", 1, 1},
    {"a null MX has no address", "TXT v=spf1 mx -all\nMX 0 .", NULL, NULL, SGL_SPF_FAIL, "-all", 1,
     0},
    {"an mx of many empty hosts is one void lookup [RFC 7208 s4.6.4]",
     "TXT v=spf1 mx a:x1.test -all\nMX 1 m1.test\nMX 2 m2.test\nMX 3 m3.test\nMX 4 m4.test", NULL,
     NULL, SGL_SPF_FAIL, "-all", 2, 2},
    {"ten MX records [RFC 7208 s4.6.4]",
     "TXT v=spf1 mx -all\nMX 1 m1.test\nMX 2 m2.test\nMX 3 m3.test\nMX 4 m4.test\nMX 5 m5.test\n"
     "MX 6 m6.test\nMX 7 m7.test\nMX 8 m8.test\nMX 9 m9.test\nMX 10 m10.test\nm10.test A 192.0.2.1",
     NULL, NULL, SGL_SPF_PASS, "mx", 1, 1},
    {"eleven MX records",
     "TXT v=spf1 mx -all\nMX 1 m1.test\nMX 2 m2.test\nMX 3 m3.test\nMX 4 m4.test\nMX 5 m5.test\n"
     "MX 6 m6.test\nMX 7 m7.test\nMX 8 m8.test\nMX 9 m9.test\nMX 10 m10.test\nMX 11 m11.test\n"
     "m1.test A 192.0.2.1",
     NULL, NULL, SGL_SPF_PERMERROR, "mx", 1, 0},

    /* exists, ptr  [RFC 7208 s5.5, s5.7] */
    {"exists asks for A, also for IPv6 clients [RFC 7208 s5.7]",
     "TXT v=spf1 exists:b.test -all\nb.test A 127.0.0.2", "2001:db8::1", NULL, SGL_SPF_PASS,
     "exists:b.test", 1, 0},
    {"AAAA alone does not exist", "TXT v=spf1 exists:b.test -all\nb.test AAAA 2001:db8::1",
     "2001:db8::1", NULL, SGL_SPF_FAIL, "-all", 1, 1},
    {"ptr", "TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR m.a.test\nm.a.test A 192.0.2.1", NULL,
     NULL, SGL_SPF_PASS, "ptr", 1, 0},
    {"ptr: the name itself", "TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR a.test\nA 192.0.2.1",
     NULL, NULL, SGL_SPF_PASS, "ptr", 1, 0},
    {"ptr: not above the target [RFC 7208 s5.5]",
     "TXT v=spf1 ptr:x.a.test -all\n1.2.0.192.in-addr.arpa PTR a.test\nA 192.0.2.1", NULL, NULL,
     SGL_SPF_FAIL, "-all", 1, 0},
    {"ptr: not a name that only ends like it",
     "TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR ba.test\nba.test A 192.0.2.1", NULL, NULL,
     SGL_SPF_FAIL, "-all", 1, 0},
    {"ptr: a name that does not lead back",
     "TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR m.a.test\nm.a.test A 192.0.2.2", NULL, NULL,
     SGL_SPF_FAIL, "-all", 1, 0},
    {"ptr: errors are no match [RFC 7208 s5.5]",
     "TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa SERVFAIL", NULL, NULL, SGL_SPF_FAIL, "-all", 1,
     0},
    {"ptr: errors of one name are skipped",
     "TXT v=spf1 ptr -all\n1.2.0.192.in-addr.arpa PTR b.a.test\n1.2.0.192.in-addr.arpa PTR "
     "m.a.test\nb.a.test SERVFAIL\nm.a.test A 192.0.2.1",
     NULL, NULL, SGL_SPF_PASS, "ptr", 1, 0},
    {"ptr of IPv6",
     "TXT v=spf1 ptr "
     "-all\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa "
     "PTR m.a.test\nm.a.test AAAA 2001:db8::1",
     "2001:db8::1", NULL, SGL_SPF_PASS, "ptr", 1, 0},

    /* Macros in terms  [RFC 7208 s7] */
    {"%{p} counts as ptr", "TXT v=spf1 exists:%{p}.x.test -all\nunknown.x.test A 127.0.0.2", NULL,
     NULL, SGL_SPF_PASS, "exists:%{p}.x.test", 2, 0},
    {"%{p} takes the domain itself first [RFC 7208 s7.3]",
     "TXT v=spf1 exists:%{p}.x.test -all\n1.2.0.192.in-addr.arpa PTR 0.test\n"
     "1.2.0.192.in-addr.arpa PTR 1.a.test\n1.2.0.192.in-addr.arpa PTR a.test\nA 192.0.2.1\n"
     "0.test A 192.0.2.1\n1.a.test A 192.0.2.1\na.test.x.test A 127.0.0.2",
     NULL, NULL, SGL_SPF_PASS, "exists:%{p}.x.test", 2, 0},
    {"%{p} takes a name below it next",
     "TXT v=spf1 exists:%{p}.x.test -all\n1.2.0.192.in-addr.arpa PTR 0.test\n"
     "1.2.0.192.in-addr.arpa PTR 1.a.test\n0.test A 192.0.2.1\n1.a.test A 192.0.2.1\n"
     "1.a.test.x.test A 127.0.0.2",
     NULL, NULL, SGL_SPF_PASS, "exists:%{p}.x.test", 2, 0},
    {"a malformed target does not match [RFC 7208 s4.8]",
     "TXT v=spf1 a:%{l}.test -exists:%{l}.test mx:%{l}.test ptr:%{l}.test ~all", NULL,
     "a..b@a.test", SGL_SPF_SOFTFAIL, "~all", 4, 0},
    {"a local part that is not ASCII matches nothing [RFC 8616 s4]",
     "TXT v=spf1 exists:%{l}.test include:%{s}.test ip4:192.0.2.1 -all", NULL, "\xc3\xbc@a.test",
     SGL_SPF_PASS, "ip4:192.0.2.1", 2, 0},
    {"it does no harm elsewhere [RFC 8616 s4]",
     "TXT v=spf1 exists:%{o}.x.test -all\na.test.x.test A 127.0.0.2", NULL, "\xc3\xbc@a.test",
     SGL_SPF_PASS, "exists:%{o}.x.test", 1, 0},
    {"a mailbox with odd characters makes a name",
     "TXT v=spf1 exists:%{l}.x.test -all\nu+tag=1.x.test A 127.0.0.2", NULL, "u+tag=1@a.test",
     SGL_SPF_PASS, "exists:%{l}.x.test", 1, 0},

    /* Limits  [RFC 7208 s4.6.4] */
    {"ten terms [RFC 7208 s4.6.4]", HAVE "TXT v=spf1 " A5 " " A5 " -all", NULL, NULL, SGL_SPF_FAIL,
     "-all", 10, 0},
    {"eleven terms", HAVE "TXT v=spf1 " A5 " " A5 " a:h.a.test +all", NULL, NULL, SGL_SPF_PERMERROR,
     "a:h.a.test", 11, 0},
    {"terms behind a match are not counted", HAVE "TXT v=spf1 " A5 " ip4:192.0.2.1 " A5 " " A5,
     NULL, NULL, SGL_SPF_PASS, "ip4:192.0.2.1", 5, 0},
    {"the count runs through includes",
     HAVE "TXT v=spf1 include:b.test include:b.test -all\nb.test TXT v=spf1 " A5, NULL, NULL,
     SGL_SPF_PERMERROR, "include:b.test", 11, 0},
    {"four and an include twice are ten",
     HAVE "TXT v=spf1 include:b.test include:b.test -all\nb.test TXT v=spf1 a:h.a.test a:h.a.test "
          "a:h.a.test a:h.a.test",
     NULL, NULL, SGL_SPF_FAIL, "-all", 10, 0},
    {"redirect is the eleventh",
     HAVE "TXT v=spf1 " A5 " " A5 " redirect=b.test\nb.test TXT v=spf1 +all", NULL, NULL,
     SGL_SPF_PERMERROR, "redirect=b.test", 11, 0},
    {"ip4, ip6, all and exp are free",
     "TXT v=spf1 ip4:10.0.0.1 ip6:2001:db8::1 ip4:10.0.0.2 ip4:10.0.0.3 ip4:10.0.0.4 ip4:10.0.0.5 "
     "ip4:10.0.0.6 ip4:10.0.0.7 ip4:10.0.0.8 ip4:10.0.0.9 ip4:10.0.0.10 exp=e.test -all",
     NULL, NULL, SGL_SPF_FAIL, "-all", 0, 0},
    {"two void lookups", "TXT v=spf1 " VOID2 " -all", NULL, NULL, SGL_SPF_FAIL, "-all", 2, 2},
    {"three void lookups", "TXT v=spf1 " VOID3 " +all", NULL, NULL, SGL_SPF_PERMERROR,
     "a:x3.a.test", 3, 3},
    {"no data is void, too", "x1.a.test TXT x\nTXT v=spf1 " VOID3 " +all", NULL, NULL,
     SGL_SPF_PERMERROR, "a:x3.a.test", 3, 3},
    {"voids are not counted anew in an include",
     "TXT v=spf1 a:x0.test include:b.test -all\nb.test TXT v=spf1 " VOID2, NULL, NULL,
     SGL_SPF_PERMERROR, "include:b.test", 4, 3},
    {"the first record is never void", "TXT v=spf1 " VOID2 " ?all", NULL, NULL, SGL_SPF_NEUTRAL,
     "?all", 2, 2},
};

static void judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (enum dns_driver driver = 0; driver < DNS_DRIVERS; driver++) {
            const struct row *r = &rows[i];
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", r->zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
            struct sgl_spf_request q =
                request_of(r->ip == NULL ? "192.0.2.1" : r->ip,
                           r->sender == NULL ? "u@a.test" : r->sender, "helo.test");
            struct sgl_spf got = {.result = (enum sgl_spf_result)99};

            CHECK_EQ(r->name, check_spf(&fx, driver, &q, &arena, &got), SGL_OK);
            CHECK_STR(r->name, sgl_spf_result_name(got.result), sgl_spf_result_name(r->result));
            CHECK_VIEW(r->name, got.mechanism, V(r->mechanism));
            CHECK_EQ(r->name, got.lookups, r->lookups);
            CHECK_EQ(r->name, got.void_lookups, r->voids);
            CHECK_EQ(r->name, got.problem[0] != 0,
                     r->result == SGL_SPF_NONE || r->result >= SGL_SPF_TEMPERROR);
            CHECK_EQ(r->name, got.steps, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
