/* SPDX-License-Identifier: Apache-2.0 */
/* The queue through days of retries, in milliseconds. */
#include <signal.h>
#include <sys/resource.h>

#include "queue_fixture.h"

static struct queue_fixture fx;

static int setup(void **state)
{
    (void)state;
    queue_fixture_init(&fx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    queue_fixture_done(&fx);
    return 0;
}

static void test_delivered(void **state)
{
    struct store_sample s;
    struct job *job;
    struct queue_stats stats;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 2);
    CHECK_EQ("delivery hears of it once", fx.readies, 1);
    CHECK_STR("by its domain", fx.last_ready, "example.net");
    job = queue_fixture_take(&fx, "example.net");
    CHECK_EQ("both recipients of a domain travel together", job->rcpts, 2);
    CHECK_VIEW("the body comes along", sgl_view_of(job->body->bytes, job->body->len),
               sgl_view_of(s.body->bytes, s.body->len));
    CHECK_TRUE("taken once", queue_fixture_take(&fx, "example.net") == NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 1)->state, RCPT_DELIVERED);
    CHECK_EQ("an attempt was counted", queue_fixture_rcpt(&fx, s.message.id, 1)->attempts, 1);
    queue_stats(fx.queue, &stats);
    CHECK_EQ("nothing is left in memory", stats.in_memory, 0);
    CHECK_EQ("nor out", stats.out, 0);
    CHECK_EQ("counted", stats.delivered, 2);
    CHECK_EQ("memory is given back", atomic_load(&fx.queue->held_rcpts), 0);
    CHECK_EQ("bytes, too", atomic_load(&fx.queue->held_bytes), 0);
    CHECK_EQ("its destination is forgotten", fx.queue->dests, 0);
    store_sample_done(&s);
}

static void test_schedule(void **state)
{
    static const int64_t waits[] = {60, 300, 900, 1800, 3600, 7200, 14400, 14400, 14400};
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        char name[64];

        snprintf(name, sizeof(name), "after attempt %zu", i + 1);
        job = queue_fixture_take(&fx, "example.net");
        CHECK_TRUE(name, job != NULL);
        queue_fixture_finish(&fx, job, RCPT_TEMPORARY);
        CHECK_EQ(name, queue_fixture_rcpt(&fx, s.message.id, 0)->next_at, fx.now + waits[i]);
        queue_fixture_at(&fx, fx.now + waits[i] - 1);
        CHECK_TRUE("not a second earlier", queue_fixture_take(&fx, "example.net") == NULL);
        queue_fixture_at(&fx, fx.now + 1);
    }
    CHECK_VIEW("the rule is told", queue_fixture_rcpt(&fx, s.message.id, 0)->why_wait,
               SGL_LIT("the site says: later; retry schedule, step 7 of 7"));
    CHECK_VIEW("and the answer", queue_fixture_rcpt(&fx, s.message.id, 0)->reason,
               SGL_LIT("451 later"));
    CHECK_TRUE("what waits long is not in memory", fx.queue->waiting == NULL);
    store_sample_done(&s);
}

static void test_expiry(void **state)
{
    struct store_sample s;
    struct job *job;
    unsigned attempts = 0;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    while ((job = queue_fixture_take(&fx, "example.net")) != NULL) {
        if (job->body == NULL)
            attempts++; /* a claimed job: its body is in the store */
        queue_fixture_finish(&fx, job, RCPT_TEMPORARY);
        if (queue_fixture_rcpt(&fx, s.message.id, 0)->state != RCPT_QUEUED)
            break;
        queue_fixture_at(&fx, queue_fixture_rcpt(&fx, s.message.id, 0)->next_at);
    }
    CHECK_EQ("it ends at its time, not before", fx.now, QUEUE_START + 259200);
    CHECK_EQ("expired", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_EXPIRED);
    CHECK_TRUE("after many attempts", attempts > 15);
    CHECK_EQ("its sender was told twice: delayed, then failed", fx.notices, 2);
    CHECK_TRUE("why", strstr(fx.notice, "Status: 5.4.7") != NULL);
    CHECK_TRUE("with the original, read from the store",
               strstr(fx.notice, "Subject: Hello") != NULL);
    job = queue_fixture_take(&fx, "example.org");
    CHECK_TRUE("the bounce is on its way", job != NULL);
    CHECK_EQ("with a null sender", job->message->env_from.len, 0);
    CHECK_VIEW("to the sender", job->rcpt[0]->address, SGL_LIT("Sender@example.org"));
    CHECK_TRUE("signed", sgl_view_starts(sgl_view_of(job->body->bytes, job->body->len),
                                         SGL_LIT("DKIM-Signature: test\r\n")));
    queue_fixture_finish(&fx, job, RCPT_PERMANENT);
    CHECK_EQ("a bounce that fails is not answered", fx.notices, 2);
    store_sample_done(&s);
}

