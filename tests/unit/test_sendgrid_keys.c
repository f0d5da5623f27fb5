/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of an API key: each mistake is named by its path in the request. */
#include "../../server/doors/http/sendgrid_internal.h"
#include "check.h"

static void test_refused(void **state)
{
    static const struct {
        const char *name, *json, *field;
    } rows[] = {
        {"no object", "[]", ""},
        {"nothing", "{}", "name"},
        {"a name that is null", "{\"name\":null}", "name"},
        {"an empty name", "{\"name\":\"\"}", "name"},
        {"a name that is no string", "{\"name\":[\"n\"]}", "name"},
        {"scopes that are no list", "{\"name\":\"n\",\"scopes\":\"mail.send\"}", "scopes"},
        {"scopes without any", "{\"name\":\"n\",\"scopes\":[]}", "scopes"},
        {"a scope that is no string", "{\"name\":\"n\",\"scopes\":[\"mail.send\",7]}", "scopes.1"},
        {"a scope that is not there", "{\"name\":\"n\",\"scopes\":[\"mail.sned\"]}", "scopes.0"},
        {"all of them at once", "{\"name\":\"n\",\"scopes\":[\"*\"]}", "scopes.0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        struct api_refusal why = {0};
        struct sendgrid_key key;

        CHECK_TRUE(rows[i].name, !sendgrid_key_parse(json, &key, &why));
        CHECK_EQ(rows[i].name, why.status, 400);
        CHECK_STR(rows[i].name, why.field, rows[i].field);
        CHECK_TRUE(rows[i].name, why.detail[0] != '\0');
        json_decref(json);
    }
}

static void test_taken(void **state)
{
    json_t *json = json_loads("{\"name\":\"n\",\"other\":1,\"scopes\":[\"stats.read\","
                              "\"mail.send\",\"stats.read\"]}",
                              0, NULL);
    struct api_refusal why = {0};
    struct sendgrid_key key;
    size_t at = 0;

    (void)state;
    CHECK_TRUE("members that are not known are left out", sendgrid_key_parse(json, &key, &why));
    CHECK_TRUE("the name", sgl_view_eq(key.name, SGL_LIT("n")));
    CHECK_STR("a scope", scopes_next(&key.scopes, &at), "mail.send");
    CHECK_STR("that is named twice counts once", scopes_next(&key.scopes, &at), "stats.read");
    CHECK_TRUE("and no more", scopes_next(&key.scopes, &at) == NULL);
    json_object_set_new(json, "scopes", json_null());
    CHECK_TRUE("null is as if left out", sendgrid_key_parse(json, &key, &why));
    CHECK_TRUE("then there is no list", !key.scopes.listed);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_taken)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
