/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that others have sent: each once, bounded, kept over a restart, gone when they are old. */
#include "../../server/store/received.h"
#include "../../server/store/statistics.h"
#include "store_steps.h"

#define V(s) sgl_view_cstr(s)

static enum store_result add(struct received_report r)
{
    struct received_op op = {.op = {.kind = STORE_RECEIVED}, .report = &r};

    return store_fixture_run(&fx, &op.op);
}

static struct received_report a_report(const char *domain, const char *id)
{
    return (struct received_report){.domain = V(domain),
                                    .organization = V("Sender"),
                                    .report = V(id),
                                    .begin = 1000,
                                    .end = 2000,
                                    .at = clock_now_s(),
                                    .peer = V("192.0.2.1"),
                                    .text = V("{}")};
}

static bool put(void *ctx, const struct received_report *r)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 4000 - len, "%.*s/%.*s/%.*s %d-%d %.*s %.*s; ", SGL_FMT(r->domain),
             SGL_FMT(r->organization), SGL_FMT(r->report), (int)r->begin, (int)r->end,
             SGL_FMT(r->peer), SGL_FMT(r->text));
    return true;
}

static const char *all(const char *domain, int64_t since, uint64_t max)
{
    static char text[4000];
    struct received_query q = {.domain = V(domain), .since = since, .max = max};

    text[0] = '\0';
    assert_int_equal(store_read_received(fx.store, &q, put, text), STORE_OK);
    return text;
}

static void test_each_once(void **state)
{
    struct received_report other = a_report("a.test", "1");

    (void)state;
    other.organization = V("Another");
    assert_int_equal(add(a_report("a.test", "1")), STORE_OK);
    assert_int_equal(add(a_report("a.test", "1")), STORE_EXISTS);
    assert_int_equal(add(a_report("b.test", "1")), STORE_OK);
    assert_int_equal(add(other), STORE_OK);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    assert_int_equal(add(a_report("a.test", "1")), STORE_EXISTS);
    assert_string_equal(all("a.test", 0, 10), "a.test/Another/1 1000-2000 192.0.2.1 {}; "
                                              "a.test/Sender/1 1000-2000 192.0.2.1 {}; ");
    assert_string_equal(all("a.test", 0, 1), "a.test/Another/1 1000-2000 192.0.2.1 {}; ");
    assert_string_equal(all("b.test", 2000, 10), "b.test/Sender/1 1000-2000 192.0.2.1 {}; ");
    assert_string_equal(all("", 2001, 10), "");
    assert_string_equal(all("c.test", 0, 10), "");
}

static void test_one_that_tells_no_time(void **state)
{
    struct received_report r = a_report("a.test", "1");

    (void)state;
    r.begin = r.end = 0;
    assert_int_equal(add(r), STORE_OK);
    assert_string_equal(all("a.test", r.at, 10), "a.test/Sender/1 0-0 192.0.2.1 {}; ");
    assert_string_equal(all("a.test", r.at + 1, 10), "");
}

static size_t counted;

static bool count(void *ctx, const struct received_report *r)
{
    (void)ctx;
    (void)r;
    counted++;
    return true;
}

static size_t count_of(const char *domain)
{
    struct received_query q = {.domain = V(domain), .max = INT64_MAX};

    counted = 0;
    assert_int_equal(store_read_received(fx.store, &q, count, NULL), STORE_OK);
    return counted;
}

static void test_bounded(void **state)
{
    char id[32];

    (void)state;
    assert_int_equal(add(a_report("b.test", "1")), STORE_OK);
    for (int i = 0; i < RECEIVED_MAX + 3; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(add(a_report("a.test", id)), STORE_OK);
    }
    assert_int_equal(count_of("a.test"), RECEIVED_MAX);
    assert_int_equal(count_of("b.test"), 1);
    assert_int_equal(add(a_report("a.test", "2")), STORE_OK); /* it made room */
    assert_int_equal(add(a_report("a.test", "9")), STORE_EXISTS);
}

static void test_old_ones_go(void **state)
{
    struct received_report old = a_report("a.test", "1"), young = a_report("a.test", "2");
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .max = 100};

    (void)state;
    old.at -= STATISTICS_DAYS * INT64_C(86400) + 60;
    young.at -= STATISTICS_DAYS * INT64_C(86400) - 60;
    assert_int_equal(add(old), STORE_OK);
    assert_int_equal(add(young), STORE_OK);
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    assert_string_equal(all("a.test", 0, 10), "a.test/Sender/2 1000-2000 192.0.2.1 {}; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_each_once),
        STORE_TEST(test_one_that_tells_no_time),
        STORE_TEST(test_bounded),
        STORE_TEST(test_old_ones_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
