/* SPDX-License-Identifier: Apache-2.0 */
/* Categories and metadata become one text of the store, and are shown from it. */
#include "../../server/doors/http/labels.h"

#include <stdlib.h>

#include "check.h"
#include "fail_alloc.h"
#include "sigillo/buf.h"

static const struct {
    const char *name, *categories, *metadata, *text;
} rows[] = {
    {"both", "[\"a\",\"b \\u0001\\\"\"]", "{\"k\":\"v\\n\"}",
     "{\"categories\":[\"a\",\"b \\u0001\\\"\"],\"custom_args\":{\"k\":\"v\\n\"}}"},
    {"categories alone", "[\"a\"]", NULL, "{\"categories\":[\"a\"]}"},
    {"metadata alone", NULL, "{\"k\":\"v\"}", "{\"custom_args\":{\"k\":\"v\"}}"},
    {"what is empty is left out", "[]", "{}", ""},
    {"neither", NULL, NULL, ""},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static json_t *load(const char *text)
{
    return text == NULL ? NULL : json_loads(text, 0, NULL);
}

static void test_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        json_t *categories = load(rows[i].categories), *metadata = load(rows[i].metadata);
        json_t *message = json_object(), *none = json_array(), *nothing = json_object();
        sgl_view text;

        assert_true(labels_put(categories, metadata, &arena, &text));
        CHECK_VIEW(rows[i].name, text, sgl_view_cstr(rows[i].text));
        labels_show(text, message);
        CHECK_TRUE(rows[i].name, json_equal(json_object_get(message, "categories"),
                                            categories == NULL ? none : categories));
        CHECK_TRUE(rows[i].name, json_equal(json_object_get(message, "metadata"),
                                            metadata == NULL ? nothing : metadata));
        json_decref(categories);
        json_decref(metadata);
        json_decref(message);
        json_decref(none);
        json_decref(nothing);
    }
}

static void test_what_is_no_json_shows_as_nothing(void **state)
{
    json_t *message = json_object(), *want = json_pack("{s:[], s:{}}", "categories", "metadata");

    (void)state;
    labels_show(SGL_LIT("{\"categories\":"), message);
    CHECK_TRUE("both members stand there", json_equal(message, want));
    json_decref(message);
    json_decref(want);
}

static void test_memory(void **state)
{
    json_t *categories = load("[\"a\"]"), *metadata = load("{\"k\":\"v\"}");

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(100000);
        json_t *message = json_object();
        sgl_view text;

        if (labels_put(categories, metadata, &arena, &text))
            CHECK_VIEW("all of it", text,
                       sgl_view_cstr("{\"categories\":[\"a\"],\"custom_args\":{\"k\":\"v\"}}"));
        else
            CHECK_EQ("nothing of it", text.len, 0);
        labels_show(SGL_LIT("{\"categories\":[\"a\"]}"), message);
        json_decref(message);
    }
    json_decref(categories);
    json_decref(metadata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_is_no_json_shows_as_nothing),
        cmocka_unit_test(test_memory),
    };

    json_set_alloc_funcs(malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
