/* SPDX-License-Identifier: Apache-2.0 */
/* Who is known by what; what a door hears; what is there after a restart; what an operator sees and forgets. */
#include "store_fixture.h"

#include "../../server/reputation/reputation.h"
#include "fail_alloc.h"

#define V(s) sgl_view_cstr(s)
#define DAY  INT64_C(86400)
#define NOW  INT64_C(1790000000)

static struct store_fixture fx;
static struct reputation *r;
static struct config config;
static struct config_network exempt = {.family = AF_INET, .bytes = {198, 51, 100, 0}, .prefix = 24};

static void start(int64_t now)
{
    const struct reputation_parts parts = {.loop = fx.loop, .store = fx.store};

    r = reputation_new(&parts, &config);
    assert_non_null(r);
    assert_true(reputation_start(r, now));
}

static int setup(void **state)
{
    (void)state;
    store_fixture_init(&fx);
    config = (struct config){.reputation = {.half_life_s = 3 * DAY,
                                            .defer_below = 25,
                                            .refuse_below = 10,
                                            .exempt = &exempt,
                                            .exempts = 1}};
    start(NOW);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reputation_free(r);
    store_fixture_done(&fx);
    return 0;
}

static void restart(int64_t now)
{
    reputation_end(r);
    store_fixture_close(&fx); /* finishes what was submitted */
    reputation_free(r);
    store_fixture_open(&fx);
    start(now);
}

static struct sgl_ip ip_of(const char *text)
{
    struct sgl_ip ip;

    assert_int_equal(sgl_ip_parse(V(text), &ip), SGL_OK);
    return ip;
}

static void note(const char *ip, const char *domain, enum reputation_event event, int times)
{
    struct sgl_ip from = ip_of(ip);

    for (int i = 0; i < times; i++)
        reputation_note(r, &from, V(domain), event, NOW);
}

static const char *advice(const char *ip, int64_t now)
{
    struct sgl_ip from = ip_of(ip);

    return reputation_advice_name(reputation_of(r, &from, now).advice);
}

static void a_dictionary_of_addresses(void **state)
{
    (void)state;
    CHECK_STR("at first", advice("192.0.2.1", NOW), "normal");
    note("192.0.2.1", "", REPUTATION_UNKNOWN_RCPT, 300);
    CHECK_STR("a few hundred", advice("192.0.2.1", NOW), "refuse");
    CHECK_STR("written another way", advice("::ffff:192.0.2.1", NOW), "refuse");
    CHECK_STR("the neighbour", advice("192.0.2.2", NOW), "normal");
    CHECK_STR("in time", advice("192.0.2.1", NOW + 12 * 3600), "refuse");
}

static void time_heals(void **state)
{
    (void)state;
    note("192.0.2.1", "", REPUTATION_UNKNOWN_RCPT, 300);
    for (int64_t h = 1; h <= 18 * 24; h++) {
        if (h == 9 * 24)
            CHECK_STR("three half-lives", advice("192.0.2.1", NOW + h * 3600), "defer");
        (void)advice("192.0.2.9", NOW + h * 3600);
    }
    CHECK_STR("six", advice("192.0.2.1", NOW + 18 * DAY), "normal");
}

static void one_customer_of_ipv6_is_a_64(void **state)
{
    (void)state;
    note("2001:db8:1:2::1", "", REPUTATION_UNKNOWN_RCPT, 100);
    note("2001:db8:1:2:ffff::1", "", REPUTATION_UNKNOWN_RCPT, 100);
    CHECK_STR("another address of it", advice("2001:db8:1:2:3::", NOW), "refuse");
    CHECK_STR("another customer", advice("2001:db8:1:3::1", NOW), "normal");
    for (int i = 0; i < 25; i++) {
        char ip[64];

        snprintf(ip, sizeof(ip), "2001:db8:1:%x::1", 0x100 + i);
        note(ip, "", REPUTATION_UNKNOWN_RCPT, 100);
    }
    CHECK_STR("of a network of such", advice("2001:db8:1:3::1", NOW), "defer");
    CHECK_STR("of another network", advice("2001:db8:2:3::1", NOW), "normal");
}

static void who_is_exempt(void **state)
{
    struct config none = config;

    (void)state;
    note("198.51.100.7", "", REPUTATION_TRAP, 100);
    CHECK_STR("is never refused", advice("198.51.100.7", NOW), "normal");
    none.reputation.exempts = 0;
    assert_true(reputation_configure(r, &none));
    CHECK_STR("and nothing was counted", advice("198.51.100.7", NOW), "normal");
    note("198.51.100.7", "", REPUTATION_TRAP, 100);
    CHECK_STR("is refused when he is not exempt any more", advice("198.51.100.7", NOW), "refuse");
    assert_true(reputation_configure(r, &config));
    CHECK_STR("and not when he is again", advice("198.51.100.7", NOW), "normal");
}

static void domains(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        reputation_note(r, NULL, V("Spam.Test."), REPUTATION_COMPLAINT, NOW);
    CHECK_EQ("a bad domain waits", reputation_of_domain(r, V("spam.test"), NOW).advice,
             REPUTATION_DEFER);
    CHECK_EQ("another", reputation_of_domain(r, V("ham.test"), NOW).score, 50);
    CHECK_EQ("no domain", reputation_of_domain(r, V(""), NOW).advice, REPUTATION_NORMAL);
}

