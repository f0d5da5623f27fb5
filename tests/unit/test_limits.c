/* SPDX-License-Identifier: Apache-2.0 */
/* The counter of all doors: exact under many threads, kept through a restart with what the store holds, and what a refusal says. */
#include "store_fixture.h"

#include <pthread.h>

#include "../../server/limits/limits.h"

static struct store_fixture fx;
static struct limits *limits;

static int setup(void **state)
{
    (void)state;
    store_fixture_init(&fx);
    limits = limits_new();
    assert_non_null(limits);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    limits_free(limits);
    store_fixture_done(&fx);
    return 0;
}

static struct limit_charge message(uint64_t internal, uint64_t external, uint64_t bytes)
{
    return (struct limit_charge){.n = {1, internal + external, internal, external, bytes}};
}

static enum limits_answer take(const char *name, const char *profile, struct limit_charge want,
                               struct limits_ticket *ticket, struct limits_refusal *refusal)
{
    return limits_take(limits, sgl_view_cstr(name), profile, &want, ticket, refusal);
}

static void test_answers(void **state)
{
    static const struct limit_profile own = {
        .name = "small",
        .limits = 2,
        .limit = {{LIMIT_RECIPIENTS, LIMIT_HOUR, 10}, {LIMIT_EXTERNAL, LIMIT_DAY, 3}}};
    struct limits_ticket t;
    struct limits_refusal r;

    (void)state;
    assert_true(limits_configure(limits, &own, 1));
    CHECK_EQ("over the recipients of one message", take("a", "standard", message(0, 51, 1), &t, &r),
             LIMITS_RECIPIENTS);
    CHECK_EQ("which are", r.limit.max, 50);
    CHECK_EQ("over its size", take("a", "standard", message(0, 1, 10485761), &t, &r), LIMITS_SIZE);
    CHECK_EQ("a profile that is not there", take("a", "none", message(0, 1, 1), &t, &r),
             LIMITS_NO_PROFILE);
    CHECK_EQ("alone over a limit", take("a", "small", message(0, 4, 1), &t, &r), LIMITS_NEVER);
    CHECK_EQ("which one", r.limit.what, LIMIT_EXTERNAL);
    CHECK_EQ("what fits is taken", take("a", "small", message(5, 3, 1), &t, &r), LIMITS_OK);
    CHECK_EQ("internal ones are not external", take("a", "small", message(2, 0, 1), &t, &r),
             LIMITS_OK);
    CHECK_EQ("the hour's are used up", take("a", "small", message(1, 0, 1), &t, &r),
             LIMITS_REACHED);
    CHECK_EQ("which one", r.limit.what, LIMIT_RECIPIENTS);
    CHECK_TRUE("it frees within the hour", r.frees_in_ms > 3590000 && r.frees_in_ms <= 3600000);
    CHECK_EQ("of two the one that frees last is named",
             take("a", "small", message(0, 1, 1), &t, &r), LIMITS_REACHED);
    CHECK_EQ("which one", r.limit.what, LIMIT_EXTERNAL);
    CHECK_TRUE("in a day", r.frees_in_ms > 86390000 && r.frees_in_ms <= 86400000);
    CHECK_EQ("another subscription has its own", take("b", "small", message(0, 3, 1), &t, &r),
             LIMITS_OK);
    limits_give_back(limits, &t);
    CHECK_EQ("a ticket is used once", t.scopes, 0);
    limits_give_back(limits, &t);
    CHECK_EQ("what was given back is free", take("b", "small", message(0, 3, 1), &t, &r),
             LIMITS_OK);
    CHECK_EQ("no profile is the default one", take("b", "", message(0, 90000, 1), &t, &r),
             LIMITS_OK);
    CHECK_EQ("what was sent without limits counts when one is set",
             take("b", "small", message(0, 1, 1), &t, &r), LIMITS_REACHED);
}

static void test_room(void **state)
{
    static const struct limit_profile own = {.name = "small",
                                             .limits = 3,
                                             .limit = {{LIMIT_MESSAGES, LIMIT_MINUTE, 5},
                                                       {LIMIT_RECIPIENTS, LIMIT_HOUR, 8},
                                                       {LIMIT_BYTES, LIMIT_DAY, 1}}};
    const struct limits_scope scope[] = {{SGL_LIT("a"), "small"}, {SGL_LIT("b"), "small"}};
    const struct limits_scope free_one = {SGL_LIT("a"), "unlimited"};
    struct limits_ticket t;
    struct limits_refusal r;
    struct limits_room room = {.left = 99};
    int64_t now = clock_now_ms();

    (void)state;
    assert_true(limits_configure(limits, &own, 1));
    CHECK_TRUE("without a limit there is nothing to say",
               !limits_room(limits, &free_one, 1, &room) && room.left == 99);
    CHECK_TRUE("with one there is", limits_room(limits, scope, 1, &room));
    CHECK_EQ("nothing is used", room.left, 5);
    CHECK_TRUE("and is free now", room.frees_at_ms >= now && room.frees_at_ms < now + 10000);
    assert_int_equal(take("a", "small", message(0, 2, 0), &t, &r), LIMITS_OK);
    CHECK_TRUE("one is used", limits_room(limits, scope, 1, &room));
    CHECK_EQ("four are left of the narrowest", room.left, 4);
    CHECK_EQ("which is the minute's", room.limit.window, LIMIT_MINUTE);
    CHECK_TRUE("a minute from now there is one more",
               room.frees_at_ms > now + 50000 && room.frees_at_ms < now + 70000);
    assert_int_equal(take("a", "small", message(0, 6, 0), &t, &r), LIMITS_OK);
    CHECK_TRUE("another is used up", limits_room(limits, scope, 2, &room));
    CHECK_EQ("nothing is left", room.left, 0);
    CHECK_EQ("of recipients", room.limit.what, LIMIT_RECIPIENTS);
    CHECK_TRUE("for an hour", room.frees_at_ms > now + 3500000 && room.frees_at_ms < now + 3700000);
    CHECK_TRUE("the other one's are his own", limits_room(limits, &scope[1], 1, &room));
    CHECK_EQ("and whole", room.left, 5);
}

