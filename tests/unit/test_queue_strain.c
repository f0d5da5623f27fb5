/* SPDX-License-Identifier: Apache-2.0 */
/* The queue when something runs short: memory, the store's space, the disk, and a clock that is wrong. */
#include <signal.h>
#include <sys/resource.h>

#include "queue_fixture.h"

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
        queue_fixture_sample(&s[i], domain, 1, 100);
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

/* The disk was full when leases were to be extended, and then those who had them ended. */
static void test_a_refused_lease_is_forgotten(void **state)
{
    struct store_sample s[2];
    struct job *job, *due;

    (void)state;
    queue_fixture_put(&fx, &s[0], "later.example", 1);
    queue_fixture_finish(&fx, queue_fixture_take(&fx, "later.example"), RCPT_TEMPORARY);
    CHECK_TRUE("memory is empty", fx.queue->all == NULL);
    fx.queue->lease_refused = true;
    fx.queue->extended_at = 0;
    queue_fixture_at(&fx, fx.now + 1);
    queue_fixture_put(&fx, &s[1], "slow.example", 1);
    job = queue_fixture_take(&fx, "slow.example");
    queue_fixture_at(&fx, fx.now + 65);
    due = queue_fixture_take(&fx, "later.example");
    CHECK_TRUE("mail of others does not keep what is due from being claimed", due != NULL);
    queue_fixture_finish(&fx, due, RCPT_OK);
    queue_fixture_finish(&fx, job, RCPT_OK);
    for (size_t i = 0; i < 2; i++)
        store_sample_done(&s[i]);
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

static void test_large_bodies_make_room(void **state)
{
    struct store_sample slow, other;
    struct job *job;

    (void)state;
    queue_fixture_sample(&slow, "slow.example", 1, 1 << 20);
    CHECK_TRUE("it fills all memory for bodies", queue_fixture_accept(&fx, &slow));
    queue_fixture_sample(&other, "other.example", 1, 100);
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
    op.op.result = STORE_OK;
    for (char key = 'a'; key <= 'z' && op.op.result == STORE_OK;
         key++) { /* to less than `detail` */
        noun = (struct store_noun){.kind = SGL_LIT("filler"),
                                   .key = sgl_view_of(&key, 1),
                                   .value = sgl_view_of(filler, sizeof(detail) / 4)};
        queue_fixture_run(&fx, &op.op);
    }
    CHECK_EQ("no room for more", op.op.result, STORE_FULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_overflow),
        QUEUE_TEST(test_a_refused_lease_is_forgotten),
        QUEUE_TEST(test_load_body),
        QUEUE_TEST(test_large_bodies_make_room),
        QUEUE_TEST(test_store_full),
        QUEUE_TEST(test_clock_set_back),
        QUEUE_TEST(test_clock_jumps_ahead),
        QUEUE_TEST(test_own_claims_outlive_a_step_of_the_clock),
        QUEUE_TEST(test_own_claims_outlive_a_dead_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