static void test_delay_notice(void **state)
{
    struct store_sample s;
    struct job *job;
    struct queue_stats stats;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_TEMPORARY);
    CHECK_EQ("an hour is no delay", fx.notices, 0);
    queue_fixture_at(&fx, fx.now + 14400);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_TEMPORARY);
    CHECK_EQ("four hours are", fx.notices, 1);
    CHECK_TRUE("it says so", strstr(fx.notice, "Action: delayed") != NULL);
    CHECK_TRUE("once", queue_fixture_rcpt(&fx, s.message.id, 0)->delay_told);
    queue_fixture_at(&fx, fx.now + 14400);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_TEMPORARY);
    CHECK_EQ("not again", fx.notices, 1);
    queue_stats(fx.queue, &stats);
    CHECK_EQ("a delay is no bounce", stats.bounces, 0);
    job = queue_fixture_take(&fx, "example.org");
    CHECK_VIEW("it goes to the sender", job->rcpt[0]->address, SGL_LIT("Sender@example.org"));
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s);
}

static void test_bounce(void **state)
{
    static const struct {
        const char *name, *from;
        uint8_t notify;
        enum rcpt_verdict verdict;
        unsigned want;
    } cases[] = {
        {"a failure is told", "Sender@example.org", 0, RCPT_PERMANENT, 1},
        {"if it was asked for, too", "Sender@example.org", RCPT_NOTIFY_FAILURE, RCPT_PERMANENT, 1},
        {"not to the null sender", "", 0, RCPT_PERMANENT, 0},
        {"not if NOTIFY=NEVER", "Sender@example.org", RCPT_NOTIFY_NEVER, RCPT_PERMANENT, 0},
        {"not if only success was asked for", "Sender@example.org", RCPT_NOTIFY_SUCCESS,
         RCPT_PERMANENT, 0},
        {"success is told if asked for", "Sender@example.org", RCPT_NOTIFY_SUCCESS, RCPT_OK, 1},
        {"and else not", "Sender@example.org", 0, RCPT_OK, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_sample s;
        struct job *job;

        fx.notices = 0;
        store_sample_init(&s, "example.net", 2, 100);
        s.message.env_from = sgl_view_cstr(cases[i].from);
        s.rcpt[0].notify = s.rcpt[1].notify = cases[i].notify;
        queue_fixture_accept(&fx, &s);
        job = queue_fixture_take(&fx, "example.net");
        queue_fixture_finish(&fx, job, cases[i].verdict);
        CHECK_EQ(cases[i].name, fx.notices, cases[i].want);
        job = queue_fixture_take(&fx, "example.org");
        CHECK_EQ(cases[i].name, job != NULL, cases[i].want);
        if (job != NULL)
            queue_fixture_finish(&fx, job, RCPT_OK);
        store_sample_done(&s);
    }
}

static void test_success_taken_over(void **state)
{
    struct store_sample s;
    struct rcpt_outcome o = {.verdict = RCPT_OK, .status = SGL_LIT("2.0.0"), .dsn_taken = true};

    (void)state;
    store_sample_init(&s, "example.net", 1, 100);
    s.rcpt[0].notify = RCPT_NOTIFY_SUCCESS;
    queue_fixture_accept(&fx, &s);
    queue_outcome(fx.queue, queue_fixture_take(&fx, "example.net"), &o, NULL, 0, UINT32_MAX);
    queue_fixture_settle(&fx);
    CHECK_EQ("a remote that does DSN answers for success itself", fx.notices, 0);
    store_sample_done(&s);
}

static void test_bounce_is_durable(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_PERMANENT);
    queue_fixture_close(&fx);
    queue_fixture_open(&fx);
    job = queue_fixture_take(&fx, "example.org");
    CHECK_TRUE("the bounce survives with the failure", job != NULL);
    CHECK_TRUE("the failed one is not tried again", queue_fixture_take(&fx, "example.net") == NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s);
}

