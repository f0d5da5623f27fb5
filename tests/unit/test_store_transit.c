/* SPDX-License-Identifier: Apache-2.0 */
/* Transit: counted with the outcome or not at all, by day, subscription, sender's domain and destination; the same after a restart and in the trail. */
#include "../../server/store/transit.h"

#include <sqlite3.h>

#include "../../server/store/statistics.h"
#include "fail_alloc.h"
#include "store_steps.h"

#define DAY (1700000000 / 86400) /* of the samples */

static const struct store_transit dane = {TRANSIT_DANE, TRANSIT_TLS_1_3, 0};
static const struct store_transit plain = {TRANSIT_PLAIN, 0, 0};
static const struct store_transit dane_failed = {TRANSIT_DANE, 0, TRANSIT_VALIDATION_FAILURE};
static const struct store_transit testing = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_2,
                                             TRANSIT_CERTIFICATE_EXPIRED};

/* ---- reading ---- */

static enum transit_by by_now;

/* "NAME MECHANISM/VERSION/CAUSE DELIVERED+FAILED; " */
static bool append(void *ctx, const struct transit_figure *f)
{
    char name[300];

    if (by_now == TRANSIT_BY_DAY)
        snprintf(name, sizeof(name), "%lld", (long long)(f->day - DAY));
    else
        snprintf(name, sizeof(name), "%.*s", SGL_FMT(f->name));
    snprintf((char *)ctx + strlen(ctx), 400, "%s %s/%s/%s %llu+%llu; ", name,
             transit_mechanism_name(f->how.mechanism), transit_version_name(f->how.version),
             transit_cause_name(f->how.cause), (unsigned long long)f->delivered,
             (unsigned long long)f->failed);
    return true;
}

static const char *figures(struct transit_query q)
{
    static char text[8000];

    text[0] = '\0';
    by_now = q.by;
    q.from_day = q.from_day == 0 ? DAY : q.from_day;
    q.to_day = q.to_day == 0 ? DAY + 9 : q.to_day;
    q.max = q.max == 0 ? 100 : q.max;
    assert_int_equal(store_read_transit(fx.store, &q, append, text), STORE_OK);
    return text;
}

static const char *all(void)
{
    return figures((struct transit_query){0});
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
    CHECK_EQ(name, sum_of("SELECT coalesce(sum(delivered),0) FROM transit"),
             sum_of("SELECT count(*) FROM recipient WHERE state=2"));
}

/* ---- mail ---- */

static struct store_sample sample[4];

static void take(size_t i, const char *domain, size_t rcpts)
{
    store_sample_init(&sample[i], domain, rcpts, 100);
    sample[i].accept.claim = true;
    sample[i].accept.lease_until = NOW + 600;
}

static void accept_it(size_t i)
{
    assert_int_equal(store_sample_accept(&fx, &sample[i]), STORE_OK);
    store_sample_done(&sample[i]);
}

static enum store_result end_as(size_t i, size_t rcpt, enum rcpt_state state, bool attempted,
                                struct store_transit transit, int days, uint64_t fence)
{
    struct store_event event = {(NOW + days * 86400) * INT64_C(1000), sample[i].rcpt[rcpt].id,
                                SGL_LIT("attempt"), SGL_LIT("{}")};
    struct store_outcome_rcpt r = {.rcpt = sample[i].rcpt[rcpt].id,
                                   .fence = fence,
                                   .state = state,
                                   .next_at = NOW + 60,
                                   .attempted = attempted,
                                   .transit = transit};
    struct store_outcome o = {.op = {.kind = STORE_OUTCOME},
                              .message = sample[i].message.id,
                              .rcpt = &r,
                              .rcpts = 1,
                              .keep_claim = true,
                              .event = &event,
                              .events = 1};

    return store_fixture_run(&fx, &o.op);
}

static void end(size_t i, size_t rcpt, enum rcpt_state state, struct store_transit transit)
{
    assert_int_equal(end_as(i, rcpt, state, true, transit, 0, 1), STORE_OK);
}

/* ---- what counts ---- */

static void test_what_counts(void **state)
{
    static const char want[] =
        " none/none/dnssec-invalid 0+1;  dane/none/validation-failure 0+4;  "
        "dane/TLSv1.3/none 1+0;  encrypted/TLSv1.2/certificate-expired 1+0;  plain/none/none 1+0; ";

    (void)state;
    take(0, "example.net", 7);
    accept_it(0);
    end(0, 0, RCPT_QUEUED, dane_failed);
    end(0, 0, RCPT_QUEUED, dane_failed);
    end(0, 0, RCPT_DELIVERED, dane);
    end(0, 1, RCPT_DELIVERED, plain);
    end(0, 2, RCPT_DELIVERED, testing);
    end(0, 3, RCPT_FAILED, dane_failed);
    end(0, 4, RCPT_EXPIRED, dane_failed);
    end(0, 5, RCPT_QUEUED, (struct store_transit){0, 0, TRANSIT_DNSSEC_INVALID});
    end(0, 6, RCPT_QUEUED, dane); /* the receiver's own no, over a good connection */
    CHECK_STR("delivered, or failed at TLS", all(), want);
    store_fixture_close(&fx);
    store_fixture_open(&fx);
    CHECK_STR("after a restart", all(), want);
}

