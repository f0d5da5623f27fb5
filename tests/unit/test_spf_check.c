/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"
#include "sigillo/spf.h"

#define V(s)    sgl_view_cstr(s)
#define OCTET62 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijab"

enum { PASSES_MAX = 140 };

static enum sgl_status check_spf(struct dns_fixture *fx, enum dns_driver driver,
                                 const struct sgl_spf_request *request, struct sgl_arena *arena,
                                 struct sgl_spf *out)
{
    enum sgl_status st;

    for (int passes = 0; (st = sgl_spf_check(request, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < PASSES_MAX);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        CHECK_EQ("nothing leaks out of a pending pass", out->result, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

static struct sgl_spf_request request_of(const char *ip, const char *sender, const char *helo)
{
    struct sgl_spf_request q = {
        .sender = V(sender), .helo = V(helo), .receiver = V("rcv.test"), .now = 1400000000};

    if (sgl_ip_parse(V(ip), &q.ip) != SGL_OK)
        fail_msg("not an address: %s", ip);
    return q;
}

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

/* [RFC 7208 s6.2] */
static void explains(void **state)
{
    static const struct {
        const char *name, *zone, *sender, *want;
    } cases[] = {
        {"a constant", "TXT v=spf1 -all exp=e.test\ne.test TXT Go away.", NULL, "Go away."},
        {"macros", "TXT v=spf1 -all exp=e.test\ne.test TXT %{c} for %{d} at %{r} on %{t}", NULL,
         "192.0.2.1 for a.test at rcv.test on 1400000000"},
        {"its name may have macros", "TXT v=spf1 -all exp=e.%{d}\ne.a.test TXT ok", NULL, "ok"},
        {"%{p} needs a lookup but counts for nothing",
         "TXT v=spf1 -all exp=e.test\ne.test TXT %{p}\n1.2.0.192.in-addr.arpa PTR m.test\nm.test A "
         "192.0.2.1",
         NULL, "m.test"},
        {"only for fail", "TXT v=spf1 ~all exp=e.test\ne.test TXT no", NULL, ""},
        {"no such name", "TXT v=spf1 -all exp=e.test", NULL, ""},
        {"an error", "TXT v=spf1 -all exp=e.test\ne.test SERVFAIL", NULL, ""},
        {"two records", "TXT v=spf1 -all exp=e.test\ne.test TXT a\ne.test TXT b", NULL, ""},
        {"a syntax error in it", "TXT v=spf1 -all exp=e.test\ne.test TXT a %{x}", NULL, ""},
        {"not ASCII", "TXT v=spf1 -all exp=e.test\ne.test TXT caf\xc3\xa9", NULL, ""},
        {"a name that can't be", "TXT v=spf1 -all exp=%{l}.test", "a..b@a.test", ""},
        {"not that of an include",
         "TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 -all exp=e.test\ne.test TXT no", NULL,
         ""},
        {"an include that matches: ours",
         "TXT v=spf1 -include:b.test exp=e.test\nb.test TXT v=spf1 +all exp=f.test\ne.test TXT "
         "ours\nf.test TXT theirs",
         NULL, "ours"},
        {"redirect: the new record's",
         "TXT v=spf1 redirect=b.test exp=e.test\nb.test TXT v=spf1 -all exp=f.test\ne.test TXT "
         "old\nf.test TXT new of %{d}",
         NULL, "new of b.test"},
        {"redirect: not the old one's",
         "TXT v=spf1 redirect=b.test exp=e.test\nb.test TXT v=spf1 -all\ne.test TXT old", NULL, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (enum dns_driver driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", cases[i].zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
            struct sgl_spf_request q = request_of(
                "192.0.2.1", cases[i].sender == NULL ? "u@a.test" : cases[i].sender, "helo.test");
            struct sgl_spf got = {.result = (enum sgl_spf_result)99};

            CHECK_EQ(cases[i].name, check_spf(&fx, driver, &q, &arena, &got), SGL_OK);
            CHECK_VIEW(cases[i].name, got.explanation, V(cases[i].want));
            CHECK_EQ(cases[i].name, got.void_lookups, 0);
        }
    }
}

/* The result says which identity it is of, so that nobody takes one for the other.  [RFC 7208 s2.3, s2.4] */
static void names_the_identity(void **state)
{
    static const struct {
        const char *sender, *helo;
        enum sgl_spf_identity identity;
        const char *domain, *checked;
    } cases[] = {
        {"u@A.test", "h.test", SGL_SPF_MAILFROM, "a.test", "u@A.test"},
        {"u@A.test", "h.test", SGL_SPF_HELO, "h.test", "postmaster@h.test"},
        {"", "h.test", SGL_SPF_MAILFROM, "h.test", "postmaster@h.test"},
        {"@a.test", "h.test", SGL_SPF_MAILFROM, "a.test", "postmaster@a.test"},
        {"", "[192.0.2.1]", SGL_SPF_HELO, "[192.0.2.1]", "postmaster@[192.0.2.1]"},
        {"", "", SGL_SPF_HELO, "", "postmaster@"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "TXT v=spf1 -all");
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_request q = request_of("192.0.2.1", cases[i].sender, cases[i].helo);
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};

        q.identity = cases[i].identity;
        assert_int_equal(check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got), SGL_OK);
        CHECK_EQ(cases[i].sender, got.identity, cases[i].identity);
        CHECK_VIEW(cases[i].sender, got.domain, V(cases[i].domain));
        CHECK_VIEW(cases[i].sender, got.sender, V(cases[i].checked));
    }
}

static void put_steps(const struct sgl_spf *spf, struct sgl_buf *out)
{
    static const char *const outcomes[] = {"yes", "no", "temperror", "permerror", "enter"};

    for (size_t i = 0; i < spf->steps; i++) {
        const struct sgl_spf_step *s = &spf->step[i];

        sgl_buf_addf(out, "%u %.*s %.*s [%.*s] %s %u %u %s\n", s->depth, SGL_FMT(s->domain),
                     SGL_FMT(s->term), SGL_FMT(s->target), outcomes[s->outcome], s->lookups,
                     s->void_lookups, s->why);
    }
}

static void traces(void **state)
{
    static const char zone[] =
        "TXT v=spf1 ip4:10.0.0.0/8 include:b.test a:%{l}.test redirect=c.test\n"
        "b.test TXT v=spf1 mx a:n.test -all\nb.test MX 1 m.test\nm.test A 10.1.1.1\n"
        "u.test A 10.1.1.1\nc.test TXT v=spf1 ?exists:%{ir}.c.test -all\n1.2.0.192.c.test A "
        "127.0.0.2";
    static const char want[] =
        "0 a.test ip4:10.0.0.0/8 [] no 0 0 \n"
        "0 a.test include:b.test [b.test] enter 1 0 \n"
        "1 b.test mx [b.test] no 2 0 \n"
        "1 b.test a:n.test [n.test] no 3 1 no such name\n"
        "1 b.test -all [] yes 3 1 \n"
        "0 a.test include:b.test [b.test] no 3 1 the included record says fail\n"
        "0 a.test a:%{l}.test [u.test] no 4 1 \n"
        "0 a.test redirect=c.test [c.test] enter 5 1 \n"
        "1 c.test ?exists:%{ir}.c.test [1.2.0.192.c.test] yes 6 1 \n"
        "0 a.test redirect=c.test [c.test] yes 6 1 \n";

    (void)state;
    for (enum dns_driver driver = 0; driver < DNS_DRIVERS; driver++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(65536);
        struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};

        q.trace = true;
        assert_int_equal(check_spf(&fx, driver, &q, &arena, &got), SGL_OK);
        put_steps(&got, &text);
        CHECK_VIEW("steps", sgl_buf_view(&text), V(want));
        CHECK_VIEW("the term that decided", got.mechanism, V("?exists:%{ir}.c.test"));
        CHECK_EQ("result", got.result, SGL_SPF_NEUTRAL);
    }
}

/* What is at fault, for people. */
static void tells_the_problem(void **state)
{
    static const struct {
        const char *zone, *problem, *at;
    } cases[] = {
        {"NXDOMAIN", "no such domain", "a.test"},
        {"TXT x", "no SPF record", "a.test"},
        {"SERVFAIL", "DNS lookup failed", "a.test"},
        {"TXT v=spf1 a\nTXT v=spf1 mx", "more than one SPF record", "a.test"},
        {"TXT v=spf1 mx foo:bar -all", "unknown mechanism", "foo:bar"},
        {"TXT v=spf1 include:b.test\nb.test TXT v=spf1 ip4:1.2.3/8",
         "not an IPv4 address or network", "ip4:1.2.3/8"},
        {"TXT v=spf1 include:b.test\nb.test TXT v=spf1 include:c.test",
         "include of a domain without an SPF record", "c.test"},
        {"TXT v=spf1 include:b.test\nb.test TXT v=spf1 mx\nb.test MX 1 m.test\nm.test SERVFAIL",
         "DNS lookup failed", "m.test"},
        {"TXT v=spf1 redirect=b.test", "redirect to a domain without an SPF record", "b.test"},
        {"TXT v=spf1 " VOID3, "more than 2 lookups that found nothing", "x3.a.test"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", cases[i].zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};

        assert_int_equal(check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got), SGL_OK);
        CHECK_STR(cases[i].zone, got.problem, cases[i].problem);
        CHECK_VIEW(cases[i].zone, got.problem_at, V(cases[i].at));
    }
}

static unsigned passes_of(const char *zone, enum dns_driver driver, size_t *asked)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", zone);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
    struct sgl_spf got;
    unsigned passes = 1;
    enum sgl_status st;

    for (; (st = sgl_spf_check(&q, &fx.dns, &arena, &got)) == SGL_NEED_DNS; passes++)
        dns_fixture_step(&fx, driver);
    assert_int_equal(st, SGL_OK);
    *asked = fx.asked;
    return passes;
}

/* As many passes as the record is deep; and what is behind a match that needs no DNS is not asked for. */
static void asks_together(void **state)
{
    size_t asked;

    (void)state;
    assert_int_equal(
        passes_of("TXT v=spf1 include:b.test a:c.test mx -all\nb.test TXT v=spf1 -all\n"
                  "c.test A 10.0.0.1\nMX 1 m.test\nm.test A 10.0.0.1",
                  DNS_ALL_AT_ONCE, &asked),
        4); /* the record; its terms; the exchange's address; the verdict */
    assert_int_equal(asked, 5);
    assert_int_equal(
        passes_of("TXT v=spf1 include:b.test ip4:192.0.2.1 include:c.test include:d.test\n"
                  "b.test TXT v=spf1 -all",
                  DNS_ALL_AT_ONCE, &asked),
        3);
    assert_int_equal(asked, 2);
    /* Names made of the client or the mailbox wait for their turn. */
    assert_int_equal(
        passes_of("TXT v=spf1 a:b.test exists:%{i}.c.test include:%{l}.d.test -all\nb.test A "
                  "192.0.2.1",
                  DNS_ALL_AT_ONCE, &asked),
        3);
    assert_int_equal(asked, 2);
}

/* Ten "mx" of ten hosts, each term in an include of its own: the most that can be asked. */
static void keeps_the_work_bounded(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    size_t asked;

    (void)state;
    sgl_buf_add(&zone, SGL_LIT("TXT v=spf1"));
    for (int t = 0; t < 10; t++)
        sgl_buf_addf(&zone, " mx:t%d.test", t);
    for (int t = 0; t < 10; t++) {
        for (int m = 0; m < 10; m++)
            sgl_buf_addf(&zone, "\nt%d.test MX %d m%d.t%d.test\nm%d.t%d.test A 10.0.0.%d", t, m, m,
                         t, m, t, m);
    }
    assert_non_null(sgl_cstr(&zone));
    assert_int_equal(passes_of(sgl_cstr(&zone), DNS_ALL_AT_ONCE, &asked), 13);
    assert_int_equal(asked, 111);
    assert_int_equal(passes_of(sgl_cstr(&zone), DNS_OLDEST_FIRST, &asked), 112);
}

/* A full snapshot is a verdict, not an error. */
static void runs_out_of_questions(void **state)
{
    (void)state;
    for (size_t max = 1; max < 5; max++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init(
            "a.test",
            "TXT v=spf1 a:b.test mx include:c.test -all\nb.test A 10.0.0.1\nMX 1 m.test\nm.test A "
            "10.0.0.1\nc.test TXT v=spf1 -all");
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};

        sgl_dns_init(&fx.dns, max);
        assert_int_equal(check_spf(&fx, DNS_OLDEST_FIRST, &q, &arena, &got), SGL_OK);
        CHECK_EQ("too many questions", got.result, SGL_SPF_PERMERROR);
        CHECK_STR("too many questions", got.problem, "too many DNS questions");
    }
}

