/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation: the walk, the policy, alignment, the result.  Each row is run by all three drivers. */
#include "sigillo/dmarc.h"

#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

#define D(name, text) "_dmarc." name " TXT v=DMARC1; " text "\n"

/*
 * spf, dkim: domains that passed; "?" in front: temperror, "!": failed.
 * want: "result policy-domain org tag:requested/policy/disposition SD", S and D for aligned SPF and DKIM; "t" behind it: softened, "e": existence
 * unknown; a domain is "-" for the root.
 */
struct row {
    const char *name, *zone, *author, *spf, *dkim, *want;
};

static const struct row rows[] = {
    /* The whole way. */
    {"DKIM aligns", D("a.test", "p=reject"), "a.test", "", "a.test",
     "pass a.test a.test p:reject/reject/none .D"},
    {"SPF aligns", D("a.test", "p=reject"), "a.test", "a.test", "",
     "pass a.test a.test p:reject/reject/none S."},
    {"both", D("a.test", "p=reject"), "a.test", "a.test", "b.test a.test",
     "pass a.test a.test p:reject/reject/none SD"},
    {"nothing passed", D("a.test", "p=quarantine"), "a.test", "", "",
     "fail a.test a.test p:quarantine/quarantine/quarantine .."},
    {"what passed does not align", D("a.test", "p=reject"), "a.test", "b.test", "c.test",
     "fail a.test a.test p:reject/reject/reject .."},
    {"what failed does not count", D("a.test", "p=reject"), "a.test", "!a.test", "!a.test",
     "fail a.test a.test p:reject/reject/reject .."},
    {"no record: DMARC does not apply [RFC 9989 s4.10.1]", "", "a.test", "a.test", "a.test",
     "none - a.test"},
    {"a TXT of something else is no record", "_dmarc.a.test TXT v=spf1 -all\n", "a.test", "", "",
     "none - a.test"},
    {"something else beside the record", "_dmarc.a.test TXT hello\n" D("a.test", "p=reject"),
     "a.test", "", "", "fail a.test a.test p:reject/reject/reject .."},

    /* p and its sisters. [RFC 9989 s4.10.1] */
    {"the record at the author goes by p, even below its Organizational Domain",
     D("m.a.test", "p=none; sp=reject; np=reject") D("a.test", "p=reject; sp=quarantine"),
     "m.a.test", "", "", "fail m.a.test a.test p:none/none/none .."},
    {"sp for what exists below",
     D("a.test", "p=none; sp=reject; np=quarantine") "x.a.test A 192.0.2.1\n", "x.a.test", "", "",
     "fail a.test a.test sp:reject/reject/reject .."},
    {"np for what does not exist", D("a.test", "p=none; sp=reject; np=quarantine"), "x.a.test", "",
     "", "fail a.test a.test np:quarantine/quarantine/quarantine .."},
    {"np falls back to sp", D("a.test", "p=none; sp=reject"), "x.a.test", "", "",
     "fail a.test a.test sp:reject/reject/reject .."},
    {"np and sp fall back to p", D("a.test", "p=reject"), "x.a.test", "", "",
     "fail a.test a.test p:reject/reject/reject .."},
    {"sp falls back to p, whatever np says",
     D("a.test", "p=reject; np=none") "x.a.test A 192.0.2.1\n", "x.a.test", "", "",
     "fail a.test a.test p:reject/reject/reject .."},
    {"NODATA means that it exists [RFC 9989 s3.2.13; RFC 8020 s2]",
     D("a.test", "p=none; np=reject") "x.a.test NODATA\n", "x.a.test", "", "",
     "fail a.test a.test p:none/none/none .."},
    {"an alias to nowhere exists [RFC 6604 s3]",
     D("a.test", "p=none; np=reject") "x.a.test CNAME gone.test\n", "x.a.test", "", "",
     "fail a.test a.test p:none/none/none .."},
    {"existence that cannot be told is no failure",
     D("a.test", "p=none; np=reject") "x.a.test SERVFAIL\n", "x.a.test", "", "",
     "temperror a.test a.test p:none/none/none ..e"},
    {"a pass stands without it", D("a.test", "p=none; np=reject") "x.a.test SERVFAIL\n", "x.a.test",
     "", "a.test", "pass a.test a.test p:none/none/none .De"},
    {"existence is not asked for where it changes nothing",
     D("a.test", "p=reject; np=reject") "x.a.test SERVFAIL\n", "x.a.test", "", "",
     "fail a.test a.test p:reject/reject/reject .."},

    /* Damaged records. [RFC 9989 s4.10.1] */
    {"no p with a report address is p=none", D("a.test", "rua=mailto:r@a.test"), "a.test", "",
     "a.test", "pass a.test a.test :none/none/none .D"},
    {"no p without one: no DMARC", D("a.test", ""), "a.test", "", "a.test", "none a.test a.test"},
    {"a bad p with one is p=none", D("a.test", "p=x; sp=reject; rua=mailto:r@a.test"), "x.a.test",
     "", "", "fail a.test a.test :none/none/none .."},
    {"a bad p without one", D("a.test", "p=x"), "a.test", "", "", "none a.test a.test"},
    {"a bad sp makes all p=none", D("a.test", "p=reject; sp=x; rua=mailto:r@a.test"), "a.test", "",
     "", "fail a.test a.test :none/none/none .."},
    {"a bad sp without an address", D("a.test", "p=reject; sp=x"), "a.test", "", "",
     "none a.test a.test"},
    {"a bad np", D("a.test", "p=reject; np=x"), "a.test", "", "", "none a.test a.test"},
    {"a bad address is none", D("a.test", "sp=none; rua=bad"), "a.test", "", "",
     "none a.test a.test"},
    {"a bad address beside a good one", D("a.test", "rua=bad,mailto:r@a.test"), "a.test", "", "",
     "fail a.test a.test :none/none/none .."},
    {"a tag that stands twice: no record [RFC 6376 s3.2]", D("a.test", "p=reject; p=none"),
     "a.test", "", "", "none - a.test"},

    /* t=y; pct= is history. [RFC 9989 s4.7, sA.6] */
    {"t=y softens reject", D("a.test", "p=reject; t=y"), "a.test", "", "",
     "fail a.test a.test p:reject/quarantine/quarantine ..t"},
    {"t=y softens quarantine", D("a.test", "p=quarantine; t=y"), "a.test", "", "",
     "fail a.test a.test p:quarantine/none/none ..t"},
    {"t=y leaves none", D("a.test", "p=none; t=y"), "a.test", "", "",
     "fail a.test a.test p:none/none/none .."},
    {"t=y softens np", D("a.test", "p=none; np=reject; t=y"), "x.a.test", "", "",
     "fail a.test a.test np:reject/quarantine/quarantine ..t"},
    {"pct=0 is ignored", D("a.test", "p=reject; pct=0"), "a.test", "", "",
     "fail a.test a.test p:reject/reject/reject .."},

    /* Several records. [RFC 9989 s4.10 steps 2 and 6] */
    {"two at the author, one above",
     D("x.a.test", "p=none") D("x.a.test", "p=quarantine") D("a.test", "p=none; sp=reject"),
     "x.a.test", "", "", "fail a.test a.test sp:reject/reject/reject .."},
    {"two everywhere", D("a.test", "p=reject") D("a.test", "p=none"), "a.test", "", "",
     "none - a.test"},
    {"two in the middle are none",
     D("b.a.test", "p=none") D("b.a.test", "psd=n") D("a.test", "p=reject"), "x.b.a.test", "", "",
     "fail a.test a.test p:reject/reject/reject .."},
    {"one that is not valid does not hide the ones above",
     D("x.a.test", "p=none; p=none") D("a.test", "p=none; sp=reject"), "x.a.test", "", "",
     "fail a.test a.test sp:reject/reject/reject .."},

    /* Where the Organizational Domain is. [RFC 9989 s4.10.2] */
    {"the fewest labels", D("b.a.test", "p=none") D("a.test", "p=reject"), "x.b.a.test", "", "",
     "fail a.test a.test p:reject/reject/reject .."},
    {"psd=n ends the walk", D("b.a.test", "p=quarantine; psd=n") D("a.test", "p=reject"),
     "x.b.a.test", "a.test", "", "fail b.a.test b.a.test p:quarantine/quarantine/quarantine .."},
    {"psd=n at the author", D("x.a.test", "p=quarantine; psd=n") D("a.test", "p=reject"),
     "x.a.test", "a.test", "", "fail x.a.test x.a.test p:quarantine/quarantine/quarantine .."},
    {"one label below psd=y", D("test", "p=reject; psd=y"), "x.a.test", "a.test", "",
     "pass test a.test p:reject/reject/none S."},
    {"the suffix's record gives way to that of the Organizational Domain [RFC 9989 s4.10.1]",
     D("test", "p=reject; psd=y; rua=mailto:r@test") D("a.test", "p=none"), "a.test", "", "",
     "fail a.test a.test p:none/none/none .."},
    {"it does so for names below, too",
     D("test", "p=reject; psd=y") D("a.test", "p=none; sp=quarantine"), "x.a.test", "", "",
     "fail a.test a.test sp:quarantine/quarantine/quarantine .."},
    {"a record below the Organizational Domain is not used for its neighbours",
     D("test", "p=reject; psd=y") D("b.a.test", "p=none"), "x.b.a.test", "", "",
     "fail test a.test p:reject/reject/reject .."},
    {"sp and np of the suffix", D("test", "p=none; np=reject; psd=y"), "a.test", "", "",
     "fail test a.test np:reject/reject/reject .."},
    {"psd=y at the author: it is its own",
     D("test", "psd=y; p=none") D("a.test", "p=reject; psd=y"), "a.test", "", "a.test",
     "pass a.test a.test p:reject/reject/none .D"},
    {"psd=y at the author, asked for from below", D("a.test", "p=reject; psd=y"), "a.test",
     "x.a.test", "", "fail a.test a.test p:reject/reject/reject .."},
    {"psd=u is no psd", D("test", "p=reject; psd=u"), "a.test", "b.test", "",
     "pass test test p:reject/reject/none S."},
    {"a top-level record that forgot psd=y is the Organizational Domain of all [RFC 9989 s11.8]",
     D("test", "p=reject"), "a.test", "b.test", "", "pass test test p:reject/reject/none S."},
    {"a record at the author and one above: aligned by the one above [RFC 9989 sB.4.1]",
     D("a.test", "p=reject") D("signing.a.test", "p=reject"), "a.test", "a.test", "signing.a.test",
     "pass a.test a.test p:reject/reject/none SD"},
    {"below a public suffix one neighbour is not the other [RFC 9989 sB.4.3]",
     D("bank.test", "p=reject; psd=y") D("giant.bank.test", "p=reject"), "giant.bank.test",
     "mail.giant.bank.test", "mail.mega.bank.test",
     "pass giant.bank.test giant.bank.test p:reject/reject/none S."},

    /* Long names. [RFC 9989 s4.10 step 4, s5.1.8] */
    {"13 labels [RFC 9989 sB.4.2]", D("a.test", "p=reject") D("signing.a.test", "p=reject"),
     "a.b.c.d.e.f.g.h.i.j.k.a.test", "a.test", "signing.a.test",
     "pass a.test a.test p:reject/reject/none SD"},
    {"8 labels: the tail of 7 is asked", D("3.4.5.6.7.a.test", "p=reject; psd=n"),
     "2.3.4.5.6.7.a.test", "", "",
     "fail 3.4.5.6.7.a.test 3.4.5.6.7.a.test p:reject/reject/reject .."},
    {"9 labels: the tail of 8 is not asked", D("2.3.4.5.6.7.a.test", "p=reject; psd=n"),
     "1.2.3.4.5.6.7.a.test", "", "", "none - 1.2.3.4.5.6.7.a.test"},
    {"9 labels with a record of their own", D("1.2.3.4.5.6.7.a.test", "p=reject"),
     "1.2.3.4.5.6.7.a.test", "", "",
     "fail 1.2.3.4.5.6.7.a.test 1.2.3.4.5.6.7.a.test p:reject/reject/reject .."},
    {"one below psd=y may be a name that was skipped", D("3.4.5.6.7.a.test", "p=reject; psd=y"),
     "0.1.2.3.4.5.6.7.a.test", "2.3.4.5.6.7.a.test", "",
     "pass 3.4.5.6.7.a.test 2.3.4.5.6.7.a.test p:reject/reject/none S."},
    {"one label", D("test", "p=reject"), "test", "test", "",
     "pass test test p:reject/reject/none S."},

    /* Alignment. [RFC 9989 s4.4, s4.10.2] */
    {"relaxed: the parent", D("a.test", "p=reject"), "x.a.test", "a.test", "",
     "pass a.test a.test p:reject/reject/none S."},
    {"relaxed: a neighbour", D("a.test", "p=reject"), "x.a.test", "", "y.a.test",
     "pass a.test a.test p:reject/reject/none .D"},
    {"strict SPF leaves DKIM relaxed", D("a.test", "p=reject; aspf=s"), "a.test", "x.a.test",
     "x.a.test", "pass a.test a.test p:reject/reject/none .D"},
    {"strict DKIM [RFC 9989 s4.4.1]", D("a.test", "p=reject; adkim=s"), "a.test", "", "x.a.test",
     "fail a.test a.test p:reject/reject/reject .."},
    {"strict and the same", D("a.test", "p=reject; adkim=s; aspf=s"), "a.test", "A.TEST", "a.test.",
     "pass a.test a.test p:reject/reject/none SD"},
    {"a record of its own does not part a name from its Organizational Domain",
     D("a.test", "p=reject") D("x.a.test", "p=none"), "a.test", "x.a.test", "",
     "pass a.test a.test p:reject/reject/none S."},
    {"psd=n does", D("a.test", "p=reject") D("x.a.test", "p=none; psd=n"), "a.test", "x.a.test",
     "y.x.a.test", "fail a.test a.test p:reject/reject/reject .."},
    {"nobody aligns by the end of a label", D("a.test", "p=reject"), "a.test", "evila.test", "",
     "fail a.test a.test p:reject/reject/reject .."},
    {"U-labels are compared as A-labels", D("xn--bcher-kva.test", "p=reject"), "xn--bcher-kva.test",
     "", "b\303\274cher.test",
     "pass xn--bcher-kva.test xn--bcher-kva.test p:reject/reject/none .D"},
    {"what is no name aligns with nothing", D("a.test", "p=reject"), "a.test", "a..test",
     "(a.test) [192.0.2.1] .", "fail a.test a.test p:reject/reject/reject .."},

    /* Failures. [RFC 9989 s5.3.6] */
    {"the author's lookup fails", "_dmarc.a.test SERVFAIL\n", "a.test", "a.test", "a.test",
     "temperror - -"},
    {"a timeout is one, too", "_dmarc.a.test TIMEOUT\n", "a.test", "", "", "temperror - -"},
    {"forged answers are no answers", "_dmarc.a.test BOGUS\n", "a.test", "", "", "temperror - -"},
    {"a lookup on the way fails", "_dmarc.a.test SERVFAIL\n" D("test", "p=reject"), "x.a.test", "",
     "", "temperror - -"},
    {"one behind the end of the walk does not matter",
     D("a.test", "p=reject; psd=n") "_dmarc.test SERVFAIL\n", "x.a.test", "", "",
     "fail a.test a.test p:reject/reject/reject .."},
    {"one above the author's record: what is the same passes",
     D("a.test", "p=reject") "_dmarc.test SERVFAIL\n", "a.test", "a.test", "",
     "pass a.test - p:reject/reject/none S."},
    {"one above the author's record: what is not the same is not known",
     D("a.test", "p=reject") "_dmarc.test SERVFAIL\n", "a.test", "x.a.test", "",
     "temperror a.test - p:reject/reject/none .."},
    {"with strict alignment it does not matter",
     D("a.test", "p=reject; aspf=s") "_dmarc.test SERVFAIL\n", "a.test", "x.a.test", "",
     "fail a.test - p:reject/reject/reject .."},
    {"under another top label nothing can align", D("a.test", "p=reject") "_dmarc.test SERVFAIL\n",
     "a.test", "a.example", "", "fail a.test - p:reject/reject/reject .."},
    {"the identifier's walk fails", D("a.test", "p=reject") "_dmarc.x.a.test SERVFAIL\n", "a.test",
     "x.a.test", "", "temperror a.test a.test p:reject/reject/none .."},
    {"another identifier still passes", D("a.test", "p=reject") "_dmarc.x.a.test SERVFAIL\n",
     "a.test", "x.a.test", "y.a.test", "pass a.test a.test p:reject/reject/none .D"},
    {"SPF ended in temperror", D("a.test", "p=reject"), "a.test", "?a.test", "",
     "temperror a.test a.test p:reject/reject/none .."},
    {"DKIM ended in temperror, SPF passed", D("a.test", "p=reject"), "a.test", "a.test", "?a.test",
     "pass a.test a.test p:reject/reject/none S."},
    {"a temperror that would not align does not matter", D("a.test", "p=reject"), "a.test",
     "?b.test", "?c.test", "fail a.test a.test p:reject/reject/reject .."},
};