static void after_a_restart(void **state)
{
    (void)state;
    note("192.0.2.1", "a.test", REPUTATION_UNKNOWN_RCPT, 300);
    note("203.0.113.5", "", REPUTATION_GOOD, 100);
    restart(NOW + 60);
    CHECK_STR("the bad", advice("192.0.2.1", NOW + 60), "refuse");
    CHECK_STR("the good", advice("203.0.113.5", NOW + 60), "welcome");
    restart(NOW + 18 * DAY);
    CHECK_STR("long after", advice("192.0.2.1", NOW + 18 * DAY), "normal");
    CHECK_STR("long after", advice("203.0.113.5", NOW + 18 * DAY), "normal");
}

/* A machine whose clock was wrong, then or now, neither forgets nor keeps for ever. */
static void clocks(void **state)
{
    (void)state;
    note("192.0.2.1", "", REPUTATION_UNKNOWN_RCPT, 300);
    CHECK_STR("ten years later", advice("192.0.2.1", NOW + 3650 * DAY), "refuse");
    CHECK_STR("and back", advice("192.0.2.1", NOW), "refuse");
    restart(1000000); /* 1970 */
    CHECK_STR("in 1970", advice("192.0.2.1", 1000000), "refuse");
    for (int64_t h = 1; h <= 18 * 24; h++)
        (void)advice("192.0.2.9", 1000000 + h * 3600);
    CHECK_STR("and time goes on", advice("192.0.2.1", 1000000 + 18 * DAY), "normal");
}

static size_t top(enum reputation_kind kind, size_t max, struct reputation_line *out)
{
    return reputation_top(r, kind, max, NOW, out);
}

static void what_an_operator_sees(void **state)
{
    struct reputation_line line[4];
    enum reputation_kind kind;

    (void)state;
    note("192.0.2.1", "bad.test", REPUTATION_UNKNOWN_RCPT, 40);
    note("192.0.2.2", "good.test", REPUTATION_GOOD, 40);
    note("192.0.2.3", "worst.test", REPUTATION_TRAP, 40);
    note("2001:db8::5", "", REPUTATION_FAILED, 2);
    CHECK_EQ("addresses", top(REPUTATION_ADDRESS, 4, line), 4);
    CHECK_STR("the worst first", line[0].name, "192.0.2.3");
    CHECK_STR("then", line[1].name, "192.0.2.1");
    CHECK_STR("then", line[2].name, "2001:db8::/64");
    CHECK_STR("the best last", line[3].name, "192.0.2.2");
    CHECK_EQ("what counted", line[1].counts.of[REPUTATION_UNKNOWN_RCPT], 40);
    CHECK_EQ("when", line[1].last_s, NOW);
    CHECK_STR("and what follows", reputation_advice_name(line[1].opinion.advice), "defer");
    CHECK_EQ("no more than wanted", top(REPUTATION_ADDRESS, 1, line), 1);
    CHECK_STR("the worst", line[0].name, "192.0.2.3");
    CHECK_EQ("networks", top(REPUTATION_NETWORK, 4, line), 2);
    CHECK_STR("with what they did", line[0].name, "2001:db8::/48");
    CHECK_EQ("domains", top(REPUTATION_DOMAIN, 4, line), 3);
    CHECK_STR("the worst first", line[0].name, "worst.test");
    assert_true(reputation_find(r, V("2001:db8::99"), NOW, &kind, line));
    CHECK_STR("one of them", line[0].name, "2001:db8::/64");
    assert_true(reputation_find(r, V("192.0.2.99/24"), NOW, &kind, line));
    CHECK_STR("a network", line[0].name, "192.0.2.0/24");
    assert_false(reputation_find(r, V("192.0.2.9"), NOW, &kind, line));
    assert_false(reputation_find(r, V("192.0.2.0/25"), NOW, &kind, line));
    assert_false(reputation_find(r, V("a b"), NOW, &kind, line));
}

static void what_an_operator_forgets(void **state)
{
    (void)state;
    note("192.0.2.1", "", REPUTATION_UNKNOWN_RCPT, 300);
    restart(NOW);
    assert_true(reputation_forget(r, V("192.0.2.1")));
    assert_false(reputation_forget(r, V("192.0.2.1")));
    CHECK_STR("at once", advice("192.0.2.1", NOW), "normal");
    restart(NOW);
    CHECK_STR("and for good", advice("192.0.2.1", NOW), "normal");
    note("192.0.2.1", "", REPUTATION_UNKNOWN_RCPT, 300);
    CHECK_STR("what he does then counts", advice("192.0.2.1", NOW), "refuse");
}

static void without_memory_nobody_is_bad(void **state)
{
    struct sgl_ip from = ip_of("192.0.2.77");

    (void)state;
    fail_alloc_this_thread();
    for (size_t n = 1; fail_alloc_round(n); n++) {
        reputation_note(r, &from, V("x.test"), REPUTATION_TRAP, NOW);
        fail_alloc_off();
        (void)reputation_forget(r, V("192.0.2.77"));
        (void)reputation_forget(r, V("192.0.2.0/24"));
        (void)reputation_forget(r, V("x.test"));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_dictionary_of_addresses),
        TEST(time_heals),
        TEST(one_customer_of_ipv6_is_a_64),
        TEST(who_is_exempt),
        TEST(domains),
        TEST(after_a_restart),
        TEST(clocks),
        TEST(what_an_operator_sees),
        TEST(what_an_operator_forgets),
        TEST(without_memory_nobody_is_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
