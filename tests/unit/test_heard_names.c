/* SPDX-License-Identifier: Apache-2.0 */
/* The names of sources: only those that lead back, remembered within bounds, and nobody waits long. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "../../server/heard/heard_names_internal.h"
#include "dns_fixture.h"
#include "fail_alloc.h"

#define V4 "7.100.45.5.in-addr.arpa "
#define V6 "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.1.0.0.2.ip6.arpa "

static struct sgl_ip address(const char *text)
{
    struct sgl_ip ip = {0};

    assert_int_equal(sgl_ip_parse(sgl_view_cstr(text), &ip), SGL_OK);
    return ip;
}

/* ---- what is found ---- */

static const struct {
    const char *name, *ip, *zone, *want;
    uint32_t ttl_s; /* 0: any */
} cases[] = {
    {"it leads back", "5.45.100.7", V4 "PTR a.test\na.test A 5.45.100.7", "a.test", 0},
    {"one of several addresses", "5.45.100.7",
     V4 "PTR a.test\na.test A 5.45.100.6\na.test A 5.45.100.7", "a.test", 0},
    {"IPv6", "2001:4000::7", V6 "PTR a.test\na.test AAAA 2001:4000::7", "a.test", 0},
    {"IPv6 that leads to an IPv4 address", "2001:4000::7", V6 "PTR a.test\na.test A 5.45.100.7", "",
     0},
    {"it leads elsewhere", "5.45.100.7", V4 "PTR a.test\na.test A 5.45.100.8", "", 0},
    {"it leads nowhere", "5.45.100.7", V4 "PTR a.test", "", 0},
    {"the second of its names", "5.45.100.7",
     V4 "PTR a.test\n" V4 "PTR b.test\na.test A 5.45.100.8\nb.test A 5.45.100.7", "b.test", 0},
    {"none of the first five", "5.45.100.7",
     V4 "PTR a.test\n" V4 "PTR b.test\n" V4 "PTR c.test\n" V4 "PTR d.test\n" V4 "PTR e.test\n" V4
        "PTR f.test\nf.test A 5.45.100.7",
     "", 0},
    {"it has none", "5.45.100.7", "", "", 0},
    {"its lookup fails", "5.45.100.7", V4 "SERVFAIL", "", HEARD_NAMES_FAILED},
    {"that of its name fails", "5.45.100.7", V4 "PTR a.test\na.test SERVFAIL", "",
     HEARD_NAMES_FAILED},
    {"forged", "5.45.100.7", V4 "PTR a.test\na.test BOGUS", "", HEARD_NAMES_FAILED},
};

static void only_what_leads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int driver = 0; driver < DNS_DRIVERS; driver++) {
            struct dns_fixture fx = dns_fixture_init("a.test", cases[i].zone);
            sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4096);
            struct sgl_ip ip = address(cases[i].ip);
            struct heard_name_found found;

            while (heard_name_find(&ip, &fx.dns, &arena, &found) == SGL_NEED_DNS)
                dns_fixture_step(&fx, (enum dns_driver)driver);
            CHECK_VIEW(cases[i].name, found.name, sgl_view_cstr(cases[i].want));
            CHECK_TRUE(cases[i].name, cases[i].ttl_s == 0 ? found.ttl_s >= HEARD_NAMES_LEAST
                                                          : found.ttl_s == cases[i].ttl_s);
            CHECK_TRUE(cases[i].name, found.ttl_s <= HEARD_NAMES_MOST);
            dns_fixture_done(&fx);
        }
}

/* ---- what is remembered ---- */

static void remembered_until_it_ends(void **state)
{
    struct heard_memory *m = heard_memory_new(1);
    struct sgl_ip ip = address("5.45.100.7"), other = address("2001:4000::7");
    char name[HEARD_NAME_SIZE];

    (void)state;
    assert_false(heard_memory_get(m, &ip, 1, name));
    heard_memory_put(m, &ip, SGL_LIT("a.test"), 1000);
    heard_memory_put(m, &other, SGL_LIT(""), 1000);
    assert_true(heard_memory_get(m, &ip, 999, name));
    assert_string_equal(name, "a.test");
    assert_true(heard_memory_get(m, &other, 999, name));
    assert_string_equal(name, "");
    assert_false(heard_memory_get(m, &ip, 1000, name));
    heard_memory_put(m, &ip, SGL_LIT("b.test"), 2000);
    assert_true(heard_memory_get(m, &ip, 1000, name));
    assert_string_equal(name, "b.test");
    heard_memory_free(m);
}

/* Each of ever more addresses is there when it was just put, and never are there more than have room. */
static void memory_has_an_end(void **state)
{
    struct heard_memory *m = heard_memory_new(2);
    char name[HEARD_NAME_SIZE];
    size_t there = 0;

    (void)state;
    for (uint32_t i = 0; i < 3 * HEARD_NAMES_KEPT; i++) {
        struct sgl_ip ip =
            sgl_ip_v4((const uint8_t[]){5, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i});

        heard_memory_put(m, &ip, SGL_LIT("a.test"), 1000 + i);
        CHECK_TRUE("just put", heard_memory_get(m, &ip, 1, name));
    }
    for (uint32_t i = 0; i < 3 * HEARD_NAMES_KEPT; i++) {
        struct sgl_ip ip =
            sgl_ip_v4((const uint8_t[]){5, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i});

        there += heard_memory_get(m, &ip, 1, name);
    }
    assert_true(there > HEARD_NAMES_KEPT / 2 && there <= HEARD_NAMES_KEPT);
    heard_memory_free(m);
}

