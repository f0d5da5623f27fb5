/* SPDX-License-Identifier: Apache-2.0 */
/* Many signatures, keys that are kept, memory that ends. */
#include "dkim_verify_fixture.h"

#include "dkim_fixture.h"
#include "fail_alloc.h"
#include "sigillo/limits.h"

static void short_keys_may_be_refused(void **state)
{
    static const char *const field[] = {RSA "b=@"};
    const struct sgl_dkim_verify_options options = {.now = NOW, .rsa_bits_min = 2048};
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;

    (void)state;
    verify_fields(field, 1, &options, &dns, &message, &run);
    CHECK_STR("why", run.verdicts.item[0].reason, "the key is shorter than we accept");
    CHECK_EQ("how short", run.verdicts.item[0].key_bits, 1024);
}

static void names_that_are_too_long_ask_nothing(void **state)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;
    const char *text;

    (void)state;
    sgl_buf_add_cstr(&field, "v=1; a=rsa-sha256; d=example.org; h=from; bh=@; b=@; s=");
    for (int i = 0; i < 120; i++)
        sgl_buf_add_cstr(&field, "a.");
    sgl_buf_add_cstr(&field, "a");
    text = sgl_cstr(&field);
    verify_fields(&text, 1, &plain, &dns, &message, &run);
    CHECK_EQ("permanent", run.verdicts.item[0].result, SGL_DKIM_PERMERROR);
    CHECK_EQ("no question", run.passes, 0);
}

static void many_signatures_are_capped(void **state)
{
    static const char *fields[25];
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
    sgl_auto(dkim_run) run;

    (void)state;
    for (size_t i = 0; i < 25; i++)
        fields[i] = i == 20 ? "broken" : RSA "b=@";
    verify_fields(fields, 25, &plain, &dns, &message, &run);
    CHECK_EQ("read", run.verdicts.count, SGL_LIMIT_DKIM_SIGNATURES);
    CHECK_EQ("counted", run.verdicts.ignored, 5);
    CHECK_EQ("tried: broken ones cost nothing", run.verdicts.passes, SGL_LIMIT_DKIM_TRIED);
    CHECK_EQ("the broken one", run.verdicts.item[4].result, SGL_DKIM_NEUTRAL);
    CHECK_EQ("the tenth", run.verdicts.item[10].result, SGL_DKIM_PASS);
    CHECK_STR("the eleventh", run.verdicts.item[11].reason,
              "the message has more signatures than we try");
    CHECK_EQ("is neutral", run.verdicts.item[11].result, SGL_DKIM_NEUTRAL);
}

static void a_bad_signature_does_not_spoil_a_good_one(void **state)
{
    static const char *const fields[] = {
        RSA "b=@", "v=1; a=rsa-sha256; d=example.org; s=none; h=from; bh=@; b=@", "nonsense",
        "v=1; a=ed25519-sha256; d=example.org; s=r; h=from; bh=@; b=@"};
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;

    (void)state;
    verify_fields(fields, 4, &plain, &dns, &message, &run);
    CHECK_EQ("one passes [RFC 6376 s6.1]", run.verdicts.passes, 1);
    CHECK_EQ("the last", run.verdicts.item[3].result, SGL_DKIM_PASS);
}

/* 10 000 names in h=: over the cap it is neutral, below the size of a field. */
static void ten_thousand_names_are_refused(void **state)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 20);
    sgl_auto(dkim_run) run;
    const char *text;

    (void)state;
    sgl_buf_add_cstr(&field, "v=1; a=rsa-sha256; d=example.org; s=r; bh=AAAA; b=AAAA; h=from");
    for (int i = 0; i < 10000; i++)
        sgl_buf_add_cstr(&field, i % 200 == 199 ? ":\r\n x" : ":x");
    text = sgl_cstr(&field);
    verify_fields(&text, 1, &plain, &dns, &message, &run);
    CHECK_STR("why", run.verdicts.item[0].reason, "the signature is larger than we read");
    CHECK_EQ("what", run.verdicts.item[0].result, SGL_DKIM_NEUTRAL);
}

struct cache {
    struct sgl_public_key *key;
    int finds, keeps;
};

static const struct sgl_public_key *cache_find(void *ctx, enum sgl_key_type type, sgl_view bytes)
{
    struct cache *cache = ctx;

    CHECK_EQ("type", type, SGL_KEY_RSA);
    CHECK_EQ("bytes of p=", bytes.len, 162);
    cache->finds++;
    return cache->key;
}

static bool cache_keep(void *ctx, enum sgl_key_type type, sgl_view bytes,
                       struct sgl_public_key *key)
{
    struct cache *cache = ctx;

    (void)type;
    (void)bytes;
    cache->keeps++;
    if (cache->key != NULL)
        return false;
    cache->key = key;
    return true;
}

