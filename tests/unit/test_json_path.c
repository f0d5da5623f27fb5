/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of places in JSON. */
#include "../../server/doors/http/http_internal.h"
#include "check.h"

static void test_paths(void **state)
{
    /* The place is marked by a bar, which is not part of the text. */
    static const struct {
        const char *name, *text, *path;
    } rows[] = {
        {"the document itself has none", "|{}", ""},
        {"a member is named", "{\"a\"|:1}", "a"},
        {"the last one before the place counts", "{\"a\":1,\"b\":2,|\"c\":3}", "b"},
        {"objects are divided by dots", "{\"content\":{\"subject\":|1}}", "content.subject"},
        {"elements are counted from 0", "{\"to\":[{},{\"address\":\"x\"|}]}", "to[1].address"},
        {"an array of arrays", "[[1,2],[1,2,|3]]", "[1][2]"},
        {"what is closed is left", "{\"a\":{\"b\":[1,2]}|}", "a"},
        {"a value is no key", "{\"a\":\"b\"|}", "a"},
        {"marks in strings are letters", "{\"a[{,\":\"]}\\\"\",\"b\"|:1}", "b"},
        {"a key is escaped", "{\"a\nb\"|:1}", "a\\x0ab"},
        {"a string without an end", "{\"abc|", "abc"},
        {"an escape without an end", "{\"abc\\|", "abc\\\\"},
        {"brackets that close nothing do no harm", "]}]{\"a\"|", "a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sgl_buf text = SGL_BUF_INIT(256), path = SGL_BUF_INIT(256);
        sgl_view whole = sgl_view_cstr(rows[i].text);
        size_t at = sgl_view_find(whole, '|');

        sgl_buf_add(&text, sgl_view_sub(whole, 0, at));
        sgl_buf_add(&text, sgl_view_from(whole, at + 1));
        CHECK_EQ(rows[i].name, text.status, SGL_OK);
        http_json_path(sgl_buf_view(&text), at, &path);
        CHECK_VIEW(rows[i].name, sgl_buf_view(&path), sgl_view_cstr(rows[i].path));
        sgl_buf_done(&text);
        sgl_buf_done(&path);
    }
}

static void test_depth(void **state)
{
    struct sgl_buf path = SGL_BUF_INIT(4096);
    char text[200];

    (void)state;
    memset(text, '[', sizeof(text));
    http_json_path(sgl_view_of(text, sizeof(text)), sizeof(text), &path);
    CHECK_EQ("as deep as a document may be", path.len, 3 * HTTP_JSON_DEPTH_MAX);
    sgl_buf_done(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_depth)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
