/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's hand reaches into the queue: hold, release, cancel, try now. */
#include "queue_fixture.h"

static enum store_result hand(enum store_control_verb verb, uint64_t message)
{
    struct store_control c = {.op = {.kind = STORE_CONTROL},
                              .verb = verb,
                              .message = message,
                              .actor = SGL_LIT("test"),
                              .now = fx.now};
    enum store_result r = queue_fixture_run(&fx, &c.op);

    queue_nudge(fx.queue);
    queue_fixture_settle(&fx);
    return r;
}

static void test_hold_in_memory(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    hand(CONTROL_HOLD, s.message.id);
    CHECK_TRUE("what is held in memory is not handed out",
               queue_fixture_take(&fx, "example.net") == NULL);
    CHECK_EQ("nor kept there", fx.queue->all == NULL, true);
    hand(CONTROL_RELEASE, s.message.id);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("released, it goes", job != NULL);
    hand(CONTROL_HOLD, s.message.id);
    queue_fixture_finish(&fx, job, RCPT_TEMPORARY);
    CHECK_EQ("held while out: it stays held", queue_fixture_rcpt(&fx, s.message.id, 0)->state,
             RCPT_HELD);
    queue_fixture_at(&fx, fx.now + 5000);
    CHECK_TRUE("also at its next time", queue_fixture_take(&fx, "example.net") == NULL);
    hand(CONTROL_RELEASE, s.message.id);
    job = queue_fixture_take(&fx, "example.net");
    hand(CONTROL_CANCEL, s.message.id);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("cancelled too late: delivered is the truth",
             queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    store_sample_done(&s);
}

static void test_cancel_in_memory(void **state)
{
    struct store_sample s;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 2);
    hand(CONTROL_CANCEL, s.message.id);
    CHECK_TRUE("cancelled in memory: not handed out",
               queue_fixture_take(&fx, "example.net") == NULL);
    CHECK_EQ("cancelled", queue_fixture_rcpt(&fx, s.message.id, 1)->state, RCPT_CANCELLED);
    CHECK_EQ("nobody is told", fx.notices, 0);
    store_sample_done(&s);
}

static void test_cancel_beside_an_outcome(void **state)
{
    struct store_sample s;
    struct rcpt_outcome o = {.verdict = RCPT_UNTRIED, .why_wait = SGL_LIT("the site rests")};
    struct store_control c = {.op = {.kind = STORE_CONTROL}, .verb = CONTROL_CANCEL};

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    c.message = s.message.id;
    c.now = fx.now;
    /* Both share a commit: the queue hears of the hand before it hears of the outcome. */
    queue_outcome(fx.queue, queue_fixture_take(&fx, "example.net"), &o, NULL, 0, UINT32_MAX);
    assert_int_equal(queue_fixture_run(&fx, &c.op), STORE_OK);
    queue_fixture_settle(&fx);
    CHECK_EQ("cancelled", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_CANCELLED);
    queue_fixture_at(&fx, fx.now + 10);
    CHECK_TRUE("and not tried again", queue_fixture_take(&fx, "example.net") == NULL);
    CHECK_TRUE("nor kept", fx.queue->all == NULL);
    store_sample_done(&s);
}

static void test_hold_while_out(void **state)
{
    struct store_sample s;
    struct rcpt_outcome o = {.verdict = RCPT_UNTRIED};
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    job = queue_fixture_take(&fx, "example.net");
    hand(CONTROL_HOLD, s.message.id);
    queue_outcome(fx.queue, job, &o, NULL, 0, UINT32_MAX); /* with nothing to say */
    queue_fixture_settle(&fx);
    queue_fixture_at(&fx, fx.now + 10);
    CHECK_TRUE("put back, it is held", queue_fixture_take(&fx, "example.net") == NULL);
    hand(CONTROL_RELEASE, s.message.id);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("released, it goes", job != NULL);
    hand(CONTROL_HOLD, s.message.id);
    hand(CONTROL_RELEASE, s.message.id);
    queue_outcome(fx.queue, job, &o, NULL, 0, UINT32_MAX);
    queue_fixture_settle(&fx);
    queue_fixture_at(&fx, fx.now + 10);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("held and released while out: it goes on", job != NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s);
}

static void test_retry_now(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_TEMPORARY);
    CHECK_TRUE("it waits", queue_fixture_take(&fx, "example.net") == NULL);
    hand(CONTROL_RETRY, s.message.id);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("a hand makes it due", job != NULL);
    queue_fixture_finish(&fx, job, RCPT_UNTRIED);
    CHECK_TRUE("put back, it is not handed out at once",
               queue_fixture_take(&fx, "example.net") == NULL);
    CHECK_EQ("no attempt was counted", queue_fixture_rcpt(&fx, s.message.id, 0)->attempts, 1);
    CHECK_VIEW("but why it waits", queue_fixture_rcpt(&fx, s.message.id, 0)->why_wait,
               SGL_LIT("the site says: later"));
    CHECK_VIEW("its last answer is still known", queue_fixture_rcpt(&fx, s.message.id, 0)->reason,
               SGL_LIT("451 later"));
    queue_fixture_at(&fx, fx.now + 2);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("then it is", job != NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_hold_in_memory),
        QUEUE_TEST(test_cancel_in_memory),
        QUEUE_TEST(test_cancel_beside_an_outcome),
        QUEUE_TEST(test_hold_while_out),
        QUEUE_TEST(test_retry_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