static void a_signature_is_checked_once(void **state)
{
    static const char *const fields[] = {RSA "b=@", "v=1; a=rsa-sha256; d=example.org; s=slow; "
                                                    "h=from; bh=@; b=@"};
    struct cache cache = {NULL, 0, 0};
    const struct sgl_dkim_key_cache keys = {&cache, cache_find, cache_keep};
    const struct sgl_dkim_verify_options options = {.now = NOW, .keys = &keys};
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;
    size_t used;

    (void)state;
    sgl_buf_add_cstr(&message, HEADER "\r\n" BODY);
    dkim_fixture_sign(&fx, fields[0], &message);
    dkim_fixture_sign(&fx, fields[1], &message);
    CHECK_EQ("started", dkim_run_start(&run, fx.crypto, &options, sgl_buf_view(&message), 0),
             SGL_OK);
    used = run.arena.used;
    CHECK_EQ("both asked", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts), SGL_NEED_DNS);
    CHECK_EQ("at once", sgl_dns_open(&dns.dns), 2);
    dns_fixture_step(&dns, DNS_NEWEST_FIRST);
    for (int i = 0; i < 3; i++)
        CHECK_EQ("one is missing", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts),
                 SGL_NEED_DNS);
    CHECK_EQ("memory does not grow with passes", run.arena.used, used);
    dns_fixture_step(&dns, DNS_ALL_AT_ONCE);
    for (int i = 0; i < 3; i++)
        CHECK_EQ("done", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts), SGL_OK);
    CHECK_EQ("memory does not grow with checks", run.arena.used, used);
    CHECK_EQ("one pass", run.verdicts.passes, 1);
    CHECK_EQ("one key was looked for once", cache.finds, 1);
    CHECK_EQ("and kept", cache.keeps, 1);
    sgl_public_key_free(cache.key);
}

static void a_kept_key_gives_the_same_verdict(void **state)
{
    static const char *const field[] = {RSA "b=@"};
    struct cache cache = {NULL, 0, 0};
    const struct sgl_dkim_key_cache keys = {&cache, cache_find, cache_keep};
    const struct sgl_dkim_verify_options options = {.now = NOW, .keys = &keys};

    (void)state;
    for (int round = 0; round < 3; round++) {
        sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
        sgl_auto(dkim_run) run;

        verify_fields(field, 1, &options, &dns, &message, &run);
        CHECK_EQ("passes", run.verdicts.passes, 1);
        CHECK_EQ("bits", run.verdicts.item[0].key_bits, 1024);
    }
    CHECK_EQ("built once", cache.keeps, 1);
    CHECK_EQ("looked for each time", cache.finds, 3);
    sgl_public_key_free(cache.key);
}

static void verdicts_need_the_whole_body(void **state)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);
    sgl_auto(dkim_run) run;

    (void)state;
    sgl_buf_add_cstr(&message, HEADER "\r\n" BODY);
    dkim_fixture_sign(&fx, RSA "b=@", &message);
    CHECK_EQ("started", dkim_run_start(&run, fx.crypto, &plain, sgl_buf_view(&message), 0), SGL_OK);
    run.hashes.finished = false;
    CHECK_EQ("too early", sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts), SGL_E_MISUSE);
}

static void each_allocation_may_fail(void **state)
{
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(65536);

    (void)state;
    sgl_buf_add_cstr(&message, HEADER "\r\n" BODY);
    dkim_fixture_sign(&fx, RSA "l=5; i=a=20@example.org; b=@", &message);
    dkim_fixture_sign(&fx, ED "b=@", &message);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        fail_alloc_off();
        sgl_auto(dns_fixture) dns = dns_fixture_init("example.org", ZONE);
        sgl_auto(dkim_run) run = {0};
        enum sgl_status status;

        fail_alloc_on();
        status = dkim_run_start(&run, fx.crypto, &plain, sgl_buf_view(&message), 0);
        for (int pass = 0; status == SGL_OK && pass < 3; pass++) {
            enum sgl_status st = sgl_dkim_verify(&run.verifier, &dns.dns, &run.verdicts);

            fail_alloc_off();
            if (st == SGL_NEED_DNS)
                dns_fixture_answer(&dns);
            fail_alloc_on();
            status = st == SGL_NEED_DNS ? SGL_OK : st;
        }
        if (fail_alloc_hit() && status == SGL_E_NOMEM)
            continue;
        CHECK_EQ("judged", status, SGL_OK);
        CHECK_EQ("out of memory is never a verdict", run.verdicts.count, 2);
        CHECK_EQ("Ed25519", run.verdicts.item[0].result, SGL_DKIM_PASS);
        CHECK_EQ("RSA", run.verdicts.item[1].result, SGL_DKIM_POLICY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_keys_may_be_refused),
        cmocka_unit_test(names_that_are_too_long_ask_nothing),
        cmocka_unit_test(many_signatures_are_capped),
        cmocka_unit_test(a_bad_signature_does_not_spoil_a_good_one),
        cmocka_unit_test(ten_thousand_names_are_refused),
        cmocka_unit_test(a_signature_is_checked_once),
        cmocka_unit_test(a_kept_key_gives_the_same_verdict),
        cmocka_unit_test(verdicts_need_the_whole_body),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
