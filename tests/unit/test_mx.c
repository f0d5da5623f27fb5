/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/mx.h"

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/buf.h"
#include "sigillo/limits.h"

static enum sgl_status check_mx(struct dns_fixture *fx, enum dns_driver driver,
                                const struct sgl_mx_request *request, struct sgl_arena *arena,
                                struct sgl_mx *out)
{
    enum sgl_status st;

    for (int passes = 0; (st = sgl_mx_check(request, &fx->dns, arena, out)) == SGL_NEED_DNS;
         passes++) {
        CHECK_TRUE("passes are bounded", passes < 3);
        dns_fixture_step(fx, driver);
    }
    return st;
}

static void put_hosts(const struct sgl_mx *mx, struct sgl_buf *out)
{
    for (size_t i = 0; i < mx->hosts; i++)
        sgl_buf_addf(out, "%s%.*s", i == 0 ? "" : " ", SGL_FMT(mx->host[i].name.text));
}

static const struct {
    const char *name, *zone, *self;
    enum sgl_mx_state want;
    const char *hosts;
    bool implicit;
    enum sgl_dns_security security;
} state_cases[] = {
    {"hosts by preference", "$SECURE\nMX 20 b.test\nMX 10 c.test\nMX 300 d.test", NULL,
     SGL_MX_HOSTS, "c.test b.test d.test", false, SGL_DNS_SECURE},
    {"without MX the domain is its own host", "A 192.0.2.1", NULL, SGL_MX_HOSTS, "a.test", true,
     SGL_DNS_INSECURE},
    {"the denial of MX is signed", "$SECURE\nA 192.0.2.1", NULL, SGL_MX_HOSTS, "a.test", true,
     SGL_DNS_SECURE},
    {"a null MX", "MX 0 .", NULL, SGL_MX_NULL, "", false, SGL_DNS_INSECURE},
    {"a root beside others says nothing", "MX 0 .\nMX 10 b.test", NULL, SGL_MX_HOSTS, "b.test",
     false, SGL_DNS_INSECURE},
    {"a root with another preference is no host", "MX 5 .", NULL, SGL_MX_UNUSABLE, "", false,
     SGL_DNS_INSECURE},
    {"what no host is called is no host", "MX 5 b:c.test\nMX 10 d.test", NULL, SGL_MX_HOSTS,
     "d.test", false, SGL_DNS_INSECURE},
    {"malformed MX do not fall back to the address", "RAW MX 00\nA 192.0.2.1", NULL,
     SGL_MX_UNUSABLE, "", false, SGL_DNS_INSECURE},
    {"no such domain", "NXDOMAIN", NULL, SGL_MX_NO_DOMAIN, "", false, SGL_DNS_INSECURE},
    {"a failed lookup is temporary", "SERVFAIL MX\nA 192.0.2.1", NULL, SGL_MX_FAILED, "", false,
     SGL_DNS_INSECURE},
    {"a forged answer is temporary", "BOGUS MX", NULL, SGL_MX_FAILED, "", false, SGL_DNS_INSECURE},
    {"an alias is followed", "CNAME b.test\nb.test MX 10 c.test", NULL, SGL_MX_HOSTS, "c.test",
     false, SGL_DNS_INSECURE},
    {"hosts not better than us are left out",
     "MX 10 b.test\nMX 20 us.test\nMX 20 c.test\nMX 30 d.test", "us.test", SGL_MX_HOSTS, "b.test",
     false, SGL_DNS_INSECURE},
    {"an equal before us is left out, too", "MX 10 b.test\nMX 20 a1.test\nMX 20 us.test", "us.test",
     SGL_MX_HOSTS, "b.test", false, SGL_DNS_INSECURE},
    {"if we are the best, mail would go in circles", "MX 10 us.test\nMX 20 c.test", "us.test",
     SGL_MX_LOOP, "", false, SGL_DNS_INSECURE},
    {"our own name without MX", "A 192.0.2.1", "a.test", SGL_MX_LOOP, "", true, SGL_DNS_INSECURE},
};