#define IDS_MAX 40

static size_t identifiers(const char *text, struct sgl_dmarc_identifier *out)
{
    sgl_view rest = sgl_view_cstr(text);
    size_t n = 0;

    while (rest.len > 0) {
        sgl_view item = sgl_view_split(rest, ' ', &rest);
        enum sgl_dmarc_auth auth = item.ptr[0] == '?'   ? SGL_DMARC_AUTH_TEMPERROR
                                   : item.ptr[0] == '!' ? SGL_DMARC_AUTH_FAIL
                                                        : SGL_DMARC_AUTH_PASS;

        assert_true(n < IDS_MAX);
        out[n].auth = auth;
        out[n++].domain = auth == SGL_DMARC_AUTH_PASS ? item : sgl_view_from(item, 1);
    }
    return n;
}

static void put_name(struct sgl_buf *out, struct sgl_name name)
{
    sgl_buf_addf(out, " %.*s", name.text.len == 0 ? 1 : (int)name.text.len,
                 name.text.len == 0 ? "-" : (const char *)name.text.ptr);
}

static void describe(const struct sgl_dmarc *d, struct sgl_buf *out)
{
    sgl_buf_add_cstr(out, sgl_dmarc_result_name(d->result));
    put_name(out, d->policy_domain);
    put_name(out, d->org);
    if (d->has_policy)
        sgl_buf_addf(out, " %s:%s/%s/%s %c%c%s%s", d->tag, sgl_dmarc_policy_name(d->requested),
                     sgl_dmarc_policy_name(d->policy), sgl_dmarc_policy_name(d->disposition),
                     d->spf_aligned ? 'S' : '.', d->dkim_aligned ? 'D' : '.', d->tested ? "t" : "",
                     d->author_exists_unknown ? "e" : "");
}