static void refuses_no_client(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "TXT v=spf1 -all");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_spf_request q = {.sender = SGL_LIT("u@a.test")};
    struct sgl_spf got;

    (void)state;
    assert_int_equal(sgl_spf_check(&q, &fx.dns, &arena, &got), SGL_E_MISUSE);
}

/* 300 TXT records: what can't be read hides no record.  [RFC 7208 s4.4] */
static void floods(void **state)
{
    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
        struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};

        /* Shorter ones sort before it, longer ones behind. */
        for (int i = 0; i < 300; i++)
            sgl_buf_addf(&zone, "TXT %s%d\n", hidden ? "x" : "verification=", i);
        sgl_buf_add(&zone, SGL_LIT("TXT v=spf1 -all"));
        {
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));

            assert_int_equal(check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got), SGL_OK);
            CHECK_EQ("flood", got.result, hidden ? SGL_SPF_PERMERROR : SGL_SPF_FAIL);
        }
    }
}

/* A TXT record of 64 KiB. */
static void floods_with_one(void **state)
{
    static uint8_t rdata[65280];
    sgl_view one = sgl_view_of(rdata, sizeof rdata);
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct sgl_dns_raw raw = {.name = fx.name, .type = SGL_RR_TXT, .rdata = &one, .rdatas = 1};
    struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
    struct sgl_spf got = {.result = (enum sgl_spf_result)99};

    (void)state;
    memset(rdata, 255, sizeof rdata);
    memcpy(rdata + 1, "v=spf1 ", 7);
    assert_int_equal(sgl_dns_add_answer(&fx.dns, &raw), SGL_OK);
    assert_int_equal(sgl_spf_check(&q, &fx.dns, &arena, &got), SGL_OK);
    CHECK_EQ("flood", got.result, SGL_SPF_PERMERROR);
}

