/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: messages that are held or cancelled together, those that come later as well. */
#include "store_steps.h"

#define SUB   SGL_LIT("sub")
#define BATCH SGL_LIT("batch1") /* what the samples belong to */

static enum store_result make(sgl_view subscription, sgl_view id)
{
    struct store_batch b = {.op = {.kind = STORE_BATCH}, .subscription = subscription, .id = id};

    return store_fixture_run(&fx, &b.op);
}

static enum store_result decide(enum store_control_verb verb, bool first, size_t *changed)
{
    struct store_control c = {.op = {.kind = STORE_CONTROL},
                              .verb = verb,
                              .subscription = SUB,
                              .batch = BATCH,
                              .batch_new = first,
                              .actor = SGL_LIT("key:k1"),
                              .now = NOW};
    enum store_result r = store_fixture_run(&fx, &c.op);

    *changed = c.changed;
    return r;
}

static struct store_sample sample[4];

static enum store_result accept_at(size_t i, int64_t not_before)
{
    enum store_result r;

    store_sample_init(&sample[i], "example.net", 2, 100);
    sample[i].message.batch = BATCH;
    sample[i].message.not_before = not_before;
    r = store_sample_accept(&fx, &sample[i]);
    store_sample_done(&sample[i]);
    return r;
}

static int64_t next_at(size_t i)
{
    struct store_message *m = NULL;
    int64_t at;

    assert_int_equal(store_read_message(fx.store, sample[i].message.id, &m), STORE_OK);
    at = m->rcpt[0].next_at;
    store_message_free(m);
    return at;
}

static void test_made(void **state)
{
    enum batch_status status = BATCH_CANCELLED;
    size_t changed;

    (void)state;
    CHECK_EQ("a message of none that is there", accept_at(0, 0), STORE_NOT_FOUND);
    CHECK_EQ("nothing to decide of", decide(CONTROL_HOLD, true, &changed), STORE_NOT_FOUND);
    CHECK_EQ("not to be read", store_read_batch(fx.store, SUB, BATCH, &status), STORE_NOT_FOUND);
    CHECK_EQ("of another subscription", make(SGL_LIT("sub2"), BATCH), STORE_OK);
    CHECK_EQ("is not ours", accept_at(0, 0), STORE_NOT_FOUND);
    CHECK_EQ("made", make(SUB, BATCH), STORE_OK);
    CHECK_EQ("once", make(SUB, BATCH), STORE_EXISTS);
    CHECK_EQ("to be read", store_read_batch(fx.store, SUB, BATCH, &status), STORE_OK);
    CHECK_EQ("it goes", status, BATCH_GOES);
    CHECK_EQ("and a message of it", accept_at(0, 0), STORE_OK);
    CHECK_EQ("waits", state_of(sample[0].message.id, 0), RCPT_QUEUED);
    CHECK_EQ("what goes cannot be let go", decide(CONTROL_RELEASE, false, &changed),
             STORE_CONFLICT);
    CHECK_EQ("nor changed", decide(CONTROL_HOLD, false, &changed), STORE_CONFLICT);
}

