/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "check.h"
#include "crypto_fixture.h"

#include <pthread.h>

#include "dkim_vectors.h"
#include "sigillo/base64.h"
#include "sigillo/crypto.h"

static void unbase64(const char *text, struct sgl_buf *out)
{
    assert_int_equal(sgl_base64_decode(sgl_view_cstr(text), out), SGL_OK);
}

static const uint8_t digest[SGL_SHA256_SIZE] = {1, 2, 3};
static const uint8_t other[SGL_SHA256_SIZE] = {1, 2, 4};

/* What a key signs, its public half verifies; another digest, a changed signature and a cut one it refuses. */
static void check_round_trip(const char *name, const struct sgl_private_key *key, size_t want_len)
{
    sgl_auto(sgl_buf) public = SGL_BUF_INIT(1024);
    struct sgl_public_key *pub = NULL;
    uint8_t sig[SGL_SIGNATURE_MAX];
    size_t len = 0;
    bool valid = false;

    CHECK_EQ(name, sgl_private_key_public(key, &public), SGL_OK);
    CHECK_EQ(name,
             sgl_public_key_parse(crypto, sgl_private_key_type(key), sgl_buf_view(&public), &pub),
             SGL_OK);
    CHECK_EQ(name, sgl_public_key_bits(pub), sgl_private_key_bits(key));
    CHECK_EQ(name, sgl_private_key_sign(crypto, key, digest, sig, &len), SGL_OK);
    CHECK_EQ(name, len, want_len);
    CHECK_EQ(name, sgl_public_key_verify(crypto, pub, digest, sgl_view_of(sig, len), &valid),
             SGL_OK);
    CHECK_TRUE(name, valid);
    CHECK_EQ(name, sgl_public_key_verify(crypto, pub, other, sgl_view_of(sig, len), &valid),
             SGL_OK);
    CHECK_TRUE(name, !valid);
    CHECK_EQ(name, sgl_public_key_verify(crypto, pub, digest, sgl_view_of(sig, len - 1), &valid),
             SGL_OK);
    CHECK_TRUE(name, !valid);
    CHECK_EQ(name, sgl_public_key_verify(crypto, pub, digest, sgl_view_of(sig, 0), &valid), SGL_OK);
    CHECK_TRUE(name, !valid);
    sig[len / 2] ^= 1;
    CHECK_EQ(name, sgl_public_key_verify(crypto, pub, digest, sgl_view_of(sig, len), &valid),
             SGL_OK);
    CHECK_TRUE(name, !valid);
    sgl_public_key_free(pub);
}

static void check_export(const char *name, const struct sgl_private_key *key)
{
    enum sgl_status (*const exporters[])(const struct sgl_private_key *, struct sgl_buf *) = {
        sgl_private_key_export_der, sgl_private_key_export_pem};

    for (size_t i = 0; i < 2; i++) {
        sgl_auto(sgl_buf) text = SGL_BUF_INIT(8192);
        sgl_auto(sgl_buf) was = SGL_BUF_INIT(1024);
        sgl_auto(sgl_buf) is = SGL_BUF_INIT(1024);
        struct sgl_private_key *again = NULL;

        CHECK_EQ(name, exporters[i](key, &text), SGL_OK);
        CHECK_EQ(name, sgl_private_key_import(crypto, sgl_buf_view(&text), &again), SGL_OK);
        CHECK_EQ(name, sgl_private_key_type(again), sgl_private_key_type(key));
        CHECK_EQ(name, sgl_private_key_public(key, &was), SGL_OK);
        CHECK_EQ(name, sgl_private_key_public(again, &is), SGL_OK);
        CHECK_TRUE(name, sgl_view_eq(sgl_buf_view(&was), sgl_buf_view(&is)));
        sgl_private_key_free(again);
    }
}

static void test_generate(void **state)
{
    static const struct {
        const char *name;
        enum sgl_key_type type;
        unsigned bits;
        size_t signature;
    } cases[] = {
        {"a generated RSA-2048 key signs 256 bytes", SGL_KEY_RSA, 2048, 256},
        {"a generated Ed25519 key signs 64 bytes", SGL_KEY_ED25519, 0, 64},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_private_key *key = NULL;

        CHECK_EQ(cases[i].name,
                 sgl_private_key_generate(crypto, cases[i].type, cases[i].bits, &key), SGL_OK);
        check_round_trip(cases[i].name, key, cases[i].signature);
        check_export(cases[i].name, key);
        sgl_private_key_free(key);
    }
}

