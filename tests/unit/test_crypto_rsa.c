/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of RSA: sizes, and signatures that only look right. */
#include "sigillo/crypto.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "check.h"
#include "crypto_fixture.h"
#include "crypto_key_fixture.h"

static const uint8_t digest[SGL_SHA256_SIZE] = {1, 2, 3};

/* A tag and the shortest form of a length. */
static void put_head(struct sgl_buf *out, uint8_t tag, size_t len)
{
    sgl_buf_add_byte(out, tag);
    if (len > 0xff)
        sgl_buf_add_byte(out, 0x82);
    else if (len > 0x7f)
        sgl_buf_add_byte(out, 0x81);
    if (len > 0xff)
        sgl_buf_add_byte(out, (uint8_t)(len >> 8));
    sgl_buf_add_byte(out, (uint8_t)len);
}

/* RSAPublicKey with a modulus of `bits`, all ones but its last byte, and this exponent. */
static sgl_view rsa_der(struct sgl_buf *out, unsigned bits, uint8_t last, sgl_view exponent)
{
    sgl_auto(sgl_buf) body = SGL_BUF_INIT(1024);
    size_t n = bits / 8;

    put_head(&body, 0x02, n + 1);
    sgl_buf_add_byte(&body, 0);
    for (size_t i = 0; i < n; i++)
        sgl_buf_add_byte(&body, i + 1 == n ? last : 0xff);
    put_head(&body, 0x02, exponent.len);
    sgl_buf_add(&body, exponent);
    sgl_buf_reset(out);
    put_head(out, 0x30, body.len);
    sgl_buf_add(out, sgl_buf_view(&body));
    return sgl_buf_view(out);
}

static void test_public_sizes(void **state)
{
    static const struct {
        const char *name;
        unsigned bits;
        uint8_t last;
        sgl_view exponent;
        enum sgl_status want;
    } cases[] = {
        {"1024 bits are the least [RFC 8301 s3.2]", 1024, 0xff, SGL_LIT_INIT("\x03"), SGL_OK},
        {"1016 bits never verify [RFC 8301 s3.2]", 1016, 0xff, SGL_LIT_INIT("\x03"), SGL_E_SYNTAX},
        {"4096 bits must verify [RFC 8301 s3.2]", 4096, 0xff, SGL_LIT_INIT("\x03"), SGL_OK},
        {"more bits only burn time", 4104, 0xff, SGL_LIT_INIT("\x03"), SGL_E_SYNTAX},
        {"an exponent of 65537", 2048, 0xff, SGL_LIT_INIT("\x01\x00\x01"), SGL_OK},
        {"an exponent of 1 forges by itself", 2048, 0xff, SGL_LIT_INIT("\x01"), SGL_E_SYNTAX},
        {"an even exponent is none", 2048, 0xff, SGL_LIT_INIT("\x04"), SGL_E_SYNTAX},
        {"a zero exponent is none", 2048, 0xff, SGL_LIT_INIT("\x00"), SGL_E_SYNTAX},
        {"a negative exponent is none", 2048, 0xff, SGL_LIT_INIT("\x81"), SGL_E_SYNTAX},
        {"a long exponent only burns time", 2048, 0xff, SGL_LIT_INIT("\x01\x01\x01\x01\x01"),
         SGL_E_SYNTAX},
        {"an exponent padded with zeros is not DER", 2048, 0xff, SGL_LIT_INIT("\x00\x03"),
         SGL_E_SYNTAX},
        {"an even modulus is no product of primes", 2048, 0xfe, SGL_LIT_INIT("\x03"), SGL_E_SYNTAX},
    };
    sgl_auto(sgl_buf) der = SGL_BUF_INIT(1024);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_public_key *key = NULL;

        CHECK_EQ(cases[i].name,
                 sgl_public_key_parse(
                     crypto, SGL_KEY_RSA,
                     rsa_der(&der, cases[i].bits, cases[i].last, cases[i].exponent), &key),
                 cases[i].want);
        if (cases[i].want == SGL_OK)
            CHECK_EQ(cases[i].name, sgl_public_key_bits(key), cases[i].bits);
        sgl_public_key_free(key);
    }
}

/* The size is told of keys that are refused for it, too. */
static void test_rsa_bits(void **state)
{
    static const unsigned bits[] = {512, 1016, 1024, 2048, 4096, 4104};
    sgl_auto(sgl_buf) der = SGL_BUF_INIT(1024);

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        CHECK_EQ("bits of the modulus",
                 sgl_rsa_public_bits(rsa_der(&der, bits[i], 0xff, SGL_LIT("\x03"))), bits[i]);
    CHECK_EQ("no key", sgl_rsa_public_bits(SGL_LIT("nonsense")), 0);
    CHECK_EQ("nothing", sgl_rsa_public_bits(SGL_LIT("")), 0);
}

/* What the private key makes of a block, whatever stands in it. */
static void sign_block(EVP_PKEY *key, const uint8_t block[256], uint8_t out[256])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t len = 256;

    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, out, &len, block, 256), 1);
    EVP_PKEY_CTX_free(ctx);
}