/* ---- many at once ---- */

static _Atomic unsigned passed;

static void *client(void *arg)
{
    struct limits_ticket t;
    struct limits_refusal r;

    (void)arg;
    for (int i = 0; i < 500; i++) {
        if (take("a", "standard", message(0, 1, 1), &t, &r) != LIMITS_OK)
            continue;
        if (i % 3 == 0)
            limits_give_back(limits, &t); /* refused after all */
        else
            passed++;
    }
    return NULL;
}

static void test_parallel(void **state)
{
    pthread_t thread[20];
    struct limit_charge sum[LIMIT_WINDOWS];

    (void)state;
    passed = 0;
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, client, NULL), 0);
    for (size_t i = 0; i < 20; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ("20 clients never get one message over", passed, 30);
    limits_now(limits, SGL_LIT("a"), sum);
    CHECK_EQ("and what counts is what passed", sum[LIMIT_MINUTE].n[LIMIT_MESSAGES], 30);
}

/* ---- a restart ---- */

static void test_stored_moment(void **state)
{
    static const struct limit_profile own[] = {
        {.name = "bytes", .limits = 1, .limit = {{LIMIT_BYTES, LIMIT_HOUR, 1000000}}},
        {.name = "half", .limits = 1, .limit = {{LIMIT_INTERNAL, LIMIT_DAY, 1000000}}}};
    static const struct {
        const char *name, *profile;
        int64_t grid;
    } rows[] = {{"a limited moment is kept to the millisecond", "standard", 1},
                {"limits on both kinds of recipients bound all", "high-volume", 1},
                {"without limits a row a minute is enough", "unlimited", 60000},
                {"bytes do not bound messages", "bytes", 3600000 / COUNTER_GRID},
                {"nor do limits on one kind of recipients", "half", 86400000 / COUNTER_GRID}};
    struct limits_ticket t;
    struct limits_refusal r;

    (void)state;
    assert_true(limits_configure(limits, own, 2));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t before = clock_now_ms() - 1;

        assert_int_equal(take(rows[i].name, rows[i].profile, message(1, 1, 1), &t, &r), LIMITS_OK);
        CHECK_EQ(rows[i].name, (t.stored.at_ms + 1) % rows[i].grid, 0);
        CHECK_TRUE(rows[i].name,
                   t.stored.at_ms >= before && t.stored.at_ms <= clock_now_ms() + rows[i].grid);
    }
}

static void accept_one(const char *subscription, const struct limits_ticket *t)
{
    struct store_sample s;

    store_sample_init(&s, "example.net", 1, 10);
    s.message.subscription = sgl_view_cstr(subscription);
    s.accept.charge = t->stored;
    s.accept.tally =
        &(struct store_tally){.name = SGL_LIT("guard:a.test/other"), .charge = t->stored};
    s.accept.tallies = 1;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    store_sample_done(&s);
}

/* "free" is charged under its own name, and under that of its identity, too. */
static void beside(void *ctx, sgl_view subscription, sgl_view identity, struct limits_names *out)
{
    (void)ctx;
    out->count = 0;
    if (sgl_view_eq(subscription, SGL_LIT("free")))
        snprintf(out->name[out->count++], sizeof(out->name[0]), "of %.*s", SGL_FMT(identity));
}

static void restart(void)
{
    char why[256] = "";

    store_fixture_close(&fx);
    store_fixture_open(&fx);
    limits_free(limits);
    limits = limits_new();
    if (!limits_load(limits, fx.store, beside, NULL, why, sizeof(why)))
        fail_msg("%s", why);
}

