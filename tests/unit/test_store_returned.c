/* SPDX-License-Identifier: Apache-2.0 */
/* What came back becomes an event of its message, once. */
#include "../../server/store/returned.h"

#include "../../server/store/statistics.h"
#include "store_steps.h"

#define V(s)   sgl_view_cstr(s)
#define DAY_MS INT64_C(86400000)

static struct store_sample sample;

static int setup(void **state)
{
    store_setup(state);
    store_sample_init(&sample, "x.test", 2, 100);
    return store_sample_accept(&fx, &sample) == STORE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    store_sample_done(&sample);
    return store_teardown(state);
}

static enum store_result put(size_t rcpt, const char *kind, int64_t at_ms, const char *refuses,
                             unsigned *days)
{
    struct returned r = {.message = sample.message.id,
                         .rcpt = sample.rcpt[rcpt].id,
                         .at_ms = at_ms,
                         .kind = V(kind),
                         .detail = V("{\"class\":\"hard\"}"),
                         .counts = STATISTIC_BOUNCES,
                         .refuses = V(refuses)};
    struct returned_op op = {.op = {.kind = STORE_RETURNED}, .returned = &r};
    enum store_result result = store_fixture_run(&fx, &op.op);

    *days = op.days;
    return result;
}

static bool count_events(void *ctx, const struct store_event *e)
{
    *(unsigned *)ctx += sgl_view_eq(e->kind, V("bounced"));
    return true;
}

static bool sum(void *ctx, const struct store_statistic *s)
{
    if (s->what == STATISTIC_BOUNCES)
        *(uint64_t *)ctx += s->count;
    return true;
}

static void test_once(void **state)
{
    struct store_statistics_query q = {.subscription = V("sub"), .to_day = INT32_MAX};
    unsigned days, events = 0;
    uint64_t bounces = 0;

    (void)state;
    assert_int_equal(put(0, "bounced", DAY_MS, "", &days), STORE_OK);
    assert_int_equal(put(0, "bounced", DAY_MS, "", &days), STORE_EXISTS);
    assert_int_equal(put(1, "bounced", DAY_MS, "", &days), STORE_OK);
    assert_int_equal(put(0, "complained", DAY_MS, "", &days), STORE_OK);
    assert_int_equal(store_read_events(fx.store, sample.message.id, count_events, &events),
                     STORE_OK);
    assert_int_equal(events, 2);
    assert_int_equal(store_read_statistics(fx.store, &q, sum, &bounces), STORE_OK);
    assert_int_equal(bounces, 3);
}

static void test_unknown(void **state)
{
    struct returned r = {.message = sample.message.id + 1,
                         .rcpt = sample.rcpt[0].id,
                         .kind = V("bounced"),
                         .detail = V("{}")};
    struct returned_op op = {.op = {.kind = STORE_RETURNED}, .returned = &r};

    (void)state;
    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_NOT_FOUND);
    r.message = sample.message.id;
    r.rcpt = 999;
    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_NOT_FOUND);
}

/* Days, not bounces, are counted; and only the last ones. */
static void test_days(void **state)
{
    static const char *const kinds[] = {"k0", "k1", "k2", "k3", "k4"};
    static const struct {
        int64_t day;
        unsigned want;
    } rows[] = {{10, 1}, {10, 1}, {11, 2}, {16, 3}, {17, 3}};
    unsigned days;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(put(0, kinds[i], rows[i].day * DAY_MS, "User0@x.test", &days), STORE_OK);
        assert_int_equal(days, rows[i].want);
    }
    assert_int_equal(put(1, "k0", 17 * DAY_MS, "User1@x.test", &days), STORE_OK);
    assert_int_equal(days, 1);
}

/* The report to the sender is durable with it, or neither is. */
static void test_notice(void **state)
{
    struct store_sample notice;
    struct store_message *read = NULL;
    struct returned r = {.message = sample.message.id,
                         .rcpt = sample.rcpt[0].id,
                         .kind = V("bounced"),
                         .detail = V("{}")};
    struct returned_op op = {.op = {.kind = STORE_RETURNED}, .returned = &r};

    (void)state;
    store_sample_init(&notice, "our.test", 1, 50);
    op.notice = &notice.accept;
    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_OK);
    assert_int_equal(store_read_message(fx.store, notice.message.id, &read), STORE_OK);
    store_message_free(read);
    store_sample_done(&notice);
    store_sample_init(&notice, "our.test", 1, 50);
    op.notice = &notice.accept;
    assert_int_equal(store_fixture_run(&fx, &op.op), STORE_EXISTS);
    assert_int_equal(store_read_message(fx.store, notice.message.id, &read), STORE_NOT_FOUND);
    store_sample_done(&notice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_days, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notice, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