static const uint8_t sha256_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
static const uint8_t no_null_info[] = {0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
                                       0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20};
static const uint8_t sha512_256_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                          0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                          0x06, 0x05, 0x00, 0x04, 0x20};

/* [RFC 8017 s8.2.2, s9.2] */
static void test_forged_blocks(void **state)
{
    static const struct {
        const char *name;
        const uint8_t *info;
        size_t info_len;
        uint8_t first, type, fill, middle; /* 00 01 ff 00; middle: the last byte of the padding */
        size_t behind;                     /* bytes of rubbish behind the digest */
        bool want;
    } cases[] = {
        {"the block of the RFC", sha256_info, sizeof sha256_info, 0, 1, 0xff, 0xff, 0, true},
        {"rubbish behind the digest", sha256_info, sizeof sha256_info, 0, 1, 0xff, 0xff, 100,
         false},
        {"one byte behind the digest", sha256_info, sizeof sha256_info, 0, 1, 0xff, 0xff, 1, false},
        {"a block to encrypt", sha256_info, sizeof sha256_info, 0, 2, 0xff, 0xff, 0, false},
        {"padding of zeros", sha256_info, sizeof sha256_info, 0, 1, 0, 0, 0, false},
        {"padding that ends early", sha256_info, sizeof sha256_info, 0, 1, 0xff, 0, 0, false},
        {"padding with another byte", sha256_info, sizeof sha256_info, 0, 1, 0xff, 0xfe, 0, false},
        {"another hash", sha512_256_info, sizeof sha512_256_info, 0, 1, 0xff, 0xff, 0, false},
        {"an algorithm without its NULL", no_null_info, sizeof no_null_info, 0, 1, 0xff, 0xff, 0,
         false},
        {"a bare digest", NULL, 0, 0, 1, 0xff, 0xff, 0, false},
    };
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct sgl_public_key *pub = NULL;
    uint8_t *der = NULL;
    int der_len = i2d_PUBKEY(key, &der);

    (void)state;
    assert_true(der_len > 0);
    assert_int_equal(
        sgl_public_key_parse(crypto, SGL_KEY_RSA, sgl_view_of(der, (size_t)der_len), &pub), SGL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t block[256], signature[256];
        size_t tail = cases[i].info_len + sizeof digest + cases[i].behind;
        bool valid = !cases[i].want;

        memset(block, cases[i].fill, sizeof block);
        block[0] = cases[i].first;
        block[1] = cases[i].type;
        block[sizeof block - tail - 2] = cases[i].middle;
        block[sizeof block - tail - 1] = 0;
        if (cases[i].info != NULL)
            memcpy(block + sizeof block - tail, cases[i].info, cases[i].info_len);
        memcpy(block + sizeof block - tail + cases[i].info_len, digest, sizeof digest);
        sign_block(key, block, signature);
        CHECK_EQ(cases[i].name,
                 sgl_public_key_verify(crypto, pub, digest, sgl_view_of(signature, 256), &valid),
                 SGL_OK);
        CHECK_EQ(cases[i].name, valid, cases[i].want);
    }
    sgl_public_key_free(pub);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

/* The same number with the modulus added opens to the same block, and is no signature. [RFC 8017 s5.2.2 step 1] */
static void test_a_signature_is_below_the_modulus(void **state)
{
    uint8_t *der = NULL, signature[256], big[256];
    BIGNUM *n = NULL, *s = BN_new();
    struct sgl_public_key *pub = NULL;
    size_t len = 256;

    (void)state;
    for (int tries = 0; tries < 50; tries++) { /* the sum must fit 2048 bits */
        EVP_PKEY *key = EVP_RSA_gen(2048);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        int der_len = i2d_PUBKEY(key, &der);
        bool valid = false, fits;

        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_sign(ctx, signature, &len, digest, sizeof digest), 1);
        assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &n), 1);
        BN_bin2bn(signature, 256, s);
        BN_add(s, s, n);
        fits = BN_bn2binpad(s, big, 256) == 256;
        assert_int_equal(
            sgl_public_key_parse(crypto, SGL_KEY_RSA, sgl_view_of(der, (size_t)der_len), &pub),
            SGL_OK);
        assert_int_equal(
            sgl_public_key_verify(crypto, pub, digest, sgl_view_of(signature, 256), &valid),
            SGL_OK);
        assert_true(valid);
        if (fits) {
            assert_int_equal(
                sgl_public_key_verify(crypto, pub, digest, sgl_view_of(big, 256), &valid), SGL_OK);
            assert_false(valid);
        }
        sgl_public_key_free(pub);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(key);
        OPENSSL_free(der);
        der = NULL;
        if (fits) {
            BN_free(n);
            BN_free(s);
            return;
        }
    }
    fail_msg("no key of 50 was small enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_sizes),
        cmocka_unit_test(test_rsa_bits),
        cmocka_unit_test(test_forged_blocks),
        cmocka_unit_test(test_a_signature_is_below_the_modulus),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
