/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the tokens' room made to fail once: what cannot be done is said, and nothing leaks or is half there. */
#include <openssl/crypto.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>

#include "../../server/tokens/federation.h"
#include "../../server/tokens/jwt.h"
#include "../../server/tokens/login.h"
#include "../../server/tokens/memory.h"
#include "../../server/tokens/request.h"
#include "../../server/tokens/tokens_internal.h"
#include "check.h"
#include "fail_alloc.h"

static void test_a_signed_part(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_buf out = SGL_BUF_INIT(1000);
        bool made = jwt_put_signed_part(json_pack("{s:s}", "alg", "ES256"),
                                        json_pack("{s:s}", "iss", "a"), &out);

        CHECK_EQ("made, or said that it was not", made, out.status == SGL_OK);
        CHECK_EQ("and that only without memory", made, !fail_alloc_hit());
        if (made)
            CHECK_VIEW("it is whole", sgl_buf_view(&out),
                       SGL_LIT("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0"));
        sgl_buf_done(&out);
    }
}

static void test_a_request(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct sgl_arena arena = SGL_ARENA_INIT(1 << 16);
        struct token_request r = {0};
        const char *field;
        enum token_request_fault fault = token_request_read(
            SGL_LIT("grant_type=a"), SGL_LIT("aWQ6c2VjcmV0"), &arena, &r, &field);

        CHECK_EQ("read, or without memory", fault,
                 fail_alloc_hit() ? REQUEST_NO_MEMORY : REQUEST_FINE);
        CHECK_EQ("nothing is given out of half of it", r.client_secret.len,
                 fail_alloc_hit() ? 0 : 6);
        sgl_arena_done(&arena);
    }
}

/* The point of RFC 7515 appendix A.3, and something sealed. */
#define POINT                                                                                      \
    "BH/Nzidw9sRdQYPL7m/bS3tYBzM1e+nvE7rPbjx70VRFx/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0="
#define VALUE                                                                                      \
    "{\"made_at\":5,\"public\":"                                                                   \
    "\"" POINT "\","                                                                               \
    "\"sealed\":\"c2VhbGVk\"}"

static void test_a_key(void **state)
{
    const struct store_noun noun = {.key = SGL_LIT("f47ac10b-58cc-4372-a567-0e02b2c3d479"),
                                    .value = SGL_LIT(VALUE),
                                    .version = 3};

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct token_key *k = token_key_from_noun(&noun);
        char *value = k == NULL ? NULL : token_key_value(k);
        json_t *known = k == NULL ? NULL : token_key_public(k);

        CHECK_TRUE("read and written, or not",
                   fail_alloc_hit() || (k != NULL && value != NULL && known != NULL));
        if (value != NULL)
            CHECK_STR("as it was", value, VALUE);
        json_decref(known);
        free(value);
        token_key_free(k);
    }
}

/* A store that was tampered with: no key, rather than half of one. */
static void test_broken_keys(void **state)
{
    static const struct {
        const char *name, *key, *value;
    } rows[] = {
        {"no JSON", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "x"},
        {"nothing in it", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "{}"},
        {"no GUID", "first", VALUE},
        {"a point that is cut", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
         "{\"made_at\":5,\"public\":\"BH/N\",\"sealed\":\"c2VhbGVk\"}"},
        {"nothing sealed", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
         "{\"made_at\":5,\"public\":"
         "\"" POINT "\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct store_noun noun = {.key = sgl_view_cstr(rows[i].key),
                                        .value = sgl_view_cstr(rows[i].value)};

        CHECK_TRUE(rows[i].name, token_key_from_noun(&noun) == NULL);
    }
}

/* ---- other issuers ---- */

#define P256                                                                                       \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":"                                      \
    "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                             \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

static void test_a_key_set(void **state)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "{\"keys\":[" P256 "," P256 "]}", "one", "two");

    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct jwks *set = jwks_read(sgl_view_of(text, (size_t)len));

        CHECK_EQ("the whole set, or none", set != NULL, !fail_alloc_hit());
        if (set != NULL)
            CHECK_TRUE("with what it names", jwks_has(set, "one") && jwks_has(set, "two"));
        jwks_unref(set);
    }
}

/* RFC 7515 appendix A.3. */
#define SIGNED                                                                                     \
    "eyJhbGciOiJFUzI1NiJ9."                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

