/* SPDX-License-Identifier: Apache-2.0 */
/* Transit over the admin API: sums by day and name, pages, whose they are, and who could be stricter. */
#include "../../server/store/transit.h"

#include "admin_fixture.h"
#include "store_fixture.h"

#define NOON INT64_C(1700049600000) /* of 2023-11-15 */
#define DAYS "since=2023-11-14T00:00:00Z&until=2023-11-17T23:59:59Z"

static const struct store_transit dane = {TRANSIT_DANE, TRANSIT_TLS_1_3, 0};
static const struct store_transit sts = {TRANSIT_MTA_STS, TRANSIT_TLS_1_2, 0};
static const struct store_transit plain = {TRANSIT_PLAIN, 0, 0};
static const struct store_transit wrong = {TRANSIT_DANE, 0, TRANSIT_VALIDATION_FAILURE};
static const struct store_transit testing = {TRANSIT_ENCRYPTED, TRANSIT_TLS_1_3,
                                             TRANSIT_CERTIFICATE_EXPIRED};

/* One message to one recipient of the domain, `days` after the first, with this end. */
static void went(struct admin_fixture *x, const char *subscription, const char *domain, int days,
                 enum rcpt_state state, struct store_transit transit)
{
    struct store_fixture fx = {.store = x->f->store, .loop = x->outgoing};
    struct store_event event = {NOON + days * INT64_C(86400000), 0, SGL_LIT("attempt"),
                                SGL_LIT("{}")};
    struct store_outcome_rcpt r = {
        .fence = 1, .state = state, .attempted = true, .next_at = INT32_MAX, .transit = transit};
    struct store_outcome o = {
        .op = {.kind = STORE_OUTCOME}, .rcpt = &r, .rcpts = 1, .event = &event, .events = 1};
    struct store_sample s;

    store_sample_init(&s, domain, 1, 100);
    s.message.subscription = sgl_view_cstr(subscription);
    s.accept.claim = true;
    s.accept.lease_until = UINT32_MAX;
    assert_int_equal(store_sample_accept(&fx, &s), STORE_OK);
    o.message = s.message.id;
    r.rcpt = event.rcpt = s.rcpt[0].id;
    assert_int_equal(store_fixture_run(&fx, &o.op), STORE_OK);
    store_sample_done(&s);
}

static void fill(struct admin_fixture *x)
{
    went(x, "default", "a.test", 0, RCPT_DELIVERED, dane);
    went(x, "default", "a.test", 0, RCPT_DELIVERED, dane);
    went(x, "default", "b.test", 1, RCPT_DELIVERED, sts);
    went(x, "default", "c.test", 1, RCPT_DELIVERED, plain);
    went(x, "default", "bad.test", 1, RCPT_QUEUED, wrong);
    went(x, "default", "bad.test", 2, RCPT_FAILED, wrong);
    went(x, "default", "bad.test", 2, RCPT_DELIVERED, testing);
    went(x, "other", "a.test", 2, RCPT_DELIVERED, plain);
}