static void test_bounce_without_its_original(void **state)
{
    struct store_sample s;
    static const char line[] = "X-Long: 0123456789012345678901234567890123456789012345678\r\n";
    enum { LEN = sizeof(line) - 1, LINES = 20000 };

    (void)state;
    store_sample_init(&s, "example.net", 1, (size_t)LEN * LINES);
    for (size_t i = 0; i < LINES; i++)
        memcpy(s.body->bytes + i * LEN, line, LEN);
    s.body->header_len = s.body->len;
    s.rcpt[0].notify = 0;
    queue_fixture_accept(&fx, &s);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_PERMANENT);
    CHECK_EQ("failed", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_FAILED);
    CHECK_EQ("told, though its header fits no report", fx.notices, 1);
    CHECK_TRUE("without it", strstr(fx.notice, "X-Long") == NULL);
    store_sample_done(&s);
}

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

static void test_restart(void **state)
{
    struct store_sample s[3];
    struct job *job;
    uint32_t slot;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        queue_fixture_put(&fx, &s[i], "example.net", 1);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("noted", store_doubt(fx.store, &job->rcpt[0]->id, 1, &slot));
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_OK);
    queue_fixture_close(&fx); /* one out and in doubt, one delivered, one waiting */
    queue_fixture_open(&fx);
    CHECK_EQ("the one in doubt says so",
             queue_fixture_rcpt(&fx, s[0].message.id, 0)->possibly_repeated, true);
    CHECK_EQ("the other not", queue_fixture_rcpt(&fx, s[2].message.id, 0)->possibly_repeated,
             false);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_EQ("tried again", job->message->id, s[0].message.id);
    CHECK_TRUE("possibly repeated", job->rcpt[0]->possibly_repeated);
    queue_fixture_finish(&fx, job, RCPT_OK);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_OK);
    CHECK_TRUE("and no more", queue_fixture_take(&fx, "example.net") == NULL);
    for (size_t i = 0; i < 3; i++)
        store_sample_done(&s[i]);
}

static void test_fairness(void **state)
{
    struct store_sample s[12];
    char order[13] = "";

    (void)state;
    for (size_t i = 0; i < 12; i++) {
        store_sample_init(&s[i], "example.net", 1, 100);
        s[i].message.subscription = i < 8 ? SGL_LIT("a") : i < 10 ? SGL_LIT("b") : SGL_LIT("c");
        queue_fixture_accept(&fx, &s[i]);
    }
    for (size_t i = 0; i < 12; i++) {
        struct job *job = queue_fixture_take(&fx, "example.net");

        order[i] = (char)job->message->subscription.ptr[0];
        queue_fixture_finish(&fx, job, RCPT_OK);
        store_sample_done(&s[i]);
    }
    CHECK_EQ("a large sender has one turn in three", order[0] + order[1] + order[2],
             'a' + 'b' + 'c');
    CHECK_EQ("and again", order[3] + order[4] + order[5], 'a' + 'b' + 'c');
    CHECK_STR("until the others are done", order + 6, "aaaaaa");
}