/* [RFC 6750 s3.1] invalid_token would be wrong of it: nobody could look. */
static void test_a_good_token(void **state)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "{\"keys\":[" P256 "]}", "");
    struct jwks *set = jwks_read(sgl_view_of(text, (size_t)len));
    size_t rounds = 0;

    (void)state;
    assert_non_null(set);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        enum token_fault fault;
        struct jwt j;

        rounds = n;
        if (jwt_read(SGL_LIT(SIGNED), &j)) {
            fault = jwks_check(set, &j);
            jwt_done(&j);
        } else {
            fault = memory_ended() ? TOKEN_UNAVAILABLE : TOKEN_BROKEN;
        }
        if (fault != TOKEN_FINE)
            CHECK_EQ("good, or nobody could look", fault, TOKEN_UNAVAILABLE);
        CHECK_TRUE("good with memory", fault == TOKEN_FINE || fail_alloc_hit());
    }
    CHECK_TRUE("the libraries' allocations failed, too", rounds > 20);
    jwks_unref(set);
}

/* What is broken stays broken, and what names no key of ours is not taken for our trouble. */
static void test_looked_at(void **state)
{
    struct tokens tokens = {.url = (char *)""};
    enum token_fault fault;

    (void)state;
    pthread_rwlock_init(&tokens.lock, NULL);
    CHECK_TRUE("garbage",
               tokens_verify(&tokens, SGL_LIT("a.b.c"), TOKEN_FOR_US, 0, &fault) == NULL);
    CHECK_EQ("garbage", fault, TOKEN_BROKEN);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        CHECK_TRUE("nobody",
                   tokens_verify(&tokens, SGL_LIT(SIGNED), TOKEN_FOR_US, 0, &fault) == NULL);
        CHECK_EQ("another's, or nobody could look", fault,
                 fail_alloc_hit() ? TOKEN_UNAVAILABLE : TOKEN_KEY);
    }
    CHECK_EQ("those that could be looked at are counted", tokens.refused, 2);
    pthread_rwlock_destroy(&tokens.lock);
}

/* It keeps things for longer than the reserve is lent. */
static void test_openssl_is_lent_nothing(void **state)
{
    CRYPTO_malloc_fn make = NULL;
    CRYPTO_realloc_fn again = NULL;
    CRYPTO_free_fn give_back = NULL;

    (void)state;
    CRYPTO_get_mem_functions(&make, &again, &give_back);
    CHECK_TRUE("its functions are its own",
               make == CRYPTO_malloc && again == CRYPTO_realloc && give_back == CRYPTO_free);
}

static void test_the_rooms(void **state)
{
    struct https_config config = {.ca_file = "/none"};
    struct loop *loop = loop_new("test");

    (void)state;
    assert_non_null(loop);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct https *https = https_new(loop, NULL, &config);
        struct issuers *issuers = https == NULL ? NULL : issuers_new(loop, https);
        struct federation *f = federation_new(loop, NULL, NULL, &config);
        bool waiting = true;

        CHECK_TRUE("all of them, or said that not",
                   fail_alloc_hit() || (https != NULL && issuers != NULL && f != NULL));
        if (issuers != NULL) {
            CHECK_TRUE("nothing is known yet", issuers_keys(issuers, "https://a.test", "one", 1000,
                                                            NULL, &waiting) == NULL);
            CHECK_TRUE("and nobody waits for it", !waiting);
        }
        federation_free(f);
        issuers_free(issuers);
        https_free(https);
    }
    loop_free(loop);
}

/* ---- a login by token ---- */

static void logged_in(struct token_login *l)
{
    sem_post(l->private_);
}

static void test_a_login(void **state)
{
    struct workers *workers = workers_new("test", 1, 1);
    struct loop *loop = loop_new("test");
    struct tokens tokens = {0};
    sem_t done;

    (void)state;
    assert_true(workers != NULL && loop != NULL && loop_start(loop));
    sem_init(&done, 0, 0);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        struct token_login l = {.user = SGL_LIT("a@b.test"),
                                .token = SGL_LIT("garbage"),
                                .done = logged_in,
                                .private_ = &done};

        tokens_login(&tokens, workers, loop, &l);
        sem_wait(&done);
        CHECK_EQ("looked at, or not", l.unavailable, fail_alloc_hit());
        CHECK_TRUE("nobody is let in", l.identity == NULL && l.token_is == TOKEN_BROKEN);
    }
    fail_alloc_off();
    workers_free(workers);
    loop_stop(loop);
    loop_join(loop);
    loop_free(loop);
    sem_destroy(&done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signed_part), cmocka_unit_test(test_a_request),
        cmocka_unit_test(test_a_key),         cmocka_unit_test(test_broken_keys),
        cmocka_unit_test(test_a_key_set),     cmocka_unit_test(test_a_good_token),
        cmocka_unit_test(test_looked_at),     cmocka_unit_test(test_openssl_is_lent_nothing),
        cmocka_unit_test(test_the_rooms),     cmocka_unit_test(test_a_login),
    };

    memory_watch();
    fail_alloc_this_thread();
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
