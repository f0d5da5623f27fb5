/* SPDX-License-Identifier: Apache-2.0 */
/* Whose is the other end of a connection over loopback? */
#include "../../server/loop/owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define NOBODY ((uid_t)-1)

struct pair {
    int listener, client, server;
};

static socklen_t address(int family, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    if (family == AF_INET) {
        ((struct sockaddr_in *)out)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof(struct sockaddr_in);
    }
    ((struct sockaddr_in6 *)out)->sin6_addr = in6addr_loopback;
    return sizeof(struct sockaddr_in6);
}

/* false: this machine has no such family. */
static bool connected(int family, struct pair *p)
{
    struct sockaddr_storage at;
    socklen_t len = address(family, &at);

    p->listener = socket(family, SOCK_STREAM, 0);
    if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, len) != 0) {
        close(p->listener);
        return false;
    }
    assert_int_equal(listen(p->listener, 5), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
    p->client = socket(family, SOCK_STREAM, 0);
    assert_int_equal(connect(p->client, (struct sockaddr *)&at, len), 0);
    p->server = accept(p->listener, NULL, NULL);
    assert_true(p->server >= 0);
    return true;
}

static void end(struct pair *p)
{
    close(p->listener);
    close(p->client);
    close(p->server);
}

static struct owners *owners(void)
{
    struct owners *o = owners_new(owners_socket());

    assert_non_null(o);
    return o;
}

static void test_found(void **state)
{
    static const int family[] = {AF_INET, AF_INET6};
    struct owners *o = owners();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair p;

        if (!connected(family[i], &p))
            continue;
        CHECK_EQ("each end is ours", owners_find(o, p.server), geteuid());
        CHECK_EQ("from either side", owners_find(o, p.client), geteuid());
        end(&p);
    }
    owners_free(o);
}

/* Programs of Java and .NET have one kind of socket for both families; the kernel answers in its words. */
static void test_found_from_a_socket_of_both_families(void **state)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    struct sockaddr_storage at;
    socklen_t len = address(AF_INET, &at);
    struct owners *o = owners();
    struct pair p = {.client = socket(AF_INET6, SOCK_STREAM, 0)};
    int off = 0;

    (void)state;
    if (p.client < 0) {
        owners_free(o);
        skip(); /* this machine has one family only */
    }
    p.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(p.listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(p.listener, 5), 0);
    assert_int_equal(getsockname(p.listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr), 1);
    mapped.sin6_port = ((struct sockaddr_in *)&at)->sin_port;
    setsockopt(p.client, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    assert_int_equal(connect(p.client, (struct sockaddr *)&mapped, sizeof(mapped)), 0);
    p.server = accept(p.listener, NULL, NULL);
    assert_true(p.server >= 0);
    CHECK_EQ("its end is ours", owners_find(o, p.server), geteuid());
    shutdown(p.client, SHUT_WR);
    CHECK_EQ("and nobody's once it is closed", owners_find(o, p.server), NOBODY);
    end(&p);
    owners_free(o);
}

/* Closed sockets stay in the kernel's tables for a while, and are shown as root's there. */
static void test_closed(void **state)
{
    struct owners *o = owners();
    struct pair p;

    (void)state;
    assert_true(connected(AF_INET, &p));
    shutdown(p.client, SHUT_WR);
    CHECK_EQ("who has closed his half is nobody", owners_find(o, p.server), NOBODY);
    close(p.client);
    CHECK_EQ("who has closed is nobody", owners_find(o, p.server), NOBODY);
    p.client = -1;
    end(&p);
    owners_free(o);
}

/* The question would find the socket that listens at the peer's port. */
static void test_a_listener_in_its_place(void **state)
{
    struct owners *o = owners();
    struct sockaddr_storage at;
    struct linger hard = {1, 0};
    socklen_t len = sizeof(at);
    struct pair p;
    int other, one = 1;

    (void)state;
    assert_true(connected(AF_INET, &p));
    assert_int_equal(getsockname(p.client, (struct sockaddr *)&at, &len), 0);
    setsockopt(p.client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    shutdown(p.client, SHUT_WR); /* so that the server still has a peer's name */
    CHECK_EQ("half closed", owners_find(o, p.server), NOBODY);
    other = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(other, (struct sockaddr *)&at, len) == 0)
        assert_int_equal(listen(other, 1), 0);
    CHECK_EQ("another one at its port is not it", owners_find(o, p.server), NOBODY);
    close(other);
    end(&p);
    owners_free(o);
}

static void test_no_connection(void **state)
{
    struct owners *o = owners();
    int unix_[2], fresh = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, unix_), 0);
    CHECK_EQ("a socket without a peer", owners_find(o, fresh), NOBODY);
    CHECK_EQ("one that is not of TCP", owners_find(o, unix_[0]), NOBODY);
    CHECK_EQ("none at all", owners_find(o, -1), NOBODY);
    close(fresh);
    close(unix_[0]);
    close(unix_[1]);
    owners_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found), cmocka_unit_test(test_found_from_a_socket_of_both_families),
        cmocka_unit_test(test_closed), cmocka_unit_test(test_a_listener_in_its_place),
        cmocka_unit_test(test_no_connection)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
