/* SPDX-License-Identifier: Apache-2.0 */
/* Signed requests: whose they are, and why not. */
#include "fail_alloc.h"
#include "key_fixture.h"
#include "sigillo/ascii.h"

static enum hmac_answer check(struct directory_fixture *f, const struct signed_request *r)
{
    char who[64];

    return request_check(f, r, SIGNED_NOW, who);
}

static void test_vectors(void **state)
{
    struct directory_fixture *f = *state;
    struct signed_request r = request_of("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    struct made_key k = key_add(f);

    /* The key is 00 01 ... 1f; both signatures are those of Python's hmac. */
    CHECK_STR("POST", r.signature, "4H4taLOifWO+6zJnpzP52VjqVr480OAxKZO1Tv1Y5og=");
    r.method = "GET";
    r.target = "/emails/operations/8540c0de-899f-4cce-acb5-3ec493af3800?api-version=2023-03-31";
    r.body = "";
    request_sign(&r, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    CHECK_STR("GET", r.signature, "X0H0sP2wAAtpf+tPVOtDEV1n/x/Ub/pePdYlMiZYEss=");
    CHECK_EQ("a key that nobody has", check(f, &r), HMAC_REFUSED);
    request_sign(&r, k.access_key);
    CHECK_EQ("one that is there", check(f, &r), HMAC_OK);
    CHECK_EQ("the same again is no replay", check(f, &r), HMAC_OK);
}

/* [one thing changed after it was signed -> the answer] */
static void test_changed(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    const struct signed_request good = request_of(k.access_key);
    struct signed_request r = good;

    r.body = "{ }";
    CHECK_EQ("another body", check(f, &r), HMAC_CONTENT);
    r = good;
    r.method = "PUT";
    CHECK_EQ("another method", check(f, &r), HMAC_REFUSED);
    r = good;
    r.target = "/emails:send?api-version=2023-03-31";
    CHECK_EQ("another target", check(f, &r), HMAC_REFUSED);
    r = good;
    r.host = "mail.example.com";
    CHECK_EQ("another host", check(f, &r), HMAC_REFUSED);
    r = good;
    r.date = "Mon, 05 Jan 2026 10:20:31 GMT";
    CHECK_EQ("another second", check(f, &r), HMAC_REFUSED);
    r = good;
    memcpy(strchr(r.authorization, '&') + strlen("&Signature="), "AAAA", 4);
    CHECK_EQ("another signature", check(f, &r), HMAC_REFUSED);
    r = good;
    memcpy(r.content, "AAAA", 4);
    CHECK_EQ("another hash", check(f, &r), HMAC_CONTENT);
    CHECK_EQ("none of it", check(f, &good), HMAC_OK);
}

/* The first that fails is the answer: form, content, date, signature. */
static void test_order(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    struct signed_request r = request_of(k.access_key);
    unsigned asked;
    char who[64];

    asked = atomic_load(&fake_keys.macs);
    r.body = "other";
    r.date = "Mon, 05 Jan 2026 09:20:30 GMT";
    memcpy(strchr(r.authorization, '&') + strlen("&Signature="), "AAAA", 4);
    CHECK_EQ("content before date and signature", check(f, &r), HMAC_CONTENT);
    r.host = "a b";
    CHECK_EQ("form before content", check(f, &r), HMAC_MALFORMED);
    r = request_of(k.access_key);
    memcpy(strchr(r.authorization, '&') + strlen("&Signature="), "AAAA", 4);
    CHECK_EQ("date before signature", request_check(f, &r, SIGNED_NOW + 901, who), HMAC_DATE);
    CHECK_EQ("the keys process was not asked", atomic_load(&fake_keys.macs), asked);
}

static void test_malformed(void **state)
{
    static char long_target[HMAC_TARGET_MAX + 2], long_host[HMAC_HOST_MAX + 2];
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    struct signed_request r = request_of(k.access_key);

    r.date = "";
    CHECK_EQ("no date", check(f, &r), HMAC_MALFORMED);
    r.date = "2026-01-05T10:20:30Z";
    CHECK_EQ("a date of another form", check(f, &r), HMAC_MALFORMED);
    r = request_of(k.access_key);
    r.host = "";
    CHECK_EQ("no host", check(f, &r), HMAC_MALFORMED);
    r = request_of(k.access_key);
    r.content[0] = '\0';
    CHECK_EQ("no hash", check(f, &r), HMAC_MALFORMED);
    r = request_of(k.access_key);
    r.authorization[0] = '\0';
    CHECK_EQ("no Authorization", check(f, &r), HMAC_MALFORMED);
    memset(long_target, 'a', sizeof(long_target) - 1);
    memset(long_host, 'h', sizeof(long_host) - 1);
    r = request_of(k.access_key);
    r.target = long_target;
    request_sign(&r, k.access_key);
    CHECK_EQ("a target that is too long", check(f, &r), HMAC_MALFORMED);
    r.target = long_target + 1;
    r.host = long_host + 1;
    request_sign(&r, k.access_key);
    CHECK_EQ("both as long as they may be", check(f, &r), HMAC_OK);
    r.host = long_host;
    request_sign(&r, k.access_key);
    CHECK_EQ("a host that is too long", check(f, &r), HMAC_MALFORMED);
}

static void test_window(void **state)
{
    static const struct {
        const char *name;
        int64_t off;
        enum hmac_answer want;
    } cases[] = {{"now", 0, HMAC_OK},
                 {"15 minutes ago", 900, HMAC_OK},
                 {"15 minutes ahead", -900, HMAC_OK},
                 {"a second more", 901, HMAC_DATE},
                 {"a second more ahead", -901, HMAC_DATE},
                 {"at the beginning", -SIGNED_NOW, HMAC_DATE}};
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    struct signed_request r = request_of(k.access_key);
    char who[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_EQ(cases[i].name, request_check(f, &r, SIGNED_NOW + cases[i].off, who),
                 cases[i].want);
    directory_hmac_window(f->directory, 60);
    CHECK_EQ("another window", request_check(f, &r, SIGNED_NOW + 61, who), HMAC_DATE);
    CHECK_EQ("its edge", request_check(f, &r, SIGNED_NOW + 60, who), HMAC_OK);
}

/* The oldest keys need no name; with one, any key is found, and no other is tried. */
static void test_hosts(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key key[HMAC_SHARED_MAX + 3];
    struct signed_request r;
    char host[80], who[64];
    size_t shared = 0, named = 0, alone = 0;
    unsigned before;

    for (size_t i = 0; i < HMAC_SHARED_MAX + 3; i++)
        key[i] = key_add(f);
    for (size_t i = 0; i < HMAC_SHARED_MAX + 3; i++) {
        struct key_facts facts;

        identity_unref(directory_key(f->directory, sgl_view_cstr(key[i].id), &facts));
        CHECK_EQ("what is said of it is what counts", key_signs(f, key[i].access_key, key[i].id),
                 facts.shared);
        shared += facts.shared;
        snprintf(host, sizeof(host), "%s.mail.example.com", key[i].id);
        host[0] = (char)sgl_ascii_upper((uint8_t)host[0]);
        r = request_of(key[i].access_key);
        r.host = host;
        request_sign(&r, key[i].access_key);
        before = atomic_load(&fake_keys.macs);
        named += request_check(f, &r, SIGNED_NOW, who) == HMAC_OK;
        CHECK_EQ("one secret is tried", atomic_load(&fake_keys.macs) - before, 1);
    }
    CHECK_EQ("so many need no name", shared, HMAC_SHARED_MAX);
    CHECK_EQ("all may have one", named, HMAC_SHARED_MAX + 3);
    snprintf(host, sizeof(host), "%s.mail.example.com", key[0].id);
    request_sign(&r, key[1].access_key);
    r.host = host;
    request_sign(&r, key[1].access_key);
    CHECK_EQ("the key of another name", check(f, &r), HMAC_REFUSED);
    for (size_t i = 0; i < HMAC_SHARED_MAX + 3; i++) {
        r.host = key[(i + 1) % (HMAC_SHARED_MAX + 3)].id; /* of another one */
        request_sign(&r, key[i].access_key);
        alone += check(f, &r) == HMAC_OK;
    }
    CHECK_EQ("an id alone is no label of a host", alone, HMAC_SHARED_MAX);
}

/* A place that becomes free goes to the next one, and nobody is there twice or stays behind. */
static void test_removed(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key key[HMAC_SHARED_MAX + 4];
    size_t left = HMAC_SHARED_MAX + 4;

    for (size_t i = 0; i < left; i++)
        key[i] = key_add(f);
    for (; left > 0; left--) {
        struct directory_change c = {.noun = DIRECTORY_KEY,
                                     .verb = DIRECTORY_REMOVE,
                                     .name = sgl_view_cstr(key[left - 1].id)};
        struct made_key fresh;
        size_t signing = 0;

        for (size_t i = 0; i < left; i++)
            signing += key_signs(f, key[i].access_key, key[i].id);
        CHECK_EQ("so many sign without a name", signing,
                 left < HMAC_SHARED_MAX ? left : HMAC_SHARED_MAX);
        /* Changing one of them takes nobody's place. */
        assert_int_equal(key_rotate(f, key[0].id, KEY_ROTATE_SECONDARY, &fresh), DIRECTORY_OK);
        assert_int_equal(fixture_change(f, &c), DIRECTORY_OK);
        CHECK_TRUE("one that is gone signs nothing",
                   !key_signs(f, key[left - 1].access_key, key[left - 1].id));
    }
}

static void test_unavailable(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    struct signed_request r = request_of(k.access_key);

    atomic_store(&fake_keys.down, 1);
    CHECK_EQ("the keys process is gone", check(f, &r), HMAC_UNAVAILABLE);
    atomic_store(&fake_keys.refuse, 1);
    CHECK_EQ("a secret that cannot be opened proves nothing", check(f, &r), HMAC_REFUSED);
    CHECK_EQ("and then", check(f, &r), HMAC_OK);
}

/* Kept under another name, as by whoever can write to the store, a secret is worth nothing. */
static void test_swapped(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    struct signed_request r = request_of(k.access_key);
    char text[1024];

    snprintf(text, sizeof(text),
             "{\"created_at\":1,\"domains\":[\"*\"],\"label\":\"\",\"role\":\"none\",\"primary\":"
             "{\"sha256\":\"K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=\",\"made_at\":1,"
             "\"sealed\":\"%s\"}}",
             "ZmFrZW1hYzogAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQIDBAUGBwgJCgsMDQ4PEBESExQVF"
             "hcYGRobHB0eHw==");
    key_put(f, "stolen", text);
    fixture_close(f);
    fixture_open(f);
    request_sign(&r, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    CHECK_EQ("sealed for something else", check(f, &r), HMAC_REFUSED);
    CHECK_TRUE("the others are tried all the same", key_signs(f, k.access_key, k.id));
}

static void test_memory(void **state)
{
    struct directory_fixture *f = *state;
    struct made_key k = key_add(f);
    struct signed_request r = request_of(k.access_key);
    size_t failed = 0;

    fail_alloc_this_thread();
    for (size_t n = 1; fail_alloc_round(n); n++) {
        enum hmac_answer answer = check(f, &r);

        CHECK_EQ("memory that ends is no refusal", answer,
                 fail_alloc.failed ? HMAC_UNAVAILABLE : HMAC_OK);
        failed += answer == HMAC_UNAVAILABLE;
    }
    CHECK_TRUE("there was something to fail", failed > 1);
}

static void test_texts(void **state)
{
    (void)state;
    for (int a = HMAC_OK; a <= HMAC_UNAVAILABLE; a++)
        CHECK_TRUE("a sentence", strlen(hmac_answer_text((enum hmac_answer)a)) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_vectors),     DIRECTORY_TEST(test_changed),
        DIRECTORY_TEST(test_order),       DIRECTORY_TEST(test_malformed),
        DIRECTORY_TEST(test_window),      DIRECTORY_TEST(test_hosts),
        DIRECTORY_TEST(test_removed),     DIRECTORY_TEST(test_swapped),
        DIRECTORY_TEST(test_unavailable), cmocka_unit_test(test_texts),
        DIRECTORY_TEST(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
