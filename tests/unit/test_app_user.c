/* SPDX-License-Identifier: Apache-2.0 */
/* Applications as user names: what is one, and that nothing else is. */
#include "../../server/directory/app_user.h"
#include "check.h"

#define ID     "f47ac10b-58cc-4372-a567-0e02b2c3d479"
#define TENANT "8c3fb6c2-5d0a-8b1e-9f41-0a2c9e6b7d11"
#define LONG   "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"

static void test_names(void **state)
{
    static const struct {
        const char *name, *user, *tenant; /* NULL: none */
    } rows[] = {
        {"with bars", "main|" ID "|" TENANT, TENANT},
        {"with dots", "main." ID "." TENANT, TENANT},
        {"a subscription by its name", "main|" ID "|default", "default"},
        {"one with dots in its name", "main|" ID "|a.b", "a.b"},
        {"in upper case", "Main_1-x|F47AC10B-58CC-4372-A567-0E02B2C3D479|" TENANT, TENANT},
        {"the longest resource", LONG "|" ID "|default", "default"},
        {"a longer one", LONG "r|" ID "|default", NULL},
        {"with dots a name is none", "main." ID ".default", NULL},
        {"both at once", "main." ID "|default", NULL},
        {"both at once, the other way", "main|" ID ".default", NULL},
        {"no resource", "|" ID "|default", NULL},
        {"an address as resource", "a@b|" ID "|default", NULL},
        {"no tenant", "main|" ID "|", NULL},
        {"no client id", "main||default", NULL},
        {"a client id that is none", "main|g47ac10b-58cc-4372-a567-0e02b2c3d479|default", NULL},
        {"a client id that is longer", "main|" ID "0|default", NULL},
        {"a fourth part", "main|" ID "|default|x", NULL},
        {"a fourth part with dots", "main." ID "." TENANT ".x", NULL},
        {"an address", "lobapp1@contoso.test", NULL},
        {"a client id alone", ID, NULL},
        {"nothing", "", NULL},
        {"separators only", "||", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct app_user out = {.tenant = SGL_LIT_INIT("untouched")};
        bool is = app_user_parse(sgl_view_cstr(rows[i].user), &out);

        CHECK_EQ(rows[i].name, is, rows[i].tenant != NULL);
        CHECK_VIEW(rows[i].name, out.tenant,
                   sgl_view_cstr(rows[i].tenant == NULL ? "untouched" : rows[i].tenant));
        CHECK_STR(rows[i].name, out.client_id, rows[i].tenant == NULL ? "" : ID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
