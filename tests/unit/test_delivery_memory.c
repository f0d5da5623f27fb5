/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a delivery fails once: the recipient always has an outcome, never a bounce, and nothing leaks. */
#include "fail_alloc.h"

#include <stdlib.h>

/* What plays the other rooms and the other side has memory always. */
#define PEER_BEGIN() fail_alloc_off()
#define PEER_END()   fail_alloc_on()
#define malloc       __real_malloc
#define calloc       __real_calloc
#define realloc      __real_realloc
#include "delivery_world.h"

#define BODY "Subject: x\r\n\r\nhello\r\n"

static void one_round(const char *zone, bool tls, unsigned jobs)
{
    struct world w;

    fail_alloc_off();
    world_init(&w, zone);
    log_set_level((enum log_level)(LOG_ERROR_ + 1)); /* it may well complain */
    w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 200;
    w.config.delivery.dot_timeout_ms = 200;
    w.peer[0].script.tls = w.peer[1].script.tls = tls;
    world_start(&w);
    w.config.delivery.connections_per_site = w.config.delivery.messages_per_connection =
        jobs > 1 ? 1 : 100;
    for (unsigned i = 0; i < jobs; i++)
        world_put(&w, "d.test", 2, BODY);
    fail_alloc_on();
    w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
    while (w.outcomes < w.wanted) {
        struct timeval limit = {3, 0};

        event_add(w.watchdog,
                  &limit); /* a destination that lost its turn waits for the queue's next word */
        loop_run(w.loop);
        if (w.late)
            w.hooks.ready(w.hooks.ctx, w.dest[0], queue_dest_domain(w.dest[0]));
        w.late = false;
    }
    fail_alloc_off();
    for (size_t i = 0; i < w.outcomes; i++)
        if (w.outcome[i].verdict == 'p')
            fail_msg("memory is no reason to bounce: %s", w.outcome[i].why);
    if (!fail_alloc_hit())
        CHECK_EQ("with all of it the message goes", w.outcome[0].verdict, 'o');
    world_done(&w);
}

static void in_plain(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++)
        one_round("MX 10 one.test\nMX 20 two.test\none.test A 127.0.0.1\ntwo.test A 127.0.0.2\n",
                  false, 1);
}

static void under_dane(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++)
        one_round(
            "$SECURE\nMX 10 one.test\none.test A 127.0.0.1\n_PORT._tcp.one.test TLSA 3 1 1 GOOD\n",
            true, 1);
}

static void resuming_a_session(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++)
        one_round(
            "$SECURE\nMX 10 one.test\none.test A 127.0.0.1\n_PORT._tcp.one.test TLSA 3 1 1 GOOD\n",
            true, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_plain), cmocka_unit_test(under_dane),
                                       cmocka_unit_test(resuming_a_session)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
