/* SPDX-License-Identifier: Apache-2.0 */
/* P-256: what tokens are signed with. */
#include "check.h"
#include "crypto_key_fixture.h"

#include "sigillo/base64.h"
#include "sigillo/crypto.h"

/* The key, the signed text and the signature of RFC 7515 appendix A.3, in plain base64. */
#define RFC7515_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU="
#define RFC7515_Y "x/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0="
#define RFC7515_TEXT                                                                               \
    "eyJhbGciOiJFUzI1NiJ9."                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define RFC7515_SIGNATURE                                                                          \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6+Xx+F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3+Kg6NU1Q=="

static void point_of_rfc(struct sgl_buf *point)
{
    sgl_buf_add_byte(point, 4);
    unbase64(RFC7515_X, point);
    unbase64(RFC7515_Y, point);
}

static void test_vector(void **state)
{
    sgl_auto(sgl_buf) point = SGL_BUF_INIT(100);
    sgl_auto(sgl_buf) signature = SGL_BUF_INIT(100);
    uint8_t digest[SGL_SHA256_SIZE];
    struct sgl_public_key *key = NULL;
    bool valid = false;

    (void)state;
    point_of_rfc(&point);
    unbase64(RFC7515_SIGNATURE, &signature);
    assert_int_equal(sgl_sha256(crypto, SGL_LIT(RFC7515_TEXT), digest), SGL_OK);
    assert_int_equal(sgl_public_key_parse(crypto, SGL_KEY_P256, sgl_buf_view(&point), &key),
                     SGL_OK);
    CHECK_EQ("its size", sgl_public_key_bits(key), 256);
    assert_int_equal(sgl_public_key_verify(crypto, key, digest, sgl_buf_view(&signature), &valid),
                     SGL_OK);
    CHECK_TRUE("the example of the standard verifies [RFC 7518 s3.4]", valid);
    for (size_t i = 0; i < signature.len; i++) {
        signature.data[i] ^= 1;
        assert_int_equal(
            sgl_public_key_verify(crypto, key, digest, sgl_buf_view(&signature), &valid), SGL_OK);
        CHECK_TRUE("not with a bit changed", !valid);
        signature.data[i] ^= 1;
        assert_int_equal(
            sgl_public_key_verify(crypto, key, digest, sgl_view_of(signature.data, i), &valid),
            SGL_OK);
        CHECK_TRUE("nor cut", !valid);
    }
    memset(signature.data, 0, signature.len);
    assert_int_equal(sgl_public_key_verify(crypto, key, digest, sgl_buf_view(&signature), &valid),
                     SGL_OK);
    CHECK_TRUE("r = s = 0 is no signature", !valid);
    sgl_public_key_free(key);
}

/* What is signed is verified, by the public half that the private one gives. */
static void test_round_trip(void **state)
{
    static const uint8_t digest[SGL_SHA256_SIZE] = {1}, other[SGL_SHA256_SIZE] = {2};
    sgl_auto(sgl_buf) point = SGL_BUF_INIT(100);
    struct sgl_private_key *key = NULL;
    struct sgl_public_key *pub = NULL;
    uint8_t signature[SGL_SIGNATURE_MAX];
    size_t len = 0;
    bool valid = false;

    (void)state;
    assert_int_equal(sgl_private_key_generate(crypto, SGL_KEY_P256, 0, &key), SGL_OK);
    CHECK_EQ("its type", sgl_private_key_type(key), SGL_KEY_P256);
    CHECK_EQ("its size", sgl_private_key_bits(key), 256);
    assert_int_equal(sgl_private_key_public(key, &point), SGL_OK);
    CHECK_EQ("an uncompressed point [RFC 5480 s2.2]", point.len, SGL_P256_POINT_SIZE);
    CHECK_EQ("an uncompressed point [RFC 5480 s2.2]", point.data[0], 4);
    assert_int_equal(sgl_public_key_parse(crypto, SGL_KEY_P256, sgl_buf_view(&point), &pub),
                     SGL_OK);
    for (unsigned i = 0; i < 300; i++) { /* r or s begins with a zero byte in one of 128 */
        assert_int_equal(sgl_private_key_sign(crypto, key, digest, signature, &len), SGL_OK);
        CHECK_EQ("a signature has 64 bytes always [RFC 7518 s3.4]", len, SGL_P256_SIGNATURE_SIZE);
        assert_int_equal(
            sgl_public_key_verify(crypto, pub, digest, sgl_view_of(signature, len), &valid),
            SGL_OK);
        CHECK_TRUE("it verifies", valid);
    }
    assert_int_equal(sgl_public_key_verify(crypto, pub, other, sgl_view_of(signature, len), &valid),
                     SGL_OK);
    CHECK_TRUE("for nothing else", !valid);
    sgl_public_key_free(pub);
    sgl_private_key_free(key);
}