static enum sgl_status drive(struct dns_fixture *fx, enum dns_driver driver,
                             const struct sgl_dmarc_request *request, struct sgl_arena *arena,
                             struct sgl_dmarc *out)
{
    size_t used = arena->used;
    enum sgl_status st;

    for (int passes = 0; (st = sgl_dmarc_check(request, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < (driver == DNS_ALL_AT_ONCE ? 4 : 100));
        CHECK_EQ("scratch memory goes back", arena->used, used);
        CHECK_EQ("nothing leaks out of a pending pass", out->result, 99);
        dns_fixture_step(fx, driver);
    }
    return st;
}

static void run_row(const struct row *row, const struct sgl_psl *psl, enum sgl_dmarc_rules rules,
                    unsigned sample)
{
    for (int driver = 0; driver < DNS_DRIVERS; driver++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init(row->author, row->zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        sgl_auto(sgl_buf) got = SGL_BUF_INIT(2000);
        struct sgl_dmarc_identifier spf[IDS_MAX], dkim[IDS_MAX];
        struct sgl_dmarc_request request = {.author = fx.name,
                                            .spf = identifiers(row->spf, spf) > 0 ? spf : NULL,
                                            .dkim = dkim,
                                            .dkims = identifiers(row->dkim, dkim),
                                            .rules = rules,
                                            .psl = psl,
                                            .sample = sample};
        struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

        CHECK_EQ(row->name, drive(&fx, (enum dns_driver)driver, &request, &arena, &d), SGL_OK);
        describe(&d, &got);
        CHECK_VIEW(row->name, sgl_buf_view(&got), sgl_view_cstr(row->want));
        CHECK_EQ(row->name, d.reason[0] == 0, d.result == SGL_DMARC_PASS);
        CHECK_TRUE(row->name, d.asked_count > 0 && sgl_name_eq(d.asked[0], d.author));
        CHECK_EQ(row->name, d.rules, rules);
    }
}

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        run_row(&rows[i], NULL, SGL_DMARC_RFC9989, 0);
}

/* A list beside the walk keeps a suffix without psd=y from becoming everybody's Organizational Domain. [RFC 9989 s11.8] */
static const struct row guarded[] = {
    {"a suffix without psd=y is a suffix", D("test", "p=reject"), "a.test", "b.test", "",
     "fail test a.test p:reject/reject/reject .."},
    {"a suffix that says psd=n is believed", D("test", "p=reject; psd=n"), "a.test", "b.test", "",
     "pass test test p:reject/reject/none S."},
    {"the walk's start is left alone", D("test", "p=reject"), "test", "test", "",
     "pass test test p:reject/reject/none S."},
    {"names that are no suffix are left alone", D("b.a.test", "p=none") D("a.test", "p=reject"),
     "x.b.a.test", "a.test", "", "pass a.test a.test p:reject/reject/none S."},
};

static void guarded_by_a_list(void **state)
{
    struct sgl_psl *psl = NULL;

    (void)state;
    CHECK_EQ("list", sgl_psl_new(SGL_LIT("test\nexample\n"), &psl), SGL_OK);
    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++)
        run_row(&guarded[i], psl, SGL_DMARC_RFC9989, 0);
    sgl_psl_free(psl);
}

