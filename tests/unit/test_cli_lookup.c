/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of the command line against a name server of our own, on a thread of its own. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../cli/lookup.h"
#include "../../server/loop/loop.h"
#include "check.h"
#include "dns_packet_fixture.h"

enum manner { PLAIN, REFUSES_ROOT, FAILS, SILENT };

struct server {
    int fd;
    _Atomic unsigned queries;
    enum manner manner;
    struct loop *loop;
    struct event *event;
    char at[32];
};

static struct server server;

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

/* One text at a.test; nothing is signed. */
static void on_query(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    uint8_t query[1500];
    char name[300];
    struct answer_bytes p;
    ssize_t n = recvfrom(fd, query, sizeof(query), 0, (struct sockaddr *)&from, &from_len);
    unsigned type, rcode;

    (void)what;
    if (n < 17)
        return;
    s->queries++;
    if (s->manner == SILENT)
        return;
    type = read_question(query, (size_t)n, name);
    rcode = s->manner == FAILS ? 2 : s->manner == REFUSES_ROOT && name[0] == '\0' ? 5 : 0;
    if (rcode == 0 && strcmp(name, "a.test") == 0 && type == SGL_RR_A) {
        put_header(&p, 0, name, type, 1);
        put_a(&p, name, 0xc0000201);
    } else {
        put_header(&p, rcode, name, type, 0);
    }
    memcpy(p.bytes, query, 2);
    memcpy(p.bytes + 12, query + 12, strlen(name) + (name[0] == '\0' ? 1 : 2));
    sendto(fd, p.bytes, p.len, 0, (struct sockaddr *)&from, from_len);
}

static int set_up(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    (void)state;
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (bind(server.fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(server.fd, (struct sockaddr *)&at, &len) != 0)
        return 1;
    snprintf(server.at, sizeof(server.at), "127.0.0.1@%u", ntohs(at.sin_port));
    server.loop = loop_new("server");
    server.event =
        event_new(loop_base(server.loop), server.fd, EV_READ | EV_PERSIST, on_query, &server);
    event_add(server.event, NULL);
    return !loop_start(server.loop);
}

static int tear_down(void **state)
{
    (void)state;
    loop_stop(server.loop);
    loop_join(server.loop);
    event_free(server.event);
    close(server.fd);
    loop_free(server.loop);
    return 0;
}

/* ---- a command line ---- */

static const struct cli_verb verb = {.name = "test"};
static const struct cli_option resolver_option = {.name = "--resolver"},
                               timeout_option = {.name = "--timeout"},
                               anchor_option = {.name = "--trust-anchor"},
                               now_option = {.name = "--now"};

static void give(struct cli *c, const struct cli_option *option, const char *value)
{
    c->given[c->givens++] = (struct cli_given){option, value};
}

static struct cli *command(const char *resolver, const char *timeout)
{
    static struct cli c;

    memset(&c, 0, sizeof(c));
    c.verb = &verb;
    if (resolver != NULL)
        give(&c, &resolver_option, resolver);
    if (timeout != NULL)
        give(&c, &timeout_option, timeout);
    return &c;
}

/* Asks for the address of a name until it is there. */
static const struct sgl_dns_answer *ask(struct lookup *l, const char *text)
{
    static struct sgl_arena names;
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_name name;

    sgl_arena_done(&names);
    sgl_arena_init(&names, 4096);
    assert_int_equal(sgl_name_parse(sgl_view_cstr(text), 0, &names, NULL, &name), SGL_OK);
    if (sgl_dns_get(&l->dns, name, SGL_RR_A, &answer) == SGL_NEED_DNS)
        lookup_fill(l);
    assert_int_equal(sgl_dns_open(&l->dns), 0);
    assert_int_equal(sgl_dns_get(&l->dns, name, SGL_RR_A, &answer), SGL_OK);
    sgl_arena_done(&names);
    return answer;
}

/* ---- tests ---- */

/* Behind a server that knows nothing of signatures there are answers all the same, and they claim nothing. */
static void test_unsigned(void **state)
{
    static const enum manner manners[] = {PLAIN, REFUSES_ROOT};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct lookup l;
        int status = -1;
        const struct sgl_dns_answer *a;

        server.manner = manners[i];
        assert_true(lookup_init(&l, command(server.at, NULL), 0, &status));
        a = ask(&l, "a.test");
        assert_int_equal(a->outcome, SGL_DNS_OK);
        assert_int_equal(a->count, 1);
        assert_int_equal(a->security, SGL_DNS_INSECURE);
        assert_true(l.unvalidated);
        assert_int_equal(ask(&l, "b.test")->outcome, SGL_DNS_NODATA);
        assert_int_equal(l.failures, 0);
        lookup_reset(&l);
        assert_int_equal(ask(&l, "a.test")->outcome, SGL_DNS_OK);
        lookup_done(&l);
    }
}

