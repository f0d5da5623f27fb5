/* SPDX-License-Identifier: Apache-2.0 */
/* The queue through days of retries, in milliseconds: what is tried, when, and in whose turn. */
#include "queue_fixture.h"

#include "../../server/store/transit.h"

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

static bool see_figure(void *ctx, const struct transit_figure *f)
{
    snprintf((char *)ctx + strlen(ctx), 100, "%.*s %s %s %s %llu+%llu; ", SGL_FMT(f->name),
             transit_mechanism_name(f->how.mechanism), transit_version_name(f->how.version),
             transit_cause_name(f->how.cause), (unsigned long long)f->delivered,
             (unsigned long long)f->failed);
    return true;
}

/* What delivery says of the wire is counted with what became of the recipient. */
static void test_transit(void **state)
{
    struct rcpt_outcome o[2] = {
        {.verdict = RCPT_OK, .transit = {TRANSIT_DANE, TRANSIT_TLS_1_3, 0}},
        {.verdict = RCPT_TEMPORARY, .transit = {TRANSIT_DANE, 0, TRANSIT_TLSA_INVALID}}};
    struct transit_query q = {.by = TRANSIT_BY_DOMAIN, .to_day = INT32_MAX, .max = 9};
    char text[400] = "";
    struct store_sample s;

    (void)state;
    queue_fixture_put(&fx, &s, "example.net", 2);
    queue_outcome(fx.queue, queue_fixture_take(&fx, "example.net"), o, NULL, 0, UINT32_MAX);
    queue_fixture_settle(&fx);
    assert_int_equal(store_read_transit(fx.store, &q, see_figure, text), STORE_OK);
    CHECK_STR("of each recipient", text,
              "example.net dane none tlsa-invalid 0+1; example.net dane TLSv1.3 none 1+0; ");
    store_sample_done(&s);
}

/* Mail of another pool of addresses is another destination, even to the same domain; so is that of another subscription's pool of the same name. */
static void test_pools(void **state)
{
    struct store_sample s[3];
    struct queue_dest *dest[3];
    struct job *job;

    (void)state;
    for (int i = 0; i < 3; i++) {
        queue_fixture_sample(&s[i], "example.net", 1, 10);
        s[i].message.pool = i != 1 ? SGL_LIT("bulk") : SGL_LIT("");
        s[i].message.subscription = i != 2 ? SGL_LIT("acme") : SGL_LIT("shop");
        queue_fixture_accept(&fx, &s[i]);
        dest[i] = dest_find(fx.queue, SGL_LIT("example.net"), &s[i].message);
    }
    CHECK_TRUE("they are three", dest[0] != dest[1] && dest[0] != dest[2] && dest[1] != dest[2]);
    CHECK_VIEW("of the pool", queue_dest_pool(dest[0]), SGL_LIT("acme/bulk"));
    CHECK_VIEW("of another's", queue_dest_pool(dest[2]), SGL_LIT("shop/bulk"));
    CHECK_VIEW("of the domain", queue_dest_domain(dest[0]), SGL_LIT("example.net"));
    CHECK_VIEW("of none", queue_dest_pool(dest[1]), SGL_LIT(""));
    for (int i = 0; i < 3; i++) {
        job = queue_take(fx.queue, dest[i]);
        CHECK_EQ("each has its own", job->message->id, s[i].message.id);
        queue_fixture_finish(&fx, job, RCPT_OK);
        store_sample_done(&s[i]);
    }
    CHECK_EQ("all are forgotten", fx.queue->dests, 0);
}

static bool alone(void *ctx, const struct store_message *message)
{
    (void)ctx;
    return message->rcpts == 3;
}

/* Who has a return path of his own goes by himself: the queue gives them out so. */
static void test_alone(void **state)
{
    struct store_sample s[2];
    struct job *job;

    (void)state;
    queue_set_alone(fx.queue, &(struct queue_alone){.alone = alone});
    queue_fixture_put(&fx, &s[0], "example.net", 3);
    for (int i = 0; i < 3; i++) {
        job = queue_fixture_take(&fx, "example.net");
        CHECK_EQ("each by himself", job->rcpts, 1);
        queue_fixture_finish(&fx, job, RCPT_OK);
    }
    queue_fixture_put(&fx, &s[1], "example.net", 2);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_EQ("others together", job->rcpts, 2);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s[0]);
    store_sample_done(&s[1]);
}

