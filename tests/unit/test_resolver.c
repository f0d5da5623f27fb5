/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver against a name server of our own on the same loop. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../server/resolver/resolver.h"
#include "check.h"
#include "dns_packet_fixture.h"

struct server {
    int fd;
    unsigned queries;
    bool silent;
    struct event *event;
};

static const char anchors[] = "signed.test. IN DS 12345 8 2 "
                              "00000000000000000000000000000000"
                              "00000000000000000000000000000000\n";
static char anchor_file[] = "/tmp/sigillo-anchor-XXXXXX";
static struct server server;
static struct loop *loop;
static struct resolver *resolver;
static struct sgl_arena names;
static bool late;

/* The question's name as text; its type. */
static unsigned read_question(const uint8_t *q, size_t len, char *name)
{
    size_t at = 12, out = 0;

    while (at < len && q[at] != 0) {
        if (out > 0)
            name[out++] = '.';
        for (size_t i = 1; i <= q[at]; i++)
            name[out++] = (char)(q[at + i] | 0x20);
        at += (size_t)q[at] + 1;
    }
    name[out] = '\0';
    return (unsigned)(q[at + 1] << 8 | q[at + 2]);
}

static void put_zone(struct answer_bytes *p, const char *name, unsigned type)
{
    if (strcmp(name, "a.test") == 0 && type == SGL_RR_MX) {
        put_header(p, 0, name, type, 2);
        put_mx(p, name, 20, "mx2.a.test");
        put_mx(p, name, 10, "mx1.a.test");
    } else if (strcmp(name, "mx1.a.test") == 0 && type == SGL_RR_A) {
        put_header(p, 0, name, type, 1);
        put_a(p, name, 0x7f000019);
    } else if (strcmp(name, "www.a.test") == 0) {
        put_header(p, 0, name, type, type == SGL_RR_A ? 2 : 1);
        put_cname(p, name, "mx1.a.test", 300);
        if (type == SGL_RR_A)
            put_a(p, "mx1.a.test", 0x7f000019);
    } else if (strcmp(name, "x.signed.test") == 0 && type == SGL_RR_A) {
        put_header(p, 0, name, type, 1);
        put_a(p, name, 0x7f000019);
    } else if (strcmp(name, "broken.test") == 0) {
        put_header(p, 2, name, type, 0);
    } else if (strcmp(name, "gone.test") == 0) {
        put_header(p, 3, name, type, 0);
    } else {
        put_header(p, 0, name, type, 0);
    }
}

static void on_query(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    uint8_t query[1500];
    char name[300];
    struct answer_bytes p;
    ssize_t n = recvfrom(fd, query, sizeof(query), 0, (struct sockaddr *)&from, &from_len);

    (void)what;
    if (n < 17)
        return;
    s->queries++;
    if (s->silent)
        return;
    put_zone(&p, name, read_question(query, (size_t)n, name));
    memcpy(p.bytes, query, 2);
    memcpy(p.bytes + 12, query + 12, strlen(name) + 2); /* letters as they were asked */
    sendto(fd, p.bytes, p.len, 0, (struct sockaddr *)&from, from_len);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    late = true;
    loop_stop(loop);
}

static int set_up(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct timeval limit = {30, 0};
    char forward[64], why[200];
    const char *forwards[1] = {forward};
    struct resolver_config config = {
        .forward = forwards, .forwards = 1, .trust_anchor = anchor_file, .loopback_allowed = true};
    int fd = mkstemp(anchor_file);

    (void)state;
    if (fd < 0 || write(fd, anchors, sizeof(anchors) - 1) < 0)
        return 1;
    close(fd);
    sgl_arena_init(&names, 65536);
    loop = loop_new("test");
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (bind(server.fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(server.fd, (struct sockaddr *)&at, &len) != 0)
        return 1;
    server.event = event_new(loop_base(loop), server.fd, EV_READ | EV_PERSIST, on_query, &server);
    event_add(server.event, NULL);
    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_late, NULL, &limit);
    snprintf(forward, sizeof(forward), "127.0.0.1@%u", ntohs(at.sin_port));
    resolver = resolver_new(loop, &config, why, sizeof(why));
    if (resolver == NULL)
        fprintf(stderr, "%s\n", why);
    return resolver == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    resolver_free(resolver);
    event_free(server.event);
    close(server.fd);
    loop_free(loop);
    sgl_arena_done(&names);
    unlink(anchor_file);
    return 0;
}

