/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a click  [RFC 8058 s3.2]. */
#include "../../server/lists/list_form.h"
#include "check.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define PART       "Content-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click"

static void test_bodies(void **state)
{
    static const struct {
        const char *name, *type, *body;
        enum list_form want;
    } rows[] = {
        {"the pair [RFC 8058 s3.2]", URLENCODED, "List-Unsubscribe=One-Click", LIST_FORM_CLICK},
        {"the type in other letters, with a parameter",
         "Application/X-WWW-form-urlencoded ; charset=utf-8", "List-Unsubscribe=One-Click",
         LIST_FORM_CLICK},
        {"others beside it", URLENCODED, "a=b&List-Unsubscribe=One-Click&c", LIST_FORM_CLICK},
        {"with a line end", URLENCODED, "List-Unsubscribe=One-Click\r\n", LIST_FORM_CLICK},
        {"nothing", URLENCODED, "", LIST_FORM_OTHER},
        {"another value", URLENCODED, "List-Unsubscribe=no", LIST_FORM_OTHER},
        {"another name", URLENCODED, "Unsubscribe=One-Click", LIST_FORM_OTHER},
        {"JSON", "application/json", "{\"List-Unsubscribe\":\"One-Click\"}", LIST_FORM_TYPE},
        {"no type", "", "List-Unsubscribe=One-Click", LIST_FORM_TYPE},
        {"plain text", "text/plain", "List-Unsubscribe=One-Click", LIST_FORM_TYPE},
        {"multipart [RFC 8058 s3.2]", "multipart/form-data; boundary=X",
         "--X\r\n" PART "\r\n--X--\r\n", LIST_FORM_CLICK},
        {"its boundary quoted, another part before, a preamble",
         "multipart/form-data; charset=x; boundary=\"X Y\"",
         "hello\r\n--X Y\r\n\r\nx\r\n--X Y\r\n" PART "\r\n--X Y--", LIST_FORM_CLICK},
        {"without an end", "multipart/form-data; boundary=X", "--X\r\n" PART "\r\n",
         LIST_FORM_OTHER},
        {"another value in a part", "multipart/form-data; boundary=X", "--X\r\n" PART "s\r\n--X--",
         LIST_FORM_OTHER},
        {"a part without fields", "multipart/form-data; boundary=X",
         "--X\r\n\r\nOne-Click\r\n--X--", LIST_FORM_OTHER},
        {"no boundary", "multipart/form-data", "--X\r\n" PART "\r\n--X--", LIST_FORM_TYPE},
        {"an empty boundary", "multipart/form-data; boundary=\"\"", "--\r\n" PART "\r\n----",
         LIST_FORM_TYPE},
    };
    static char huge[LIST_FORM_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(rows[i].name,
                 list_form_read(sgl_view_cstr(rows[i].type), sgl_view_cstr(rows[i].body)),
                 rows[i].want);
    memset(huge, '&', sizeof(huge));
    CHECK_EQ("as long as may be",
             list_form_read(SGL_LIT(URLENCODED), sgl_view_of(huge, LIST_FORM_MAX)),
             LIST_FORM_OTHER);
    CHECK_EQ("longer", list_form_read(SGL_LIT(URLENCODED), sgl_view_of(huge, sizeof(huge))),
             LIST_FORM_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bodies)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