static void test_generate_refuses(void **state)
{
    static const unsigned sizes[] = {0, 512, 1024, 2047, 2049, 4104, 16384};
    struct sgl_private_key *key = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        CHECK_EQ("a size that nobody should sign with [RFC 8301 s3.2]",
                 sgl_private_key_generate(crypto, SGL_KEY_RSA, sizes[i], &key), SGL_E_MISUSE);
    assert_null(key);
}

/* RFC 8032 section 7.1, test 1: the public key of the seed that RFC 8463 uses. */
static void test_seed(void **state)
{
    sgl_auto(sgl_buf) seed = SGL_BUF_INIT(64);
    sgl_auto(sgl_buf) want = SGL_BUF_INIT(64);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(64);
    struct sgl_private_key *key = NULL;

    (void)state;
    unbase64(RFC8463_ED25519_SEED, &seed);
    unbase64(RFC8463_ED25519_PUBLIC, &want);
    assert_int_equal(sgl_private_key_from_seed(crypto, sgl_buf_view(&seed), &key), SGL_OK);
    assert_int_equal(sgl_private_key_public(key, &got), SGL_OK);
    assert_true(sgl_view_eq(sgl_buf_view(&got), sgl_buf_view(&want)));
    sgl_private_key_free(key);
    assert_int_equal(
        sgl_private_key_from_seed(crypto, sgl_view_sub(sgl_buf_view(&seed), 0, 31), &key),
        SGL_E_SYNTAX);
}

static void test_import_pkcs1(void **state)
{
    sgl_auto(sgl_buf) want = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1024);
    struct sgl_private_key *key = NULL;

    (void)state;
    unbase64(RFC8463_RSA_PUBLIC, &want);
    assert_int_equal(sgl_private_key_import(crypto, SGL_LIT(RFC8463_RSA_PEM), &key), SGL_OK);
    assert_int_equal(sgl_private_key_bits(key), 1024);
    assert_int_equal(sgl_private_key_public(key, &got), SGL_OK);
    assert_true(sgl_view_eq(sgl_buf_view(&got), sgl_buf_view(&want)));
    check_round_trip("an imported PKCS#1 key works", key, 128);
    sgl_private_key_free(key);
}

static void test_import_refuses(void **state)
{
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"nothing is no key", ""},
        {"words are no key", "hello"},
        {"a public key is not private",
         "-----BEGIN PUBLIC KEY-----\n" RFC8463_RSA_PUBLIC "\n-----END PUBLIC KEY-----\n"},
        {"half a key is none", "-----BEGIN RSA PRIVATE KEY-----\nMIICXQIBAAKBgQDkHlOQ\n"},
        {"a sequence of nothing is no key", "0\x80"},
        {"another algorithm is refused",
         "-----BEGIN PRIVATE KEY-----\n"
         "MC4CAQAwBQYDK2VuBCIEIBhmOx8Oe6Kx4pW4v2Mll3g+6VnKTx3cnm5tbyTBq6FP\n"
         "-----END PRIVATE KEY-----\n"},
        {"an encrypted key is refused without asking",
         "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAc\n"
         "-----END ENCRYPTED PRIVATE KEY-----\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sgl_private_key *key = NULL;

        CHECK_EQ(cases[i].name, sgl_private_key_import(crypto, sgl_view_cstr(cases[i].text), &key),
                 SGL_E_SYNTAX);
        assert_null(key);
    }
}