struct asker {
    struct resolver_fill fill;
    struct sgl_dns dns;
    bool in_call;
    unsigned dones;
};

static void on_done(struct resolver_fill *fill)
{
    struct asker *a = (struct asker *)fill;

    CHECK_TRUE("not inside the call", !a->in_call);
    CHECK_EQ("nothing is open", sgl_dns_open(&a->dns), 0);
    a->dones++;
    loop_stop(loop);
}

static struct sgl_name name_of(const char *text)
{
    struct sgl_name n = {{NULL, 0}};

    CHECK_EQ(text, sgl_name_parse(sgl_view_cstr(text), 0, &names, NULL, &n), SGL_OK);
    return n;
}

static void start(struct asker *a, const char *const *name, const enum sgl_rr *type, size_t n,
                  uint64_t timeout_ms)
{
    memset(a, 0, sizeof(*a));
    sgl_dns_init(&a->dns, 0);
    for (size_t i = 0; i < n; i++)
        sgl_dns_want(&a->dns, name_of(name[i]), type[i]);
    a->fill.dns = &a->dns;
    a->fill.timeout_ms = timeout_ms;
    a->fill.done = on_done;
    a->in_call = true;
    resolver_fill(resolver, &a->fill);
    a->in_call = false;
}

static void wait_for(struct asker *a)
{
    loop_run(loop);
    CHECK_TRUE("in time", !late);
    CHECK_EQ("done once", a->dones, 1);
}

static const struct sgl_dns_answer *answer(struct asker *a, const char *name, enum sgl_rr type)
{
    const struct sgl_dns_answer *out = NULL;

    CHECK_EQ(name, sgl_dns_get(&a->dns, name_of(name), type, &out), SGL_OK);
    return out;
}

static void several_questions_travel_together(void **state)
{
    static const char *const name[] = {"a.test", "www.a.test", "www.a.test", "gone.test",
                                       "broken.test"};
    static const enum sgl_rr type[] = {SGL_RR_MX, SGL_RR_A, SGL_RR_TXT, SGL_RR_A, SGL_RR_A};
    const struct sgl_dns_answer *got;
    struct asker a;
    unsigned before;

    (void)state;
    start(&a, name, type, 5, 10000);
    wait_for(&a);
    got = answer(&a, "a.test", SGL_RR_MX);
    CHECK_EQ("two exchangers", got->count, 2);
    CHECK_VIEW("sorted", got->rr[0].mx.host.text, SGL_LIT("mx1.a.test"));
    CHECK_EQ("not signed", got->security, SGL_DNS_INSECURE);
    got = answer(&a, "www.a.test", SGL_RR_A);
    CHECK_TRUE("an alias", got->aliased);
    CHECK_VIEW("of", got->canonical.text, SGL_LIT("mx1.a.test"));
    CHECK_EQ("an alias without the type", answer(&a, "www.a.test", SGL_RR_TXT)->outcome,
             SGL_DNS_NODATA);
    CHECK_EQ("no such name", answer(&a, "gone.test", SGL_RR_A)->outcome, SGL_DNS_NXDOMAIN);
    CHECK_EQ("a failure", answer(&a, "broken.test", SGL_RR_A)->outcome, SGL_DNS_FAILED);
    sgl_dns_done(&a.dns);

    before = server.queries;
    start(&a, name, type, 2, 10000);
    wait_for(&a);
    CHECK_EQ("the cache answers the second time", server.queries, before);
    CHECK_EQ("the same", answer(&a, "a.test", SGL_RR_MX)->count, 2);
    sgl_dns_done(&a.dns);
}

