/* SPDX-License-Identifier: Apache-2.0 */
/* Who has what for how long: claims under a fence, outcomes, leases, lanes, an operator's hand. */
#include "store_steps.h"

/* Mail that a route carries must not go to whoever its address names, whatever happened in between. */
static void test_a_destination_of_its_own(void **state)
{
    struct store_sample s;
    struct store_message *m = NULL;
    struct store_claim c;

    (void)state;
    store_sample_init(&s, "example.net", 2, 100);
    s.rcpt[0].domain = SGL_LIT("=r_01");
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("both are due", claim(&c, 10, 0, NOW), 2);
    CHECK_VIEW("claimed, it is that of before", c.message[0]->rcpt[0].domain, SGL_LIT("=r_01"));
    CHECK_VIEW("its address, too", c.message[0]->rcpt[0].address, SGL_LIT("User0@example.net"));
    CHECK_VIEW("another has that of its address", c.message[0]->rcpt[1].domain,
               SGL_LIT("example.net"));
    assert_int_equal(store_read_message(fx.store, s.message.id, &m), STORE_OK);
    CHECK_VIEW("and so it is read", m->rcpt[0].domain, SGL_LIT("=r_01"));
    store_message_free(m);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_claim_and_outcome(void **state)
{
    struct store_sample s;
    struct store_claim c, none;
    struct store_outcome_rcpt r;
    struct store_message *m = NULL;

    (void)state;
    store_sample_init(&s, "example.net", 2, 100);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("nothing is due before its time", claim(&c, 10, 0, 1699999999), 0);
    CHECK_EQ("and it is known when", c.next_due, 1700000000);
    store_claim_done(&c);
    CHECK_EQ("both are due", claim(&c, 10, 0, NOW), 2);
    CHECK_EQ("as one message", c.messages, 1);
    CHECK_EQ("under a fence", c.message[0]->rcpt[0].fence, 1);
    CHECK_EQ("none is given twice", claim(&none, 10, 0, NOW), 0);
    CHECK_EQ("nothing waits", none.next_due, INT64_MAX);
    store_claim_done(&none);

    CHECK_EQ("an outcome under another fence is refused",
             outcome(s.message.id, s.rcpt[0].id, 7, RCPT_DELIVERED, &r), STORE_CONFLICT);
    CHECK_EQ("and says so", r.result, STORE_CONFLICT);
    CHECK_EQ("one of another message, too",
             outcome(s.message.id + 1, s.rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_CONFLICT);
    CHECK_EQ("delivered", outcome(s.message.id, s.rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_OK);
    CHECK_EQ("deferred", outcome(s.message.id, s.rcpt[1].id, 1, RCPT_QUEUED, &r), STORE_OK);
    CHECK_EQ("a second end is refused", outcome(s.message.id, s.rcpt[0].id, 1, RCPT_FAILED, &r),
             STORE_CONFLICT);
    store_claim_done(&c);

    assert_int_equal(store_read_message(fx.store, s.message.id, &m), STORE_OK);
    CHECK_EQ("first", m->rcpt[0].state, RCPT_DELIVERED);
    CHECK_EQ("second", m->rcpt[1].state, RCPT_QUEUED);
    CHECK_EQ("attempts", m->rcpt[1].attempts, 1);
    CHECK_EQ("next try", m->rcpt[1].next_at, NOW + 60);
    CHECK_VIEW("why", m->rcpt[1].why_wait, SGL_LIT("retry schedule, step 1"));
    CHECK_VIEW("status", m->rcpt[1].status, SGL_LIT("4.4.1"));
    CHECK_VIEW("reason", m->rcpt[1].reason, SGL_LIT("connection refused"));
    CHECK_VIEW("remote", m->rcpt[1].remote_mta, SGL_LIT("mx [192.0.2.1]"));
    store_message_free(m);

    CHECK_EQ("not before its time", claim(&c, 10, 0, NOW + 59), 0);
    CHECK_EQ("known", c.next_due, NOW + 60);
    store_claim_done(&c);
    CHECK_EQ("due again", claim(&c, 10, 0, NOW + 60), 1);
    CHECK_EQ("the fence grows", c.message[0]->rcpt[0].fence, 2);
    CHECK_VIEW("what was answered is known", c.message[0]->rcpt[0].reason,
               SGL_LIT("connection refused"));
    CHECK_EQ("a late worker's write is refused",
             outcome(s.message.id, s.rcpt[1].id, 1, RCPT_DELIVERED, &r), STORE_CONFLICT);
    CHECK_EQ("its state stays", state_of(s.message.id, 1), RCPT_QUEUED);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_clock_set_back_while_down(void **state)
{
    int64_t ahead = clock_now_s() + 86400, back = ahead - 86400;
    struct store_sample s;
    struct store_claim c;

    (void)state;
    store_sample_init(&s, "example.net", 1, 100);
    s.rcpt[0].next_at = ahead;
    s.accept.claim = true;
    s.accept.lease_until = (uint64_t)ahead + 600;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("what was claimed was due, and still is", claim(&c, 10, 0, back + 60), 1);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_put_off_by_a_clock_that_was_ahead(void **state)
{
    const uint64_t day = 86400, id_per_s = 1000ull << 22;
    int64_t now = clock_now_s(), ahead = now + (int64_t)day;
    struct store_sample s, later;
    struct store_claim c;

    (void)state;
    store_sample_init(&later, "example.org", 1, 100);
    later.message.not_before = later.rcpt[0].next_at = ahead;
    assert_int_equal(store_sample_accept(&fx, &later), STORE_OK);
    store_sample_init(&s, "example.net", 1, 100);
    s.message.id = id_new() + day * id_per_s; /* made while the clock was a day ahead */
    s.rcpt[0].next_at = ahead + 30;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("nothing is due by the true clock", claim(&c, 10, 0, now + 60), 0);
    store_claim_done(&c);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("what was put off comes a day earlier", claim(&c, 10, 0, now + 60), 1);
    CHECK_TRUE("and what was asked for later does not",
               c.messages == 1 && c.message[0]->id == s.message.id);
    store_claim_done(&c);
    store_sample_done(&s);
    store_sample_done(&later);
}

static void test_control(void **state)
{
    struct store_sample s;
    struct store_claim c;
    struct store_outcome_rcpt r;
    size_t changed;

    (void)state;
    store_sample_init(&s, "example.net", 2, 10);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("hold", control(CONTROL_HOLD, s.message.id, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("both", changed, 2);
    CHECK_EQ("held ones are not due", claim(&c, 10, 0, NOW), 0);
    store_claim_done(&c);
    CHECK_EQ("release one", control(CONTROL_RELEASE, s.message.id, s.rcpt[0].id, NULL, &changed),
             STORE_OK);
    CHECK_EQ("one", changed, 1);
    CHECK_EQ("due", claim(&c, 10, 0, NOW + 5), 1);
    store_claim_done(&c);

    CHECK_EQ("held while it is out", control(CONTROL_HOLD, 0, s.rcpt[0].id, NULL, &changed),
             STORE_OK);
    CHECK_EQ("a try that failed for now stays held",
             outcome(s.message.id, s.rcpt[0].id, 1, RCPT_QUEUED, &r), STORE_OK);
    CHECK_EQ("as it says", r.now_state, RCPT_HELD);
    CHECK_EQ("release all of the domain", control(CONTROL_RELEASE, 0, 0, "example.net", &changed),
             STORE_OK);
    CHECK_EQ("two", changed, 2);
    CHECK_EQ("both are due", claim(&c, 10, 0, NOW + 5), 2);
    store_claim_done(&c);

    CHECK_EQ("cancel all", control(CONTROL_CANCEL, 0, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("two of two", changed, 2);
    CHECK_EQ("cancelled", state_of(s.message.id, 1), RCPT_CANCELLED);
    CHECK_EQ("a true end is written all the same",
             outcome(s.message.id, s.rcpt[0].id, 2, RCPT_DELIVERED, &r), STORE_OK);
    CHECK_EQ("delivered", state_of(s.message.id, 0), RCPT_DELIVERED);
    CHECK_EQ("a wish to try again is not", outcome(s.message.id, s.rcpt[1].id, 1, RCPT_QUEUED, &r),
             STORE_OK);
    CHECK_EQ("cancelled stays", r.now_state, RCPT_CANCELLED);
    CHECK_EQ("an unknown message", control(CONTROL_HOLD, 77, 0, NULL, &changed), STORE_NOT_FOUND);
    CHECK_EQ("another domain", control(CONTROL_CANCEL, 0, 0, "example.com", &changed), STORE_OK);
    CHECK_EQ("touches nothing", changed, 0);
    store_sample_done(&s);
}

static void test_retry(void **state)
{
    struct store_sample s;
    struct store_claim c;
    size_t changed;

    (void)state;
    store_sample_init(&s, "example.net", 1, 10);
    s.message.not_before = NOW + 5000;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    CHECK_EQ("not before its time", claim(&c, 10, 0, NOW), 0);
    CHECK_EQ("which is known", c.next_due, NOW + 5000);
    store_claim_done(&c);
    CHECK_EQ("retry", control(CONTROL_RETRY, s.message.id, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("makes it due now", claim(&c, 10, 0, NOW + 5), 1);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_release_and_extend(void **state)
{
    struct store_sample s;
    struct store_claim c;
    struct store_release r = {.op = {.kind = STORE_EXTEND}, .lease_until = NOW + 5000, .rcpts = 1};
    struct store_outcome_rcpt o;
    uint64_t fence = 1;

    (void)state;
    store_sample_init(&s, "example.net", 1, 10);
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    claim(&c, 10, 0, NOW);
    store_claim_done(&c);
    r.rcpt = &s.rcpt[0].id;
    r.fence = &fence;
    assert_int_equal(store_fixture_run(&fx, &r.op), STORE_OK);
    CHECK_EQ("an extended lease holds", claim(&c, 10, 0, NOW + 4999), 0);
    store_claim_done(&c);
    claim(&c, 10, 0, NOW + 5011);
    store_claim_done(&c);
    CHECK_EQ("one that ran out does not", claim(&c, 10, 0, NOW + 5011), 1);
    store_claim_done(&c);
    CHECK_EQ("and its late outcome is refused",
             outcome(s.message.id, s.rcpt[0].id, 1, RCPT_QUEUED, &o), STORE_CONFLICT);
    r.op.kind = STORE_RELEASE;
    fence = 1;
    assert_int_equal(store_fixture_run(&fx, &r.op), STORE_OK);
    CHECK_EQ("only the owner gives back", claim(&c, 10, 0, NOW + 5012), 0);
    store_claim_done(&c);
    fence = 2;
    assert_int_equal(store_fixture_run(&fx, &r.op), STORE_OK);
    CHECK_EQ("given back, due again", claim(&c, 10, 0, NOW + 5012), 1);
    CHECK_EQ("without an attempt", c.message[0]->rcpt[0].attempts, 0);
    store_claim_done(&c);
    store_sample_done(&s);
}

static void test_lanes(void **state)
{
    struct store_sample big[6], small;
    struct store_claim c;
    struct store_outcome_rcpt r;
    bool seen = false;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        store_sample_init(&big[i], "big.example", 8, 10);
        assert_int_equal(store_sample_accept(&fx, &big[i]), STORE_OK);
    }
    store_sample_init(&small, "small.example", 1, 10);
    small.rcpt[0].next_at = NOW - 1; /* younger than all the others */
    assert_int_equal(store_sample_accept(&fx, &small), STORE_OK);
    CHECK_EQ("of one lane no more is out than its share", claim(&c, 20, 10, NOW), 11);
    for (size_t i = 0; i < c.messages; i++)
        seen = seen || c.message[i]->id == small.message.id;
    CHECK_TRUE("so another has its turn", seen);
    CHECK_EQ("oldest first", c.message[0]->id, big[0].message.id);
    CHECK_EQ("what is left comes back", c.next_due, NOW + 1);
    store_claim_done(&c);
    CHECK_EQ("the share is used up", claim(&c, 20, 10, NOW), 0);
    store_claim_done(&c);
    assert_int_equal(outcome(big[0].message.id, big[0].rcpt[0].id, 1, RCPT_DELIVERED, &r),
                     STORE_OK);
    CHECK_EQ("one home, one out", claim(&c, 20, 10, NOW), 1);
    store_claim_done(&c);
    CHECK_EQ("without a bound all are given", claim(&c, 100, 0, NOW), 37);
    store_claim_done(&c);
    for (size_t i = 0; i < 6; i++)
        store_sample_done(&big[i]);
    store_sample_done(&small);
}

static struct {
    size_t count;
    enum store_control_verb verb;
    uint64_t rcpt;
} heard;

static void hear(void *ctx, enum store_control_verb verb, const uint64_t *rcpt, size_t rcpts)
{
    (void)ctx;
    heard.count += rcpts;
    heard.verb = verb;
    heard.rcpt = rcpt[0];
}

static void test_watch(void **state)
{
    struct store_sample s;
    struct store_watch watch = {.loop = fx.loop, .changed = hear};
    size_t changed;

    (void)state;
    memset(&heard, 0, sizeof(heard));
    store_set_watch(fx.store, &watch);
    store_sample_init(&s, "a.example", 2, 10);
    s.accept.claim = true;
    s.accept.lease_until = NOW + 600;
    s.rcpt[1].state = RCPT_HELD; /* held at birth: not claimed */
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    assert_int_equal(control(CONTROL_CANCEL, s.message.id, 0, NULL, &changed), STORE_OK);
    CHECK_EQ("both are cancelled", changed, 2);
    CHECK_EQ("the queue hears of the one that it has, before the answer", heard.count, 1);
    CHECK_EQ("which", heard.rcpt, s.rcpt[0].id);
    CHECK_EQ("and why", heard.verb, CONTROL_CANCEL);
    store_sample_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_claim_and_outcome),
        STORE_TEST(test_a_destination_of_its_own),
        STORE_TEST(test_clock_set_back_while_down),
        STORE_TEST(test_put_off_by_a_clock_that_was_ahead),
        STORE_TEST(test_control),
        STORE_TEST(test_retry),
        STORE_TEST(test_release_and_extend),
        STORE_TEST(test_lanes),
        STORE_TEST(test_watch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