static void test_import(void **state)
{
    sgl_auto(sgl_buf) der = SGL_BUF_INIT(1000), pem = SGL_BUF_INIT(1000), rsa = SGL_BUF_INIT(8192);
    struct sgl_private_key *key = NULL, *again = NULL;

    (void)state;
    assert_int_equal(sgl_private_key_generate(crypto, SGL_KEY_P256, 0, &key), SGL_OK);
    assert_int_equal(sgl_private_key_export_der(key, &der), SGL_OK);
    assert_int_equal(sgl_private_key_export_pem(key, &pem), SGL_OK);
    CHECK_EQ("from DER", sgl_private_key_import_p256(crypto, sgl_buf_view(&der), &again), SGL_OK);
    sgl_private_key_free(again);
    CHECK_EQ("from PEM", sgl_private_key_import_p256(crypto, sgl_buf_view(&pem), &again), SGL_OK);
    sgl_private_key_free(again);
    again = NULL;
    CHECK_EQ("it is no key of DKIM [RFC 8463 s3]",
             sgl_private_key_import(crypto, sgl_buf_view(&pem), &again), SGL_E_SYNTAX);
    sgl_private_key_free(key);
    assert_int_equal(sgl_private_key_generate(crypto, SGL_KEY_ED25519, 0, &key), SGL_OK);
    assert_int_equal(sgl_private_key_export_der(key, &rsa), SGL_OK);
    CHECK_EQ("and nothing else is one of P-256",
             sgl_private_key_import_p256(crypto, sgl_buf_view(&rsa), &again), SGL_E_SYNTAX);
    CHECK_EQ("nor nothing", sgl_private_key_import_p256(crypto, SGL_LIT(""), &again), SGL_E_SYNTAX);
    assert_null(again);
    sgl_private_key_free(key);
}

static void test_points(void **state)
{
    sgl_auto(sgl_buf) point = SGL_BUF_INIT(100);
    struct sgl_public_key *key = NULL;

    (void)state;
    point_of_rfc(&point);
    for (size_t i = 0; i < point.len; i++)
        CHECK_EQ("cut",
                 sgl_public_key_parse(crypto, SGL_KEY_P256, sgl_view_of(point.data, i), &key),
                 SGL_E_SYNTAX);
    point.data[64] ^= 1;
    CHECK_EQ("beside the curve",
             sgl_public_key_parse(crypto, SGL_KEY_P256, sgl_buf_view(&point), &key), SGL_E_SYNTAX);
    point.data[64] ^= 1;
    point.data[0] = 2;
    CHECK_EQ("neither compressed nor not",
             sgl_public_key_parse(crypto, SGL_KEY_P256, sgl_buf_view(&point), &key), SGL_E_SYNTAX);
    memset(point.data, 0, point.len);
    CHECK_EQ("the point at infinity",
             sgl_public_key_parse(crypto, SGL_KEY_P256, sgl_buf_view(&point), &key), SGL_E_SYNTAX);
    assert_null(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_points),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