static bool by_himself(void *ctx, const struct store_message *message)
{
    (void)ctx;
    return message->rcpts == 3;
}

/* Who has a return path of his own goes by himself: the queue gives them out so. */
static void test_one_by_one(void **state)
{
    struct store_sample s[2];
    struct job *job;

    (void)state;
    queue_set_alone(fx.queue, &(struct queue_alone){.alone = by_himself});
    queue_fixture_put(&fx, &s[0], "example.net", 3);
    for (int i = 0; i < 3; i++) {
        job = queue_fixture_take(&fx, "example.net");
        CHECK_EQ("each by himself", job->rcpts, 1);
        queue_fixture_finish(&fx, job, RCPT_OK);
    }
    queue_fixture_put(&fx, &s[1], "example.net", 2);
    job = queue_fixture_take(&fx, "example.net");
    CHECK_EQ("others together", job->rcpts, 2);
    queue_fixture_finish(&fx, job, RCPT_OK);
    store_sample_done(&s[0]);
    store_sample_done(&s[1]);
}

/* What a message asks of TLS decides what it may travel with, and only that. [RFC 8689 s4.2, s5] */
static void test_tls(void **state)
{
    static const struct {
        const char *name;
        uint8_t tls;
        bool require_tls, null_sender;
        enum dest_tls want;
    } cases[] = {
        {"nothing", MESSAGE_TLS_DEFAULT, false, false, DEST_TLS_PUBLISHED},
        {"nothing, of nobody", MESSAGE_TLS_DEFAULT, false, true, DEST_TLS_PUBLISHED},
        {"TLS-Required: No", MESSAGE_TLS_OPTIONAL, false, false, DEST_TLS_LAX},
        {"REQUIRETLS", MESSAGE_TLS_DEFAULT, true, false, DEST_TLS_PROVED},
        {"REQUIRETLS counts, not the field", MESSAGE_TLS_OPTIONAL, true, false, DEST_TLS_PROVED},
        {"a report about REQUIRETLS", MESSAGE_TLS_DEFAULT, true, true, DEST_TLS_ENCRYPTED},
        {"verified", MESSAGE_TLS_VERIFIED, false, false, DEST_TLS_PROVED},
        {"verified, of nobody", MESSAGE_TLS_VERIFIED, true, true, DEST_TLS_PROVED},
    };
    enum { N = sizeof cases / sizeof *cases };
    struct store_sample s[N];
    struct queue_dest *dest[N];
    struct job *job;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        queue_fixture_sample(&s[i], "example.net", 1, 10);
        s[i].message.tls = cases[i].tls;
        s[i].message.require_tls = cases[i].require_tls;
        if (cases[i].null_sender)
            s[i].message.env_from = SGL_LIT("");
        queue_fixture_accept(&fx, &s[i]);
        dest[i] = dest_find(fx.queue, SGL_LIT("example.net"), &s[i].message);
        CHECK_EQ(cases[i].name, queue_dest_tls(dest[i]), cases[i].want);
        for (size_t k = 0; k < i; k++)
            CHECK_EQ(cases[i].name, dest[k] == dest[i], cases[k].want == cases[i].want);
    }
    CHECK_EQ("one destination for each demand", fx.queue->dests, 4);
    for (size_t i = 0; i < N; i++) {
        job = queue_take(fx.queue, dest[i]);
        CHECK_EQ(cases[i].name, message_dest_tls(job->message), cases[i].want);
        queue_fixture_finish(&fx, job, RCPT_OK);
    }
    for (size_t i = 0; i < N; i++)
        store_sample_done(&s[i]);
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
        queue_fixture_sample(&s[i], "example.net", 1, 100);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_delivered),    QUEUE_TEST(test_transit),
        QUEUE_TEST(test_pools),        QUEUE_TEST(test_one_by_one),
        QUEUE_TEST(test_alone),        QUEUE_TEST(test_tls),
        QUEUE_TEST(test_schedule),     QUEUE_TEST(test_expiry),
        QUEUE_TEST(test_restart),      QUEUE_TEST(test_fairness),
        QUEUE_TEST(test_late_outcome), QUEUE_TEST(test_leases_are_extended),
        QUEUE_TEST(test_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