/* [RFC 7489 s3.1, s3.2, s6.6.3] */
static const struct row by_list[] = {
    {"the record at the registrable domain", D("a.co.test", "p=reject; sp=quarantine"),
     "x.y.a.co.test", "", "", "fail a.co.test a.co.test sp:quarantine/quarantine/quarantine .."},
    {"names between are not asked", D("y.a.co.test", "p=reject"), "x.y.a.co.test", "", "",
     "none - a.co.test"},
    {"alignment goes by the list", D("x.a.co.test", "p=reject"), "x.a.co.test", "y.a.co.test", "",
     "pass x.a.co.test a.co.test p:reject/reject/none S."},
    {"neighbours under a suffix are strangers", D("a.co.test", "p=reject"), "a.co.test",
     "b.co.test", "", "fail a.co.test a.co.test p:reject/reject/reject .."},
    {"two records at the author end it",
     D("x.a.co.test", "p=none") D("x.a.co.test", "p=reject") D("a.co.test", "p=reject"),
     "x.a.co.test", "", "", "none - a.co.test"},
    {"psd, np and t are unknown tags", D("a.co.test", "p=reject; np=none; t=y; psd=y"),
     "x.a.co.test", "a.co.test", "", "pass a.co.test a.co.test p:reject/reject/none S."},
    {"a bad np is an unknown tag", D("a.co.test", "p=reject; np=x"), "a.co.test", "", "",
     "fail a.co.test a.co.test p:reject/reject/reject .."},
    {"no p and no address", D("a.co.test", ""), "a.co.test", "", "", "none a.co.test a.co.test"},
    {"a failure at the author", "_dmarc.x.a.co.test SERVFAIL\n" D("a.co.test", "p=reject"),
     "x.a.co.test", "", "", "temperror - a.co.test"},
    {"a suffix may have a record", D("co.test", "p=reject"), "co.test", "co.test", "",
     "pass co.test co.test p:reject/reject/none S."},
    {"a suffix's record is not looked for", D("co.test", "p=reject"), "a.co.test", "", "",
     "none - a.co.test"},
};

