/* SPDX-License-Identifier: Apache-2.0 */
/* What an evaluation says beside its result: explanation, identity, trace, problem. */
#include "sigillo/spf.h"

#include "check.h"
#include "dns_fixture.h"
#include "spf_fixture.h"

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
        {"TXT v=spf1 a:x1.a.test a:x2.a.test a:x3.a.test", "more than 2 lookups that found nothing",
         "x3.a.test"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains),
        cmocka_unit_test(names_the_identity),
        cmocka_unit_test(traces),
        cmocka_unit_test(tells_the_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