/* [RFC 4035 s5] below a trust anchor, data without signatures are forged data */
static void unsigned_data_below_an_anchor_are_bogus(void **state)
{
    static const char *const name[] = {"x.signed.test"};
    static const enum sgl_rr type[] = {SGL_RR_A};
    struct resolver_stats stats;
    struct asker a;

    (void)state;
    start(&a, name, type, 1, 20000);
    wait_for(&a);
    CHECK_EQ("bogus", answer(&a, name[0], SGL_RR_A)->outcome, SGL_DNS_BOGUS);
    CHECK_EQ("no records", answer(&a, name[0], SGL_RR_A)->count, 0);
    resolver_stats(resolver, &stats);
    CHECK_EQ("counted", stats.bogus, 1);
    sgl_dns_done(&a.dns);
}

static void the_deadline_fails_what_is_open(void **state)
{
    static const char *const name[] = {"slow.test", "a.test"};
    static const enum sgl_rr type[] = {SGL_RR_A, SGL_RR_MX};
    struct asker a;

    (void)state;
    server.silent = true;
    start(&a, name, type, 2, 30);
    wait_for(&a);
    CHECK_EQ("failed", answer(&a, "slow.test", SGL_RR_A)->outcome, SGL_DNS_FAILED);
    CHECK_EQ("what was known counts", answer(&a, "a.test", SGL_RR_MX)->outcome, SGL_DNS_OK);
    server.silent = false;
    sgl_dns_done(&a.dns);
}

static void a_cancelled_fill_is_silent(void **state)
{
    static const char *const name[] = {"never.test"};
    static const char *const known[] = {"a.test"};
    static const enum sgl_rr type[] = {SGL_RR_A}, mx[] = {SGL_RR_MX};
    struct asker a, b, c;

    (void)state;
    start(&a, name, type, 1, 10000);
    resolver_cancel(&a.fill);
    resolver_cancel(&a.fill);
    start(&c, known, mx, 1, 10000);
    resolver_cancel(&c.fill);
    sgl_dns_done(&a.dns); /* the answer finds nobody */
    sgl_dns_done(&c.dns);
    start(&b, name, type, 1, 10000);
    wait_for(&b);
    CHECK_EQ("no call", a.dones + c.dones, 0);
    CHECK_EQ("the other one is served", answer(&b, "never.test", SGL_RR_A)->outcome,
             SGL_DNS_NODATA);
    sgl_dns_done(&b.dns);
}

static void an_empty_fill_is_done(void **state)
{
    struct asker a;

    (void)state;
    start(&a, NULL, NULL, 0, 1000);
    wait_for(&a);
    sgl_dns_done(&a.dns);
}

static void the_end_answers_everybody(void **state)
{
    static const char *const name[] = {"late.test"};
    static const enum sgl_rr type[] = {SGL_RR_A};
    struct asker a;

    (void)state;
    start(&a, name, type, 1, 10000);
    resolver_free(resolver);
    resolver = NULL;
    CHECK_EQ("told", a.dones, 1);
    CHECK_EQ("failed", answer(&a, "late.test", SGL_RR_A)->outcome, SGL_DNS_FAILED);
    sgl_dns_done(&a.dns);
}

static void mistakes_are_named(void **state)
{
    const char *forwards[1] = {"not an address"};
    struct resolver_config bad[] = {
        {.trust_anchor = "/nonexistent/anchor"},
        {.root_hints = "/nonexistent/hints", .trust_anchor = anchor_file},
        {.forward = forwards, .forwards = 1, .trust_anchor = anchor_file},
    };
    static const char *const want[] = {"trust_anchor /nonexistent/anchor: No such file",
                                       "root_hints /nonexistent/hints: No such file",
                                       "forward not an address"};
    struct loop *other = loop_new("other");
    char why[200];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_TRUE(want[i], resolver_new(other, &bad[i], why, sizeof(why)) == NULL);
        CHECK_TRUE(why, strstr(why, want[i]) != NULL);
    }
    loop_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_questions_travel_together),
        cmocka_unit_test(unsigned_data_below_an_anchor_are_bogus),
        cmocka_unit_test(the_deadline_fails_what_is_open),
        cmocka_unit_test(a_cancelled_fill_is_silent),
        cmocka_unit_test(an_empty_fill_is_done),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(the_end_answers_everybody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
