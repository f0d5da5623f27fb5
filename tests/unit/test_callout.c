/* SPDX-License-Identifier: Apache-2.0 */
/* Recipients that a server was asked about: what is remembered for how long, and what is answered. */
#include "../../server/callout/callout.h"

#include <semaphore.h>
#include <stdlib.h>

#include "check.h"

/* ---- delivery's stand-in ---- */

static enum delivery_asked the_answer;
static unsigned times_asked;

void delivery_ask(struct delivery *d, struct delivery_ask *a)
{
    (void)d;
    times_asked++;
    a->asked = the_answer;
    a->done(a);
}

/* ---- */

static struct arrival_route route = {.owned = {.key = (char *)(uintptr_t) "r_1", .version = 1}};

static void memory(void **state)
{
    struct callout *c = callout_new(NULL, NULL);

    (void)state;
    CHECK_EQ("nothing", callout_remembered(c, &route, SGL_LIT("a@a.test"), 100), CALLOUT_NOT_KNOWN);
    callout_remember(c, &route, SGL_LIT("a@a.test"), true, 100);
    CHECK_EQ("yes", callout_remembered(c, &route, SGL_LIT("A@a.TEST"), 100), CALLOUT_YES);
    CHECK_EQ("for an hour", callout_remembered(c, &route, SGL_LIT("a@a.test"), 100 + 3599),
             CALLOUT_YES);
    CHECK_EQ("and no longer", callout_remembered(c, &route, SGL_LIT("a@a.test"), 100 + 3600),
             CALLOUT_NOT_KNOWN);
    callout_remember(c, &route, SGL_LIT("a@a.test"), false, 100);
    CHECK_EQ("no", callout_remembered(c, &route, SGL_LIT("a@a.test"), 399), CALLOUT_NO);
    CHECK_EQ("for five minutes", callout_remembered(c, &route, SGL_LIT("a@a.test"), 400),
             CALLOUT_NOT_KNOWN);
    callout_remember(c, &route, SGL_LIT("a@a.test"), true, 100);
    CHECK_EQ("another", callout_remembered(c, &route, SGL_LIT("b@a.test"), 100), CALLOUT_NOT_KNOWN);
    route.owned.version = 2;
    CHECK_EQ("the route was changed", callout_remembered(c, &route, SGL_LIT("a@a.test"), 100),
             CALLOUT_NOT_KNOWN);
    route.owned.version = 1;
    callout_free(c);
}

struct asked {
    struct reception_ask ask; /* first: cast from it */
    struct reception_to to;
    struct reception_answer answer;
    sem_t done;
};

static void answered(struct reception_ask *ask, const struct reception_answer *answer)
{
    struct asked *q = (struct asked *)(void *)ask;

    q->answer = *answer;
    sem_post(&q->done);
}

static void is_answered(struct callout *c, struct loop *loop, const char *address, unsigned code,
                        const char *enhanced)
{
    struct asked q = {.to = {.address = sgl_view_cstr(address), .route = &route},
                      .ask = {.loop = loop}};

    q.ask.to = &q.to;
    sem_init(&q.done, 0, 0);
    callout_ask(c, &q.ask, answered);
    sem_wait(&q.done);
    CHECK_EQ(address, q.answer.code, code);
    CHECK_STR(address, q.answer.enhanced, enhanced);
    sem_destroy(&q.done);
}

static void answers(void **state)
{
    struct loop *outgoing = loop_new("outgoing"), *door = loop_new("door");
    struct callout *c = callout_new(outgoing, NULL);

    (void)state;
    assert_true(loop_start(outgoing) && loop_start(door));
    the_answer = ASKED_TAKEN;
    is_answered(c, door, "yes@a.test", 250, "2.1.5");
    the_answer = ASKED_REFUSED;
    is_answered(c, door, "yes@a.test", 250, "2.1.5");
    CHECK_EQ("asked once", times_asked, 1);
    is_answered(c, door, "no@a.test", 550, "5.1.1");
    the_answer = ASKED_UNKNOWN;
    is_answered(c, door, "no@a.test", 550, "5.1.1");
    CHECK_EQ("asked once more", times_asked, 2);
    is_answered(c, door, "who@a.test", 451, "4.4.1");
    is_answered(c, door, "who@a.test", 451, "4.4.1");
    CHECK_EQ("what is not known is asked again", times_asked, 4);
    loop_stop(outgoing);
    loop_stop(door);
    loop_join(outgoing);
    loop_join(door);
    callout_free(c);
    loop_free(outgoing);
    loop_free(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory), cmocka_unit_test(answers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