static const struct {
    struct row row;
    unsigned sample;
} sampled[] = {
    {{"below pct: the policy as it is", D("a.co.test", "p=reject; pct=30"), "a.co.test", "", "",
      "fail a.co.test a.co.test p:reject/reject/reject .."},
     29},
    {{"from pct on the next weaker one [RFC 7489 s6.6.4]", D("a.co.test", "p=reject; pct=30"),
      "a.co.test", "", "", "fail a.co.test a.co.test p:reject/quarantine/quarantine ..t"},
     30},
    {{"pct=0 spares all", D("a.co.test", "p=quarantine; pct=0"), "a.co.test", "", "",
      "fail a.co.test a.co.test p:quarantine/none/none ..t"},
     0},
    {{"without pct nobody is spared", D("a.co.test", "p=reject"), "a.co.test", "", "",
      "fail a.co.test a.co.test p:reject/reject/reject .."},
     99},
};

static void by_rfc7489(void **state)
{
    struct sgl_psl *psl = NULL;

    (void)state;
    CHECK_EQ("list", sgl_psl_new(SGL_LIT("test\nco.test\n"), &psl), SGL_OK);
    for (size_t i = 0; i < sizeof by_list / sizeof by_list[0]; i++)
        run_row(&by_list[i], psl, SGL_DMARC_RFC7489, 0);
    for (size_t i = 0; i < sizeof sampled / sizeof sampled[0]; i++)
        run_row(&sampled[i].row, psl, SGL_DMARC_RFC7489, sampled[i].sample);
    sgl_psl_free(psl);
}