static void test_restart(void **state)
{
    struct limit_charge sum[LIMIT_WINDOWS];
    struct limits_ticket t;
    struct limits_refusal r;

    (void)state;
    for (int i = 0; i < 30; i++) {
        assert_int_equal(take("a", "standard", message(1, 1, 7), &t, &r), LIMITS_OK);
        if (i % 2 == 0)
            accept_one("a", &t); /* the others were on their way when the end came */
        assert_int_equal(take("free", "unlimited", message(0, 2, 5), &t, &r), LIMITS_OK);
        accept_one("free", &t);
    }
    CHECK_EQ("before", take("a", "standard", message(0, 1, 1), &t, &r), LIMITS_REACHED);
    restart();
    limits_now(limits, SGL_LIT("a"), sum);
    CHECK_EQ("what was accepted counts", sum[LIMIT_MINUTE].n[LIMIT_MESSAGES], 15);
    CHECK_EQ("with its recipients", sum[LIMIT_DAY].n[LIMIT_INTERNAL], 15);
    CHECK_EQ("and bytes", sum[LIMIT_DAY].n[LIMIT_BYTES], 15 * 7);
    for (int i = 0; i < 15; i++)
        CHECK_EQ("what was not does not", take("a", "standard", message(0, 1, 1), &t, &r),
                 LIMITS_OK);
    CHECK_EQ("exactly", take("a", "standard", message(0, 1, 1), &t, &r), LIMITS_REACHED);
    limits_now(limits, SGL_LIT("free"), sum);
    CHECK_EQ("without limits it counts, too", sum[LIMIT_HOUR].n[LIMIT_EXTERNAL], 60);
    limits_now(limits, SGL_LIT("of credential:app1"), sum);
    CHECK_EQ("and under the names beside it", sum[LIMIT_HOUR].n[LIMIT_EXTERNAL], 60);
    limits_now(limits, SGL_LIT("guard:a.test/other"), sum);
    CHECK_EQ("others' tallies do not", sum[LIMIT_DAY].n[LIMIT_MESSAGES], 0);
}

static void test_scopes(void **state)
{
    static const struct limit_profile own = {
        .name = "two", .limits = 1, .limit = {{LIMIT_MESSAGES, LIMIT_DAY, 2}}};
    static const struct limits_scope both[] = {{SGL_LIT_INIT("a"), "managed-test"},
                                               {SGL_LIT_INIT("app:x"), "two"}};
    static const struct limits_scope gone[] = {{SGL_LIT_INIT("a"), "managed-test"},
                                               {SGL_LIT_INIT("app:x"), "none"}};
    struct limit_charge one = message(0, 1, 1), sum[LIMIT_WINDOWS];
    struct limits_ticket t;
    struct limits_refusal r;

    (void)state;
    assert_true(limits_configure(limits, &own, 1));
    CHECK_EQ("both have room", limits_ask(limits, both, 2, &one, &r), LIMITS_OK);
    limits_now(limits, SGL_LIT("a"), sum);
    CHECK_EQ("asking charges nothing", sum[LIMIT_DAY].n[LIMIT_MESSAGES], 0);
    CHECK_EQ("one is taken", limits_take_all(limits, both, 2, &one, &t, &r), LIMITS_OK);
    limits_give_back(limits, &t);
    limits_now(limits, SGL_LIT("app:x"), sum);
    CHECK_EQ("given back, it is given back to both", sum[LIMIT_DAY].n[LIMIT_MESSAGES], 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ("two are taken", limits_take_all(limits, both, 2, &one, &t, &r), LIMITS_OK);
    CHECK_EQ("the second scope is full", limits_take_all(limits, both, 2, &one, &t, &r),
             LIMITS_REACHED);
    CHECK_EQ("which is said", r.scope, 1);
    CHECK_TRUE("with its time", r.frees_in_ms > 86390000);
    limits_now(limits, SGL_LIT("a"), sum);
    CHECK_EQ("and the first was not charged", sum[LIMIT_DAY].n[LIMIT_MESSAGES], 2);
    for (int i = 0; i < 3; i++)
        CHECK_EQ("the first alone has more", take("a", "managed-test", one, &t, &r), LIMITS_OK);
    CHECK_EQ("of two that are full", limits_take_all(limits, both, 2, &one, &t, &r),
             LIMITS_REACHED);
    CHECK_EQ("the one that frees last is named", r.scope, 1);
    CHECK_EQ("a profile that is gone comes first", limits_ask(limits, gone, 2, &one, &r),
             LIMITS_NO_PROFILE);
    CHECK_EQ("and whose it is", r.scope, 1);
}

/* A clock that was ahead in the former life: its charges count from now on, in full. */
static void test_future(void **state)
{
    struct limits_ticket t = {0};
    struct limits_refusal r;

    (void)state;
    t.stored = (struct store_charge){.at_ms = clock_now_ms() + 7200000, .messages = 30};
    accept_one("a", &t);
    t.stored.at_ms = clock_now_ms() - 3599000;
    t.stored.messages = 69;
    accept_one("a", &t);
    restart();
    CHECK_EQ("it is not forgotten", take("a", "standard", message(0, 1, 1), &t, &r),
             LIMITS_REACHED);
    CHECK_EQ("the minute's limit", r.limit.window, LIMIT_MINUTE);
    CHECK_TRUE("frees in a minute at the latest", r.frees_in_ms > 50000 && r.frees_in_ms <= 60000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {T(test_answers),       T(test_room),    T(test_parallel),
                                       T(test_stored_moment), T(test_restart), T(test_future),
                                       T(test_scopes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