/* Who gives a trust anchor insists on it. */
static void test_insists(void **state)
{
    static char file[] = "/tmp/sigillo-anchor-XXXXXX";
    static const char anchor[] =
        ". IN DS 12345 8 2 0000000000000000000000000000000000000000000000000000000000000000\n";
    int fd = mkstemp(file), status = -1;
    struct cli *c = command(server.at, NULL);
    struct lookup l;

    (void)state;
    server.manner = PLAIN;
    assert_int_equal(write(fd, anchor, sizeof(anchor) - 1), sizeof(anchor) - 1);
    close(fd);
    give(c, &anchor_option, file);
    assert_true(lookup_init(&l, c, 0, &status));
    assert_true(sgl_dns_is_error(ask(&l, "a.test")));
    assert_false(l.unvalidated);
    lookup_done(&l);
    unlink(file);
}

static void test_dead(void **state)
{
    static const char *const dead[] = {NULL, "127.0.0.1@1"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint64_t start = clock_mono_ms();
        struct lookup l;
        int status = -1;

        server.manner = SILENT;
        assert_true(
            lookup_init(&l, command(dead[i] == NULL ? server.at : dead[i], "1"), 0, &status));
        assert_int_equal(ask(&l, "a.test")->outcome, SGL_DNS_FAILED);
        assert_int_equal(l.failures, 1);
        assert_int_equal(ask(&l, "b.test")->outcome, SGL_DNS_FAILED);
        assert_int_equal(l.failures, 2);
        assert_true(clock_mono_ms() - start < 5000);
        lookup_done(&l);
    }
}

static void test_fails(void **state)
{
    struct lookup l;
    int status = -1;

    (void)state;
    server.manner = FAILS;
    assert_true(lookup_init(&l, command(server.at, "10"), 0, &status));
    assert_int_equal(ask(&l, "a.test")->outcome, SGL_DNS_FAILED);
    assert_int_equal(l.failures, 1);
    lookup_done(&l);
}

static void test_no_question(void **state)
{
    unsigned before = server.queries;
    struct lookup l;
    int status = -1;

    (void)state;
    assert_true(lookup_init(&l, command(server.at, NULL), 0, &status));
    lookup_done(&l);
    assert_int_equal(server.queries, before); /* nothing is asked before there is a question */
}

static void test_wrong_values(void **state)
{
    static const struct {
        const struct cli_option *option;
        const char *value;
    } wrong[] = {{&resolver_option, "ns.example"},
                 {&resolver_option, "192.0.2.1@"},
                 {&resolver_option, "192.0.2.1@0"},
                 {&resolver_option, "192.0.2.1@65536"},
                 {&resolver_option, "192.0.2.1@53x"},
                 {&resolver_option, ""},
                 {&resolver_option, "192.0.2.256"},
                 {&resolver_option, "[::1]"},
                 {&timeout_option, "0"},
                 {&timeout_option, "-1"},
                 {&timeout_option, "3601"},
                 {&timeout_option, "1s"},
                 {&timeout_option, ""},
                 {&anchor_option, "/nonexistent/anchor"},
                 {&anchor_option, "/etc/hostname"},
                 {&anchor_option, ""}};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct cli *c = command(NULL, NULL);
        struct lookup l;
        int status = -1;

        give(c, wrong[i].option, wrong[i].value);
        CHECK_TRUE(wrong[i].value, !lookup_init(&l, c, 0, &status));
        CHECK_EQ(wrong[i].value, status, CLI_USAGE);
        lookup_done(&l); /* harmless */
    }
}

static void test_right_values(void **state)
{
    static const char *const right[] = {"192.0.2.1", "192.0.2.1@5353", "2001:db8::1", "::1@65535"};

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct lookup l;
        int status = -1;

        CHECK_TRUE(right[i], lookup_init(&l, command(right[i], "3600"), 0, &status));
        lookup_done(&l);
    }
}

static void test_now(void **state)
{
    static const char *const wrong[] = {"", "x", "-1", "1.5", "99999999999999999999"};
    struct cli *c = command(NULL, NULL);
    sgl_time now = 0;
    int status = -1;

    (void)state;
    assert_true(lookup_now(c, &now, &status));
    assert_true(now > 1700000000);
    give(c, &now_option, "1234567890");
    assert_true(lookup_now(c, &now, &status));
    assert_int_equal(now, 1234567890);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        c = command(NULL, NULL);
        give(c, &now_option, wrong[i]);
        status = -1;
        CHECK_TRUE(wrong[i], !lookup_now(c, &now, &status));
        CHECK_EQ(wrong[i], status, CLI_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsigned),     cmocka_unit_test(test_insists),
        cmocka_unit_test(test_dead),         cmocka_unit_test(test_fails),
        cmocka_unit_test(test_no_question),  cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_right_values), cmocka_unit_test(test_now),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
