/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of the store: lists of messages, figures, who used what; and what it forgets in time. */
#include "store_steps.h"

static bool count_message(void *ctx, const struct store_message *m)
{
    size_t *n = ctx;

    n[0]++;
    n[1] = (size_t)m->id;
    return true;
}

static void test_lists(void **state)
{
    struct store_sample s[3];
    struct store_filter f;
    struct store_outcome_rcpt r;
    struct store_claim c;
    struct store_counts counts;
    static const struct {
        const char *name, *to, *from, *domain;
        size_t want;
    } cases[] = {
        {"no filter finds all", "", "", "", 3},
        {"a recipient, whatever its case", "user0@A.EXAMPLE", "", "", 2},
        {"a sender, whatever its case", "", "sender@EXAMPLE.org", "", 3},
        {"a destination", "", "", "b.example", 1},
        {"nobody", "", "x@example.org", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        store_sample_init(&s[i], i == 1 ? "b.example" : "a.example", 1, 10);
        assert_int_equal(store_sample_accept(&fx, &s[i]), STORE_OK);
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n[2] = {0, 0};

        f = (struct store_filter){.to = sgl_view_cstr(cases[i].to),
                                  .from = sgl_view_cstr(cases[i].from),
                                  .domain = sgl_view_cstr(cases[i].domain)};
        assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
        CHECK_EQ(cases[i].name, n[0], cases[i].want);
        f.open_only = true;
        n[0] = 0;
        assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
        CHECK_EQ(cases[i].name, n[0], cases[i].want);
    }
    size_t n[2] = {0, 0};
    f = (struct store_filter){.max = 1};
    assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
    CHECK_EQ("newest first", n[1], s[2].message.id);
    f.after = s[2].message.id;
    assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
    CHECK_EQ("then the next page", n[1], s[1].message.id);
    claim(&c, 10, 0, NOW);
    store_claim_done(&c);
    assert_int_equal(outcome(s[1].message.id, s[1].rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_OK);
    n[0] = 0;
    f = (struct store_filter){.open_only = true};
    assert_int_equal(store_read_messages(fx.store, &f, count_message, n), STORE_OK);
    CHECK_EQ("finished ones are not open", n[0], 2);
    assert_int_equal(store_read_counts(fx.store, &counts), STORE_OK);
    CHECK_EQ("waiting", counts.waiting, 2);
    CHECK_EQ("messages", counts.messages, 2);
    CHECK_EQ("oldest", counts.oldest_ms, id_time_ms(s[0].message.id));
    for (size_t i = 0; i < 3; i++)
        store_sample_done(&s[i]);
}

static void test_expire_trail(void **state)
{
    struct store_sample s[2];
    struct store_claim c;
    struct store_outcome_rcpt r;
    struct store_message *m;
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .max = 10};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        store_sample_init(&s[i], "a.example", 1, 10);
        assert_int_equal(store_sample_accept(&fx, &s[i]), STORE_OK);
    }
    claim(&c, 10, 0, NOW);
    store_claim_done(&c);
    assert_int_equal(outcome(s[0].message.id, s[0].rcpt[0].id, 1, RCPT_DELIVERED, &r), STORE_OK);
    store_fixture_close(&fx); /* the body has gone after this */
    store_fixture_open(&fx);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    e.before_ms = 1700000000123;
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("what is young stays", e.removed, 0);
    e.before_ms = clock_now_ms() + 1000;
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("what is finished and old goes", e.removed, 1);
    CHECK_EQ("gone", store_read_message(fx.store, s[0].message.id, &m), STORE_NOT_FOUND);
    CHECK_EQ("what waits stays", state_of(s[1].message.id, 0), RCPT_QUEUED);
    for (size_t i = 0; i < 2; i++)
        store_sample_done(&s[i]);
}

struct usage {
    size_t rows;
    struct store_charge sum;
    char last[64];
};

static bool add_usage(void *ctx, const struct store_usage *u)
{
    struct usage *g = ctx;

    g->rows++;
    g->sum.messages += u->charge.messages;
    g->sum.recipients += u->charge.recipients;
    g->sum.internal += u->charge.internal;
    g->sum.external += u->charge.external;
    g->sum.bytes += u->charge.bytes;
    g->sum.at_ms = u->charge.at_ms;
    snprintf(g->last, sizeof(g->last), "%.*s %.*s", SGL_FMT(u->subscription), SGL_FMT(u->identity));
    return true;
}

static struct usage charges(int64_t since_ms)
{
    struct usage g = {0};

    assert_int_equal(store_read_charges(fx.store, since_ms, add_usage, &g), STORE_OK);
    return g;
}

static struct usage usage_of(int64_t since_ms, const char *subscription)
{
    struct usage g = {0};

    assert_int_equal(
        store_read_usage(fx.store, since_ms, sgl_view_cstr(subscription), add_usage, &g), STORE_OK);
    return g;
}

static void accept_charged(const char *subscription, const char *identity, int64_t at_ms,
                           const char *key, enum store_result want)
{
    struct store_sample s;

    store_sample_init(&s, "example.net", 1, 10);
    s.message.subscription = sgl_view_cstr(subscription);
    s.message.identity = sgl_view_cstr(identity);
    s.accept.idempotency_key = sgl_view_cstr(key);
    s.accept.charge = (struct store_charge){at_ms, 1, 3, 1, 2, 100};
    CHECK_EQ("it is taken or not", store_sample_accept(&fx, &s), want);
    store_sample_done(&s);
}

static void test_usage(void **state)
{
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .max = 10};
    struct store_sample none;
    struct usage u;

    (void)state;
    accept_charged("a", "credential:x", 5000, "", STORE_OK);
    accept_charged("a", "credential:x", 5000, "k", STORE_OK);
    accept_charged("a", "credential:y", 6000, "", STORE_OK);
    accept_charged("b", "key:z", 200000000, "", STORE_OK);
    accept_charged("a", "credential:x", 7000, "k", STORE_EXISTS);
    store_sample_init(&none, "example.net", 1, 10);
    assert_int_equal(store_sample_accept(&fx, &none), STORE_OK);
    store_sample_done(&none);
    u = charges(0);
    CHECK_EQ("a row for moment, subscription and identity; none for a repeat or a notice", u.rows,
             3);
    CHECK_EQ("messages", u.sum.messages, 4);
    CHECK_EQ("recipients", u.sum.recipients, 12);
    CHECK_EQ("internal", u.sum.internal, 4);
    CHECK_EQ("external", u.sum.external, 8);
    CHECK_EQ("bytes", u.sum.bytes, 400);
    CHECK_EQ("the newest is last", u.sum.at_ms, 200000000);
    CHECK_EQ("since a time, which counts", charges(6000).rows, 2);
    u = usage_of(0, "a");
    CHECK_EQ("of one subscription, by identity", u.rows, 2);
    CHECK_EQ("all of it", u.sum.messages, 3);
    CHECK_STR("in the order of names", u.last, "a credential:y");
    CHECK_EQ("of all", usage_of(5500, "").rows, 2);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_EQ("it is there after a restart", charges(0).sum.messages, 4);
    e.before_ms = INT64_MAX;
    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
    CHECK_EQ("old ones go, but those of the last day stay", charges(0).rows, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_lists),
        STORE_TEST(test_expire_trail),
        STORE_TEST(test_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