/*
 * Records at {author, parent, organisation, top} x psd {absent, u, y, n} x {none, one, two}: the oracle goes over the list of what is published with
 * the words of section 4.10, in another order than the code does.
 */
enum { LEVELS = 4, KINDS = 6 };
static const char *const level_name[LEVELS] = {"x.b.a.test", "b.a.test", "a.test", "test"};
static const char *const kind_text[KINDS] = {
    "", "p=reject", "p=reject; psd=u", "p=reject; psd=y", "p=reject; psd=n", "two"};

static void put_zone(struct sgl_buf *zone, const int kind[LEVELS])
{
    for (int i = 0; i < LEVELS; i++) {
        if (kind[i] == 0)
            continue;
        sgl_buf_addf(zone, "_dmarc.%s TXT v=DMARC1; %s\n", level_name[i],
                     kind[i] == 5 ? "p=none" : kind_text[kind[i]]);
        if (kind[i] == 5)
            sgl_buf_addf(zone, "_dmarc.%s TXT v=DMARC1; p=reject\n", level_name[i]);
    }
}

/* *policy and *org are levels; policy -1: none. */
static void oracle(const int kind[LEVELS], int *policy, int *org)
{
    int stop = LEVELS, last = -1, suffix = -1;

    for (int i = LEVELS - 1; i >= 0; i--) {
        if (kind[i] == 3 || kind[i] == 4)
            stop = i; /* the lowest one is where a walk from below ends */
    }
    for (int i = 0; i < LEVELS && i <= stop; i++)
        last = kind[i] >= 1 && kind[i] <= 4 ? i : last;
    *org = last < 0 ? 0 : last;
    if (stop < LEVELS && kind[stop] == 3 && stop > 0) {
        suffix = stop;
        *org = stop - 1;
    }
    if (kind[0] >= 1 && kind[0] <= 4)
        *policy = 0;
    else if (kind[*org] >= 1 && kind[*org] <= 4)
        *policy = *org;
    else
        *policy = suffix;
}

