/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of strangers summed up: what they claim can be any number, and none of it turns a sum round. */
#include <stdio.h>
#include <string.h>

#include "../../server/doors/http/admin_internal.h"
#include "../../server/doors/http/received.h"
#include "../../server/store/received.h"
#include "check.h"

#define POLICIES 200
#define REPORTS  8
#define SUM_MAX  INT64_C(9007199254740991) /* what JSON has exactly */

json_t *admin_json_view(sgl_view v)
{
    return json_stringn((const char *)v.ptr, v.len);
}

static sgl_view claim(void)
{
    static char text[100000];
    size_t len = 0;

    len += (size_t)snprintf(text, sizeof(text), "{\"organization-name\":\"x\",\"policies\":[");
    for (unsigned i = 0; i < POLICIES; i++)
        len += (size_t)snprintf(
            text + len, sizeof(text) - len,
            "%s{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"a.test\"},\"summary\":{"
            "\"total-successful-session-count\":9007199254740991,"
            "\"total-failure-session-count\":9007199254740991},\"failure-details\":[{"
            "\"result-type\":\"certificate-expired\",\"failed-session-count\":9007199254740991}]}",
            i == 0 ? "" : ",");
    snprintf(text + len, sizeof(text) - len, "]}");
    return sgl_view_cstr(text);
}

static json_int_t number(const json_t *of, const char *name)
{
    return json_integer_value(json_object_get(of, name));
}

static void no_claim_turns_a_sum_round(void **state)
{
    struct received_report r = {
        .domain = SGL_LIT("a.test"), .organization = SGL_LIT("x"), .text = claim()};
    struct received_sum *sum = received_sum_new();
    const json_t *about, *failure, *sender;
    json_t *json;

    (void)state;
    assert_non_null(sum);
    for (unsigned i = 0; i < REPORTS; i++)
        assert_true(received_sum_add(sum, &r));
    json = received_sum_json(sum);
    about = json_array_get(json, 0);
    failure = json_array_get(json_object_get(about, "failures"), 0);
    sender = json_array_get(json_object_get(about, "senders"), 0);
    CHECK_EQ("reports", number(about, "reports"), REPORTS);
    CHECK_EQ("good", number(about, "successful_sessions"), SUM_MAX);
    CHECK_EQ("failed", number(about, "failed_sessions"), SUM_MAX);
    CHECK_EQ("of the sender", number(sender, "failed_sessions"), SUM_MAX);
    CHECK_EQ("of the failure", number(failure, "failed_sessions"), SUM_MAX);
    json_decref(json);
    received_sum_free(sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_claim_turns_a_sum_round)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
