/* SPDX-License-Identifier: Apache-2.0 */
/* Senders, groups and policies over the admin API, and the question who may send as whom. */
#include "admin_fixture.h"

#define POST   "POST"
#define TEST   "/admin/v1/policies/test?identity=credential:app&sender="
#define SHARED "box%40shared.test"

static void furnish(struct admin_fixture *x)
{
    static const struct admin_row rows[] = {
        {"a domain", POST, "/admin/v1/domains", "{\"name\":\"app.test\"}", 201, "name", NULL},
        {"another", POST, "/admin/v1/domains", "{\"name\":\"shared.test\"}", 201, "name", NULL},
        {"a credential", POST, "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 201, "name", "app"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *answer = NULL;

        CHECK_EQ(rows[i].name, ask(x, false, rows[i].method, rows[i].path, rows[i].body, &answer),
                 rows[i].status);
        json_decref(answer);
    }
}

static void test_senders(void **state)
{
    static const struct admin_row rows[] = {
        {"any address at first", "GET", TEST "a%40app.test", "", 200, "rule", "own-domain"},
        {"a sender of an identity", POST, "/admin/v1/senders",
         "{\"address\":\"News@App.test\",\"identity\":\"credential:app\"}", 201, "identity",
         "credential:app"},
        {"then no other", "GET", TEST "a%40app.test", "", 200, "rule", "not-own-sender"},
        {"but this one", "GET", TEST "news%40app.test.", "", 200, "member", "News@app.test"},
        {"all of a domain", POST, "/admin/v1/senders", "{\"address\":\"*@shared.test\"}", 201,
         "address", "*@shared.test"},
        {"a second time it is there", POST, "/admin/v1/senders", "{\"address\":\"shared.test\"}",
         409, "code", "exists"},
        {"no address is refused", POST, "/admin/v1/senders", "{\"address\":\"a b@app.test\"}", 422,
         "field", "address"},
        {"a domain that is not there", POST, "/admin/v1/senders", "{\"address\":\"a@b.test\"}", 404,
         "field", "address"},
        {"an identity that is not there", POST, "/admin/v1/senders",
         "{\"address\":\"a@app.test\",\"identity\":\"app\"}", 404, "field", "identity"},
        {"one that may not use the domain", POST, "/admin/v1/senders",
         "{\"address\":\"a@shared.test\",\"identity\":\"credential:app\"}", 422, "field",
         "identity"},
        {"a credential that is in use is not removed", "DELETE", "/admin/v1/credentials/app", "",
         409, "code", "in-use"},
        {"nor a domain", "DELETE", "/admin/v1/domains/shared.test", "", 409, "code", "in-use"},
        {"a sender of a domain is another one", "DELETE", "/admin/v1/senders/news%40app.test", "",
         404, "field", "address"},
        {"removed by its identity", "DELETE",
         "/admin/v1/senders/news%40app.test?identity=credential:app", "", 200, NULL, NULL},
        {"then any address", "GET", TEST "a%40app.test", "", 200, "rule", "own-domain"},
        {"all of a domain is removed", "DELETE", "/admin/v1/senders/%2a%40shared.test", "", 200,
         NULL, NULL},
        {"and the domain may go", "DELETE", "/admin/v1/domains/shared.test", "", 200, NULL, NULL},
    };

    furnish(*state);
    CHECK_ROWS(*state, rows);
}

static void test_groups(void **state)
{
    static const struct admin_row rows[] = {
        {"a group", POST, "/admin/v1/groups",
         "{\"name\":\"sales\",\"members\":[\"a@app.test\",\"*@shared.test\"],\"description\":"
         "\"x\"}",
         201, "name", "sales"},
        {"a member that is none", POST, "/admin/v1/groups",
         "{\"name\":\"bad\",\"members\":[\"a@app.test\",\"a@@b\"]}", 422, "field", "members[1]"},
        {"a member of another type", POST, "/admin/v1/groups", "{\"name\":\"bad\",\"members\":[1]}",
         400, "field", "members"},
        {"a name with a blank", POST, "/admin/v1/groups", "{\"name\":\"a b\"}", 422, "field",
         "name"},
        {"a description with a line end", POST, "/admin/v1/groups",
         "{\"name\":\"bad\",\"description\":\"a\\nb\"}", 422, "field", "description"},
        {"is shown", "GET", "/admin/v1/groups/sales", "", 200, "description", "x"},
        {"one that is not there", "GET", "/admin/v1/groups/bad", "", 404, "field", "name"},
        {"changed", "PATCH", "/admin/v1/groups/sales",
         "{\"add\":[\"b@app.test\"],\"drop\":[\"A@app.test\"],\"version\":1}", 200, "name",
         "sales"},
        {"with an old version it is not", "PATCH", "/admin/v1/groups/sales",
         "{\"add\":[\"c@app.test\"],\"version\":1}", 409, "code", "conflict"},
        {"what is not there cannot go", "PATCH", "/admin/v1/groups/sales",
         "{\"drop\":[\"c@app.test\"]}", 404, "field", "drop[0]"},
        {"both ways at once", "PATCH", "/admin/v1/groups/sales", "{\"members\":[],\"add\":[]}", 400,
         "field", "members"},
        {"a change of nothing", "PATCH", "/admin/v1/groups/sales", "{\"version\":2}", 400, "field",
         "body"},
        {"the description stays when it is not named", "GET", "/admin/v1/groups/sales", "", 200,
         "description", "x"},
        {"removed", "DELETE", "/admin/v1/groups/sales?subscription=default", "", 200, NULL, NULL},
    };

    furnish(*state);
    CHECK_ROWS(*state, rows);
}

static void check_list(const struct admin_fixture *x, const char *path, const char *plural,
                       const char *member, const char *want)
{
    json_t *answer = NULL;
    const json_t *first;

    CHECK_EQ(path, ask(x, false, "GET", path, "", &answer), 200);
    first = json_array_get(json_object_get(answer, plural), 0);
    CHECK_STR(path, json_string_value(json_object_get(first, member)), want);
    json_decref(answer);
}

static void test_policies(void **state)
{
    static const struct admin_row rows[] = {
        {"a group", POST, "/admin/v1/groups",
         "{\"name\":\"shared\",\"members\":[\"Box@shared.test\"]}", 201, "name", "shared"},
        {"nothing is allowed yet", "GET", TEST SHARED, "", 200, "rule", "not-own-domain"},
        {"a policy", POST, "/admin/v1/policies",
         "{\"identity\":\"credential:app\",\"right\":\"allow\",\"group\":\"shared\","
         "\"description\":\"the box\"}",
         201, NULL, NULL},
        {"then it is", "GET", TEST SHARED, "", 200, "rule", "allow-policy"},
        {"by this group", "GET", TEST SHARED, "", 200, "group", "shared"},
        {"by this member", "GET", TEST SHARED, "", 200, "member", "Box@shared.test"},
        {"and nothing else", "GET", TEST "a%40app.test", "", 200, "rule", "not-in-allowed-group"},
        {"a group in use is not removed", "DELETE", "/admin/v1/groups/shared", "", 409, "code",
         "in-use"},
        {"no right", POST, "/admin/v1/policies",
         "{\"identity\":\"*\",\"right\":\"maybe\",\"group\":\"shared\"}", 422, "field", "right"},
        {"no group", POST, "/admin/v1/policies",
         "{\"identity\":\"*\",\"right\":\"deny\",\"group\":\"none\"}", 404, "field", "group"},
        {"no identity", POST, "/admin/v1/policies",
         "{\"identity\":\"app:none\",\"right\":\"deny\",\"group\":\"shared\"}", 404, "field",
         "identity"},
        {"for all", POST, "/admin/v1/policies",
         "{\"identity\":\"*\",\"right\":\"deny\",\"group\":\"shared\"}", 201, NULL, NULL},
        {"to deny comes first", "GET", TEST SHARED, "", 200, "rule", "deny-policy"},
        {"an operator's own user, too", "GET",
         "/admin/v1/policies/test?identity=local:uid=0&sender=" SHARED, "", 200, "rule",
         "deny-policy"},
        {"no address to ask for", "GET", TEST "a", "", 422, "field", "sender"},
        {"nobody to ask for", "GET", "/admin/v1/policies/test?sender=a%40app.test", "", 400,
         "field", "identity"},
        {"somebody who is not there", "GET",
         "/admin/v1/policies/test?identity=key:none&sender=a%40app.test", "", 404, "field",
         "identity"},
        {"an id that is not there", "DELETE", "/admin/v1/policies/none", "", 404, "field", "id"},
    };

    furnish(*state);
    CHECK_ROWS(*state, rows);
    check_list(*state, "/admin/v1/policies", "policies", "group", "shared");
    check_list(*state, "/admin/v1/groups", "groups", "name", "shared");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMIN_TEST(test_senders),
        ADMIN_TEST(test_groups),
        ADMIN_TEST(test_policies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
