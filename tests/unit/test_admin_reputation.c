/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of those who send to us, over the admin API: the worst first, one by name, and forgotten by hand. */
#include "admin_fixture.h"

#define REPORT "/admin/v1/reports/reputation"

static void note(struct admin_fixture *x, const char *ip, const char *domain,
                 enum reputation_event event, int times)
{
    struct sgl_ip from;

    assert_int_equal(sgl_ip_parse(sgl_view_cstr(ip), &from), SGL_OK);
    for (int i = 0; i < times; i++)
        reputation_note(x->reputation, &from, sgl_view_cstr(domain), event, clock_now_s());
}

/* "BY: NAME SCORE ADVICE; " of all rows. */
static const char *rows(struct admin_fixture *x, const char *query)
{
    static char text[1000];
    char path[300];
    json_t *answer, *row;
    size_t i, at;

    snprintf(path, sizeof(path), REPORT "%s", query);
    assert_int_equal(ask(x, false, "GET", path, "", &answer), 200);
    at = (size_t)snprintf(text, sizeof(text),
                          "%s:", json_string_value(json_object_get(answer, "by")));
    json_array_foreach(json_object_get(answer, "rows"), i, row) at += (size_t)snprintf(
        text + at, sizeof(text) - at, " %s %d %s;", json_string_value(json_object_get(row, "name")),
        (int)json_integer_value(json_object_get(row, "score")),
        json_string_value(json_object_get(row, "advice")));
    json_decref(answer);
    return text;
}

static int status_of(struct admin_fixture *x, const char *method, const char *path)
{
    json_t *answer;
    int status = ask(x, false, method, path, "", &answer);

    json_decref(answer);
    return status;
}

static void test_who_is_known(void **state)
{
    struct admin_fixture *x = *state;
    json_t *answer, *row;

    note(x, "192.0.2.1", "bad.test", REPUTATION_UNKNOWN_RCPT, 300);
    note(x, "198.51.100.1", "good.test", REPUTATION_GOOD, 60);
    CHECK_STR("addresses, as a rule", rows(x, ""),
              "address: 192.0.2.1 3 refuse; 198.51.100.1 87 welcome;");
    CHECK_STR("the worst", rows(x, "?top=1"), "address: 192.0.2.1 3 refuse;");
    CHECK_STR("networks", rows(x, "?by=network"),
              "network: 192.0.2.0/24 41 normal; 198.51.100.0/24 87 welcome;");
    CHECK_STR("domains", rows(x, "?by=domain"), "domain: bad.test 3 defer; good.test 87 welcome;");
    CHECK_STR("one of them", rows(x, "?name=good.test"), "domain: good.test 87 welcome;");
    assert_int_equal(ask(x, false, "GET", REPORT "?name=192.0.2.1", "", &answer), 200);
    row = json_array_get(json_object_get(answer, "rows"), 0);
    CHECK_EQ("what counted", json_number_value(json_object_get(row, "unknown_recipients")), 300);
    CHECK_EQ("and what did not", json_number_value(json_object_get(row, "traps")), 0);
    assert_non_null(json_string_value(json_object_get(row, "last")));
    json_decref(answer);
    CHECK_EQ("nobody", status_of(x, "GET", REPORT "?name=192.0.2.9"), 404);
    CHECK_EQ("no kind", status_of(x, "GET", REPORT "?by=colour"), 400);
    CHECK_EQ("no number", status_of(x, "GET", REPORT "?top=0"), 400);
    CHECK_EQ("too many", status_of(x, "GET", REPORT "?top=1001"), 400);
}

static void test_forgotten(void **state)
{
    struct admin_fixture *x = *state;

    note(x, "192.0.2.1", "", REPUTATION_UNKNOWN_RCPT, 300);
    CHECK_EQ("the address", status_of(x, "DELETE", "/admin/v1/reputation/192.0.2.1"), 200);
    CHECK_EQ("only once", status_of(x, "DELETE", "/admin/v1/reputation/192.0.2.1"), 404);
    CHECK_STR("is known no more", rows(x, ""), "address:");
    CHECK_EQ("the network", status_of(x, "DELETE", "/admin/v1/reputation/192.0.2.0%2F24"), 200);
    CHECK_STR("is known no more", rows(x, "?by=network"), "network:");
    CHECK_EQ("what is nothing", status_of(x, "DELETE", "/admin/v1/reputation/a%20b"), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_is_known, admin_setup, admin_teardown),
        cmocka_unit_test_setup_teardown(test_forgotten, admin_setup, admin_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
