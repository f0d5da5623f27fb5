/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes a domain's mail, and which of these hosts have TLSA records. */
#include "../../server/setup/hosts.h"
#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"

#define H256   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MEMORY (1u << 20)
#define A_MX   "example.org MX 10 a.test\na.test A 192.0.2.1\n"
#define TWO                                                                                        \
    "example.org MX 10 b.test\nexample.org MX 10 a.test\na.test A 192.0.2.1\nb.test A 192.0.2.2\n"

struct row {
    const char *rule, *zone, *was, *want; /* want NULL: it stays as it was */
    enum domain_kind kind;
};

static const struct row rows[] = {
    {"records are there [RFC 7672 s2.2]", "$SECURE\n" A_MX "_25._tcp.a.test TLSA 3 1 1 " H256, "",
     "a.test published", DOMAIN_CUSTOM},
    {"none are, and the zone is signed", "$SECURE\n" A_MX, "", "a.test missing", DOMAIN_CUSTOM},
    {"those that are there are of no kind for mail [RFC 7672 s3.1.3]",
     "$SECURE\n" A_MX "_25._tcp.a.test TLSA 1 1 1 " H256, "", "a.test unusable", DOMAIN_CUSTOM},
    {"MX records without a signature could name anybody [RFC 7672 s2.2.1]",
     "$INSECURE\nexample.org MX 10 a.test\n$SECURE\na.test A 192.0.2.1\n_25._tcp.a.test TLSA 3 1 "
     "1 " H256,
     "", "a.test unsigned", DOMAIN_CUSTOM},
    {"so can an address [RFC 7672 s2.2.2]",
     "$SECURE\nexample.org MX 10 a.test\n$INSECURE\na.test A 192.0.2.1\n_25._tcp.a.test TLSA 3 1 "
     "1 " H256,
     "", "a.test unsigned", DOMAIN_CUSTOM},
    {"all hosts, by name", "$SECURE\n" TWO "_25._tcp.b.test TLSA 3 1 1 " H256, "",
     "a.test missing,b.test published", DOMAIN_CUSTOM},
    {"no answer is not none", "$SECURE\n" A_MX "_25._tcp.a.test SERVFAIL", "", "a.test unknown",
     DOMAIN_CUSTOM},
    {"what was known of a host stays then", "$SECURE\n" A_MX "_25._tcp.a.test SERVFAIL",
     "b.test missing,a.test published", "a.test published", DOMAIN_CUSTOM},
    {"nor is a forged one", "$SECURE\n" A_MX "_25._tcp.a.test BOGUS", "a.test published",
     "a.test published", DOMAIN_CUSTOM},
    {"a host without an address is not judged", "$SECURE\nexample.org MX 10 a.test\n", "",
     "a.test unknown", DOMAIN_CUSTOM},
    {"without an answer for MX all stays as it was", "example.org SERVFAIL", "a.test missing", NULL,
     DOMAIN_CUSTOM},
    {"with a forged one, too", "example.org BOGUS", "a.test missing", NULL, DOMAIN_CUSTOM},
    {"who takes no mail has no hosts [RFC 7505 s3]", "$SECURE\nexample.org MX 0 .",
     "a.test missing", "", DOMAIN_CUSTOM},
    {"no such domain has none", "$SECURE\nexample.org NXDOMAIN", "a.test missing", "",
     DOMAIN_CUSTOM},
    {"without MX records the domain takes it [RFC 5321 s5.1]", "$SECURE\nexample.org A 192.0.2.1\n",
     "", "example.org missing", DOMAIN_CUSTOM},
    {"in an unsigned zone, too", "$INSECURE\nexample.org A 192.0.2.1\n", "", "example.org unsigned",
     DOMAIN_CUSTOM},
    {"but not without an address", "$INSECURE\nexample.org TXT x\n", "a.test missing", "",
     DOMAIN_CUSTOM},
    {"only domains of somebody's own are looked at", "$SECURE\n" A_MX, "", "", DOMAIN_MANAGED},
};

static struct domain domain_of(const struct row *r)
{
    return (struct domain){.name = (char *)(uintptr_t) "example.org",
                           .kind = r->kind,
                           .hosts = (char *)(uintptr_t)r->was};
}

static enum sgl_status see(const struct row *r, struct dns_fixture *fx, enum dns_driver driver,
                           struct sgl_arena *arena, sgl_view *out)
{
    struct domain d = domain_of(r);
    enum sgl_status status;

    for (int passes = 0; (status = hosts_see(&d, &fx->dns, arena, out)) == SGL_NEED_DNS; passes++) {
        CHECK_TRUE("passes are bounded", passes < 30);
        CHECK_EQ("scratch memory goes back", arena->used, 0);
        fail_alloc.paused = true;
        dns_fixture_step(fx, driver);
        fail_alloc.paused = false;
    }
    return status;
}

static void test_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * DNS_DRIVERS; i++) {
        const struct row *r = &rows[i / DNS_DRIVERS];
        struct dns_fixture fx = dns_fixture_init("example.org", r->zone);
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(MEMORY);
        sgl_view got = SGL_LIT("not set");

        CHECK_EQ(r->rule, see(r, &fx, (enum dns_driver)(i % DNS_DRIVERS), &arena, &got), SGL_OK);
        CHECK_TRUE(r->rule, (got.ptr == NULL) == (r->want == NULL));
        CHECK_VIEW(r->rule, got, sgl_view_cstr(r->want == NULL ? "" : r->want));
        CHECK_TRUE("no more questions than there is room for", fx.asked <= HOSTS_QUESTIONS);
        dns_fixture_done(&fx);
    }
}

static void test_memory_ends(void **state)
{
    const struct row *r = &rows[5];

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_arena arena = SGL_ARENA_INIT(MEMORY);
        sgl_view got = SGL_LIT("not set");
        struct dns_fixture fx;
        enum sgl_status status;

        fail_alloc.paused = true;
        fx = dns_fixture_init("example.org", r->zone);
        fail_alloc.paused = false;
        status = see(r, &fx, DNS_ALL_AT_ONCE, &arena, &got);

        if (status == SGL_OK)
            CHECK_VIEW("whole", got, sgl_view_cstr(r->want));
        else {
            CHECK_EQ("or not at all", status, SGL_E_NOMEM);
            CHECK_VIEW("untouched", got, SGL_LIT("not set"));
            CHECK_EQ("and the arena is where it was", arena.used, 0);
        }
        sgl_arena_done(&arena);
        dns_fixture_done(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rules),
        cmocka_unit_test(test_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