static void test_what_does_not(void **state)
{
    (void)state;
    take(0, "example.net", 8);
    accept_it(0);
    end(0, 0, RCPT_DELIVERED, (struct store_transit){0});
    assert_int_equal(end_as(0, 1, RCPT_QUEUED, false, dane_failed, 0, 1), STORE_OK);
    assert_int_equal(end_as(0, 1, RCPT_SUPPRESSED, false, dane, 0, 1), STORE_OK);
    end(0, 2, RCPT_DELIVERED, (struct store_transit){TRANSIT_MECHANISMS, 0, 0});
    end(0, 3, RCPT_DELIVERED, (struct store_transit){1, TRANSIT_VERSIONS, 0});
    end(0, 4, RCPT_DELIVERED, (struct store_transit){1, 1, TRANSIT_CAUSES});
    CHECK_STR("not told, not tried, of no number that there is", all(), "");
    CHECK_EQ("a late worker", end_as(0, 5, RCPT_DELIVERED, true, dane, 0, 9), STORE_CONFLICT);
    CHECK_STR("says nothing", all(), "");
    for (size_t i = 1; i < 3; i++) {
        take(i, "example.net", 1);
        sample[i].message.door = i == 1 ? SGL_LIT("bounce") : SGL_LIT("tlsrpt");
        accept_it(i);
        end(i, 0, RCPT_DELIVERED, dane);
    }
    CHECK_STR("reports of our own", all(), "");
    CHECK_EQ("are in no statistic either",
             sum_of("SELECT sum(count) FROM statistic WHERE"
                    " metric=1 AND category=''"),
             8);
}

/* A hand cancelled it while it was under way: a true end wins, and is counted once. */
static void test_once(void **state)
{
    size_t changed;

    (void)state;
    take(0, "example.net", 1);
    accept_it(0);
    assert_int_equal(control(CONTROL_CANCEL, sample[0].message.id, 0, "", &changed), STORE_OK);
    end(0, 0, RCPT_DELIVERED, dane);
    CHECK_STR("it was delivered", all(), " dane/TLSv1.3/none 1+0; ");
    (void)end_as(0, 0, RCPT_DELIVERED, true, dane, 0, 1);
    CHECK_STR("once", all(), " dane/TLSv1.3/none 1+0; ");
    check_agrees("as the trail says");
}

/* ---- whose it is, and where it went ---- */

static void mail(size_t i, const char *from, const char *env_from, const char *domain,
                 struct store_transit transit, int days)
{
    take(i, domain, 1);
    sample[i].message.header_from = sgl_view_cstr(from);
    sample[i].message.env_from = sgl_view_cstr(env_from);
    accept_it(i);
    assert_int_equal(end_as(i, 0, RCPT_DELIVERED, true, transit, days, 1), STORE_OK);
}

static void test_names(void **state)
{
    static char longer[400];

    (void)state;
    mail(0, "a@One.Test", "bounce@else.test", "a.test", dane, 0);
    mail(1, "\"x@y\"@one.test", "", "a.test", plain, 1);
    mail(2, "", "B@TWO.test", "b.test", dane, 1);
    memset(longer, 'a', sizeof(longer) - 1);
    longer[0] = '@';
    mail(3, longer, "", "c.test", dane, 2);
    CHECK_STR("by the sender's domain", figures((struct transit_query){.by = TRANSIT_BY_SENDER}),
              "one.test dane/TLSv1.3/none 1+0; one.test plain/none/none 1+0; "
              " dane/TLSv1.3/none 1+0; two.test dane/TLSv1.3/none 1+0; ");
    CHECK_STR("by destination", figures((struct transit_query){.by = TRANSIT_BY_DOMAIN}),
              "a.test dane/TLSv1.3/none 1+0; a.test plain/none/none 1+0; "
              "b.test dane/TLSv1.3/none 1+0; c.test dane/TLSv1.3/none 1+0; ");
    CHECK_STR("by day", figures((struct transit_query){.by = TRANSIT_BY_DAY}),
              "0 dane/TLSv1.3/none 1+0; 1 dane/TLSv1.3/none 1+0; 1 plain/none/none 1+0; "
              "2 dane/TLSv1.3/none 1+0; ");
    CHECK_STR("of these days",
              figures((struct transit_query){.from_day = DAY + 1, .to_day = DAY + 1}),
              " dane/TLSv1.3/none 1+0;  plain/none/none 1+0; ");
    CHECK_STR("a page",
              figures((struct transit_query){.by = TRANSIT_BY_DOMAIN, .skip = 1, .max = 1}),
              "b.test dane/TLSv1.3/none 1+0; ");
}

