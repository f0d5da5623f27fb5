/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "../../server/keys/vault.h"
#include "dkim_vectors.h"
#include "sigillo/crypto.h"

static const uint8_t master[32] = {1, 2, 3};
static struct vault *vault;
static struct vault_space space;
static struct keys_frame reply;

static int setup(void **state)
{
    (void)state;
    vault = vault_new(master);
    return vault == NULL;
}

static int teardown(void **state)
{
    (void)state;
    vault_free(vault);
    return 0;
}

static uint8_t ask(enum keys_verb verb, uint64_t handle, sgl_view context, sgl_view input)
{
    const struct keys_frame request = {
        .id = 7, .handle = handle, .what = (uint8_t)verb, .small = context, .large = input};

    vault_answer(vault, &request, &space, &reply);
    assert_int_equal(reply.id, 7);
    assert_int_equal(reply.handle, handle);
    return reply.what;
}

static void check_refused(const char *name, uint8_t got)
{
    CHECK_EQ(name, got, KEYS_REFUSED);
    CHECK_TRUE(name, reply.small.len == 0 && reply.large.len == 0);
}

static void test_secrets(void **state)
{
    uint8_t sealed[64], again[64];
    size_t len;

    (void)state;
    assert_int_equal(ask(KEYS_SEAL, 0, SGL_LIT("c"), SGL_LIT("secret")), KEYS_OK);
    len = reply.large.len;
    assert_int_equal(len, 6 + KEYS_SEAL_EXTRA);
    memcpy(sealed, reply.large.ptr, len);
    assert_int_equal(ask(KEYS_SEAL, 0, SGL_LIT("c"), SGL_LIT("secret")), KEYS_OK);
    memcpy(again, reply.large.ptr, len);
    assert_memory_not_equal(sealed, again, len);
    assert_int_equal(ask(KEYS_OPEN, 0, SGL_LIT("c"), sgl_view_of(sealed, len)), KEYS_OK);
    CHECK_VIEW("a sealed secret opens", reply.large, SGL_LIT("secret"));
    check_refused("sealed for something else",
                  ask(KEYS_OPEN, 0, SGL_LIT("d"), sgl_view_of(sealed, len)));
    check_refused("sealed with a context",
                  ask(KEYS_OPEN, 0, SGL_LIT(""), sgl_view_of(sealed, len)));
    for (size_t i = 0; i < len; i++) {
        sealed[i] ^= 1;
        check_refused("a changed byte", ask(KEYS_OPEN, 0, SGL_LIT("c"), sgl_view_of(sealed, len)));
        sealed[i] ^= 1;
        check_refused("cut", ask(KEYS_OPEN, 0, SGL_LIT("c"), sgl_view_of(sealed, i)));
    }
}

static void test_sizes(void **state)
{
    static uint8_t bytes[KEYS_DATA_MAX];
    uint8_t sealed[KEYS_DATA_MAX];

    (void)state;
    check_refused(
        "a secret that would not fit sealed",
        ask(KEYS_SEAL, 0, SGL_LIT("c"), sgl_view_of(bytes, KEYS_DATA_MAX - KEYS_SEAL_EXTRA + 1)));
    assert_int_equal(
        ask(KEYS_SEAL, 0, SGL_LIT("c"), sgl_view_of(bytes, KEYS_DATA_MAX - KEYS_SEAL_EXTRA)),
        KEYS_OK);
    memcpy(sealed, reply.large.ptr, reply.large.len);
    assert_int_equal(ask(KEYS_OPEN, 0, SGL_LIT("c"), sgl_view_of(sealed, sizeof sealed)), KEYS_OK);
    assert_int_equal(reply.large.len, KEYS_DATA_MAX - KEYS_SEAL_EXTRA);
    assert_int_equal(ask(KEYS_SEAL, 0, SGL_LIT(""), SGL_LIT("")), KEYS_OK);
    memcpy(sealed, reply.large.ptr, reply.large.len);
    assert_int_equal(ask(KEYS_OPEN, 0, SGL_LIT(""), sgl_view_of(sealed, KEYS_SEAL_EXTRA)), KEYS_OK);
    assert_int_equal(reply.large.len, 0);
}

/* A private key goes out sealed only, and no other request opens it. */
static void test_keys(void **state)
{
    static const uint8_t digest[32] = {9};
    uint8_t sealed[KEYS_DATA_MAX];
    size_t len;

    (void)state;
    assert_int_equal(ask(KEYS_IMPORT, 1, SGL_LIT("k"), SGL_LIT(RFC8463_RSA_PEM)), KEYS_OK);
    assert_int_equal(reply.algorithm, KEYS_RSA_2048);
    assert_true(reply.small.len > 100);
    len = reply.large.len;
    memcpy(sealed, reply.large.ptr, len);
    assert_int_equal(ask(KEYS_SIGN, 1, SGL_LIT(""), sgl_view_of(digest, 32)), KEYS_OK);
    assert_int_equal(reply.large.len, 128);
    check_refused("a sealed key opened as a secret",
                  ask(KEYS_OPEN, 0, SGL_LIT("k"), sgl_view_of(sealed, len)));
    check_refused("a key under another name",
                  ask(KEYS_LOAD, 2, SGL_LIT("other"), sgl_view_of(sealed, len)));
    check_refused("a handle that is taken",
                  ask(KEYS_LOAD, 1, SGL_LIT("k"), sgl_view_of(sealed, len)));
    assert_int_equal(ask(KEYS_LOAD, 2, SGL_LIT("k"), sgl_view_of(sealed, len)), KEYS_OK);
    assert_int_equal(reply.algorithm, KEYS_RSA_2048);
    assert_int_equal(reply.large.len, 0);
    assert_int_equal(ask(KEYS_SIGN, 2, SGL_LIT(""), sgl_view_of(digest, 32)), KEYS_OK);
    assert_int_equal(ask(KEYS_SEAL, 0, SGL_LIT("k"), SGL_LIT("no key")), KEYS_OK);
    memcpy(sealed, reply.large.ptr, reply.large.len);
    check_refused("a sealed secret loaded as a key",
                  ask(KEYS_LOAD, 3, SGL_LIT("k"), sgl_view_of(sealed, reply.large.len)));
}

