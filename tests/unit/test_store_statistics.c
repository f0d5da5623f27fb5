/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics: counted with what they tell of or not at all, by day and category, the same after a restart and in the trail. */
#include "../../server/store/statistics.h"

#include <sqlite3.h>

#include "fail_alloc.h"
#include "store_steps.h"

#define SUB SGL_LIT("sub")
#define DAY (1700000000 / 86400) /* of the samples and their outcomes */

static bool append(void *ctx, const struct store_statistic *s)
{
    snprintf((char *)ctx + strlen(ctx), 100, "%lld:%d=%llu ", (long long)(s->day - DAY),
             (int)s->what, (unsigned long long)s->count);
    return true;
}

/* "DAY:WHAT=COUNT ...", the day counted from that of the samples. */
static const char *figures_of(sgl_view subscription, const char *category)
{
    static char text[1000];
    struct store_statistics_query q = {subscription, sgl_view_cstr(category), DAY - 1, DAY + 2};

    text[0] = '\0';
    assert_int_equal(store_read_statistics(fx.store, &q, append, text), STORE_OK);
    return text;
}

static const char *figures(const char *category)
{
    return figures_of(SUB, category);
}

static bool append_name(void *ctx, sgl_view category)
{
    snprintf((char *)ctx + strlen(ctx), 300, "%.*s;", SGL_FMT(category));
    return true;
}

static const char *names(struct store_categories_query q)
{
    static char text[4000];

    text[0] = '\0';
    q.subscription = SUB;
    q.from_day = q.from_day == 0 ? DAY : q.from_day;
    q.to_day = DAY + 1;
    q.max = q.max == 0 ? 100 : q.max;
    assert_int_equal(store_read_categories(fx.store, &q, append_name, text), STORE_OK);
    return text;
}

static struct store_sample sample[4];

static enum store_result accept_as(size_t i, size_t rcpts, const char *labels)
{
    enum store_result r;

    sample[i].message.labels = sgl_view_cstr(labels);
    sample[i].message.rcpts = rcpts;
    sample[i].accept.claim = true;
    sample[i].accept.lease_until = NOW + 600;
    r = store_sample_accept(&fx, &sample[i]);
    store_sample_done(&sample[i]);
    return r;
}

static enum store_result take(size_t i, size_t rcpts, const char *labels)
{
    store_sample_init(&sample[i], "example.net", rcpts, 100);
    return accept_as(i, rcpts, labels);
}

static void end(size_t i, size_t rcpt, enum rcpt_state state, const char *status, uint8_t drop)
{
    struct store_event event = {(NOW + 86400) * INT64_C(1000), sample[i].rcpt[rcpt].id,
                                SGL_LIT("attempt"), SGL_LIT("{}")};
    struct store_outcome_rcpt r = {.rcpt = sample[i].rcpt[rcpt].id,
                                   .fence = 1,
                                   .state = state,
                                   .next_at = NOW + 60,
                                   .attempted = state != RCPT_SUPPRESSED,
                                   .drop = drop,
                                   .status = sgl_view_cstr(status)};
    struct store_outcome o = {.op = {.kind = STORE_OUTCOME},
                              .message = sample[i].message.id,
                              .rcpt = &r,
                              .rcpts = 1,
                              .keep_claim = true,
                              .event = &event,
                              .events = 1};

    assert_int_equal(store_fixture_run(&fx, &o.op), STORE_OK);
}

static void test_what_counts(void **state)
{
    static const char want[] = "0:1=8 0:2=6 0:7=1 0:10=1 1:3=1 1:4=2 1:5=1 1:6=2 1:9=1 ";

    (void)state;
    store_sample_init(&sample[0], "example.net", 8, 100);
    sample[0].rcpt[6].state = sample[0].rcpt[7].state = RCPT_SUPPRESSED;
    sample[0].rcpt[6].drop = STATISTIC_BOUNCE_DROPS;
    sample[0].rcpt[7].drop = STATISTIC_INVALID_EMAILS;
    assert_int_equal(accept_as(0, 8, "{\"categories\":[\"a\",\"b c\"]}"), STORE_OK);
    end(0, 0, RCPT_QUEUED, "4.4.1", 0);
    end(0, 0, RCPT_QUEUED, "4.4.1", 0);
    end(0, 0, RCPT_DELIVERED, "2.0.0", 0);
    end(0, 1, RCPT_FAILED, "5.1.1", 0);
    end(0, 2, RCPT_FAILED, "5.7.1", 0);
    end(0, 3, RCPT_EXPIRED, "4.1.1", 0);
    end(0, 4, RCPT_SUPPRESSED, "", STATISTIC_UNSUBSCRIBE_DROPS);
    CHECK_STR("of all mail", figures(""), want);
    CHECK_STR("of each category", figures("a"), want);
    CHECK_STR("of each category", figures("b c"), want);
    CHECK_STR("of no other", figures("b"), "");
    CHECK_STR("of no other subscription", figures_of(SGL_LIT("sub2"), ""), "");
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_STR("after a restart", figures(""), want);
}

