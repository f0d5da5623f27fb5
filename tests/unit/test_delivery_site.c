/* SPDX-License-Identifier: Apache-2.0 */
/* The life of connections and of the whole: reused, shared, at rest, drained, stopped at any time. */
#include "delivery_rows.h"

static void connections_are_reused(void **state)
{
    struct world w;
    struct delivery_stats stats;

    (void)state;
    world_init(&w, ONE);
    w.config.delivery.connections_per_site = 1;
    w.config.delivery.messages_per_connection = 4;
    world_start(&w);
    for (int i = 0; i < 10; i++)
        world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "ten messages");
    delivery_stats(w.delivery, &stats);
    CHECK_EQ("ten messages came", w.peer[0].messages, 10);
    CHECK_EQ("over three connections of four each", w.peer[0].connections, 3);
    CHECK_EQ("delivered", stats.delivered, 10);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "one more");
    CHECK_EQ("an idle connection takes it", w.peer[0].connections, 3);
    world_done(&w);
}

static void a_reused_connection_that_broke_is_no_failure(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    w.config.delivery.connections_per_site = 1;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "first");
    w.peer[0].script.mail = "*!";
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "cut at MAIL");
    CHECK_EQ("delivered over a fresh connection", w.outcome[1].verdict, 'o');
    CHECK_EQ("two connections", w.peer[0].connections, 2);
    w.peer[0].used_once = 0;
    w.peer[0].script.mail = "*^421 4.4.2 idle too long";
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "421 at MAIL");
    CHECK_EQ("delivered over a fresh connection", w.outcome[2].verdict, 'o');
    world_done(&w);
}

static void destinations_share_a_site(void **state)
{
    struct world w;
    struct delivery_stats stats;

    (void)state;
    world_init(&w, "a.test MX 10 one.test\nb.test MX 10 one.test\nc.test MX 10 two.test\none.test "
                   "A 127.0.0.1\ntwo.test A 127.0.0.2\n");
    w.config.delivery.connections_per_site = 1;
    world_start(&w);
    for (int i = 0; i < 4; i++) {
        world_put(&w, "a.test", 1, BODY);
        world_put(&w, "b.test", 1, BODY);
        world_put(&w, "c.test", 1, BODY);
    }
    world_deliver(&w, "three domains");
    delivery_stats(w.delivery, &stats);
    CHECK_EQ("two sites", stats.sites, 2);
    CHECK_EQ("one connection for two domains", w.peer[0].connections, 1);
    CHECK_EQ("their messages", w.peer[0].messages, 8);
    CHECK_EQ("the other site's", w.peer[1].messages, 4);
    world_done(&w);
}

static void the_overall_maximum_is_shared(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "a.test MX 10 one.test\nc.test MX 10 two.test\none.test A 127.0.0.1\ntwo.test A "
                   "127.0.0.2\n");
    w.config.delivery.connections = 1;
    world_start(&w);
    for (int i = 0; i < 3; i++) {
        world_put(&w, "a.test", 1, BODY);
        world_put(&w, "c.test", 1, BODY);
    }
    world_deliver(&w, "one connection for two sites");
    CHECK_EQ("first site", w.peer[0].messages, 3);
    CHECK_EQ("second site, without waiting for the idle time", w.peer[1].messages, 3);
    world_done(&w);
}

static void a_resting_site_puts_its_mail_back(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    w.peer[0].script.greeting = "^421 4.3.2 closed";
    w.config.delivery.connections_per_site = 1;
    world_start(&w);
    for (int i = 0; i < 5; i++)
        world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "rest");
    CHECK_EQ("the first was an attempt", w.outcome[0].verdict, 't');
    for (size_t i = 1; i < 5; i++) {
        CHECK_EQ("the others were not", w.outcome[i].verdict, 'u');
        CHECK_TRUE("it is said why they wait",
                   strstr(w.outcome[i].why, "rest after trouble at one.test") != NULL);
        CHECK_TRUE("and until when", w.outcome[i].not_before > clock_now_s());
    }
    CHECK_EQ("one connection", w.peer[0].connections, 1);
    world_done(&w);
}

