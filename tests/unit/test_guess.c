/* SPDX-License-Identifier: Apache-2.0 */
/* By what a wrong key or token is counted. */
#include "../../server/doors/http/guess.h"
#include "check.h"

static void test_names(void **state)
{
    static const struct {
        const char *name, *bearer, *want;
    } rows[] = {
        {"a key by its id", "sk_01ftz85b24zv_secret", "01ftz85b24zv"},
        {"also without a secret", "sk_01ftz85b24zv_", "01ftz85b24zv"},
        {"an id that is too long is none", "sk_01ftz85b24zvx_secret", ""},
        {"one that is too short", "sk_01ftz85b24z_secret", ""},
        {"one with other letters", "sk_01ftz85b24z/_secret", ""},
        {"no secret at all", "sk_01ftz85b24zv", ""},
        {"nothing behind the prefix", "sk_", ""},
        {"a key with dots, too", "SG.01ftz85b24zv.secret", "01ftz85b24zv"},
        {"dots and lines are not mixed", "SG.01ftz85b24zv_secret", ""},
        {"nor lines and dots", "sk_01ftz85b24zv.secret", ""},
        {"an id with a dot is none", "SG.01ftz85b2.zv.secret", ""},
        {"small letters are another word", "sg.01ftz85b24zv.secret", ""},
        /* {"alg":"ES256"}.{"appid":"F47AC10B-58CC-4372-A567-0E02B2C3D479"}.x */
        {"a token by its application",
         "eyJhbGciOiJFUzI1NiJ9.eyJhcHBpZCI6IkY0N0FDMTBCLTU4Q0MtNDM3Mi1BNTY3LTBFMDJCMkMzRDQ3OSJ9.eA",
         "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
        /* {"alg":"ES256"}.{"appid":"x"}.x */
        {"an application that is none", "eyJhbGciOiJFUzI1NiJ9.eyJhcHBpZCI6IngifQ.eA", ""},
        {"a signature whose key is not named", GUESS_SIGNED, "signed"},
        {"what is no token", "garbage", ""},
        {"nothing", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[GUESS_NAME_SIZE] = "as it was";

        guess_name(sgl_view_cstr(rows[i].bearer), name);
        CHECK_STR(rows[i].name, name, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