static void test_what_does_not(void **state)
{
    struct store_outcome_rcpt r;

    (void)state;
    store_sample_init(&sample[0], "example.net", 1, 100);
    sample[0].message.door = SGL_LIT("bounce");
    assert_int_equal(accept_as(0, 1, ""), STORE_OK);
    end(0, 0, RCPT_DELIVERED, "2.0.0", 0);
    CHECK_STR("a report of our own", figures(""), "");
    assert_int_equal(take(1, 2, ""), STORE_OK);
    CHECK_EQ("a late worker",
             outcome(sample[1].message.id, sample[1].rcpt[0].id, 9, RCPT_DELIVERED, &r),
             STORE_CONFLICT);
    CHECK_STR("says nothing", figures(""), "0:1=2 0:2=2 ");
    CHECK_STR("and no category is there", names((struct store_categories_query){0}), "");
}

static void test_labels(void **state)
{
    (void)state;
    assert_int_equal(take(0, 1, "{\"categories\":[\"a\",\"a\",7,\"\",{\"b\":\"c\"}]}"), STORE_OK);
    CHECK_STR("once", figures("a"), "0:1=1 0:2=1 ");
    CHECK_STR("nothing else", names((struct store_categories_query){0}), "a;");
    assert_int_equal(take(1, 1, "{\"categories\":[\"a\""), STORE_OK);
    CHECK_STR("of what is no JSON none", figures("a"), "0:1=1 0:2=1 ");
    CHECK_STR("but the message", figures(""), "0:1=2 0:2=2 ");
    assert_int_equal(take(2, 1, "{\"custom_args\":{\"categories\":\"x\"}}"), STORE_OK);
    assert_int_equal(take(3, 1,
                          "{\"categories\":[\"k0\",\"k1\",\"k2\",\"k3\",\"k4\",\"k5\",\"k6\","
                          "\"k7\",\"k8\",\"k9\",\"k10\",\"k11\"]}"),
                     STORE_OK);
    CHECK_STR("at most ten", names((struct store_categories_query){.prefix = SGL_LIT("k")}),
              "k0;k1;k2;k3;k4;k5;k6;k7;k8;k9;");
}

static void test_categories(void **state)
{
    struct store_categories_query sums = {.by = STATISTIC_DELIVERED, .falling = true};

    (void)state;
    assert_int_equal(take(0, 3, "{\"categories\":[\"b\"]}"), STORE_OK);
    assert_int_equal(take(1, 1, "{\"categories\":[\"a\",\"b_\"]}"), STORE_OK);
    end(0, 0, RCPT_DELIVERED, "", 0);
    end(0, 1, RCPT_DELIVERED, "", 0);
    end(1, 0, RCPT_DELIVERED, "", 0);
    CHECK_STR("by name", names((struct store_categories_query){0}), "a;b;b_;");
    CHECK_STR("that begin so", names((struct store_categories_query){.prefix = SGL_LIT("b")}),
              "b;b_;");
    CHECK_STR("a page", names((struct store_categories_query){.skip = 1, .max = 1}), "b;");
    CHECK_STR("by a sum", names(sums), "b;a;b_;");
    sums.falling = false;
    CHECK_STR("the other way", names(sums), "a;b_;b;");
    CHECK_STR("of these days", names((struct store_categories_query){.from_day = DAY + 2}), "");
}

