/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/crypto.h"

#include <pthread.h>

#include "../../lib/crypto/crypto_internal.h"
#include "check.h"
#include "crypto_fixture.h"
#include "crypto_key_fixture.h"
#include "dkim_vectors.h"

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

/* A copy stands by itself, and signs as the key did before. */
static void check_dup(const char *name, const struct sgl_private_key *key, size_t signature)
{
    struct sgl_private_key *again = NULL, *third = NULL;
    sgl_auto(sgl_buf) was = SGL_BUF_INIT(1024), is = SGL_BUF_INIT(1024);

    CHECK_EQ(name, sgl_private_key_dup(key, &again), SGL_OK);
    CHECK_EQ(name, sgl_private_key_dup(again, &third), SGL_OK);
    sgl_private_key_free(again);
    CHECK_EQ(name, sgl_private_key_type(third), sgl_private_key_type(key));
    CHECK_EQ(name, sgl_private_key_bits(third), sgl_private_key_bits(key));
    CHECK_EQ(name, sgl_private_key_public(key, &was), SGL_OK);
    CHECK_EQ(name, sgl_private_key_public(third, &is), SGL_OK);
    CHECK_VIEW(name, sgl_buf_view(&is), sgl_buf_view(&was));
    check_round_trip(name, third, signature);
    sgl_private_key_free(third);
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
        check_dup(cases[i].name, key, cases[i].signature);
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

static bool imports(sgl_view der)
{
    struct sgl_private_key *key = NULL;
    bool is = sgl_private_key_import(crypto, der, &key) == SGL_OK;

    if (is)
        check_round_trip("a key from DER signs", key, 128);
    sgl_private_key_free(key);
    return is;
}

/* PKCS#8 and the PKCS#1 inside; what is cut, longer, or of another version is neither.  [RFC 5208 s5, RFC 8017 sA.1.2] */
static void test_private_forms(void **state)
{
    const size_t wrapper = 26, changed[] = {6, 12, 32}; /* versions, and a byte of the algorithm */
    sgl_auto(sgl_buf) der = SGL_BUF_INIT(1024);
    struct sgl_rsa_private_numbers numbers = {0};
    struct sgl_private_key *key = NULL;
    sgl_view all;

    (void)state;
    assert_int_equal(sgl_private_key_import(crypto, SGL_LIT(RFC8463_RSA_PEM), &key), SGL_OK);
    assert_int_equal(sgl_private_key_export_der(key, &der), SGL_OK);
    sgl_private_key_free(key);
    all = sgl_buf_view(&der);
    CHECK_TRUE("PKCS#8", imports(all) && sgl_der_rsa_private(all, &numbers));
    CHECK_EQ("its modulus", numbers.number[0].len, 128);
    all = sgl_view_from(all, wrapper);
    CHECK_TRUE("PKCS#1", imports(all) && sgl_der_rsa_private(all, &numbers));
    CHECK_EQ("its exponent", numbers.number[1].len, 3);
    for (size_t start = 0; start <= wrapper; start += wrapper)
        for (size_t len = 0; start + len < der.len; len++) {
            sgl_view cut = sgl_view_sub(sgl_buf_view(&der), start, len);

            CHECK_TRUE("a cut key", !sgl_der_rsa_private(cut, &numbers) && !imports(cut));
        }
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        der.data[changed[i]] ^= 7;
        CHECK_TRUE("another version or algorithm",
                   !sgl_der_rsa_private(sgl_buf_view(&der), &numbers));
        der.data[changed[i]] ^= 7;
    }
    sgl_buf_add_byte(&der, 0);
    all = sgl_buf_view(&der);
    CHECK_TRUE("a byte behind it", !sgl_der_rsa_private(all, &numbers) && !imports(all));
    all = sgl_view_from(all, wrapper);
    CHECK_TRUE("and behind PKCS#1", !sgl_der_rsa_private(all, &numbers) && !imports(all));
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

#define THREADS 4
#define ROUNDS  300

struct shared {
    const struct sgl_public_key *key;
    sgl_view good, bad;
    int wrong; /* answers that were not the right one */
};

/* A wrong signature between right ones: what it leaves behind must not matter. */
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
        cmocka_unit_test(test_private_forms),
        cmocka_unit_test(test_import_refuses),
        cmocka_unit_test(test_public_forms),
        cmocka_unit_test(test_public_ed25519),
        cmocka_unit_test(test_threads_share_a_key),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
