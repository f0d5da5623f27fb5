/* SPDX-License-Identifier: Apache-2.0 */
/* Who is suppressed while mail for him waits gets it no more, and the others do. */
#include "queue_fixture.h"
/* after the queue's own headers */
#include "fail_alloc.h"

#include "../../server/store/statistics.h"

#define WHY "suppressed by hand"

static struct {
    char ends[8][80]; /* addresses */
    size_t count;
    bool by_body; /* the answer stands in the body */
    bool yields;  /* its batch is stopped */
    unsigned asked, without_body;
} stop;

static enum queue_stop_answer stopped(void *ctx, const struct store_message *message,
                                      const struct store_rcpt *rcpt, sgl_view body,
                                      struct queue_stop_why *why)
{
    (void)ctx;
    (void)message;
    stop.asked++;
    if (stop.yields)
        return QUEUE_STOP_YIELDS;
    stop.without_body += body.len == 0;
    if (stop.by_body && body.len == 0)
        return QUEUE_STOP_WANTS_BODY;
    for (size_t i = 0; i < stop.count; i++)
        if (sgl_view_eq(rcpt->address, sgl_view_cstr(stop.ends[i]))) {
            *why = (struct queue_stop_why){WHY, STATISTIC_UNSUBSCRIBE_DROPS};
            return QUEUE_STOP_ENDS;
        }
    return QUEUE_STOP_GOES;
}

static void ends(const struct store_sample *s, size_t i)
{
    snprintf(stop.ends[stop.count++], sizeof(stop.ends[0]), "%.*s", SGL_FMT(s->rcpt[i].address));
}

static void begin(struct store_sample *s, size_t rcpts)
{
    memset(&stop, 0, sizeof(stop));
    queue_set_stop(fx.queue, &(struct queue_stop){.stopped = stopped});
    queue_fixture_put(&fx, s, "example.net", rcpts);
}

struct counted {
    const char *kind;
    size_t count;
};

static bool count_event(void *ctx, const struct store_event *e)
{
    struct counted *c = ctx;

    c->count += sgl_view_eq(e->kind, sgl_view_cstr(c->kind)) &&
                sgl_view_find_view(e->detail, SGL_LIT(WHY)) < e->detail.len;
    return true;
}

static size_t events_of_kind(uint64_t message, const char *kind)
{
    struct counted c = {.kind = kind};

    assert_int_equal(store_read_events(fx.store, message, count_event, &c), STORE_OK);
    return c.count;
}

static bool add_drops(void *ctx, const struct store_statistic *s)
{
    if (s->what == STATISTIC_UNSUBSCRIBE_DROPS)
        *(uint64_t *)ctx += s->count;
    return true;
}

static uint64_t drops_of(sgl_view subscription)
{
    struct store_statistics_query q = {.subscription = subscription, .to_day = 1000000};
    uint64_t drops = 0;

    assert_int_equal(store_read_statistics(fx.store, &q, add_drops, &drops), STORE_OK);
    return drops;
}

static void test_all_of_a_job(void **state)
{
    struct store_sample s;

    (void)state;
    begin(&s, 2);
    ends(&s, 0);
    ends(&s, 1);
    CHECK_TRUE("nothing is handed out", queue_fixture_take(&fx, "example.net") == NULL);
    queue_fixture_settle(&fx);
    for (size_t i = 0; i < 2; i++) {
        const struct store_rcpt *r = queue_fixture_rcpt(&fx, s.message.id, i);

        CHECK_EQ("the state", r->state, RCPT_SUPPRESSED);
        CHECK_EQ("attempts", r->attempts, 0);
        CHECK_VIEW("the reason", r->reason, SGL_LIT(WHY));
    }
    CHECK_EQ("events", events_of_kind(s.message.id, "suppressed"), 2);
    CHECK_EQ("counted as dropped", drops_of(s.message.subscription), 2);
    CHECK_EQ("nobody is told", fx.notices, 0);
    CHECK_TRUE("nothing stays in memory", fx.queue->all == NULL && fx.queue->out == 0);
    CHECK_EQ("nor is counted", atomic_load(&fx.queue->held_rcpts), 0);
    store_sample_done(&s);
}

static void test_some_of_a_job(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    begin(&s, 3);
    ends(&s, 1);
    job = queue_fixture_take(&fx, "example.net");
    assert_non_null(job);
    CHECK_EQ("the others are handed out", job->rcpts, 2);
    for (size_t i = 0; i < job->rcpts; i++)
        CHECK_TRUE("but not this one", !sgl_view_eq(job->rcpt[i]->address, s.rcpt[1].address));
    queue_fixture_settle(&fx);
    CHECK_EQ("it has ended", queue_fixture_rcpt(&fx, s.message.id, 1)->state, RCPT_SUPPRESSED);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 2)->state, RCPT_DELIVERED);
    CHECK_TRUE("nothing stays in memory", fx.queue->all == NULL && fx.queue->out == 0);
    CHECK_EQ("nor is counted", atomic_load(&fx.queue->held_rcpts), 0);
    store_sample_done(&s);
}