static void test_paused(void **state)
{
    struct store_claim c;
    size_t changed;

    (void)state;
    assert_int_equal(make(SUB, BATCH), STORE_OK);
    assert_int_equal(accept_at(0, NOW + 5000), STORE_OK);
    CHECK_EQ("paused", decide(CONTROL_HOLD, true, &changed), STORE_OK);
    CHECK_EQ("both recipients are", changed, 2);
    CHECK_EQ("held", state_of(sample[0].message.id, 1), RCPT_HELD);
    CHECK_EQ("who hands out is told", store_batch_status(fx.store, SUB, BATCH), BATCH_PAUSED);
    CHECK_EQ("of this subscription", store_batch_status(fx.store, SGL_LIT("sub2"), BATCH),
             BATCH_GOES);
    CHECK_EQ("of this batch", store_batch_status(fx.store, SUB, SGL_LIT("batch10")), BATCH_GOES);
    CHECK_EQ("one that comes later", accept_at(1, 0), STORE_OK);
    CHECK_EQ("is held", state_of(sample[1].message.id, 0), RCPT_HELD);
    CHECK_EQ("nobody gets any", claim(&c, 10, 0, NOW + 9000), 0);
    CHECK_EQ("paused is not paused again", decide(CONTROL_HOLD, true, &changed), STORE_EXISTS);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("after a restart it is", store_batch_status(fx.store, SUB, BATCH), BATCH_PAUSED);
    CHECK_EQ("no other hand", control(CONTROL_RELEASE, sample[1].message.id, 0, "", &changed),
             STORE_OK);
    CHECK_EQ("lets it go", changed, 0);
    CHECK_EQ("let go", decide(CONTROL_RELEASE, false, &changed), STORE_OK);
    CHECK_EQ("all four", changed, 4);
    CHECK_EQ("it goes", store_batch_status(fx.store, SUB, BATCH), BATCH_GOES);
    CHECK_EQ("at its own time", next_at(0), NOW + 5000);
    CHECK_EQ("or now", next_at(1), NOW);
    CHECK_EQ("what is due", claim(&c, 10, 0, NOW), 2);
    CHECK_VIEW("with its batch", c.message[0]->batch, BATCH);
    store_claim_done(&c);
}

static void test_another_hand_holds(void **state)
{
    size_t changed;

    (void)state;
    assert_int_equal(make(SUB, BATCH), STORE_OK);
    assert_int_equal(accept_at(0, 0), STORE_OK);
    assert_int_equal(accept_at(1, 0), STORE_OK);
    assert_int_equal(control(CONTROL_HOLD, sample[0].message.id, 0, "", &changed), STORE_OK);
    CHECK_EQ("paused", decide(CONTROL_HOLD, true, &changed), STORE_OK);
    CHECK_EQ("what is held already stays the other's", changed, 2);
    assert_int_equal(
        control(CONTROL_HOLD, sample[1].message.id, sample[1].rcpt[0].id, "", &changed), STORE_OK);
    CHECK_EQ("a hand takes one from the batch", changed, 1);
    CHECK_EQ("let go", decide(CONTROL_RELEASE, false, &changed), STORE_OK);
    CHECK_EQ("the one that is left", changed, 1);
    CHECK_EQ("held by hand", state_of(sample[0].message.id, 0), RCPT_HELD);
    CHECK_EQ("held by hand", state_of(sample[1].message.id, 0), RCPT_HELD);
    CHECK_EQ("goes", state_of(sample[1].message.id, 1), RCPT_QUEUED);
}

static void test_cancelled(void **state)
{
    struct store_counts counts;
    size_t changed;

    (void)state;
    assert_int_equal(make(SUB, BATCH), STORE_OK);
    assert_int_equal(accept_at(0, NOW + 5000), STORE_OK);
    CHECK_EQ("paused", decide(CONTROL_HOLD, true, &changed), STORE_OK);
    assert_int_equal(accept_at(1, NOW + 5000), STORE_OK);
    CHECK_EQ("cancelled", decide(CONTROL_CANCEL, false, &changed), STORE_OK);
    CHECK_EQ("all that were held", changed, 4);
    CHECK_EQ("who hands out is told", store_batch_status(fx.store, SUB, BATCH), BATCH_CANCELLED);
    CHECK_EQ("one that comes later", accept_at(2, 0), STORE_OK);
    CHECK_EQ("is cancelled", state_of(sample[2].message.id, 0), RCPT_CANCELLED);
    assert_int_equal(store_read_counts(fx.store, &counts), STORE_OK);
    CHECK_EQ("nothing waits", counts.waiting + counts.held + counts.messages, 0);
    CHECK_EQ("let go", decide(CONTROL_RELEASE, false, &changed), STORE_OK);
    CHECK_EQ("nothing comes back", changed, 0);
    CHECK_EQ("a new one", accept_at(3, 0), STORE_OK);
    CHECK_EQ("goes", state_of(sample[3].message.id, 0), RCPT_QUEUED);
}

