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

/* The key is 00 01 02 ... 1f; the two values are those of Python's hmac. */
static void test_mac(void **state)
{
    static const uint8_t want_empty[32] = {0xd3, 0x8b, 0x42, 0x09, 0x6d, 0x80, 0xf4, 0x5f,
                                           0x82, 0x6b, 0x44, 0xa9, 0xd5, 0x60, 0x7d, 0xe7,
                                           0x24, 0x96, 0xa4, 0x15, 0xd3, 0xf4, 0xa1, 0xa8,
                                           0xc8, 0x8e, 0x3b, 0xb9, 0xda, 0x8d, 0xc1, 0xcb};
    static const uint8_t want_message[32] = {0xd5, 0x5a, 0x64, 0xa6, 0x7a, 0xfe, 0x61, 0xc6,
                                             0xd1, 0x2d, 0x69, 0x06, 0xdf, 0x77, 0x11, 0xf8,
                                             0x97, 0xfd, 0xd2, 0x9a, 0x0d, 0x15, 0xe5, 0x16,
                                             0x8a, 0x24, 0xd8, 0x71, 0xbb, 0x69, 0xa7, 0xb1};
    uint8_t key[KEYS_MAC_KEY], request[KEYS_MAC_SEALED + 9], other[KEYS_SEAL_EXTRA + KEYS_MAC_KEY];

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    assert_int_equal(ask(KEYS_MAC_SEAL, 0, SGL_LIT("c"), sgl_view_of(key, sizeof key)), KEYS_OK);
    assert_int_equal(reply.large.len, KEYS_MAC_SEALED);
    memcpy(request, reply.large.ptr, KEYS_MAC_SEALED);
    memcpy(request + KEYS_MAC_SEALED, "a message", 9);
    assert_int_equal(ask(KEYS_MAC, 0, SGL_LIT("c"), sgl_view_of(request, KEYS_MAC_SEALED)),
                     KEYS_OK);
    CHECK_VIEW("the HMAC of nothing", reply.large, sgl_view_of(want_empty, 32));
    assert_int_equal(ask(KEYS_MAC, 0, SGL_LIT("c"), sgl_view_of(request, sizeof request)), KEYS_OK);
    CHECK_VIEW("the HMAC of a message", reply.large, sgl_view_of(want_message, 32));
    check_refused("under another name",
                  ask(KEYS_MAC, 0, SGL_LIT("d"), sgl_view_of(request, sizeof request)));
    check_refused("opened as a secret",
                  ask(KEYS_OPEN, 0, SGL_LIT("c"), sgl_view_of(request, KEYS_MAC_SEALED)));
    check_refused("loaded as a key",
                  ask(KEYS_LOAD, 5, SGL_LIT("c"), sgl_view_of(request, KEYS_MAC_SEALED)));
    check_refused("a short request",
                  ask(KEYS_MAC, 0, SGL_LIT("c"), sgl_view_of(request, KEYS_MAC_SEALED - 1)));
    check_refused("a short key", ask(KEYS_MAC_SEAL, 0, SGL_LIT("c"), sgl_view_of(key, 31)));
    assert_int_equal(ask(KEYS_SEAL, 0, SGL_LIT("c"), sgl_view_of(key, sizeof key)), KEYS_OK);
    memcpy(other, reply.large.ptr, sizeof other);
    check_refused("a sealed secret as its key",
                  ask(KEYS_MAC, 0, SGL_LIT("c"), sgl_view_of(other, sizeof other)));
    for (size_t i = 0; i < KEYS_MAC_SEALED; i++) {
        request[i] ^= 1;
        check_refused("a changed byte",
                      ask(KEYS_MAC, 0, SGL_LIT("c"), sgl_view_of(request, sizeof request)));
        request[i] ^= 1;
    }
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
        {"a verb that is none", KEYS_MAC + 1, 0, 0, 0},
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
        cmocka_unit_test(test_mac),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