/* Both forms that are in use parse; every cut, and a byte more, is refused.  [RFC 3279 s2.3.1] */
static void test_public_forms(void **state)
{
    sgl_auto(sgl_buf) spki = SGL_BUF_INIT(1024);
    const size_t wrapper = 22; /* SubjectPublicKeyInfo up to the RSAPublicKey inside */

    (void)state;
    unbase64(RFC8463_RSA_PUBLIC, &spki);
    for (size_t start = 0; start <= wrapper; start += wrapper) {
        sgl_view whole = sgl_view_from(sgl_buf_view(&spki), start);
        struct sgl_public_key *key = NULL;

        assert_int_equal(sgl_public_key_parse(crypto, SGL_KEY_RSA, whole, &key), SGL_OK);
        assert_int_equal(sgl_public_key_bits(key), 1024);
        sgl_public_key_free(key);
        key = NULL;
        for (size_t len = 0; len < whole.len; len++)
            CHECK_EQ("a cut key is refused",
                     sgl_public_key_parse(crypto, SGL_KEY_RSA, sgl_view_sub(whole, 0, len), &key),
                     SGL_E_SYNTAX);
        assert_null(key);
    }
    sgl_buf_add_byte(&spki, 0);
    struct sgl_public_key *key = NULL;
    CHECK_EQ("a byte behind the key is refused",
             sgl_public_key_parse(crypto, SGL_KEY_RSA, sgl_buf_view(&spki), &key), SGL_E_SYNTAX);
}

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

static void test_public_ed25519(void **state)
{
    uint8_t raw[33] = {0};
    struct sgl_public_key *key = NULL;

    (void)state;
    for (size_t len = 0; len <= sizeof raw; len++) {
        CHECK_EQ("an Ed25519 key is 32 bytes [RFC 8463 s4.2]",
                 sgl_public_key_parse(crypto, SGL_KEY_ED25519, sgl_view_of(raw, len), &key),
                 len == 32 ? SGL_OK : SGL_E_SYNTAX);
        sgl_public_key_free(key);
        key = NULL;
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

/* ---- keys are shared ------------------------------------------------------------------------------------------------ */

#define THREADS 4
#define ROUNDS  300

struct shared {
    const struct sgl_public_key *key;
    sgl_view good, bad;
    int wrong; /* answers that were not the right one */
};

/* A wrong signature between right ones: what it leaves behind must not matter. */
/* ---- forged blocks ---- */

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

static void *verify_often(void *arg)
{
    struct shared *shared = arg;

    for (int i = 0; i < ROUNDS; i++) {
        bool bad = i % 3 == 1, valid = bad;

        if (sgl_public_key_verify(crypto, shared->key, digest, bad ? shared->bad : shared->good,
                                  &valid) != SGL_OK ||
            valid == bad)
            shared->wrong++;
    }
    return NULL;
}

static void test_threads_share_a_key(void **state)
{
    sgl_auto(sgl_buf) der = SGL_BUF_INIT(1024);
    uint8_t good[SGL_SIGNATURE_MAX], bad[SGL_SIGNATURE_MAX];
    struct sgl_private_key *private = NULL;
    struct sgl_public_key *public = NULL;
    struct shared shared[THREADS];
    pthread_t thread[THREADS];
    size_t len = 0;

    (void)state;
    assert_int_equal(sgl_private_key_generate(crypto, SGL_KEY_RSA, 2048, &private), SGL_OK);
    assert_int_equal(sgl_private_key_public(private, &der), SGL_OK);
    assert_int_equal(sgl_public_key_parse(crypto, SGL_KEY_RSA, sgl_buf_view(&der), &public),
                     SGL_OK);
    assert_int_equal(sgl_private_key_sign(crypto, private, digest, good, &len), SGL_OK);
    memcpy(bad, good, len);
    bad[len / 2] ^= 1;
    for (size_t i = 0; i < THREADS; i++) {
        shared[i] = (struct shared){public, sgl_view_of(good, len), sgl_view_of(bad, len), 0};
        assert_int_equal(pthread_create(&thread[i], NULL, verify_often, &shared[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        CHECK_EQ("answers that are wrong", shared[i].wrong, 0);
    }
    sgl_public_key_free(public);
    sgl_private_key_free(private);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate),
        cmocka_unit_test(test_generate_refuses),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_import_pkcs1),
        cmocka_unit_test(test_import_refuses),
        cmocka_unit_test(test_public_forms),
        cmocka_unit_test(test_public_sizes),
        cmocka_unit_test(test_public_ed25519),
        cmocka_unit_test(test_rsa_bits),
        cmocka_unit_test(test_forged_blocks),
        cmocka_unit_test(test_a_signature_is_below_the_modulus),
        cmocka_unit_test(test_threads_share_a_key),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