/* [RFC 5321 s5.1, RFC 7505] */
static void states(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof state_cases / sizeof state_cases[0]; i++) {
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", state_cases[i].zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
            sgl_auto(sgl_buf) hosts = SGL_BUF_INIT(1000);
            struct sgl_name self = {{NULL, 0}};
            struct sgl_mx_request request = {.domain = fx.name, .self = &self, .seed = 1};
            struct sgl_mx mx = {.state = (enum sgl_mx_state)99};

            if (state_cases[i].self != NULL) {
                self = dns_fixture_name(&fx, state_cases[i].self);
                request.selves = 1;
            }
            CHECK_EQ(state_cases[i].name,
                     check_mx(&fx, (enum dns_driver)driver, &request, &arena, &mx), SGL_OK);
            CHECK_EQ(state_cases[i].name, mx.state, state_cases[i].want);
            put_hosts(&mx, &hosts);
            CHECK_VIEW(state_cases[i].name, sgl_buf_view(&hosts),
                       sgl_view_cstr(state_cases[i].hosts));
            CHECK_EQ(state_cases[i].name, mx.implicit, state_cases[i].implicit);
            CHECK_EQ(state_cases[i].name, mx.security, state_cases[i].security);
            CHECK_EQ(state_cases[i].name, mx.why[0] != 0, mx.state == SGL_MX_FAILED);
        }
    }
}

static void equals_are_mixed(void **state)
{
    unsigned first[3] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        sgl_auto(dns_fixture) fx = dns_fixture_init(
            "a.test",
            "MX 10 m0.test\nMX 10 m1.test\nMX 10 m2.test\nMX 5 best.test\nMX 20 last.test");
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        struct sgl_mx_request request = {.domain = fx.name, .seed = seed};
        struct sgl_mx mx, again;

        CHECK_EQ("check", check_mx(&fx, DNS_ALL_AT_ONCE, &request, &arena, &mx), SGL_OK);
        CHECK_EQ("check", check_mx(&fx, DNS_ALL_AT_ONCE, &request, &arena, &again), SGL_OK);
        CHECK_VIEW("the best stays first", mx.host[0].name.text, sgl_view_cstr("best.test"));
        CHECK_VIEW("the worst stays last", mx.host[4].name.text, sgl_view_cstr("last.test"));
        for (size_t i = 0; i < 5; i++)
            CHECK_TRUE("the same seed gives the same order",
                       sgl_name_eq(mx.host[i].name, again.host[i].name));
        first[mx.host[1].name.text.ptr[1] - '0']++;
    }
    for (size_t i = 0; i < 3; i++)
        CHECK_TRUE("each of the equals comes first at times", first[i] > 60);
}

static void a_flood_is_cut(void **state)
{
    sgl_auto(sgl_buf) zone = SGL_BUF_INIT(100000);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);

    (void)state;
    for (int i = 0; i < 100; i++)
        sgl_buf_addf(&zone, "MX %d m%d.test\n", i, i);
    {
        sgl_auto(dns_fixture) fx = dns_fixture_init("a.test", sgl_cstr(&zone));
        struct sgl_mx_request request = {.domain = fx.name};
        struct sgl_mx mx;

        CHECK_EQ("check", check_mx(&fx, DNS_ALL_AT_ONCE, &request, &arena, &mx), SGL_OK);
        CHECK_EQ("hosts", mx.hosts, SGL_LIMIT_MX_HOSTS);
        CHECK_EQ("left out", mx.left_out, 100 - SGL_LIMIT_MX_HOSTS);
        CHECK_VIEW("the best ones stay", mx.host[15].name.text, sgl_view_cstr("m15.test"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(states), cmocka_unit_test(equals_are_mixed),
                                       cmocka_unit_test(a_flood_is_cut)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
