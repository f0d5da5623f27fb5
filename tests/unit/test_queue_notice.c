/* SPDX-License-Identifier: Apache-2.0 */
/* What the sender is told: delays, failures, successes. */
#include "queue_fixture.h"

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
        queue_fixture_sample(&s, "example.net", 2, 100);
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

/* The report is protected as the message was: its header only, and never in clear. [RFC 8689 s5] */
static void test_demanded(void **state)
{
    static const struct {
        const char *name;
        bool require_tls;
        uint8_t tls;
        bool protected;
    } cases[] = {
        {"REQUIRETLS", true, MESSAGE_TLS_DEFAULT, true},
        {"verified", false, MESSAGE_TLS_VERIFIED, true},
        {"TLS-Required: No", false, MESSAGE_TLS_OPTIONAL, false},
        {"nothing", false, MESSAGE_TLS_DEFAULT, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct store_message want = {.require_tls = cases[i].protected};
        struct store_sample s;
        struct job *job;

        queue_fixture_sample(&s, "example.net", 1, 100);
        s.message.require_tls = cases[i].require_tls;
        s.message.tls = cases[i].tls;
        s.message.ret = 'F';
        memcpy(s.body->bytes, "Subject: a\r\n\r\nsecret", 20);
        memcpy(s.body->bytes + 98, "\r\n", 2);
        s.body->header_len = 14;
        queue_fixture_accept(&fx, &s);
        job = queue_take(fx.queue, dest_find(fx.queue, SGL_LIT("example.net"), &s.message));
        queue_fixture_finish(&fx, job, RCPT_PERMANENT);
        CHECK_TRUE("the header comes back", strstr(fx.notice, "Subject: a") != NULL);
        CHECK_EQ(cases[i].name, strstr(fx.notice, "secret") == NULL, cases[i].protected);
        job = queue_take(fx.queue, dest_find(fx.queue, SGL_LIT("example.org"), &want));
        CHECK_TRUE(cases[i].name, job != NULL);
        CHECK_EQ(cases[i].name, job->message->require_tls, cases[i].protected);
        CHECK_EQ(cases[i].name, job->message->tls, MESSAGE_TLS_DEFAULT);
        queue_fixture_finish(&fx, job, RCPT_OK);
        store_sample_done(&s);
    }
}

static void test_success_taken_over(void **state)
{
    struct store_sample s;
    struct rcpt_outcome o = {.verdict = RCPT_OK, .status = SGL_LIT("2.0.0"), .dsn_taken = true};

    (void)state;
    queue_fixture_sample(&s, "example.net", 1, 100);
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
    queue_fixture_sample(&s, "example.net", 1, (size_t)LEN * LINES);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_delay_notice),
        QUEUE_TEST(test_demanded),
        QUEUE_TEST(test_bounce),
        QUEUE_TEST(test_success_taken_over),
        QUEUE_TEST(test_bounce_is_durable),
        QUEUE_TEST(test_bounce_without_its_original),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
