/* SPDX-License-Identifier: Apache-2.0 */
/* A token from outside, against a key that signed none of them but the example in the corpus. */
#include <stdlib.h>

#include "../server/tokens/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key and the signed part of RFC 7515 appendix A.3. */
static const char key_text[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
static const char signed_part[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz"
                                  "ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cjose_jwk_t *key;
    sgl_view text = sgl_view_of(data, size);
    cjose_err err;
    struct jwt j;

    if (key == NULL)
        key = cjose_jwk_import(key_text, sizeof(key_text) - 1, &err);
    if (key == NULL || !jwt_read(text, &j))
        return 0;
    if (jwt_check_times(&j, 2000000000) == TOKEN_FINE && json_object_get(j.claims, "exp") == NULL)
        abort();
    if (jwt_check_signature(&j, key, "ES256") == TOKEN_FINE &&
        (!sgl_view_starts(text, sgl_view_cstr(signed_part)) ||
         text.len != sizeof(signed_part) - 1 + 86))
        abort(); /* a signature out of nothing */
    jwt_done(&j);
    return 0;
}
