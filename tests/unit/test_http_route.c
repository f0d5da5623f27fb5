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

static void test_depth(void **state)
{
    static const struct {
        const char *name, *text;
        bool fine;
    } rows[] = {
        {"two levels are two", "[{}]", true},
        {"three levels are more than two", "[[[]]]", false},
        {"brackets in a string do not count", "[\"[[[[\"]", true},
        {"an escaped quote does not end a string", "[\"\\\"[[[[\"]", true},
        {"siblings do not add up", "[[],[],[]]", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name, http_json_depth_ok(sgl_view_cstr(rows[i].text), 2), rows[i].fine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns),
                                       cmocka_unit_test(test_depth)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