/* Messages that were claimed when the decision fell: their worker may say that they went, and not that they shall be tried again. */
static void test_claimed(void **state)
{
    struct store_outcome_rcpt r;
    struct store_claim c;
    size_t changed;

    (void)state;
    assert_int_equal(make(SUB, BATCH), STORE_OK);
    assert_int_equal(accept_at(0, 0), STORE_OK);
    assert_int_equal(claim(&c, 10, 0, NOW), 2);
    CHECK_EQ("cancelled", decide(CONTROL_CANCEL, true, &changed), STORE_OK);
    assert_int_equal(outcome(sample[0].message.id, sample[0].rcpt[0].id, 1, RCPT_DELIVERED, &r),
                     STORE_OK);
    CHECK_EQ("a true end wins", state_of(sample[0].message.id, 0), RCPT_DELIVERED);
    assert_int_equal(outcome(sample[0].message.id, sample[0].rcpt[1].id, 1, RCPT_QUEUED, &r),
                     STORE_OK);
    CHECK_EQ("a wish does not", state_of(sample[0].message.id, 1), RCPT_CANCELLED);
    store_claim_done(&c);
}

static bool append(void *ctx, sgl_view id, enum batch_status status)
{
    snprintf((char *)ctx + strlen(ctx), 100, "%.*s %d;", SGL_FMT(id), (int)status);
    return true;
}

static void test_many(void **state)
{
    struct store_control c = {.op = {.kind = STORE_CONTROL},
                              .verb = CONTROL_HOLD,
                              .subscription = SUB,
                              .batch_new = true,
                              .now = NOW};
    char id[16], text[400] = "";

    (void)state;
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "b%d", i * 7 % 30);
        assert_int_equal(make(SUB, sgl_view_cstr(id)), STORE_OK);
        c.batch = sgl_view_cstr(id);
        assert_int_equal(store_fixture_run(&fx, &c.op), STORE_OK);
    }
    c.verb = CONTROL_RELEASE;
    c.batch_new = false;
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "b%d", i);
        CHECK_EQ(id, store_batch_status(fx.store, SUB, sgl_view_cstr(id)), BATCH_PAUSED);
        c.batch = sgl_view_cstr(id);
        if (i % 10 != 2)
            assert_int_equal(store_fixture_run(&fx, &c.op), STORE_OK);
    }
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "b%d", i);
        CHECK_EQ(id, store_batch_status(fx.store, SUB, sgl_view_cstr(id)),
                 i % 10 == 2 ? BATCH_PAUSED : BATCH_GOES);
    }
    assert_int_equal(store_read_batches(fx.store, SUB, append, text), STORE_OK);
    CHECK_STR("those that do not go", text, "b12 1;b2 1;b22 1;");
}

static void test_old_ones_go(void **state)
{
    struct store_expire_trail e = {
        .op = {.kind = STORE_EXPIRE_TRAIL}, .before_ms = 1700000000200, .max = 100};
    enum batch_status status;
    size_t changed;

    (void)state;
    assert_int_equal(make(SUB, BATCH), STORE_OK);
    assert_int_equal(accept_at(0, 0), STORE_OK);
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("a batch with a message stays", store_read_batch(fx.store, SUB, BATCH, &status),
             STORE_OK);
    assert_int_equal(decide(CONTROL_CANCEL, true, &changed), STORE_OK);
    for (int i = 0; i < 2; i++) { /* its body goes with the next life */
        store_fixture_close(&fx);
        store_fixture_open(&fx);
    }
    e.before_ms = clock_now_ms() + 60000; /* ids are of now */
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("its message's trail goes", e.removed, 1);
    CHECK_EQ("and it goes", store_read_batch(fx.store, SUB, BATCH, &status), STORE_NOT_FOUND);
    CHECK_EQ("nobody is told of it", store_batch_status(fx.store, SUB, BATCH), BATCH_GOES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_made),        STORE_TEST(test_paused),  STORE_TEST(test_another_hand_holds),
        STORE_TEST(test_cancelled),   STORE_TEST(test_claimed), STORE_TEST(test_many),
        STORE_TEST(test_old_ones_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
