/* SPDX-License-Identifier: Apache-2.0 */
#include "../../server/templates/template_json.h"

#include "check.h"

static void numbers_as_javascript_writes_them(void **state)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"0", "0"},
        {"-0.0", "0"},
        {"1.0", "1"},
        {"-1.50", "-1.5"},
        {"0.1", "0.1"},
        {"123456.789", "123456.789"},
        {"1e20", "100000000000000000000"},
        {"1e21", "1e+21"},
        {"1.25e300", "1.25e+300"},
        {"0.000001", "0.000001"},
        {"0.0000001", "1e-7"},
        {"5e-324", "5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"-0.0000012345678901234567", "-0.0000012345678901234567"},
        {"9223372036854775807", "9223372036854775807"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *json = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        struct sgl_template_value v = template_json_value(json);

        CHECK_EQ(rows[i].json, v.kind, SGL_TEMPLATE_NUMBER);
        CHECK_STR(rows[i].json, v.shown, rows[i].want);
        json_decref(json);
    }
}

static void members_in_their_order(void **state)
{
    json_t *json = json_loads("{\"b\":1,\"a\":[true,null],\"c\":\"x\"}", 0, NULL);
    struct sgl_template_value v = template_json_value(json), got;
    const char *want[] = {"b", "a", "c"};
    const void *at = NULL;
    sgl_view name;
    size_t n = 0;

    (void)state;
    CHECK_EQ("an object", v.kind, SGL_TEMPLATE_OBJECT);
    while (template_json_reader.next(v.node, &at, &name, &got))
        CHECK_VIEW("in order", name, sgl_view_cstr(want[n++]));
    CHECK_EQ("all", n, 3);
    CHECK_TRUE("a member", template_json_reader.member(v.node, SGL_LIT("a"), &got));
    CHECK_EQ("its items", got.count, 2);
    template_json_reader.item(got.node, 1, &v);
    CHECK_EQ("null", v.kind, SGL_TEMPLATE_NULL);
    CHECK_TRUE("none",
               !template_json_reader.member(template_json_value(json).node, SGL_LIT("z"), &got));
    CHECK_EQ("missing", template_json_value(NULL).kind, SGL_TEMPLATE_MISSING);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_as_javascript_writes_them),
        cmocka_unit_test(members_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
