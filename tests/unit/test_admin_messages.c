/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over the admin API, from hand to trail, and what they are counted as. */
#include "admin_fixture.h"

static void test_refusals(void **state)
{
    static const struct admin_row rows[] = {
        {"usage since a time that is none", "GET", "/admin/v1/usage?since=soon", "", 400, "field",
         "since"},
        {"a message id that is none", "GET", "/admin/v1/messages/xyz", "", 404, "code",
         "id-syntax"},
        {"a message that is not there", "GET", "/admin/v1/messages/0000000000001", "", 404, "code",
         "message-unknown"},
        {"a time that is none", "GET", "/admin/v1/messages?since=soon", "", 400, "field", "since"},
        {"a control of nothing", "POST", "/admin/v1/queue/hold", "{}", 400, "field", "message"},
        {"a control of a message that is not there", "POST", "/admin/v1/queue/hold",
         "{\"message\":\"0000000000001\"}", 404, "code", "message-unknown"},
        {"a message from a stranger's domain", "POST",
         "/admin/v1/messages?from=me@good.test&to=you@good.test", "From: me@good.test\r\n\r\nx\r\n",
         403, "code", "sender-not-allowed"},
        {"a message without recipients", "POST", "/admin/v1/messages",
         "From: me@app.test\r\n\r\nx\r\n", 422, "code", "no-recipients"},
        {"a message that is none", "POST", "/admin/v1/messages?to=a@b.test", "hello", 422, NULL,
         NULL},
    };

    add_domain(*state);
    CHECK_ROWS(*state, rows);
}

static void test_message(void **state)
{
    struct admin_fixture *x = *state;
    json_t *answer, *rcpt;
    char path[128], body[128];
    char id[32];

    add_domain(x);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/messages",
                         "From: Me <me@app.test>\r\nTo: you@good.test\r\nBcc: "
                         "them@good.test\r\nSubject: Hello\r\n\r\nx\r\n",
                         &answer),
                     202);
    snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(answer, "id")));
    CHECK_EQ("recipients come from To and Bcc",
             json_integer_value(json_object_get(answer, "recipients")), 2);
    json_decref(answer);
    snprintf(path, sizeof(path), "/admin/v1/messages/%s", id);
    snprintf(body, sizeof(body), "{\"message\":\"%s\",\"domain\":\"good.test\"}", id);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/queue/hold", body, &answer), 200);
    CHECK_EQ("both are held", json_integer_value(json_object_get(answer, "changed")), 2);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", path, "", &answer), 200);
    rcpt = json_array_get(json_object_get(answer, "recipients"), 0);
    CHECK_STR("a recipient", json_string_value(json_object_get(rcpt, "address")), "you@good.test");
    CHECK_STR("is held", json_string_value(json_object_get(rcpt, "state")), "held");
    CHECK_STR("the trail begins",
              json_string_value(
                  json_object_get(json_array_get(json_object_get(answer, "events"), 0), "kind")),
              "accepted");
    CHECK_STR("the sender is From", json_string_value(json_object_get(answer, "from")),
              "me@app.test");
    CHECK_TRUE("how long it took is known", json_is_real(json_object_get(answer, "durable_ms")));
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET",
                         "/admin/v1/messages?open=true&to=THEM%40good.test&since=1h", "", &answer),
                     200);
    CHECK_EQ("it is found by a recipient", json_array_size(json_object_get(answer, "messages")), 1);
    json_decref(answer);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/queue/cancel", body, &answer), 200);
    json_decref(answer);
    assert_int_equal(ask(x, false, "POST", "/admin/v1/queue/cancel", body, &answer), 409);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/stats", "", &answer), 200);
    CHECK_EQ(
        "figures",
        json_integer_value(json_object_get(json_object_get(answer, "recipients"), "delivered")), 7);
    json_decref(answer);
}

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int send_to(struct admin_fixture *x, const char *rcpts)
{
    char path[256];
    json_t *answer;
    int status;

    snprintf(path, sizeof(path), "/admin/v1/messages?from=me@app.test&to=%s", rcpts);
    status = ask(x, false, "POST", path, "From: me@app.test\r\n\r\nx\r\n", &answer);
    if (status == 429) {
        CHECK_STR("which limit", json_string_value(json_object_get(answer, "field")), "messages");
        CHECK_TRUE("its figure", strstr(json_string_value(json_object_get(answer, "detail")),
                                        "5 messages a minute") != NULL);
    }
    json_decref(answer);
    return status;
}

static void test_usage(void **state)
{
    struct admin_fixture *x = *state;
    json_t *answer, *one;

    add_domain(x);
    assert_int_equal(ask(x, false, "PATCH", "/admin/v1/subscriptions/default",
                         "{\"profile\":\"managed-test\"}", &answer),
                     200);
    json_decref(answer);
    CHECK_EQ("one", send_to(x, "you@good.test&to=us@app.test"), 202);
    for (int i = 0; i < 4; i++)
        CHECK_EQ("four more", send_to(x, "you@good.test"), 202);
    CHECK_EQ("and not another", send_to(x, "you@good.test"), 429);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/usage?subscription=default", "", &answer),
                     200);
    one = json_array_get(json_object_get(answer, "usage"), 0);
    CHECK_EQ("messages", number(one, "messages"), 5);
    CHECK_EQ("internal ones are of the same subscription", number(one, "internal_recipients"), 1);
    CHECK_EQ("external", number(one, "external_recipients"), 5);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/subscriptions/default", "", &answer), 200);
    one = json_array_get(json_object_get(answer, "limits"), 0);
    CHECK_EQ("what counts now", number(one, "used"), 5);
    CHECK_EQ("of how many", number(one, "max"), 5);
    json_decref(answer);
    assert_int_equal(ask(x, false, "GET", "/admin/v1/profiles", "", &answer), 200);
    CHECK_EQ("the shipped profiles", json_array_size(json_object_get(answer, "profiles")), 5);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMIN_TEST(test_refusals),
        ADMIN_TEST(test_message),
        ADMIN_TEST(test_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