static void matrix(void **state)
{
    (void)state;
    for (int code = 0; code < KINDS * KINDS * KINDS * KINDS; code++) {
        int kind[LEVELS] = {code % KINDS, code / KINDS % KINDS, code / KINDS / KINDS % KINDS,
                            code / KINDS / KINDS / KINDS};
        sgl_auto(sgl_buf) zone = SGL_BUF_INIT(2000);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        int policy, org;

        put_zone(&zone, kind);
        oracle(kind, &policy, &org);
        {
            const char *text = sgl_cstr(&zone);
            sgl_auto(dns_fixture) fx = dns_fixture_init(level_name[0], text);
            struct sgl_dmarc_request request = {.author = fx.name};
            struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

            CHECK_EQ(text, drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
            CHECK_VIEW(text, d.policy_domain.text,
                       policy < 0 ? SGL_LIT("") : sgl_view_cstr(level_name[policy]));
            CHECK_VIEW(text, d.org.text, sgl_view_cstr(level_name[org]));
            CHECK_EQ(text, d.result, policy < 0 ? SGL_DMARC_NONE : SGL_DMARC_FAIL);
        }
    }
}

/* [RFC 9989 s4.10]: 8 questions a walk, whatever the name; asked: what the walk itself looked at. */
static void questions_are_counted(void **state)
{
    static const struct {
        const char *name;
        int labels;
        size_t want;
    } counts[] = {{"2 labels", 2, 2},
                  {"7 labels", 7, 7},
                  {"8 labels", 8, 8},
                  {"9 labels", 9, 8},
                  {"13 labels", 13, 8},
                  {"120 labels", 120, 8},
                  {"a name that is too long for _dmarc in front", 126, 7}};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        sgl_auto(sgl_buf) author = SGL_BUF_INIT(300);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);

        for (int n = 1; n < counts[i].labels; n++)
            sgl_buf_add(&author, SGL_LIT("a."));
        sgl_buf_add(&author, SGL_LIT("a"));
        {
            sgl_auto(dns_fixture) fx = dns_fixture_init(sgl_cstr(&author), "");
            struct sgl_dmarc_request request = {.author = fx.name};
            struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

            CHECK_EQ(counts[i].name, drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
            CHECK_EQ(counts[i].name, fx.asked, counts[i].want);
            CHECK_TRUE(counts[i].name, d.asked_count <= 8);
        }
    }
}

static size_t asked_by(const char *zone, const char *author, const char *dkim, int *rounds)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init(author, zone);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dmarc_identifier ids[IDS_MAX];
    struct sgl_dmarc_request request = {
        .author = fx.name, .dkim = ids, .dkims = identifiers(dkim, ids)};
    struct sgl_dmarc d;

    for (*rounds = 0; sgl_dmarc_check(&request, &fx.dns, &arena, &d) == SGL_NEED_DNS; ++*rounds)
        dns_fixture_answer(&fx);
    return fx.asked;
}

static void questions_travel_together(void **state)
{
    int rounds;

    (void)state;
    CHECK_EQ("author and neighbour: 2 and 1 more",
             asked_by(D("a.test", "p=reject"), "a.test", "x.a.test", &rounds), 3);
    CHECK_EQ("in one round", rounds, 1);
    CHECK_EQ("strangers cost nothing",
             asked_by(D("a.test", "p=reject"), "a.test", "b.test c.test d.example", &rounds), 2);
    CHECK_EQ("existence travels with the rest of the walks",
             (asked_by(D("a.test", "p=none; np=reject"), "x.a.test", "y.a.test", &rounds), rounds),
             2);
}

/* Signatures by the dozen: so many walks and no more, but what is the same as the author always counts. [RFC 9989 s11.5] */
static void walks_are_capped(void **state)
{
    sgl_auto(sgl_buf) ids = SGL_BUF_INIT(1000);
    int rounds;

    (void)state;
    for (int i = 0; i < 20; i++)
        sgl_buf_addf(&ids, "x%d.a.test ", i);
    sgl_buf_add(&ids, SGL_LIT("a.test"));
    CHECK_EQ("two for the author and one a walk",
             asked_by(D("a.test", "p=reject"), "a.test", sgl_cstr(&ids), &rounds),
             2 + SGL_LIMIT_DMARC_WALKS);
    {
        struct row row = {"the last one is the same as the author",
                          D("a.test", "p=reject"),
                          "a.test",
                          "",
                          sgl_cstr(&ids),
                          "pass a.test a.test p:reject/reject/none .D"};

        run_row(&row, NULL, SGL_DMARC_RFC9989, 0);
    }
}

