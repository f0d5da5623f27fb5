/* SPDX-License-Identifier: Apache-2.0 */
/* Keys under their handles: each signs as long as it is held, whether it is warm or cold, whoever signs beside it. */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../server/keys/held.h"
#include "check.h"

#define WARM    4
#define KEYS    12
#define THREADS 4
#define ROUNDS  60

static struct sgl_crypto *crypto;
static struct sgl_private_key *rsa;
static const uint8_t digest[SGL_SHA256_SIZE] = {9};
static uint8_t want[SGL_SIGNATURE_MAX];

static int setup(void **state)
{
    size_t len = 0;

    (void)state;
    crypto = sgl_crypto_new();
    return crypto == NULL || sgl_private_key_generate(crypto, SGL_KEY_RSA, 2048, &rsa) != SGL_OK ||
           sgl_private_key_sign(crypto, rsa, digest, want, &len) != SGL_OK || len != 256;
}

static int teardown(void **state)
{
    (void)state;
    sgl_private_key_free(rsa);
    sgl_crypto_free(crypto);
    return 0;
}

static struct sgl_private_key *copy(void)
{
    struct sgl_private_key *key = NULL;

    assert_int_equal(sgl_private_key_dup(rsa, &key), SGL_OK);
    return key;
}

/* PKCS#1 v1.5 makes the same signature of the same digest. [RFC 8017 s8.2] */
static bool signs(struct held_keys *h, uint64_t handle)
{
    const struct sgl_private_key *key = held_take(h, handle);
    uint8_t out[SGL_SIGNATURE_MAX];
    size_t len = 0;
    bool good;

    if (key == NULL)
        return false;
    good = sgl_private_key_sign(crypto, key, digest, out, &len) == SGL_OK && len == 256 &&
           memcmp(out, want, len) == 0;
    held_give(h, handle);
    return good;
}

static void handles(void **state)
{
    struct held_keys *h = held_new(WARM);

    (void)state;
    assert_non_null(h);
    CHECK_TRUE("nothing is held at first", held_take(h, 1) == NULL);
    CHECK_TRUE("a key", held_put(h, 1, copy()));
    CHECK_TRUE("a handle that is taken", !held_put(h, 1, copy()));
    CHECK_TRUE("the last handle", held_put(h, HELD_HANDLE_MAX, copy()));
    CHECK_TRUE("no handle", !held_put(h, 0, copy()));
    CHECK_TRUE("none either", !held_put(h, HELD_HANDLE_MAX + 1, copy()));
    CHECK_TRUE("both sign", signs(h, 1) && signs(h, HELD_HANDLE_MAX));
    CHECK_TRUE("no other does",
               !signs(h, 0) && !signs(h, 2) && !signs(h, HELD_HANDLE_MAX + 1) && !signs(h, ~0ull));
    held_free(h);
    held_free(NULL);
}

static long long heap(void)
{
    struct mallinfo2 now = mallinfo2();

    return (long long)(now.uordblks + now.hblkhd);
}

/* Heap of KEYS keys that have all signed, in several orders. */
static long long used_by(size_t warm)
{
    struct held_keys *h = held_new(warm);
    long long before, after;

    assert_non_null(h);
    before = heap();
    for (uint64_t i = 1; i <= KEYS; i++)
        assert_true(held_put(h, i, copy()));
    for (uint64_t i = 0; i < 3 * KEYS; i++)
        CHECK_TRUE("in turn", signs(h, 1 + i % KEYS));
    for (uint64_t i = 0; i < 3 * KEYS; i++)
        CHECK_TRUE("up and down", signs(h, 1 + (i * 5 + i / KEYS) % KEYS));
    after = heap();
    held_free(h);
    return after - before;
}

static void only_so_many_are_warm(void **state)
{
    long long all, few;

    (void)state;
    all = used_by(KEYS);
    few = used_by(WARM);
    if (few * 10 > all * 8)
        fail_msg("%d warm keys of %d take %lld bytes, all of them %lld", WARM, KEYS, few, all);
}

/* The one that signs most stays warm: its memory stays where it is. */
static void the_last_ones_stay_warm(void **state)
{
    struct held_keys *h = held_new(WARM);
    const struct sgl_private_key *one;

    (void)state;
    for (uint64_t i = 1; i <= KEYS; i++)
        assert_true(held_put(h, i, copy()));
    one = held_take(h, 1);
    held_give(h, 1);
    for (uint64_t i = 2; i <= KEYS; i++) {
        CHECK_TRUE("another", signs(h, i));
        CHECK_TRUE("the first again", held_take(h, 1) == one);
        held_give(h, 1);
    }
    for (uint64_t i = 2; i < 2 + WARM; i++)
        CHECK_TRUE("others", signs(h, i));
    CHECK_TRUE("it has become cold, and signs", held_take(h, 1) != one && signs(h, 1));
    held_give(h, 1);
    held_free(h);
}

/* Nobody's key goes while he signs with it. */
static void what_is_in_use_stays(void **state)
{
    struct held_keys *h = held_new(WARM);
    const struct sgl_private_key *key[KEYS + 1];
    uint8_t out[SGL_SIGNATURE_MAX];
    size_t len;

    (void)state;
    for (uint64_t i = 1; i <= KEYS; i++) {
        assert_true(held_put(h, i, copy()));
        key[i] = held_take(h, i);
    }
    for (uint64_t i = 1; i <= KEYS; i++) {
        CHECK_EQ("all at once", sgl_private_key_sign(crypto, key[i], digest, out, &len), SGL_OK);
        CHECK_TRUE("the same one for two", held_take(h, i) == key[i]);
        held_give(h, i);
        held_give(h, i);
    }
    for (uint64_t i = 1; i <= KEYS; i++)
        CHECK_TRUE("afterwards", signs(h, i));
    held_free(h);
}

static void *sign_many(void *arg)
{
    struct held_keys *h = arg;
    uint64_t random = (uint64_t)(uintptr_t)&random, failed = 0;

    for (int i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        failed += !signs(h, 1 + (random >> 33) % KEYS);
    }
    return (void *)(uintptr_t)failed;
}

static void threads_share_them(void **state)
{
    struct held_keys *h = held_new(2);
    pthread_t thread[THREADS];
    void *failed;

    (void)state;
    for (uint64_t i = 1; i <= KEYS; i++)
        assert_true(held_put(h, i, copy()));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, sign_many, h), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], &failed), 0);
        CHECK_TRUE("every signature is right", failed == NULL);
    }
    held_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles),
        cmocka_unit_test(only_so_many_are_warm),
        cmocka_unit_test(the_last_ones_stay_warm),
        cmocka_unit_test(what_is_in_use_stays),
        cmocka_unit_test(threads_share_them),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