static void test_between_two_attempts(void **state)
{
    struct store_sample s;

    (void)state;
    begin(&s, 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_TEMPORARY);
    ends(&s, 0);
    queue_fixture_at(&fx, fx.now + 100);
    CHECK_TRUE("no second attempt", queue_fixture_take(&fx, "example.net") == NULL);
    queue_fixture_settle(&fx);
    CHECK_EQ("ended", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_SUPPRESSED);
    CHECK_EQ("with the attempt that was", queue_fixture_rcpt(&fx, s.message.id, 0)->attempts, 1);
    store_sample_done(&s);
}

static void test_the_body_is_brought(void **state)
{
    struct store_sample s;
    struct job *job = NULL;

    (void)state;
    begin(&s, 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_TEMPORARY);
    stop.by_body = true;
    queue_fixture_at(&fx, fx.now + 100); /* claimed from the store: without its body */
    stop.asked = stop.without_body = 0;
    for (unsigned tries = 0; tries < 1000 && job == NULL; tries++) {
        job = queue_fixture_take(&fx, "example.net");
        queue_fixture_turn(&fx);
    }
    assert_non_null(job);
    CHECK_EQ("asked without the body", stop.without_body, 1);
    CHECK_EQ("and with it", stop.asked, 2);
    CHECK_TRUE("which the job has", job->body != NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    store_sample_done(&s);
}

static void test_cancelled_while_the_body_is_brought(void **state)
{
    struct store_sample s;
    struct store_control c = {
        .op = {.kind = STORE_CONTROL}, .verb = CONTROL_CANCEL, .actor = SGL_LIT("test")};

    (void)state;
    begin(&s, 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_TEMPORARY);
    stop.by_body = true;
    queue_fixture_at(&fx, fx.now + 100);
    CHECK_TRUE("not yet", queue_fixture_take(&fx, "example.net") == NULL);
    c.message = s.message.id;
    c.now = fx.now;
    queue_fixture_run(&fx, &c.op);
    while (fx.queue->out > 0)
        queue_fixture_turn(&fx);
    queue_fixture_settle(&fx);
    queue_fixture_at(&fx, fx.now + 10);
    CHECK_TRUE("it does not go", queue_fixture_take(&fx, "example.net") == NULL);
    CHECK_EQ("cancelled", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_CANCELLED);
    store_sample_done(&s);
}

/* Whatever allocation fails: who is suppressed is not handed out, and nobody is lost. */
static void test_without_memory(void **state)
{
    (void)state;
    fail_alloc_this_thread();
    for (size_t n = 1; n == 1 || fail_alloc_hit(); n++) {
        struct store_sample s;
        struct job *job;

        begin(&s, 3);
        ends(&s, 1);
        (void)fail_alloc_round(n);
        job = queue_fixture_take(&fx, "example.net");
        fail_alloc_off();
        for (size_t i = 0; job != NULL && i < job->rcpts; i++)
            CHECK_TRUE("never", !sgl_view_eq(job->rcpt[i]->address, s.rcpt[1].address));
        if (job != NULL)
            queue_fixture_finish(&fx, job, RCPT_OK);
        for (unsigned i = 0; i < 3; i++) {
            queue_fixture_at(&fx, fx.now + 10);
            job = queue_fixture_take(&fx, "example.net");
            if (job != NULL)
                queue_fixture_finish(&fx, job, RCPT_OK);
            queue_fixture_settle(&fx);
        }
        CHECK_EQ("ended", queue_fixture_rcpt(&fx, s.message.id, 1)->state, RCPT_SUPPRESSED);
        CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
        CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 2)->state, RCPT_DELIVERED);
        store_sample_done(&s);
    }
}

/* The store has written what becomes of it, and the queue has not heard of that. */
static void test_a_batch_is_stopped(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    begin(&s, 2);
    stop.yields = true;
    CHECK_TRUE("nothing is handed out", queue_fixture_take(&fx, "example.net") == NULL);
    queue_fixture_settle(&fx);
    for (size_t i = 0; i < 2; i++) {
        const struct store_rcpt *r = queue_fixture_rcpt(&fx, s.message.id, i);

        CHECK_EQ("it waits on", r->state, RCPT_QUEUED);
        CHECK_EQ("no attempt is counted", r->attempts, 0);
    }
    CHECK_EQ("nothing is out", fx.queue->out, 0);
    stop.yields = false;
    queue_fixture_at(&fx, fx.now + 10);
    job = queue_fixture_take(&fx, "example.net");
    assert_non_null(job);
    CHECK_EQ("then it goes", job->rcpts, 2);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_a_batch_is_stopped),  QUEUE_TEST(test_all_of_a_job),
        QUEUE_TEST(test_some_of_a_job),       QUEUE_TEST(test_between_two_attempts),
        QUEUE_TEST(test_the_body_is_brought), QUEUE_TEST(test_cancelled_while_the_body_is_brought),
        QUEUE_TEST(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
