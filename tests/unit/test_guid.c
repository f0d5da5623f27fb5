/* SPDX-License-Identifier: Apache-2.0 */
/* GUIDs: their shape, made and taken. */
#include <sodium.h>

#include "../../server/directory/guid.h"
#include "check.h"

static void test_shape(void **state)
{
    char a[GUID_TEXT_SIZE], b[GUID_TEXT_SIZE], taken[GUID_TEXT_SIZE];

    (void)state;
    guid_random(a);
    guid_random(b);
    CHECK_EQ("its version is 4 [RFC 9562 s5.4]", a[14], '4');
    CHECK_TRUE("its variant is in its place [RFC 9562 s4.1]", strchr("89ab", a[19]) != NULL);
    CHECK_TRUE("no two are the same", strcmp(a, b) != 0);
    CHECK_TRUE("what is made is taken", guid_take(sgl_view_cstr(a), taken));
    CHECK_STR("and is the same", taken, a);
    guid_of(SGL_LIT("one"), a);
    guid_of(SGL_LIT("one"), b);
    CHECK_STR("the same text has the same GUID", a, b);
    CHECK_EQ("its version is 8 [RFC 9562 s5.8]", a[14], '8');
    guid_of(SGL_LIT("two"), b);
    CHECK_TRUE("another text has another", strcmp(a, b) != 0);
}

static void test_taken(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"lower case stays", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
         "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
        {"upper case becomes lower", "F47AC10B-58CC-4372-A567-0E02B2C3D479",
         "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
        {"without dashes it is none", "f47ac10b58cc4372a5670e02b2c3d479", NULL},
        {"braces do not belong to it", "{f47ac10b-58cc-4372-a567-0e02b2c3d479}", NULL},
        {"a dash elsewhere", "f47ac10-b58cc-4372-a567-0e02b2c3d479", NULL},
        {"a letter that is no hex digit", "g47ac10b-58cc-4372-a567-0e02b2c3d479", NULL},
        {"too short", "f47ac10b-58cc-4372-a567-0e02b2c3d47", NULL},
        {"too long", "f47ac10b-58cc-4372-a567-0e02b2c3d4791", NULL},
        {"nothing", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[GUID_TEXT_SIZE] = "untouched";
        bool took = guid_take(sgl_view_cstr(rows[i].text), got);

        CHECK_EQ(rows[i].name, took, rows[i].want != NULL);
        CHECK_STR(rows[i].name, got, took ? rows[i].want : "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_taken),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