static void test_tenants(void **state)
{
    (void)state;
    take(0, "a.test", 1);
    sample[0].message.subscription = SGL_LIT("other");
    accept_it(0);
    end(0, 0, RCPT_DELIVERED, plain);
    mail(1, "a@one.test", "", "a.test", dane, 0);
    mail(2, "a@one.test", "", "b.test", dane, 0);
    CHECK_STR("each its own", figures((struct transit_query){.subscription = SGL_LIT("other")}),
              " plain/none/none 1+0; ");
    CHECK_STR("nobody else's", figures((struct transit_query){.subscription = SGL_LIT("othe")}),
              "");
    CHECK_STR("and all of them", figures((struct transit_query){.by = TRANSIT_BY_SUBSCRIPTION}),
              "sub dane/TLSv1.3/none 2+0; other plain/none/none 1+0; ");
}

static void test_troubled(void **state)
{
    (void)state;
    mail(0, "a@one.test", "", "good.test", dane, 0);
    mail(1, "a@one.test", "", "testing.test", testing, 0);
    mail(2, "a@one.test", "", "testing.test", dane, 0);
    take(3, "wrong.test", 1);
    accept_it(3);
    end(3, 0, RCPT_QUEUED, dane_failed);
    end(3, 0, RCPT_QUEUED, dane_failed);
    CHECK_STR("only what has a cause, the worst first",
              figures((struct transit_query){.by = TRANSIT_BY_DOMAIN, .troubled = true}),
              "wrong.test dane/none/validation-failure 0+2; "
              "testing.test encrypted/TLSv1.2/certificate-expired 1+0; ");
}

/* Recipients of one outcome that went to two places. */
static void test_lanes(void **state)
{
    struct store_outcome_rcpt r[3];
    struct store_outcome o = {.op = {.kind = STORE_OUTCOME}, .rcpt = r, .rcpts = 3};

    (void)state;
    take(0, "a.test", 3);
    sample[0].rcpt[1].domain = SGL_LIT("b.test");
    accept_it(0);
    o.message = sample[0].message.id;
    for (size_t i = 0; i < 3; i++)
        r[i] = (struct store_outcome_rcpt){.rcpt = sample[0].rcpt[i].id,
                                           .fence = 1,
                                           .state = RCPT_DELIVERED,
                                           .attempted = true,
                                           .transit = dane};
    assert_int_equal(store_fixture_run(&fx, &o.op), STORE_OK);
    CHECK_EQ("each under its own", sum_of("SELECT delivered FROM transit WHERE domain='a.test'"),
             2);
    CHECK_EQ("each under its own", sum_of("SELECT delivered FROM transit WHERE domain='b.test'"),
             1);
}

/* ---- with the outcome, or not at all ---- */

/* Of a group one outcome fails as a whole: it is rolled back, and the others are done one by one. */
static void test_rolled_back(void **state)
{
    static struct store_sample many[40];
    static struct store_outcome o[40];
    static struct store_outcome_rcpt r[40];
    struct store_sample twice;

    (void)state;
    store_sample_init(&twice, "example.net", 1, 100);
    for (size_t i = 0; i < 40; i++) {
        store_sample_init(&many[i], "example.net", 1, 100);
        many[i].accept.claim = true;
        many[i].accept.lease_until = NOW + 600;
        assert_int_equal(store_sample_accept(&fx, &many[i]), STORE_OK);
        r[i] = (struct store_outcome_rcpt){.rcpt = many[i].rcpt[0].id,
                                           .fence = 1,
                                           .state = RCPT_DELIVERED,
                                           .attempted = true,
                                           .transit = dane};
        o[i] = (struct store_outcome){.op = {.kind = STORE_OUTCOME},
                                      .message = many[i].message.id,
                                      .rcpt = &r[i],
                                      .rcpts = 1};
    }
    twice.message.id = many[3].message.id; /* a notice that cannot be kept */
    o[20].notice[0] = &twice.accept;
    for (size_t i = 0; i < 40; i++)
        store_fixture_send(&fx, &o[i].op, i);
    for (size_t i = 0; i < 40; i++)
        CHECK_EQ("all but one", store_fixture_await(i) == STORE_OK, i != 20);
    for (size_t i = 0; i < 40; i++)
        store_sample_done(&many[i]);
    store_sample_done(&twice);
    CHECK_STR("each once", figures((struct transit_query){.to_day = INT32_MAX}),
              " dane/TLSv1.3/none 39+0; ");
    check_agrees("as many as were delivered");
}