static void test_overflow(void **state)
{
    struct store_sample s[40];
    struct queue_config config = fx.config;
    size_t born = 0, delivered = 0;

    (void)state;
    config.memory_recipients = 10;
    queue_reconfigure(fx.queue, &config);
    queue_fixture_settle(&fx);
    for (size_t i = 0; i < 40; i++) {
        char domain[32];

        snprintf(domain, sizeof(domain), "d%zu.example", i % 4);
        store_sample_init(&s[i], domain, 1, 100);
        born += queue_fixture_accept(&fx, &s[i]);
        CHECK_TRUE("memory is bounded", atomic_load(&fx.queue->held_rcpts) <= 10);
    }
    CHECK_TRUE("what does not fit waits in the store", fx.queue->n_in_memory <= 10 && born > 0);
    for (int round = 0; round < 200 && delivered < 40; round++) {
        for (size_t d = 0; d < 4; d++) {
            char domain[32];
            struct job *job;

            snprintf(domain, sizeof(domain), "d%zu.example", d);
            job = queue_fixture_take(&fx, domain);
            if (job == NULL)
                continue;
            queue_fixture_finish(&fx, job, RCPT_OK);
            delivered++;
        }
        queue_fixture_at(&fx, fx.now + 1);
        CHECK_TRUE("still bounded", atomic_load(&fx.queue->held_rcpts) <= 10);
    }
    CHECK_EQ("all are delivered in the end, once", delivered, 40);
    for (size_t i = 0; i < 40; i++) {
        CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s[i].message.id, 0)->state, RCPT_DELIVERED);
        store_sample_done(&s[i]);
    }
}

static void loaded(void *ctx, struct job *job)
{
    struct queue_fixture *f = ctx;

    f->loaded = job;
    f->loads++;
}

static void test_load_body(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    queue_fixture_close(&fx);
    queue_fixture_open(&fx);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("a claimed job comes without its body", job->body == NULL);
    queue_load_body(fx.queue, job, loaded, &fx);
    CHECK_EQ("which is brought later", fx.loads, 0);
    while (fx.loads == 0)
        queue_fixture_turn(&fx);
    CHECK_VIEW("from the store", sgl_view_of(job->body->bytes, job->body->len),
               sgl_view_of(s.body->bytes, s.body->len));
    CHECK_EQ("and counted", atomic_load(&fx.queue->held_bytes), s.body->len);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("until it goes", atomic_load(&fx.queue->held_bytes), 0);
    store_sample_done(&s);
}

static void test_late_outcome(void **state)
{
    struct store_sample s;
    struct job *job;
    struct store_claim c = {.op = {.kind = STORE_CLAIM}, .max = 10};

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    job = queue_fixture_take(&fx, "example.net");
    /* The process was stopped for longer than the lease, and another owner came. */
    c.now = fx.now + 700;
    c.lease_until = c.now + 600;
    assert_int_equal(queue_fixture_run(&fx, &c.op), STORE_OK);
    store_claim_done(&c);
    c = (struct store_claim){.op = {.kind = STORE_CLAIM}, .max = 10, .now = fx.now + 711};
    c.lease_until = c.now + 600;
    assert_int_equal(queue_fixture_run(&fx, &c.op), STORE_OK);
    store_claim_done(&c);
    queue_fixture_finish(&fx, job, RCPT_TEMPORARY);
    CHECK_EQ("the late write changed nothing", queue_fixture_rcpt(&fx, s.message.id, 0)->attempts,
             0);
    CHECK_TRUE("and the job is gone from memory", fx.queue->all == NULL);
    store_sample_done(&s);
}

static void test_leases_are_extended(void **state)
{
    struct store_sample s;
    struct job *job;
    struct store_claim c = {.op = {.kind = STORE_CLAIM}, .max = 10};

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    job = queue_fixture_take(&fx, "example.net");
    for (int i = 0; i < 10; i++)
        queue_fixture_at(&fx, fx.now + 200);
    c.now = fx.now;
    c.lease_until = c.now + 600;
    assert_int_equal(queue_fixture_run(&fx, &c.op), STORE_OK);
    CHECK_EQ("a slow delivery keeps its claim", c.messages, 0);
    store_claim_done(&c);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    store_sample_done(&s);
}

