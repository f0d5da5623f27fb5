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
    static const char *subscription[] = {"shop"};

    source[0] = address("127.0.0.41");
    source[1] = address("127.0.0.42");
    source[2] = address("127.0.0.43");
    source[3] = address("::1");
    pool[0] = (struct config_pool){.subscription = subscription,
                                   .subscriptions = 1,
                                   .name = "one",
                                   .source = source,
                                   .sources = 1};
    pool[1] = (struct config_pool){.subscription = subscription,
                                   .subscriptions = 1,
                                   .name = "two",
                                   .source = source + 1,
                                   .sources = 2,
                                   .hostname = "two.client.test"};
    pool[2] = (struct config_pool){.subscription = subscription,
                                   .subscriptions = 1,
                                   .name = "six",
                                   .source = source + 3,
                                   .sources = 1};
    world_init(w, ONE);
    w->config.pool = pool;
    w->config.pools = 3;
    w->config.delivery.messages_per_connection = 1;
    w->config.delivery.connections_per_site = 1;
    world_start(w);
}

/* A job of a subscription's mail that asks for the pool. */
static void put_for(struct world *w, const char *subscription, const char *name)
{
    struct queue_dest *dest = NULL;
    char pool[32] = "";

    if (name[0] != '\0')
        snprintf(pool, sizeof pool, "%s/%s", subscription, name);

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

static void put(struct world *w, const char *pool)
{
    put_for(w, "shop", pool);
}

/* A pool that its subscription has made. */
struct made_pool {
    const char *subscription, *name, *address[3];
    unsigned left; /* so many more times it is asked while it has addresses; 0: always has */
};

static bool each_address(void *ctx, sgl_view subscription, sgl_view name,
                         void (*say)(void *to, sgl_view text), void *to)
{
    struct made_pool *p = ctx;
    bool gone = p->left == 1;

    if (!sgl_view_eq(sgl_view_cstr(p->subscription), subscription) ||
        !sgl_view_eq(sgl_view_cstr(p->name), name))
        return false;
    p->left -= p->left > 1;
    for (size_t i = 0; !gone && i < 3 && p->address[i] != NULL; i++)
        say(to, sgl_view_cstr(p->address[i]));
    return true;
}

static void set_made(struct world *w, struct made_pool *made)
{
    delivery_set_pools(w->delivery, &(struct delivery_pools){each_address, made});
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

/* Its addresses are those of configured pools, and so is the name in EHLO. */
static void a_pool_of_ones_own(void **state)
{
    struct config_address source[4];
    struct config_pool pool[3];
    struct made_pool made = {"shop", "own", {"127.0.0.41", "127.0.0.43", "192.0.2.77"}};
    struct world w;

    (void)state;
    pools_init(&w, pool, source);
    set_made(&w, &made);
    for (int i = 0; i < 3; i++) {
        put(&w, "own");
        world_deliver(&w, "of a made pool");
    }
    CHECK_STR("in turn, and from none that is not ours", w.peer[0].from,
              "127.0.0.41 127.0.0.43 127.0.0.41 ");
    CHECK_STR("by the name that the address has", w.peer[0].helo, "EHLO Client.Test");
    made.address[0] = "127.0.0.43";
    made.address[1] = NULL;
    put(&w, "own");
    world_deliver(&w, "by the other name");
    CHECK_STR("of its pool", w.peer[0].helo, "EHLO two.client.test");
    world_done(&w);
}

/* An open connection is no way round a change. */
static void what_changes_counts_at_once(void **state)
{
    struct config_address source[4];
    struct config_pool pool[3];
    struct made_pool made = {"shop", "own", {"127.0.0.41"}};
    struct world w;

    (void)state;
    pools_init(&w, pool, source);
    w.config.delivery.messages_per_connection = 100;
    set_made(&w, &made);
    for (int i = 0; i < 2; i++) {
        put(&w, "own");
        world_deliver(&w, "over one connection");
    }
    CHECK_EQ("one", w.peer[0].connections, 1);
    made.address[0] = "127.0.0.42";
    put(&w, "own");
    world_deliver(&w, "changed");
    CHECK_STR("the other address", w.peer[0].from, "127.0.0.41 127.0.0.42 ");
    made.address[0] = NULL;
    put(&w, "own");
    world_deliver(&w, "emptied");
    CHECK_EQ("nothing was sent", w.peer[0].messages, 3);
    CHECK_STR("it waits", w.outcome[3].why,
              "there is no address that may be sent from in the pool own");
    made.address[0] = "127.0.0.42";
    pool[1].subscriptions = 0;
    put(&w, "own");
    world_deliver(&w, "no more the subscription's");
    CHECK_EQ("nothing was sent", w.peer[0].messages, 3);
    CHECK_EQ("it was no attempt", w.outcome[4].verdict, 'u');
    world_done(&w);
}

static void pools_are_of_one_subscription(void **state)
{
    static const char *const names[] = {"own", "one"};
    struct config_address source[4];
    struct config_pool pool[3];
    struct made_pool made = {"shop", "own", {"127.0.0.41"}};
    struct world w;

    (void)state;
    pools_init(&w, pool, source);
    set_made(&w, &made);
    for (size_t i = 0; i < 2; i++) {
        put_for(&w, "acme", names[i]);
        world_deliver(&w, names[i]);
        CHECK_EQ("it was no attempt", w.outcome[i].verdict, 'u');
        CHECK_TRUE("it says why", strstr(w.outcome[i].why, "no pool of addresses named") != NULL);
    }
    CHECK_EQ("nobody was asked", w.peer[0].connections, 0);
    world_done(&w);
}

/* Whenever it is emptied: from its address, or not at all. */
static void emptied_while_it_is_asked(void **state)
{
    (void)state;
    for (unsigned left = 2; left < 8; left++) {
        struct made_pool made = {"shop", "own", {"127.0.0.42"}, left};
        struct config_address source[4];
        struct config_pool pool[3];
        struct world w;

        pools_init(&w, pool, source);
        set_made(&w, &made);
        put(&w, "own");
        world_deliver(&w, "emptied");
        if (w.peer[0].from[0] != '\0')
            CHECK_STR("from its address", w.peer[0].from, "127.0.0.42 ");
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_a_pool_take_turns),
        cmocka_unit_test(connections_are_of_one_pool),
        cmocka_unit_test(without_an_address_it_waits),
        cmocka_unit_test(an_address_of_somebody_else_is_no_way),
        cmocka_unit_test(a_pool_of_ones_own),
        cmocka_unit_test(what_changes_counts_at_once),
        cmocka_unit_test(pools_are_of_one_subscription),
        cmocka_unit_test(emptied_while_it_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