static void full_snapshot(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("x.a.test", D("a.test", "p=reject"));
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dmarc_request request = {.author = fx.name};
    struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

    (void)state;
    sgl_dns_init(&fx.dns, 1);
    CHECK_EQ("it ends", drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
    CHECK_EQ("no room for a question is a failed lookup", d.result, SGL_DMARC_TEMPERROR);
}

static void misuse(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", "");
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000), tiny = SGL_ARENA_INIT(16);
    struct sgl_dmarc_request request = {.author = {SGL_LIT("")}};
    struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

    (void)state;
    CHECK_EQ("no author", sgl_dmarc_check(&request, &fx.dns, &arena, &d), SGL_E_MISUSE);
    request.author = fx.name;
    request.rules = SGL_DMARC_RFC7489;
    CHECK_EQ("RFC 7489 without a list", sgl_dmarc_check(&request, &fx.dns, &arena, &d),
             SGL_E_MISUSE);
    request.rules = SGL_DMARC_RFC9989;
    CHECK_EQ("a full arena", sgl_dmarc_check(&request, &fx.dns, &tiny, &d), SGL_E_LIMIT);
    CHECK_EQ("out is untouched", d.result, 99);
}

static void which_signature(void **state)
{
    sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", D("a.test", "p=reject"));
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
    struct sgl_dmarc_identifier ids[IDS_MAX];
    struct sgl_dmarc_request request = {.author = fx.name,
                                        .dkim = ids,
                                        .dkims =
                                            identifiers("b.test !a.test x.a.test a.test", ids)};
    struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};

    (void)state;
    CHECK_EQ("check", drive(&fx, DNS_ALL_AT_ONCE, &request, &arena, &d), SGL_OK);
    CHECK_EQ("the first that passed and aligns", d.dkim_index, 2);
    CHECK_VIEW("the record is given", d.record, SGL_LIT("v=DMARC1; p=reject"));
    CHECK_TRUE("and parsed", d.parsed.has_p && d.parsed.p == SGL_DMARC_REJECT);
}

static const struct {
    const char *name, *zone, *start, *org;
} orgs[] = {
    {"no record: the name itself", "", "x.a.test", "x.a.test"},
    {"a record above", D("a.test", "p=none"), "x.a.test", "a.test"},
    {"psd=n", D("b.a.test", "psd=n") D("a.test", "p=none"), "x.b.a.test", "b.a.test"},
    {"psd=y", D("test", "psd=y"), "x.a.test", "a.test"},
    {"a failure: not known", "_dmarc.a.test TIMEOUT\n", "x.a.test", ""},
};

static void organizational_domain(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orgs / sizeof orgs[0]; i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init(orgs[i].start, orgs[i].zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
            struct sgl_name org = {{NULL, 0}};
            enum sgl_status st;

            while ((st = sgl_dmarc_org(fx.name, &fx.dns, &arena, &org)) == SGL_NEED_DNS)
                dns_fixture_step(&fx, (enum dns_driver)driver);
            CHECK_EQ(orgs[i].name, st, SGL_OK);
            CHECK_VIEW(orgs[i].name, org.text, sgl_view_cstr(orgs[i].org));
            CHECK_EQ("scratch memory goes back", arena.used, 0);
        }
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct dns_fixture fx;
        struct sgl_arena arena = SGL_ARENA_INIT(100000);
        struct sgl_dmarc_identifier ids[IDS_MAX];
        struct sgl_dmarc d = {.result = (enum sgl_dmarc_result)99};
        enum sgl_status st;

        fail_alloc_off();
        fx = dns_fixture_init("x.a.test", D("a.test", "p=none; np=reject; rua=mailto:r@a.test"));
        fail_alloc_on();
        {
            struct sgl_dmarc_request request = {
                .author = fx.name,
                .dkim = ids,
                .dkims = identifiers("y.b\303\274cher.test b.test", ids)};

            while ((st = sgl_dmarc_check(&request, &fx.dns, &arena, &d)) == SGL_NEED_DNS)
                dns_fixture_answer(&fx);
        }
        /* A snapshot without memory makes lookups fail; nothing makes a policy weaker. */
        CHECK_TRUE("no memory is never a pass or none",
                   st == SGL_E_NOMEM || d.result == SGL_DMARC_TEMPERROR ||
                       (d.result == SGL_DMARC_FAIL && d.disposition == SGL_DMARC_REJECT));
        CHECK_TRUE("no memory is a status", st == SGL_OK || fail_alloc_hit());
        sgl_arena_done(&arena);
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(guarded_by_a_list),
        cmocka_unit_test(by_rfc7489),
        cmocka_unit_test(matrix),
        cmocka_unit_test(questions_are_counted),
        cmocka_unit_test(questions_travel_together),
        cmocka_unit_test(walks_are_capped),
        cmocka_unit_test(full_snapshot),
        cmocka_unit_test(misuse),
        cmocka_unit_test(which_signature),
        cmocka_unit_test(organizational_domain),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