static void drained(void *ctx)
{
    ((struct queue_fixture *)ctx)->drained = true;
}

static void test_drain(void **state)
{
    struct store_sample s[2];
    struct job *job;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        queue_fixture_put(&fx, &s[i], "example.net", 1);
    job = queue_fixture_take(&fx, "example.net");
    queue_drain(fx.queue, drained, &fx);
    for (int i = 0; i < 5; i++)
        queue_fixture_turn(&fx);
    CHECK_TRUE("nothing more is handed out", queue_fixture_take(&fx, "example.net") == NULL);
    CHECK_TRUE("nothing more comes in", !queue_room(fx.queue, 1, 1));
    CHECK_TRUE("what is out is awaited", !fx.drained);
    queue_fixture_finish(&fx, job, RCPT_OK);
    while (!fx.drained)
        queue_fixture_turn(&fx);
    CHECK_TRUE("memory is empty", fx.queue->all == NULL);
    CHECK_EQ("the rest waits in the store", queue_fixture_rcpt(&fx, s[1].message.id, 0)->state,
             RCPT_QUEUED);
    for (size_t i = 0; i < 2; i++)
        store_sample_done(&s[i]);
}

static void test_store_full(void **state)
{
    struct store_sample s;
    struct job *job;
    struct store_noun noun = {.kind = SGL_LIT("filler"), .key = SGL_LIT("k")};
    struct store_noun_op op = {.op = {.kind = STORE_NOUN_PUT}, .noun = &noun, .nouns = 1};
    static char filler[3 << 20];
    struct rcpt_outcome o = {
        .verdict = RCPT_OK, .status = SGL_LIT("2.0.0"), .reason = SGL_LIT("250 ok")};
    static char detail[1 << 19];
    struct store_event e = {0, 0, SGL_LIT("attempt"), sgl_view_of(detail, sizeof(detail))};
    uint32_t slot = UINT32_MAX;

    (void)state;
    queue_fixture_close(&fx);
    fx.store_config.bytes_max = 4 << 20;
    queue_fixture_open(&fx);
    queue_fixture_put(&fx, &s, "example.net", 1);
    memset(filler, 'x', sizeof(filler));
    memset(detail, 'y', sizeof(detail));
    noun.value = sgl_view_of(filler, sizeof(filler));
    assert_int_equal(queue_fixture_run(&fx, &op.op), STORE_OK);
    noun = (struct store_noun){.kind = SGL_LIT("filler"),
                               .key = SGL_LIT("k2"),
                               .value = sgl_view_of(filler, sizeof(filler) / 5)};
    queue_fixture_run(&fx, &op.op);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("noted", store_doubt(fx.store, &job->rcpt[0]->id, 1, &slot));
    queue_outcome(fx.queue, job, &o, &e, 1, slot); /* its record does not fit any more */
    queue_fixture_settle(&fx);
    CHECK_EQ("a full store: not recorded", queue_fixture_rcpt(&fx, s.message.id, 0)->state,
             RCPT_QUEUED);
    CHECK_TRUE("but kept", fx.queue->records != NULL);
    queue_fixture_at(&fx, fx.now + 1);
    CHECK_TRUE("and tried again, in vain", fx.queue->records != NULL);
    noun = (struct store_noun){.kind = SGL_LIT("filler"), .key = SGL_LIT("k"), .version = 1};
    op.op.kind = STORE_NOUN_DELETE;
    CHECK_EQ("space comes back", queue_fixture_run(&fx, &op.op), STORE_OK);
    queue_fixture_at(&fx, fx.now + 5);
    CHECK_EQ("now it is recorded", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    CHECK_TRUE("and gone from memory", fx.queue->records == NULL && fx.queue->all == NULL);
    store_sample_done(&s);
}

static void test_clock_set_back(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "example.net"), RCPT_UNTRIED);
    queue_fixture_at(&fx, fx.now - 86400);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("what waits in memory for a moment does not wait a day", job != NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s);
}