/* The most that an evaluation takes: records as long as they may be, one in the other.  What sigillo/spf.h says is enough is enough. */
static void fits_its_arena(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(SGL_SPF_ARENA);
    struct sgl_spf_request q = request_of("192.0.2.1", "u@r0.test", "helo.test");
    struct sgl_spf got = {.result = (enum sgl_spf_result)99};

    (void)state;
    for (int level = 0; level < 11; level++) {
        sgl_buf_addf(&zone, "r%d.test TXT v=spf1", level);
        for (int i = 0; i < SGL_LIMIT_SPF_TERMS - 1; i++)
            sgl_buf_add(&zone, SGL_LIT(" ip4:10.0.0.1"));
        sgl_buf_addf(&zone, " include:r%d.test\n", level + 1);
    }
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));

        assert_int_equal(check_spf(&fx, DNS_OLDEST_FIRST, &q, &arena, &got), SGL_OK);
        CHECK_EQ("the eleventh include", got.result, SGL_SPF_PERMERROR);
        CHECK_EQ("the eleventh include", got.lookups, 11);
    }
}

/* An ordinary one is small: what a term needed goes back when it does not match. */
static void takes_little(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(
        "a.test",
        "TXT v=spf1 include:b.test include:b.test include:b.test include:b.test mx a -all\n"
        "b.test TXT v=spf1 ip4:10.0.0.1 ip4:10.0.0.2 ip4:10.0.0.3 ip4:10.0.0.4 ~all\n"
        "MX 10 m.test\nm.test A 10.0.0.1\nA 10.0.0.1");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(2048);
    struct sgl_spf_request q = request_of("192.0.2.1", "u@a.test", "helo.test");
    struct sgl_spf got = {.result = (enum sgl_spf_result)99};

    (void)state;
    assert_int_equal(check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got), SGL_OK);
    CHECK_EQ("result", got.result, SGL_SPF_FAIL);
}