static void test_no_memory(void **state)
{
    size_t rounds = 0;

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        enum store_result r;

        fail_alloc_off();
        take(0, "example.net", 1);
        accept_it(0);
        fail_alloc_on();
        r = end_as(0, 0, RCPT_DELIVERED, true, dane, 0, 1);
        fail_alloc_off();
        CHECK_TRUE("done, or no memory", r == STORE_OK || r == STORE_NOMEM);
        rounds++;
        check_agrees("as many as were delivered");
    }
    CHECK_TRUE("some rounds", rounds > 2);
}

/* One delivery to each domain, so many days ago. */
static void mail_ago(size_t i, const char *domain, int days, struct store_transit transit)
{
    int64_t at = (clock_now_ms() - days * STATISTICS_DAY_MS) / 1000 - NOW;

    mail(i, "a@one.test", "", domain, transit, (int)(at / 86400));
}

static void expire(void)
{
    struct store_expire_trail e = {.op = {.kind = STORE_EXPIRE_TRAIL}, .before_ms = 1, .max = 1};

    assert_int_equal(store_fixture_run(&fx, &e.op), STORE_OK);
}

static void test_old_ones_go(void **state)
{
    (void)state;
    mail(0, "a@one.test", "", "a.test", dane, 0); /* of 2023 */
    mail_ago(1, "b.test", 399, dane);
    mail_ago(2, "c.test", 90, dane);
    expire();
    CHECK_EQ("old figures go", sum_of("SELECT count(*) FROM transit WHERE domain='a.test'"), 0);
    CHECK_EQ("others stay", sum_of("SELECT sum(delivered) FROM transit"), 2);
}

static void test_old_names_go(void **state)
{
    (void)state;
    mail_ago(0, "a.test", 200, dane);
    mail_ago(1, "b.test", 200, dane);
    mail_ago(2, "c.test", 200, plain);
    mail_ago(3, "d.test", 95, dane);
    expire();
    CHECK_EQ("a day at a time", sum_of("SELECT count(*) FROM transit WHERE domain<>''"), 1);
    CHECK_EQ("what is the same becomes one", sum_of("SELECT count(*) FROM transit"), 3);
    CHECK_EQ("with its sum",
             sum_of("SELECT delivered FROM transit WHERE mechanism=1"
                    " ORDER BY day LIMIT 1"),
             2);
    expire();
    CHECK_EQ("then the next", sum_of("SELECT count(*) FROM transit WHERE domain<>''"), 0);
    CHECK_EQ("nothing is lost", sum_of("SELECT sum(delivered) FROM transit"), 4);
    mail_ago(0, "e.test", 95, dane); /* the clock was wrong */
    mail_ago(1, "f.test", 91, dane);
    expire();
    CHECK_EQ("what comes late is added",
             sum_of("SELECT sum(delivered) FROM transit WHERE domain=''"
                    " AND mechanism=1"),
             4);
    CHECK_EQ("what is new keeps its name", sum_of("SELECT count(*) FROM transit WHERE domain<>''"),
             1);
    expire();
    CHECK_EQ("and goes on to", sum_of("SELECT count(*) FROM transit WHERE domain='f.test'"), 1);
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        CHECK_TRUE("every number has a word", transit_mechanism_name((uint8_t)i)[0] != '\0' &&
                                                  transit_version_name((uint8_t)i)[0] != '\0' &&
                                                  transit_cause_name((uint8_t)i)[0] != '\0');
        CHECK_EQ("and those without one are none",
                 strcmp(transit_cause_name((uint8_t)i), "none") == 0,
                 i == 0 || i >= TRANSIT_CAUSES);
        for (unsigned k = 1; k < i && i < TRANSIT_CAUSES; k++)
            CHECK_TRUE("each its own",
                       strcmp(transit_cause_name((uint8_t)i), transit_cause_name((uint8_t)k)) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_counts), STORE_TEST(test_what_does_not), STORE_TEST(test_once),
        STORE_TEST(test_names),       STORE_TEST(test_tenants),       STORE_TEST(test_troubled),
        STORE_TEST(test_lanes),       STORE_TEST(test_rolled_back),   STORE_TEST(test_no_memory),
        STORE_TEST(test_old_ones_go), STORE_TEST(test_old_names_go),  cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