static void test_clock_jumps_ahead(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    queue_fixture_at(&fx, fx.now + 10 * 86400);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_TRUE("nothing expires that was not tried", job != NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("delivered", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    store_sample_done(&s);
}

static void test_own_claims_outlive_a_step_of_the_clock(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 1);
    job = queue_fixture_take(&fx, "example.net");
    fx.now += 7200; /* and before the queue's own second is over, somebody asks for more */
    queue_nudge(fx.queue);
    queue_fixture_settle(&fx);
    queue_fixture_at(&fx, fx.now + 1);
    CHECK_TRUE("what is out is not claimed a second time",
               queue_fixture_take(&fx, "example.net") == NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("its outcome counts", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    store_sample_done(&s);
}

/* The kernel takes no more bytes for any file, as on a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_own_claims_outlive_a_dead_disk(void **state)
{
    struct store_sample s;
    struct job *job;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    queue_fixture_put(&fx, &s, "example.net", 1);
    job = queue_fixture_take(&fx, "example.net");
    limit_files(0);
    for (int i = 0; i < 10; i++)
        queue_fixture_at(&fx, fx.now + 300);
    limit_files(RLIM_INFINITY);
    queue_nudge(fx.queue);
    queue_fixture_settle(&fx);
    queue_fixture_at(&fx, fx.now + 1);
    CHECK_TRUE("what is out is not claimed a second time",
               queue_fixture_take(&fx, "example.net") == NULL);
    queue_fixture_finish(&fx, job, RCPT_OK);
    CHECK_EQ("its outcome counts", queue_fixture_rcpt(&fx, s.message.id, 0)->state, RCPT_DELIVERED);
    store_sample_done(&s);
}

static void test_large_bodies_make_room(void **state)
{
    struct store_sample slow, other;
    struct job *job;

    (void)state;
    store_sample_init(&slow, "slow.example", 1, 1 << 20);
    CHECK_TRUE("it fills all memory for bodies", queue_fixture_accept(&fx, &slow));
    store_sample_init(&other, "other.example", 1, 100);
    CHECK_TRUE("the next one waits in the store", !queue_fixture_accept(&fx, &other));
    queue_fixture_at(&fx, fx.now + 60);
    job = queue_fixture_take(&fx, "other.example");
    CHECK_TRUE("but not until the slow destination takes its own", job != NULL);
    if (job != NULL)
        queue_fixture_finish(&fx, job, RCPT_OK);
    job = queue_fixture_take(&fx, "slow.example");
    CHECK_TRUE("which still stands in line", job != NULL && job->body == NULL);
    if (job == NULL)
        return;
    fx.loads = 0;
    queue_load_body(fx.queue, job, loaded, &fx);
    while (fx.loads == 0)
        queue_fixture_turn(&fx);
    CHECK_TRUE("its body comes back", fx.loaded == job && job->body != NULL);
    queue_fixture_at(&fx, fx.now + 60);
    CHECK_TRUE("what is out keeps its body", job->body->len == 1 << 20);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&slow);
    store_sample_done(&other);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_delivered),
        T(test_schedule),
        T(test_expiry),
        T(test_delay_notice),
        T(test_bounce),
        T(test_bounce_is_durable),
        T(test_bounce_without_its_original),
        T(test_hold_in_memory),
        T(test_cancel_in_memory),
        T(test_cancel_beside_an_outcome),
        T(test_hold_while_out),
        T(test_retry_now),
        T(test_restart),
        T(test_fairness),
        T(test_overflow),
        T(test_load_body),
        T(test_late_outcome),
        T(test_leases_are_extended),
        T(test_drain),
        T(test_store_full),
        T(test_clock_set_back),
        T(test_clock_jumps_ahead),
        T(test_own_claims_outlive_a_step_of_the_clock),
        T(test_own_claims_outlive_a_dead_disk),
        T(test_large_bodies_make_room),
        T(test_success_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
