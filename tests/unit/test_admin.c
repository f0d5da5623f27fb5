/* SPDX-License-Identifier: Apache-2.0 */
/* Nouns over the admin API: added, changed, removed, listed; refusals name the field. */
#include "../../server/directory/directory_internal.h"
#include "admin_fixture.h"

static void test_domains(void **state)
{
    static const struct admin_row rows[] = {
        {"a domain is added", "POST", "/admin/v1/domains",
         "{\"name\":\"App.TEST\",\"ed25519\":true}", 201, "name", "app.test"},
        {"a second time it is there", "POST", "/admin/v1/domains", "{\"name\":\"app.test\"}", 409,
         "field", "domain"},
        {"no domain name is refused", "POST", "/admin/v1/domains", "{\"name\":\"localhost\"}", 422,
         "field", "domain"},
        {"a member too many is refused", "POST", "/admin/v1/domains",
         "{\"name\":\"a.test\",\"x\":1}", 400, "field", "x"},
        {"a missing member is named", "POST", "/admin/v1/domains", "{}", 400, "field", "name"},
        {"a member of another type is named", "POST", "/admin/v1/domains", "{\"name\":1}", 400,
         "field", "name"},
        {"a list is no object", "POST", "/admin/v1/domains", "[]", 400, "field", "body"},
        {"an unknown domain", "GET", "/admin/v1/domains/nobody.test", "", 404, "code",
         "domain-unknown"},
        {"a known one, whatever its case", "GET", "/admin/v1/domains/APP.test", "", 200, "name",
         "app.test"},
        {"a credential", "POST", "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 201, "name", "app"},
        {"a domain in use is not removed", "DELETE", "/admin/v1/domains/app.test", "", 409, "code",
         "in-use"},
    };

    CHECK_ROWS(*state, rows);
}

static void test_credentials(void **state)
{
    static const struct admin_row rows[] = {
        {"a credential", "POST", "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 201, "name", "app"},
        {"a credential for a domain that is not there", "POST", "/admin/v1/credentials",
         "{\"name\":\"app2\",\"domains\":[\"b.test\"]}", 404, "field", "domain"},
        {"a credential without domains", "POST", "/admin/v1/credentials",
         "{\"name\":\"app2\",\"domains\":[]}", 422, "field", "domain"},
        {"a short password", "POST", "/admin/v1/credentials",
         "{\"name\":\"app2\",\"domains\":[\"app.test\"],\"password\":\"short\"}", 422, "field",
         "password"},
    };

    add_domain(*state);
    CHECK_ROWS(*state, rows);
}

static void test_too_many_wait_to_be_hashed(void **state)
{
    static const struct admin_row full[] = {
        {"a new password", "POST", "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 503, "code", "unavailable"},
        {"what to do", "POST", "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 503, "detail",
         "too much is waiting to be hashed; try again soon"},
        {"an account's", "POST", "/admin/v1/accounts",
         "{\"address\":\"lob@app.test\",\"name\":\"n\",\"basic\":true}", 503, "code",
         "unavailable"},
        {"what needs no hash", "POST", "/admin/v1/keys", "{\"domains\":[\"*\"]}", 201, NULL, NULL},
    };
    static const struct admin_row then[] = {
        {"nothing was left half done", "POST", "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 201, "name", "app"},
        {"of an account, too", "POST", "/admin/v1/accounts",
         "{\"address\":\"lob@app.test\",\"name\":\"n\",\"basic\":true}", 201, NULL, NULL},
    };
    const struct admin_fixture *x = *state;

    add_domain(*state);
    atomic_store(&x->f->directory->hashing.under_way, 4000);
    CHECK_ROWS(*state, full);
    atomic_store(&x->f->directory->hashing.under_way, 0);
    CHECK_ROWS(*state, then);
}

static void test_credentials_are_changed(void **state)
{
    static const struct admin_row rows[] = {
        {"a credential", "POST", "/admin/v1/credentials",
         "{\"name\":\"app\",\"domains\":[\"app.test\"]}", 201, "name", "app"},
        {"a credential is changed", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"*\"],\"version\":1}", 200, "name", "app"},
        {"with an old version it is not", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"app.test\"],\"version\":1}", 409, "code", "conflict"},
        {"without a version the last one stands", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"app.test\"]}", 200, "name", "app"},
        {"a password is made anew", "PATCH", "/admin/v1/credentials/app", "{\"new_password\":true}",
         200, "name", "app"},
        {"a password is either given or made", "PATCH", "/admin/v1/credentials/app",
         "{\"new_password\":true,\"password\":\"correct horse\"}", 400, "field", "new_password"},
        {"a short password is no new one", "PATCH", "/admin/v1/credentials/app",
         "{\"password\":\"short\"}", 422, "field", "password"},
        {"an empty password is none", "PATCH", "/admin/v1/credentials/app", "{\"password\":\"\"}",
         422, "field", "password"},
        {"a change of nothing", "PATCH", "/admin/v1/credentials/app", "{\"version\":1}", 400,
         "field", "body"},
        {"a change to no domain at all", "PATCH", "/admin/v1/credentials/app", "{\"domains\":[]}",
         422, "field", "domains"},
        {"a change to a domain that is not there", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"b.test\"]}", 404, "field", "domain"},
        {"a version that is none", "PATCH", "/admin/v1/credentials/app",
         "{\"domains\":[\"*\"],\"version\":0}", 422, "field", "version"},
        {"a change of nobody", "PATCH", "/admin/v1/credentials/nobody", "{\"domains\":[\"*\"]}",
         404, "field", "name"},
        {"a change of a key that is not there", "PATCH", "/admin/v1/keys/nobody",
         "{\"label\":\"x\"}", 404, "field", "id"},
    };

    add_domain(*state);
    CHECK_ROWS(*state, rows);
}

static void test_suppressions(void **state)
{
    static const struct admin_row rows[] = {
        {"an address is suppressed", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"Gone@good.test\"]}", 201, NULL, NULL},
        {"a second one that is no address", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"x@good.test\",\"nobody\"]}", 422, "field", "addresses[1]"},
        {"a reason that is none", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"x@good.test\"],\"reason\":\"spite\"}", 422, "field", "reason"},
        {"an end that is no time", "POST", "/admin/v1/suppressions",
         "{\"addresses\":[\"x@good.test\"],\"expires_at\":\"soon\"}", 422, "field", "expires_at"},
        {"no address", "POST", "/admin/v1/suppressions", "{\"addresses\":[]}", 422, "field",
         "addresses"},
        {"a list", "GET", "/admin/v1/suppressions?subscription=default&max=1", "", 200, NULL, NULL},
        {"a page behind the end of another list", "GET",
         "/admin/v1/suppressions?subscription=default&after=acme%2F%2Fx", "", 400, "field",
         "after"},
        {"a page of none", "GET", "/admin/v1/suppressions?max=0", "", 400, "field", "max"},
        {"an address that is not suppressed", "DELETE",
         "/admin/v1/suppressions/gone@good.test?domain=app.test", "", 404, "field", "address"},
        {"one that is", "DELETE", "/admin/v1/suppressions/gone%40GOOD.test", "", 200, NULL, NULL},
    };

    add_domain(*state);
    CHECK_ROWS(*state, rows);
}

static void test_subscriptions(void **state)
{
    static const struct admin_row rows[] = {
        {"a subscription", "POST", "/admin/v1/subscriptions", "{\"name\":\"acme\"}", 201, "name",
         "acme"},
        {"of a profile", "POST", "/admin/v1/subscriptions",
         "{\"name\":\"small\",\"profile\":\"managed-test\"}", 201, "name", "small"},
        {"of a profile that is none", "POST", "/admin/v1/subscriptions",
         "{\"name\":\"small2\",\"profile\":\"none\"}", 422, "field", "profile"},
        {"it is shown", "GET", "/admin/v1/subscriptions/small", "", 200, "profile", "managed-test"},
        {"the default profile has a name, too", "GET", "/admin/v1/subscriptions/acme", "", 200,
         "profile", "unlimited"},
        {"one that is not there", "GET", "/admin/v1/subscriptions/nobody", "", 404, "field",
         "name"},
        {"another profile", "PATCH", "/admin/v1/subscriptions/small", "{\"profile\":\"standard\"}",
         200, "name", "small"},
        {"it is another one at once", "GET", "/admin/v1/subscriptions/small", "", 200, "profile",
         "standard"},
        {"a profile that is none", "PATCH", "/admin/v1/subscriptions/small",
         "{\"profile\":\"\\u0000\"}", 400, NULL, NULL},
        {"a profile that is not there", "PATCH", "/admin/v1/subscriptions/small",
         "{\"profile\":\"standar\"}", 422, "field", "profile"},
        {"no profile", "PATCH", "/admin/v1/subscriptions/small", "{}", 400, "field", "profile"},
        {"of a subscription that is not there", "PATCH", "/admin/v1/subscriptions/nobody",
         "{\"profile\":\"standard\"}", 404, "field", "name"},
    };

    CHECK_ROWS(*state, rows);
}

static void test_a_key_is_changed(void **state)
{
    json_t *answer, *key;
    char path[128];

    add_domain(*state);
    assert_int_equal(ask(*state, false, "POST", "/admin/v1/keys",
                         "{\"label\":\"old\",\"domains\":[\"app.test\"]}", &answer),
                     201);
    snprintf(path, sizeof(path), "/admin/v1/keys/%s",
             json_string_value(json_object_get(answer, "id")));
    json_decref(answer);
    assert_int_equal(ask(*state, false, "PATCH", path, "{\"label\":\"\"}", &answer), 200);
    CHECK_STR("a label can be emptied", json_string_value(json_object_get(answer, "label")), "");
    CHECK_STR("the domains stay",
              json_string_value(json_array_get(json_object_get(answer, "domains"), 0)), "app.test");
    CHECK_EQ("the version counts", json_integer_value(json_object_get(answer, "version")), 2);
    json_decref(answer);
    assert_int_equal(ask(*state, false, "GET", "/admin/v1/keys", "", &answer), 200);
    key = json_array_get(json_object_get(answer, "keys"), 0);
    CHECK_EQ("lists show it", json_integer_value(json_object_get(key, "version")), 2);
    json_decref(answer);
}

static const char *member(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text == NULL ? "" : text;
}

static void test_a_key_is_rotated(void **state)
{
    static const char want[] = "endpoint=https://mail.sigillo.test/;accesskey=";
    char path[128], first[160], other[160];
    json_t *answer;

    add_domain(*state);
    assert_int_equal(
        ask(*state, false, "POST", "/admin/v1/keys", "{\"domains\":[\"app.test\"]}", &answer), 201);
    snprintf(path, sizeof(path), "/admin/v1/keys/%s", member(answer, "id"));
    snprintf(first, sizeof(first), "%s", member(answer, "connection_string"));
    CHECK_EQ("44 letters of base64", strlen(member(answer, "access_key")), 44);
    CHECK_TRUE("all that such a client needs",
               strncmp(first, want, strlen(want)) == 0 &&
                   strcmp(first + strlen(want), member(answer, "access_key")) == 0);
    json_decref(answer);
    assert_int_equal(ask(*state, false, "GET", path, "", &answer), 200);
    CHECK_TRUE("one secret", json_is_object(json_object_get(answer, "primary")) &&
                                 json_is_null(json_object_get(answer, "secondary")));
    CHECK_TRUE("of which nothing is shown", json_object_get(answer, "key") == NULL &&
                                                json_object_get(answer, "access_key") == NULL);
    json_decref(answer);
    assert_int_equal(ask(*state, false, "PATCH", path, "{\"rotate\":\"older\"}", &answer), 200);
    CHECK_STR("the one that was not there", member(answer, "which"), "secondary");
    snprintf(other, sizeof(other), "%s", member(answer, "connection_string"));
    CHECK_TRUE("another one", strncmp(other, want, strlen(want)) == 0 && strcmp(other, first) != 0);
    CHECK_TRUE("and its bearer's form", strncmp(member(answer, "key"), "sk_", 3) == 0);
    json_decref(answer);
    assert_int_equal(ask(*state, false, "PATCH", path, "{\"rotate\":\"both\"}", &answer), 422);
    CHECK_STR("which is wrong", member(answer, "field"), "rotate");
    json_decref(answer);
    assert_int_equal(ask(*state, false, "GET", "/admin/v1/keys/nobody", "", &answer), 404);
    json_decref(answer);
}

static void test_records_are_compared(void **state)
{
    static const struct admin_row rows[] = {
        {"they are asked for at once", "GET", "/admin/v1/domains/app.test/records?check=true", "",
         200, "domain", "app.test"},
        {"a check is true or false", "GET", "/admin/v1/domains/app.test/records?check=1", "", 400,
         "field", "check"},
        {"an unknown domain", "GET", "/admin/v1/domains/b.test/records?check=true", "", 404, "code",
         "domain-unknown"},
    };

    add_domain(*state);
    CHECK_ROWS(*state, rows);
}

static void test_domains_are_changed(void **state)
{
    static const struct admin_row rows[] = {
        {"a kind that is none", "PATCH", "/admin/v1/domains/app.test", "{\"kind\":\"x\"}", 422,
         "field", "kind"},
        {"nothing becomes a managed one", "PATCH", "/admin/v1/domains/app.test",
         "{\"kind\":\"managed\"}", 422, "field", "kind"},
        {"a return path is one label", "PATCH", "/admin/v1/domains/app.test",
         "{\"return_path\":\"a.b\"}", 422, "field", "return_path"},
        {"a version that is not the present one", "PATCH", "/admin/v1/domains/app.test",
         "{\"return_path\":\"b\",\"version\":7}", 409, "code", "conflict"},
        {"a return path", "PATCH", "/admin/v1/domains/app.test", "{\"return_path\":\"B\"}", 200,
         "return_path", "b"},
        {"there is no zone for managed ones", "POST", "/admin/v1/domains",
         "{\"name\":\"x\",\"kind\":\"managed\"}", 422, "field", "kind"},
        {"a public suffix", "POST", "/admin/v1/domains", "{\"name\":\"co.uk\"}", 422, "field",
         "domain"},
        {"it is parked", "PATCH", "/admin/v1/domains/app.test", "{\"kind\":\"parked\"}", 200,
         "sending", "parked"},
        {"and taken up again, unverified", "PATCH", "/admin/v1/domains/app.test",
         "{\"kind\":\"custom\"}", 200, "sending", "unverified"},
        {"an IDN is shown in both forms", "POST", "/admin/v1/domains",
         "{\"name\":\"b\xc3\xbc"
         "cher.test\"}",
         201, "unicode",
         "b\xc3\xbc"
         "cher.test"},
    };

    add_domain(*state);
    CHECK_ROWS(*state, rows);
}

/* Its name servers are dead here. */
static void test_domains_are_looked_at(void **state)
{
    json_t *answer, *spf;

    add_domain(*state);
    assert_int_equal(ask(*state, false, "POST", "/admin/v1/domains/app.test/verify", "", &answer),
                     200);
    CHECK_TRUE("nothing is known", json_is_true(json_object_get(answer, "unknown")));
    CHECK_TRUE("since now", json_is_string(json_object_get(answer, "unknown_since")));
    CHECK_TRUE("nor sent", json_is_false(json_object_get(answer, "may_send")));
    CHECK_EQ("three are missing", json_array_size(json_object_get(answer, "missing")), 3);
    spf = json_object_get(json_object_get(answer, "status"), "spf");
    CHECK_STR("and no state comes of it", json_string_value(json_object_get(spf, "state")),
              "not_started");
    CHECK_STR("the rows say it",
              json_string_value(
                  json_object_get(json_array_get(json_object_get(answer, "records"), 0), "state")),
              "unknown");
    CHECK_STR("so does the coach",
              json_string_value(json_object_get(json_object_get(answer, "coach"), "step")),
              "unknown");
    json_decref(answer);
}

static void test_records(void **state)
{
    static const char *const want[] = {
        "ownership TXT @ app.test app.test 1",
        "spf TXT @ app.test app.test 1",
        "dkim TXT s1._domainkey s1._domainkey.app.test app.test 1",
        "dkim2 TXT s2._domainkey s2._domainkey.app.test app.test 0",
        "dmarc TXT _dmarc _dmarc.app.test app.test 0",
        "return-mx MX bounces bounces.app.test app.test 0",
        "return-spf TXT bounces bounces.app.test app.test 0",
        "tls-rpt TXT _smtp._tls _smtp._tls.app.test app.test 0",
    };
    json_t *answer, *records;

    add_domain(*state);
    assert_int_equal(ask(*state, false, "GET", "/admin/v1/domains/app.test/records", "", &answer),
                     200);
    records = json_object_get(answer, "records");
    CHECK_EQ("records", json_array_size(records), sizeof want / sizeof want[0]);
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *r = json_array_get(records, i);
        const char *purpose, *type, *relative, *name, *zone;
        char got[300];
        int required;

        assert_int_equal(json_unpack((json_t *)(uintptr_t)r, "{s:s, s:s, s:s, s:s, s:s, s:b}",
                                     "purpose", &purpose, "type", &type, "relative", &relative,
                                     "name", &name, "zone", &zone, "required", &required),
                         0);
        snprintf(got, sizeof got, "%s %s %s %s %s %d", purpose, type, relative, name, zone,
                 required);
        CHECK_STR("host, whole name and zone", got, want[i]);
    }
    CHECK_STR("nobody has looked yet",
              json_string_value(json_object_get(json_array_get(records, 0), "state")),
              "not_started");
    CHECK_STR("SPF names the server",
              json_string_value(json_object_get(json_array_get(records, 1), "value")),
              "v=spf1 a:mail.sigillo.test ~all");
    CHECK_STR("DMARC begins by watching",
              json_string_value(json_object_get(json_array_get(records, 4), "value")),
              "v=DMARC1; p=none; rua=mailto:dmarc@app.test");
    json_decref(answer);
}

/* One address of several families is one door; what only this machine reaches says so. */
static void test_doors(void **state)
{
    static const char want[] =
        "[{\"name\":\"api\",\"speaks\":\"http\",\"host\":\"mail.sigillo.test\",\"port\":8080,"
        "\"tls\":\"plain\",\"login\":true,\"this_machine_only\":false},"
        "{\"name\":\"api\",\"speaks\":\"http\",\"host\":\"127.0.0.1\",\"port\":8081,"
        "\"tls\":\"plain\",\"login\":true,\"this_machine_only\":true},"
        "{\"name\":\"api\",\"speaks\":\"http\",\"host\":\"::1\",\"port\":8081,"
        "\"tls\":\"plain\",\"login\":true,\"this_machine_only\":true},"
        "{\"name\":\"local\",\"speaks\":\"smtp\",\"host\":\"127.0.0.1\",\"port\":2525,"
        "\"tls\":\"plain\",\"login\":false,\"this_machine_only\":true}]";
    json_t *answer = NULL;
    char *got;

    assert_int_equal(ask(*state, false, "GET", "/admin/v1/doors", "", &answer), 200);
    got = json_dumps(json_object_get(answer, "doors"), JSON_COMPACT);
    assert_string_equal(got, want);
    assert_string_equal(json_string_value(json_object_get(answer, "hostname")),
                        "mail.sigillo.test");
    assert_string_equal(json_string_value(json_object_get(answer, "public_url")),
                        "https://mail.sigillo.test");
    free(got);
    json_decref(answer);
}

static void test_not_over_plain_tcp(void **state)
{
    json_t *answer;

    CHECK_EQ("the admin API is not served in plain over TCP",
             ask(*state, true, "GET", "/admin/v1/domains", "", &answer), 403);
    CHECK_STR("and says why", json_string_value(json_object_get(answer, "code")), "tls-needed");
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMIN_TEST(test_domains),
        ADMIN_TEST(test_credentials),
        ADMIN_TEST(test_too_many_wait_to_be_hashed),
        ADMIN_TEST(test_credentials_are_changed),
        ADMIN_TEST(test_subscriptions),
        ADMIN_TEST(test_suppressions),
        ADMIN_TEST(test_a_key_is_changed),
        ADMIN_TEST(test_a_key_is_rotated),
        ADMIN_TEST(test_doors),
        ADMIN_TEST(test_records),
        ADMIN_TEST(test_records_are_compared),
        ADMIN_TEST(test_domains_are_changed),
        ADMIN_TEST(test_domains_are_looked_at),
        ADMIN_TEST(test_not_over_plain_tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
