/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be asked; and what is our own fault is never taken for theirs. */
#include <sys/resource.h>
#include <unistd.h>

#include "../../server/https/https.h"
#include "../../server/loop/loop.h"
#include "check.h"
#include "fail_alloc.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *address;
        bool public, private, loopback;
    } cases[] = {
        {"1.1.1.1", true, true, true},
        {"2606:4700::1111", true, true, true},
        {"192.0.2.1", false, true, true},
        {"10.0.0.1", false, true, true},
        {"172.16.0.1", false, true, true},
        {"192.168.1.1", false, true, true},
        {"100.64.0.1", false, true, true},
        {"::ffff:10.0.0.1", false, true, true},
        {"169.253.255.255", true, true, true},
        {"2001:db8::1", false, true, true},
        {"fd00::1", false, true, true},
        {"224.0.0.1", false, true, true},
        {"::ffff:192.0.2.1", false, true, true},
        {"127.0.0.1", false, false, true},
        {"::1", false, false, true},
        {"::ffff:127.0.0.1", false, false, true},
        {"0.0.0.0", false, false, false},
        {"0.1.2.3", false, false, false},
        {"::", false, false, false},
        {"169.254.169.254", false, false, false},
        {"::ffff:169.254.169.254", false, false, false},
        {"fe80::1", false, false, false},
        {"febf::1", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sgl_ip ip;

        assert_int_equal(sgl_ip_parse(sgl_view_cstr(cases[i].address), &ip), SGL_OK);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, HTTPS_PUBLIC), cases[i].public);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, HTTPS_PRIVATE), cases[i].private);
        CHECK_EQ(cases[i].address, https_may_ask(&ip, HTTPS_LOOPBACK), cases[i].loopback);
    }
}

/* ---- our own fault ---- */

static struct loop *loop;
static bool over, looked_up;

void resolver_fill(struct resolver *r, struct resolver_fill *fill)
{
    (void)r;
    (void)fill;
    looked_up = true;
    loop_stop(loop);
}

void resolver_cancel(struct resolver_fill *fill)
{
    (void)fill;
}

static void done(struct https_get *g)
{
    (void)g;
    over = true;
    loop_stop(loop);
}

static void ask(struct https *h, struct https_get *g, const char *url)
{
    *g = (struct https_get){.url = url, .size_max = 1000, .timeout_ms = 2000, .done = done};
    over = looked_up = false;
    https_get(h, g);
    loop_run(loop);
}

static void test_no_descriptor(void **state)
{
    struct https_config config = {.ca_file = "/dev/null", .reach = HTTPS_LOOPBACK};
    struct https *h;
    struct https_get g;
    struct rlimit was, none;
    int next;

    (void)state;
    loop = loop_new("test");
    h = https_new(loop, NULL, &config);
    assert_non_null(h);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    ask(h, &g, "https://127.0.0.1:1/");
    CHECK_EQ("nobody is there", g.end, HTTPS_CONNECTION);
    next = dup(0);
    close(next);
    none = (struct rlimit){(rlim_t)next, was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ask(h, &g, "https://127.0.0.1:1/");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    CHECK_EQ("nobody was asked", g.end, HTTPS_LOCAL);
    CHECK_STR("why", g.why, "no file descriptor or no memory for a connection");
    https_free(h);
    loop_free(loop);
}

static void test_no_memory(void **state)
{
    struct https_config config = {.ca_file = "/dev/null", .reach = HTTPS_PUBLIC};
    unsigned failed = 0;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct https *h;
        struct https_get g;

        fail_alloc_off();
        loop = loop_new("test");
        h = https_new(loop, NULL, &config);
        fail_alloc_on();
        ask(h, &g, "https://mta-sts.a.test/");
        fail_alloc_off();
        CHECK_TRUE("an answer, or a lookup", over != looked_up);
        if (over)
            CHECK_EQ("not theirs", g.end, HTTPS_LOCAL);
        failed += over;
        https_free(h);
        loop_free(loop);
    }
    CHECK_TRUE("some failed", failed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses),
                                       cmocka_unit_test(test_no_descriptor),
                                       cmocka_unit_test(test_no_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
