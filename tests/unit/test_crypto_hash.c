/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "crypto_fixture.h"

#include "sigillo/crypto.h"

static const char *hex(const uint8_t *bytes)
{
    static char text[2 * SGL_SHA256_SIZE + 1];

    for (size_t i = 0; i < SGL_SHA256_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static void test_sha256(void **state)
{
    static const struct {
        const char *name, *input, *want;
    } cases[] = {
        {"nothing has a digest", "",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"FIPS 180-4: abc", "abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"FIPS 180-4: two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_view input = sgl_view_cstr(cases[i].input);
        sgl_auto(sgl_hash) hash = {0};
        uint8_t got[SGL_SHA256_SIZE];

        CHECK_EQ(cases[i].name, sgl_sha256(crypto, input, got), SGL_OK);
        CHECK_STR(cases[i].name, hex(got), cases[i].want);
        /* Byte by byte, and once more in the same hash: final leaves it empty. */
        sgl_hash_init(&hash, crypto);
        for (int round = 0; round < 2; round++) {
            for (size_t k = 0; k < input.len; k++)
                sgl_hash_add(&hash, sgl_view_sub(input, k, 1));
            CHECK_EQ(cases[i].name, sgl_hash_final(&hash, got), SGL_OK);
            CHECK_STR(cases[i].name, hex(got), cases[i].want);
        }
    }
}

static void test_copy(void **state)
{
    sgl_auto(sgl_hash) one = {0};
    sgl_auto(sgl_hash) two = {0};
    uint8_t got[SGL_SHA256_SIZE], want[SGL_SHA256_SIZE];

    (void)state;
    sgl_hash_init(&one, crypto);
    sgl_hash_init(&two, crypto);
    sgl_hash_add(&one, SGL_LIT("ab"));
    sgl_hash_copy(&two, &one);
    sgl_hash_add(&one, SGL_LIT("x"));
    sgl_hash_add(&two, SGL_LIT("c"));
    assert_int_equal(sgl_hash_final(&two, got), SGL_OK);
    assert_int_equal(sgl_sha256(crypto, SGL_LIT("abc"), want), SGL_OK);
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(sgl_hash_final(&one, got), SGL_OK);
    assert_int_equal(sgl_sha256(crypto, SGL_LIT("abx"), want), SGL_OK);
    assert_memory_equal(got, want, sizeof got);
}

/* A hash that failed once says so at the end and leaves the result alone. */
static void test_failure_is_remembered(void **state)
{
    sgl_auto(sgl_hash) hash = {0};
    uint8_t got[SGL_SHA256_SIZE] = {7};

    (void)state;
    sgl_hash_init(&hash, crypto);
    hash.status = SGL_E_NOMEM;
    sgl_hash_add(&hash, SGL_LIT("abc"));
    assert_int_equal(sgl_hash_final(&hash, got), SGL_E_NOMEM);
    assert_int_equal(got[0], 7);
}

static void test_hmac(void **state)
{
    static const struct {
        const char *name, *key, *input, *want;
    } cases[] = {
        {"RFC 4231 case 1", "\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v", "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"RFC 4231 case 2", "Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"an empty key over nothing", "", "",
         "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t got[SGL_SHA256_SIZE];

        CHECK_EQ(cases[i].name,
                 sgl_hmac_sha256(crypto, sgl_view_cstr(cases[i].key), sgl_view_cstr(cases[i].input),
                                 got),
                 SGL_OK);
        CHECK_STR(cases[i].name, hex(got), cases[i].want);
    }
}

static void test_pbkdf2(void **state)
{
    static const uint8_t salt[] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
                                   0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
    uint8_t got[SGL_SHA256_SIZE] = {7};

    (void)state;
    /* RFC 7914 section 11. */
    assert_int_equal(sgl_pbkdf2_sha256(crypto, SGL_LIT("passwd"), SGL_LIT("salt"), 1, got), SGL_OK);
    CHECK_STR("one round", hex(got),
              "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    /* The salted password of the dialogue in RFC 7677 section 3. */
    assert_int_equal(
        sgl_pbkdf2_sha256(crypto, SGL_LIT("pencil"), sgl_view_of(salt, sizeof salt), 4096, got),
        SGL_OK);
    CHECK_STR("4096 rounds", hex(got),
              "c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d");
    got[0] = 7;
    assert_int_equal(sgl_pbkdf2_sha256(crypto, SGL_LIT("p"), SGL_LIT("s"), 0, got), SGL_E_MISUSE);
    assert_int_equal(got[0], 7);
    assert_int_equal(sgl_pbkdf2_sha256(crypto, SGL_LIT(""), SGL_LIT(""), 1, got), SGL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_failure_is_remembered),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_pbkdf2),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