/* The key that signs tokens: made here, sealed, loaded again; it cannot be brought from elsewhere. */
static void test_es256(void **state)
{
    static const uint8_t digest[32] = {9};
    struct keys_frame request = {
        .handle = 10, .what = KEYS_GENERATE, .algorithm = KEYS_ES256, .small = SGL_LIT("token")};
    struct sgl_crypto *crypto = sgl_crypto_new();
    struct sgl_private_key *key = NULL;
    sgl_auto(sgl_buf) pem = SGL_BUF_INIT(1024);
    uint8_t sealed[KEYS_DATA_MAX], point[65];
    size_t len;

    (void)state;
    vault_answer(vault, &request, &space, &reply);
    assert_int_equal(reply.what, KEYS_OK);
    assert_int_equal(reply.algorithm, KEYS_ES256);
    assert_int_equal(reply.small.len, sizeof(point));
    memcpy(point, reply.small.ptr, sizeof(point));
    len = reply.large.len;
    memcpy(sealed, reply.large.ptr, len);
    assert_int_equal(ask(KEYS_LOAD, 11, SGL_LIT("token"), sgl_view_of(sealed, len)), KEYS_OK);
    assert_int_equal(reply.algorithm, KEYS_ES256);
    CHECK_VIEW("the same key is loaded again", reply.small, sgl_view_of(point, sizeof(point)));
    assert_int_equal(ask(KEYS_SIGN, 11, SGL_LIT(""), sgl_view_of(digest, 32)), KEYS_OK);
    assert_int_equal(reply.large.len, 64);
    assert_int_equal(sgl_private_key_generate(crypto, SGL_KEY_P256, 0, &key), SGL_OK);
    assert_int_equal(sgl_private_key_export_pem(key, &pem), SGL_OK);
    check_refused("one from elsewhere", ask(KEYS_IMPORT, 12, SGL_LIT("token"), sgl_buf_view(&pem)));
    sgl_private_key_free(key);
    sgl_crypto_free(crypto);
}

static void test_refuses(void **state)
{
    static const uint8_t digest[33];
    static const struct {
        const char *name;
        uint8_t what, algorithm;
        uint64_t handle;
        size_t len;
    } cases[] = {
        {"a handle nobody has", KEYS_SIGN, 0, 99, 32},
        {"handle 0", KEYS_SIGN, 0, 0, 32},
        {"a handle beyond the table", KEYS_SIGN, 0, VAULT_HANDLE_MAX + 1, 32},
        {"the greatest handle", KEYS_SIGN, 0, UINT64_MAX, 32},
        {"a short digest", KEYS_SIGN, 0, 1, 31},
        {"a long digest", KEYS_SIGN, 0, 1, 33},
        {"an algorithm that is none", KEYS_GENERATE, 0, 5, 0},
        {"another one", KEYS_GENERATE, 200, 5, 0},
        {"a key that is none", KEYS_IMPORT, 0, 5, 20},
        {"a verb that is none", KEYS_PING + 1, 0, 0, 0},
        {"the greatest verb", 255, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct keys_frame request = {.handle = cases[i].handle,
                                           .what = cases[i].what,
                                           .algorithm = cases[i].algorithm,
                                           .large = {digest, cases[i].len}};

        vault_answer(vault, &request, &space, &reply);
        check_refused(cases[i].name, reply.what);
    }
    assert_int_equal(ask(KEYS_PING, 0, SGL_LIT(""), SGL_LIT("")), KEYS_OK);
}

static void test_handle_range(void **state)
{
    struct keys_frame request = {.what = KEYS_GENERATE, .algorithm = KEYS_ED25519};

    (void)state;
    check_refused("handle 0 holds no key",
                  (vault_answer(vault, &request, &space, &reply), reply.what));
    request.handle = VAULT_HANDLE_MAX + 1;
    check_refused("no key beyond the table",
                  (vault_answer(vault, &request, &space, &reply), reply.what));
    request.handle = VAULT_HANDLE_MAX;
    vault_answer(vault, &request, &space, &reply);
    assert_int_equal(reply.what, KEYS_OK);
    assert_int_equal(reply.small.len, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets),      cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_handle_range), cmocka_unit_test(test_es256),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
