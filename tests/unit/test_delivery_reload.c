/* SPDX-License-Identifier: Apache-2.0 */
/* Another configuration while mail is on its way: what it asks counts from the next message on. */
#include <unistd.h>

#include "delivery_rows.h"

static char ca_file[] = "/tmp/sigillo-test-ca-XXXXXX";
static const char *any[] = {"*"};

/* The servers' certificate is in the file. */
static void trust(const struct world *w)
{
    FILE *f = fopen(ca_file, "w");

    assert_non_null(f);
    fputs(w->made.certificate, f);
    fclose(f);
}

static void reload(struct world *w, struct config *next)
{
    char why[200] = "";

    CHECK_TRUE(why, delivery_reconfigure(w->delivery, next, why, sizeof why));
}

/* Roots that were taken away prove nobody, also on a connection that they had proved. */
static void a_connection_of_the_former_one_carries_nothing_new(void **state)
{
    static char host[] = "one.test", nobody[] = "/dev/null";
    struct config_route before = {.name = "r",
                                  .domain = any,
                                  .domains = 1,
                                  .host = host,
                                  .tls = ROUTE_TLS_VERIFIED,
                                  .ca_file = ca_file},
                        after = before;

    (void)state;
    after.ca_file = nobody;
    for (int busy = 0; busy < 2; busy++) {
        struct world w;
        struct config next;

        world_init(&w, "one.test A 127.0.0.1\n");
        w.config.delivery.connections_per_site = 1;
        w.config.route = &before;
        w.config.routes = 1;
        w.peer[0].script = (struct script){.tls = true};
        next = w.config;
        next.route = &after;
        trust(&w);
        world_start(&w);
        world_put(&w, "d.test", 1, BODY);
        world_deliver(&w, "by the former roots");
        CHECK_EQ("it went", w.outcome[0].verdict, 'o');
        if (busy == 0)
            reload(&w, &next);
        world_put(&w, "d.test", 1, BODY);
        if (busy == 1) { /* what was taken goes, and the next one comes to the same connection */
            w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
            reload(&w, &next);
            world_put(&w, "d.test", 1, BODY);
        }
        world_deliver(&w, "by the new ones");
        CHECK_EQ("no more", w.outcome[w.outcomes - 1].verdict, 't');
        CHECK_EQ("what went", w.peer[0].messages, 1 + (unsigned)busy);
        world_done(&w);
    }
}

/* Hosts that were looked for by the former configuration are not used. */
static void a_plan_of_the_former_one_is_none(void **state)
{
    struct config_route verified = {
        .name = "r", .domain = any, .domains = 1, .tls = ROUTE_TLS_VERIFIED};
    struct world w;
    struct config next;

    (void)state;
    world_init(&w, ONE);
    next = w.config;
    next.route = &verified;
    next.routes = 1;
    world_start(&w);
    world_put(&w, "d.test", 1, BODY);
    w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
    reload(&w, &next); /* while its hosts are being found */
    world_run(&w, "planned before");
    CHECK_EQ("verified TLS is demanded by now", w.outcome[0].verdict, 't');
    CHECK_TRUE(w.outcome[0].detail, strstr(w.outcome[0].detail, "demand-not-met") != NULL);
    CHECK_EQ("nobody was connected to", w.peer[0].connections, 0);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_of_the_former_one_carries_nothing_new),
        cmocka_unit_test(a_plan_of_the_former_one_is_none),
    };
    int fd = mkstemp(ca_file), failed;

    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(ca_file);
    return failed;
}