static const char hostile_zone[] =
    "TXT v=spf1 a:%{p}.%{l}.test mx include:b.test redirect=c.test exp=%{h}.test\nMX 1 m.test\n"
    "b.test TXT v=spf1 ptr exists:%{ir}.%{v}.%{s}.test -all\nc.test TXT v=spf1 -all exp=e.test\n"
    "e.test TXT %{S} %{c} %{r} %{t} %{p}";

static void survives_without_memory(void **state)
{
    struct sgl_spf_request q = request_of("2001:db8::1", "u@b\xc3\xbc.a.test", "h.test");
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", hostile_zone);

    (void)state;
    q.sender = V("u@a.test");
    q.trace = true;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};
        enum sgl_status st;

        sgl_dns_done(&fx.dns);
        while ((st = sgl_spf_check(&q, &fx.dns, &arena, &got)) == SGL_NEED_DNS) {
            fail_alloc_off();
            dns_fixture_answer(&fx);
            fail_alloc_on();
        }
        CHECK_EQ("no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
        if (st != SGL_OK)
            CHECK_EQ("no memory", got.result, 99);
    }
}

static void says_when_the_arena_is_full(void **state)
{
    struct sgl_spf_request q = request_of("2001:db8::1", "u@a.test", "h.test");
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", hostile_zone);
    bool ok = false;

    (void)state;
    for (size_t max = 0; !ok && max < 65536; max += 16) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(max);
        struct sgl_spf got = {.result = (enum sgl_spf_result)99};
        enum sgl_status st = check_spf(&fx, DNS_ALL_AT_ONCE, &q, &arena, &got);

        ok = st == SGL_OK;
        if (!ok) {
            CHECK_EQ("full", st, SGL_E_LIMIT);
            CHECK_EQ("full", got.result, 99);
            CHECK_EQ("full", arena.used, 0);
        }
    }
    assert_true(ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(explains),
        cmocka_unit_test(names_the_identity),
        cmocka_unit_test(traces),
        cmocka_unit_test(tells_the_problem),
        cmocka_unit_test(asks_together),
        cmocka_unit_test(keeps_the_work_bounded),
        cmocka_unit_test(runs_out_of_questions),
        cmocka_unit_test(refuses_no_client),
        cmocka_unit_test(floods),
        cmocka_unit_test(fits_its_arena),
        cmocka_unit_test(takes_little),
        cmocka_unit_test(floods_with_one),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(says_when_the_arena_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
