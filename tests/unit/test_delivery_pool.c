/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of addresses to send from: the server on the other side sees which it was. */
#include <arpa/inet.h>

#include "delivery_rows.h"

static struct config_address address(const char *text)
{
    struct config_address a = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&a.addr;

    in->sin_family = AF_INET;
    if (strchr(text, ':') != NULL) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&a.addr;

        in6->sin6_family = AF_INET6;
        a.len = sizeof *in6;
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
    } else {
        assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
    }
    return a;
}

/* "one" has an address, "two" has two and a name, "six" none of IPv4. */
static void pools_init(struct world *w, struct config_pool pool[3], struct config_address source[4])
{
    source[0] = address("127.0.0.41");
    source[1] = address("127.0.0.42");
    source[2] = address("127.0.0.43");
    source[3] = address("::1");
    pool[0] = (struct config_pool){.name = "one", .source = source, .sources = 1};
    pool[1] = (struct config_pool){
        .name = "two", .source = source + 1, .sources = 2, .hostname = "two.client.test"};
    pool[2] = (struct config_pool){.name = "six", .source = source + 3, .sources = 1};
    world_init(w, ONE);
    w->config.pool = pool;
    w->config.pools = 3;
    w->config.delivery.messages_per_connection = 1;
    w->config.delivery.connections_per_site = 1;
    world_start(w);
}

/* A job of mail that asks for the pool. */
static void put(struct world *w, const char *pool)
{
    struct queue_dest *dest = NULL;

    for (size_t i = 0; i < w->dests; i++)
        if (strcmp(w->dest[i]->pool, pool) == 0)
            dest = w->dest[i];
    if (dest == NULL) {
        dest = w->dest[w->dests++] = calloc(1, sizeof *dest);
        snprintf(dest->domain, sizeof dest->domain, "d.test");
        snprintf(dest->pool, sizeof dest->pool, "%s", pool);
    }
    world_put_at(w, dest, 1, BODY);
}

static void addresses_of_a_pool_take_turns(void **state)
{
    struct config_address source[4];
    struct config_pool pool[3];
    struct world w;

    (void)state;
    pools_init(&w, pool, source);
    put(&w, "one");
    world_deliver(&w, "of one");
    CHECK_STR("from its address", w.peer[0].from, "127.0.0.41 ");
    CHECK_STR("with the server's name", w.peer[0].helo, "EHLO Client.Test");
    w.peer[0].from[0] = '\0';
    for (int i = 0; i < 3; i++)
        put(&w, "two");
    world_deliver(&w, "of two");
    CHECK_STR("in turn", w.peer[0].from, "127.0.0.42 127.0.0.43 127.0.0.42 ");
    CHECK_STR("with the pool's name", w.peer[0].helo, "EHLO two.client.test");
    w.peer[0].from[0] = '\0';
    put(&w, "");
    world_deliver(&w, "of none");
    CHECK_STR("as it comes", w.peer[0].from, "127.0.0.1 ");
    CHECK_STR("with the server's name again", w.peer[0].helo, "EHLO Client.Test");
    world_done(&w);
}

static void connections_are_of_one_pool(void **state)
{
    static const char *const pools[] = {"one", "", "two", "one", "", "two"};
    struct config_address source[4];
    struct config_pool pool[3];
    struct world w;

    (void)state;
    pools_init(&w, pool, source);
    w.config.delivery.messages_per_connection = 100;
    for (size_t i = 0; i < 6; i++) {
        put(&w, pools[i]);
        world_deliver(&w, "one after the other");
    }
    CHECK_EQ("all came", w.peer[0].messages, 6);
    CHECK_EQ("over a connection for each", w.peer[0].connections, 3);
    world_done(&w);
}

/* It is not sent from another address, and it is no attempt. */
static void without_an_address_it_waits(void **state)
{
    static const struct {
        const char *pool, *why;
    } rows[] = {{"gone", "no pool of addresses named gone"},
                {"six", "its pool has no address of the family"}};
    struct config_address source[4];
    struct config_pool pool[3];
    struct world w;

    (void)state;
    pools_init(&w, pool, source);
    for (size_t i = 0; i < 2; i++) {
        put(&w, rows[i].pool);
        world_deliver(&w, rows[i].pool);
        CHECK_EQ("it was no attempt", w.outcome[i].verdict, 'u');
        if (strstr(w.outcome[i].why, rows[i].why) == NULL)
            fail_msg("%s: got \"%s\"", rows[i].pool, w.outcome[i].why);
        CHECK_TRUE("and when it is looked at again", w.outcome[i].not_before > clock_now_s());
    }
    CHECK_EQ("nobody was asked", w.peer[0].connections, 0);
    world_done(&w);
}

static void an_address_of_somebody_else_is_no_way(void **state)
{
    struct config_address source[4];
    struct config_pool pool[3];
    struct world w;

    (void)state;
    pools_init(&w, pool, source);
    source[0] = address("192.0.2.1"); /* this machine does not have it */
    put(&w, "one");
    world_deliver(&w, "not ours");
    CHECK_EQ("it waits", w.outcome[0].verdict, 't');
    CHECK_EQ("nobody was asked", w.peer[0].connections, 0);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_a_pool_take_turns),
        cmocka_unit_test(connections_are_of_one_pool),
        cmocka_unit_test(without_an_address_it_waits),
        cmocka_unit_test(an_address_of_somebody_else_is_no_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
