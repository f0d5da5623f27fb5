/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of the specification's own example. */
#include "../../server/webhook/sign.h"

#include <sodium.h>

#include "check.h"

static void the_published_example(void **state)
{
    static const char secret[] = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"; /* behind whsec_ */
    uint8_t key[64];
    size_t len = 0;
    char out[SIGN_SIZE];

    (void)state;
    assert_int_equal(sodium_base642bin(key, sizeof(key), secret, sizeof(secret) - 1, NULL, &len,
                                       NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    sign_webhook(key, len, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                 SGL_LIT("{\"test\": 2432232314}"), out);
    CHECK_STR("v1", out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    sign_webhook(key, len, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265331,
                 SGL_LIT("{\"test\": 2432232314}"), out);
    CHECK_TRUE("another time",
               !sgl_view_eq(sgl_view_cstr(out),
                            SGL_LIT("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_published_example)};

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