/* ---- a name server that says nothing ---- */

static size_t told, wanted;
static struct loop *loop;

static void on_done(struct heard_names_ask *a)
{
    (void)a;
    if (++told == wanted)
        loop_stop(loop);
}

static void on_limit(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
    loop_stop(loop);
}

struct silence {
    int fd;
    struct resolver *resolver;
    struct heard_names *names;
};

static struct silence silence(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    const struct timeval limit = {60, 0};
    char forward[64], why[200] = "";
    const char *forwards[1] = {forward};
    struct resolver_config config = {
        .forward = forwards, .forwards = 1, .unvalidated = true, .loopback_allowed = true};
    struct silence s = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};

    loop = loop_new("test");
    assert_int_equal(bind(s.fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(s.fd, (struct sockaddr *)&at, &len), 0);
    snprintf(forward, sizeof(forward), "127.0.0.1@%u", ntohs(at.sin_port));
    s.resolver = resolver_new(loop, &config, why, sizeof(why));
    if (s.resolver == NULL)
        fail_msg("%s", why);
    s.names = heard_names_new(loop, s.resolver);
    assert_non_null(s.names);
    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_limit, NULL, &limit);
    return s;
}

static void silence_end(struct silence *s)
{
    heard_names_free(s->names);
    resolver_free(s->resolver);
    loop_free(loop);
    close(s->fd);
}

/* It waits, but not for the lookups' own time; what is left open then is freed with the room. */
static void nobody_waits_long(void **state)
{
    struct silence s = silence();
    struct heard_name row[] = {{.ip = address("5.45.100.7"), .name = "x"},
                               {.ip = {.version = 0}, .name = "x"}};
    struct heard_names_ask ask = {.row = row, .rows = 2, .loop = loop, .done = on_done};
    uint64_t begin = clock_mono_ms();

    (void)state;
    told = 0;
    wanted = 1;
    heard_names_ask(s.names, &ask);
    assert_int_equal(told, 0);
    loop_run(loop);
    assert_int_equal(told, wanted);
    assert_string_equal(row[0].name, "");
    assert_string_equal(row[1].name, "");
    assert_true(clock_mono_ms() - begin >= HEARD_NAMES_WAIT_MS - 100);
    silence_end(&s);
}

/* Addresses inside are not asked for: there is nothing to wait for. */
static void none_inside(void **state)
{
    struct silence s = silence();
    struct heard_name row[] = {{.ip = address("10.0.0.1"), .name = "x"},
                               {.ip = address("127.0.0.1"), .name = "x"},
                               {.ip = address("fd00::1"), .name = "x"},
                               {.ip = address("::ffff:192.168.0.1"), .name = "x"}};
    struct heard_names_ask ask = {.row = row, .rows = 4, .loop = loop, .done = on_done};
    struct resolver_stats stats;
    char byte;

    (void)state;
    told = 0;
    wanted = 1;
    heard_names_ask(s.names, &ask);
    loop_run(loop);
    assert_int_equal(told, wanted);
    resolver_stats(s.resolver, &stats);
    assert_int_equal(stats.queries, 0);
    assert_int_equal(recv(s.fd, &byte, 1, 0), -1);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(row[i].name, "");
    silence_end(&s);
}

/* So many are looked up for one question, and so many for all; each question is answered. */
static void so_many_at_once(void **state)
{
    static struct heard_name row[4][HEARD_NAMES_OPEN];
    struct silence s = silence();
    struct heard_names_ask ask[4];
    struct resolver_stats stats;

    (void)state;
    told = 0;
    wanted = 1;
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < HEARD_NAMES_OPEN; i++)
            row[k][i].ip = sgl_ip_v4((const uint8_t[]){5, 45, (uint8_t)k, (uint8_t)i});
        ask[k] = (struct heard_names_ask){
            .row = row[k], .rows = k < 3 ? HEARD_NAMES_OPEN : 0, .loop = loop, .done = on_done};
        heard_names_ask(s.names, &ask[k]);
    }
    loop_run(loop); /* the last one has no rows: it is answered while the others wait */
    assert_int_equal(told, wanted);
    resolver_stats(s.resolver, &stats);
    assert_int_equal(stats.queries, HEARD_NAMES_OPEN);
    wanted = 4;
    loop_run(loop);
    assert_int_equal(told, wanted);
    silence_end(&s);
}

/* A name that cannot be kept is not known. */
static void each_allocation_may_fail(void **state)
{
    struct sgl_ip ip = address("5.45.100.7");

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct heard_memory *m = heard_memory_new(1);
        char name[HEARD_NAME_SIZE];

        if (m == NULL)
            continue;
        heard_memory_put(m, &ip, SGL_LIT("a.test"), 1000);
        CHECK_EQ("kept", heard_memory_get(m, &ip, 1, name), !fail_alloc_hit());
        heard_memory_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_leads_back),
        cmocka_unit_test(remembered_until_it_ends),
        cmocka_unit_test(memory_has_an_end),
        cmocka_unit_test(nobody_waits_long),
        cmocka_unit_test(none_inside),
        cmocka_unit_test(so_many_at_once),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