/* The answer as text, or one member of it. */
static const char *get(struct admin_fixture *x, const char *query, const char *member)
{
    static char *text;
    char path[300];
    json_t *answer;

    snprintf(path, sizeof(path), "/admin/v1/reports/transit?%s", query);
    assert_int_equal(ask(x, false, "GET", path, "", &answer), 200);
    free(text);
    text = json_dumps(json_object_get(answer, member),
                      JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
    json_decref(answer);
    return text;
}

/* "NAME DELIVERED+FAILED;" of each row. */
static const char *rows(struct admin_fixture *x, const char *query)
{
    static char text[2000];
    json_t *list = json_loads(get(x, query, "rows"), 0, NULL);
    size_t at = 0, i;
    json_t *row;

    text[0] = '\0';
    json_array_foreach(list, i, row) at +=
        (size_t)snprintf(text + at, sizeof(text) - at, "%s %lld+%lld;",
                         json_string_value(json_object_get(row, "name")),
                         json_integer_value(json_object_get(row, "delivered")),
                         json_integer_value(json_object_get(row, "failed")));
    json_decref(list);
    return text;
}

static void test_sums(void **state)
{
    struct admin_fixture *x = *state;

    fill(x);
    CHECK_STR("all of it", get(x, DAYS, "total"),
              "{\"delivered\":6,\"failed\":2,\"mechanisms\":{\"dane\":2,\"mta-sts\":1,"
              "\"verified\":0,\"encrypted\":1,\"plain\":2},\"versions\":{\"TLSv1.3\":3,"
              "\"TLSv1.2\":1,\"none\":2},\"causes\":{\"certificate-expired\":{\"delivered\":1,"
              "\"failed\":0},\"validation-failure\":{\"delivered\":0,\"failed\":2}}}");
    CHECK_STR("by day, as a rule", rows(x, DAYS), "2023-11-15 2+0;2023-11-16 2+1;2023-11-17 2+1;");
    CHECK_STR("by destination, the most first", rows(x, DAYS "&by=domain"),
              "a.test 3+0;bad.test 1+2;b.test 1+0;c.test 1+0;");
    CHECK_STR("by sender", rows(x, DAYS "&by=sender"), "example.org 6+2;");
    CHECK_STR("by subscription", rows(x, DAYS "&by=subscription"), "default 5+2;other 1+0;");
    CHECK_STR("of one subscription", rows(x, DAYS "&by=domain&subscription=other"), "a.test 1+0;");
    CHECK_STR("its first day", get(x, DAYS, "from"), "\"2023-11-14\"");
    CHECK_STR("its last day", get(x, DAYS, "to"), "\"2023-11-17\"");
    CHECK_STR("one day", rows(x, "since=2023-11-16&until=2023-11-16"), "2023-11-16 2+1;");
    CHECK_STR("as a rule 30 days", rows(x, ""), "");
}

static void test_pages(void **state)
{
    struct admin_fixture *x = *state;

    fill(x);
    CHECK_STR("a page", rows(x, DAYS "&by=domain&max=2"), "a.test 3+0;bad.test 1+2;");
    CHECK_STR("says where the next one begins", get(x, DAYS "&by=domain&max=2", "next"), "2");
    CHECK_STR("which has the others", rows(x, DAYS "&by=domain&max=2&skip=2"),
              "b.test 1+0;c.test 1+0;");
    CHECK_STR("and is the last", get(x, DAYS "&by=domain&max=2&skip=2", "next"), "null");
    CHECK_STR("behind the last nothing", get(x, DAYS "&skip=9", "rows"), "[]");
    CHECK_TRUE("totals are of all",
               strstr(get(x, DAYS "&skip=9", "total"), "{\"delivered\":6,\"failed\":2,") != NULL);
}

static void test_stricter(void **state)
{
    struct admin_fixture *x = *state;
    const char *text;

    fill(x);
    add_domain(x);
    text = get(x, DAYS, "stricter");
    CHECK_TRUE("a policy that ends attempts",
               strstr(text,
                      "{\"failing\":[{\"domain\":\"bad.test\",\"count\":2,\"causes\":"
                      "[{\"cause\":\"validation-failure\",\"count\":2,\"advice\":\"What") == text);
    CHECK_TRUE("a policy in testing",
               strstr(text, "\"testing\":[{\"domain\":\"bad.test\",\"count\":1,\"causes\":"
                            "[{\"cause\":\"certificate-expired\",\"count\":1,") != NULL);
    CHECK_TRUE("a domain of our own",
               strstr(text,
                      "\"own\":[{\"domain\":\"app.test\",\"missing\":[\"mta_sts\",\"tls_rpt\"]"
                      ",\"hosts\":[],\"advice\":") != NULL);
    CHECK_TRUE("of another nothing", strstr(get(x, DAYS "&subscription=other", "stricter"),
                                            "{\"failing\":[],\"testing\":[],\"own\":[]}") != NULL);
}

/* However many others there are. */
static void test_few_troubled(void **state)
{
    struct admin_fixture *x = *state;

    for (int i = 0; i < 101; i++) {
        char domain[32];

        snprintf(domain, sizeof(domain), "a%03d.test", i);
        went(x, "default", domain, 0, RCPT_DELIVERED, dane);
    }
    went(x, "default", "bad.test", 0, RCPT_QUEUED, wrong);
    CHECK_TRUE("they are found", strstr(get(x, DAYS, "stricter"), "bad.test") != NULL);
}

static void test_advice(void **state)
{
    struct admin_fixture *x = *state;
    const char *text;

    for (uint8_t i = 1; i < TRANSIT_CAUSES; i++) {
        struct store_transit how = {TRANSIT_DANE, 0, i};

        went(x, "default", "bad.test", 0, RCPT_QUEUED, how);
    }
    text = get(x, DAYS, "stricter");
    for (uint8_t i = 1; i < TRANSIT_CAUSES; i++)
        CHECK_TRUE("each cause is there", strstr(text, transit_cause_name(i)) != NULL);
    CHECK_TRUE("and has its advice",
               strstr(text, "\"advice\":\"\"") == NULL && strstr(text, "null") == NULL);
}

static void test_refusals(void **state)
{
    static const struct admin_row refused[] = {
        {"no such sum", "GET", "/admin/v1/reports/transit?by=week", "", 400, "field", "by"},
        {"no time", "GET", "/admin/v1/reports/transit?since=soon", "", 400, "field", "since"},
        {"no time", "GET", "/admin/v1/reports/transit?until=x", "", 400, "field", "until"},
        {"backwards", "GET", "/admin/v1/reports/transit?since=1d&until=3d", "", 400, "code",
         "time-order"},
        {"no page", "GET", "/admin/v1/reports/transit?max=0", "", 400, "field", "max"},
        {"too much", "GET", "/admin/v1/reports/transit?max=1001", "", 400, "field", "max"},
        {"no number", "GET", "/admin/v1/reports/transit?skip=-1", "", 400, "field", "skip"},
    };

    CHECK_ROWS(*state, refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ADMIN_TEST(test_sums),     ADMIN_TEST(test_pages),
                                       ADMIN_TEST(test_stricter), ADMIN_TEST(test_few_troubled),
                                       ADMIN_TEST(test_advice),   ADMIN_TEST(test_refusals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