static void bodies_from_the_store(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    world_start(&w);
    world_put(&w, "d.test", 1, NULL);
    world_put(&w, "d.test", 1, NULL);
    world_deliver(&w, "bodies");
    CHECK_EQ("loaded", w.body_loads, 2);
    CHECK_EQ("delivered", w.outcome[0].verdict, 'o');
    CHECK_EQ("delivered", w.outcome[1].verdict, 'o');
    w.body_missing = true;
    world_put(&w, "d.test", 1, NULL);
    world_deliver(&w, "no body");
    CHECK_EQ("not tried without a body", w.outcome[2].verdict, 'u');
    CHECK_TRUE("nor at once again", w.outcome[2].not_before > clock_now_s());
    world_done(&w);
}

static void without_a_doubt_no_dot(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, ONE);
    w.no_doubt = true;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "no doubt");
    CHECK_EQ("not sent", w.peer[0].messages, 0);
    CHECK_TRUE("tried again later", w.outcome[0].verdict == 't' || w.outcome[0].verdict == 'u');
    CHECK_EQ("and it can't be there twice", w.outcome[0].repeated, 0);
    world_done(&w);
}

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
    loop_stop(the_world->loop);
}

static void draining(void **state)
{
    struct world w;
    bool drained = false;

    (void)state;
    world_init(&w, ONE);
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    world_deliver(&w, "before");
    delivery_drain(w.delivery, on_drained, &drained);
    if (!drained)
        world_run(&w, "drain");
    CHECK_TRUE("idle connections are closed", drained);
    world_done(&w);
}

static void stopping_at_any_time(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 12; turns++) {
        struct world w;

        world_init(&w, ONE);
        w.peer[0].script.dot = "";
        world_start(&w);
        for (int i = 0; i < 3; i++)
            world_put(&w, "d.test", 1, i == 0 ? NULL : BODY);
        w.wanted = SIZE_MAX;
        w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
        for (unsigned i = 0; i < turns; i++)
            world_turn(&w);
        delivery_free(w.delivery);
        w.delivery = NULL;
        for (unsigned i = 0; i < 3; i++)
            world_turn(&w);
        for (struct job *job; (job = queue_take(NULL, w.dest[0])) != NULL;)
            world_free_job(job);
        CHECK_TRUE("a doubt stays noted for the next start", w.cleared <= w.doubts);
        w.cleared = w.doubts;
        world_done(&w);
    }
}

static void stopping_while_a_body_is_read(void **state)
{
    (void)state;
    for (int freed = 0; freed < 2; freed++) {
        struct world w;

        world_init(&w, ONE);
        w.hold = true;
        world_start(&w);
        world_put(&w, "d.test", 1, NULL);
        w.wanted = SIZE_MAX;
        w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
        for (unsigned i = 0; i < 10; i++)
            world_turn(&w);
        CHECK_TRUE("a body is awaited", w.held != NULL);
        if (freed) {
            delivery_free(w.delivery);
            w.delivery = NULL;
        }
        w.held->run(w.held);
        w.wanted = 1;
        if (!freed)
            world_run(&w, "released");
        CHECK_EQ("the job came back or was carried", w.outcome[0].verdict, freed ? 'u' : 'o');
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_reused),
        cmocka_unit_test(a_reused_connection_that_broke_is_no_failure),
        cmocka_unit_test(destinations_share_a_site),
        cmocka_unit_test(the_overall_maximum_is_shared),
        cmocka_unit_test(a_resting_site_puts_its_mail_back),
        cmocka_unit_test(bodies_from_the_store),
        cmocka_unit_test(without_a_doubt_no_dot),
        cmocka_unit_test(draining),
        cmocka_unit_test(stopping_at_any_time),
        cmocka_unit_test(stopping_while_a_body_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
