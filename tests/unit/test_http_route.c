/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of paths, percent-decoding, the depth of JSON. */
#include "../../server/doors/http/http_internal.h"
#include "check.h"

static void test_patterns(void **state)
{
    static const struct {
        const char *name, *pattern, *path;
        bool match;
        const char *param;
    } rows[] = {
        {"equal segments match", "/v1/messages", "/v1/messages", true, NULL},
        {"a longer path does not match", "/v1/messages", "/v1/messages/x", false, NULL},
        {"a shorter path does not match", "/v1/messages", "/v1", false, NULL},
        {"a slash at the end is another path", "/v1/messages", "/v1/messages/", false, NULL},
        {"case matters", "/v1/messages", "/V1/messages", false, NULL},
        {"a parameter takes one segment", "/v1/messages/{id}", "/v1/messages/0abc", true, "0abc"},
        {"a parameter is decoded", "/d/{name}", "/d/a%2Fb%40c", true, "a/b@c"},
        {"a plus in a path is a plus", "/d/{name}", "/d/a+b", true, "a+b"},
        {"a parameter is not empty", "/d/{name}", "/d/", false, NULL},
        {"a broken escape does not match", "/d/{name}", "/d/%4", false, NULL},
        {"an escaped NUL does not match", "/d/{name}", "/d/a%00b", false, NULL},
        {"a segment may follow a parameter", "/q/{id}/hold", "/q/7/hold", true, "7"},
        {"the empty path matches nothing", "/a", "", false, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_arena arena = SGL_ARENA_INIT(4096);
        struct http_param param[HTTP_PARAMS_MAX];
        size_t params = 0;

        CHECK_EQ(rows[i].name,
                 http_pattern_match(rows[i].pattern, sgl_view_cstr(rows[i].path), &arena, param,
                                    &params),
                 rows[i].match);
        if (rows[i].param != NULL) {
            CHECK_EQ(rows[i].name, params, 1);
            CHECK_VIEW(rows[i].name, param[0].value, sgl_view_cstr(rows[i].param));
        }
        sgl_arena_done(&arena);
    }
}

static void test_measure(void **state)
{
    static const struct {
        const char *name, *text;
        size_t depth, values;
    } rows[] = {
        {"a value alone is flat", "7", 0, 1},
        {"two levels are two", "[{}]", 2, 3},
        {"three levels are three", "[[[]]]", 3, 4},
        {"brackets and commas in a string do not count", "[\"[[,[[\"]", 1, 2},
        {"an escaped quote does not end a string", "[\"\\\"[[,[[\"]", 1, 2},
        {"siblings do not go deeper, but count", "[[],[],[]]", 2, 7},
        {"members count by their values", "{\"a\":1,\"b\":2}", 1, 3},
        {"brackets that close nothing do no harm", "]]}}", 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_json_size size = http_json_measure(sgl_view_cstr(rows[i].text));

        CHECK_EQ(rows[i].name, size.depth, rows[i].depth);
        CHECK_EQ(rows[i].name, size.values, rows[i].values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns),
                                       cmocka_unit_test(test_measure)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