static uint64_t sum_of(const char *sql)
{
    char path[128];
    sqlite3_stmt *s;
    sqlite3 *db;
    uint64_t n;

    snprintf(path, sizeof(path), "%s/sigillo.db", fx.folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    n = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static void check_agrees(const char *name)
{
    CHECK_EQ(name, sum_of("SELECT sum(count) FROM statistic WHERE category='' AND metric=1"),
             sum_of("SELECT count(*) FROM recipient"));
    CHECK_EQ(name, sum_of("SELECT sum(count) FROM statistic WHERE category='x' AND metric=1"),
             sum_of("SELECT count(*) FROM recipient"));
}

/* Of a group one message is there already: the whole is rolled back, and the others are done one by one. */
static void test_rolled_back(void **state)
{
    static struct store_sample many[40];

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        store_sample_init(&many[i], "example.net", 2, 100);
        many[i].message.labels = SGL_LIT("{\"categories\":[\"x\"]}");
        if (i == 20)
            many[i].message.id = many[3].message.id;
    }
    for (size_t i = 0; i < 40; i++)
        store_fixture_send(&fx, &many[i].accept.op, i);
    for (size_t i = 0; i < 40; i++)
        CHECK_EQ("all but one", store_fixture_await(i) == STORE_OK, i != 20);
    for (size_t i = 0; i < 40; i++)
        store_sample_done(&many[i]);
    CHECK_STR("each once", figures("x"), "0:1=78 0:2=78 ");
    check_agrees("as many as there are");
}

/* More names in one transaction than are held at once. */
static void test_many_names(void **state)
{
    static struct store_sample many[300];
    static char labels[300][200];

    (void)state;
    for (size_t i = 0; i < 300; i++) {
        size_t at = (size_t)snprintf(labels[i], 200, "{\"categories\":[\"x\"");

        store_sample_init(&many[i], "example.net", 1, 100);
        for (size_t k = 0; k < 9; k++)
            at += (size_t)snprintf(labels[i] + at, 200 - at, ",\"%zu\"", i * 16 + k);
        snprintf(labels[i] + at, 200 - at, "]}");
        many[i].message.labels = sgl_view_cstr(labels[i]);
        many[i].accept.with = i + 1 < 300 ? &many[i + 1].accept : NULL;
    }
    many[0].accept.with = &many[1].accept;
    assert_int_equal(store_fixture_run(&fx, &many[0].accept.op), STORE_OK);
    for (size_t i = 0; i < 300; i++)
        store_sample_done(&many[i]);
    check_agrees("all of them");
    CHECK_EQ("and their names", sum_of("SELECT count(DISTINCT category) FROM statistic"), 2702);
}

static void test_no_memory(void **state)
{
    size_t failed = 0, rounds = 0;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        enum store_result r;
        size_t before;

        fail_alloc_off();
        store_sample_init(&sample[0], "example.net", 1, 100);
        before = rounds - failed;
        fail_alloc_on();
        sample[0].message.labels = SGL_LIT("{\"categories\":[\"x\"]}");
        r = store_sample_accept(&fx, &sample[0]);
        fail_alloc_off();
        store_sample_done(&sample[0]);
        CHECK_TRUE("done, or no memory", r == STORE_OK || r == STORE_NOMEM);
        failed += r != STORE_OK;
        rounds++;
        check_agrees(before > 0 ? "as many as there are" : "from the first on");
    }
    CHECK_TRUE("some rounds", rounds > 2);
}

static void test_old_ones_go(void **state)
{
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .before_ms = 1, .max = 1};

    (void)state;
    assert_int_equal(take(0, 1, ""), STORE_OK); /* of 2023 */
    store_sample_init(&sample[1], "example.net", 1, 100);
    sample[1].message.accepted_at = clock_now_ms() - 399 * STATISTICS_DAY_MS;
    assert_int_equal(accept_as(1, 1, ""), STORE_OK);
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_STR("old figures go", figures(""), "");
    CHECK_EQ("others stay", sum_of("SELECT sum(count) FROM statistic WHERE metric=1"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_counts), STORE_TEST(test_what_does_not), STORE_TEST(test_labels),
        STORE_TEST(test_categories),  STORE_TEST(test_rolled_back),   STORE_TEST(test_many_names),
        STORE_TEST(test_no_memory),   STORE_TEST(test_old_ones_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
