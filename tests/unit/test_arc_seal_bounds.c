/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing any message, with any key, with little memory. */
#include "sigillo/arc.h"

#include "arc_fixture.h"
#include "arc_seal_fixture.h"
#include "check.h"
#include "dns_fixture.h"
#include "fail_alloc.h"

static void misuse(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_sealer sealer = sealer_of(&fx, 2);
    struct sgl_arc_pending pending = {.nothing = true};

    (void)state;
    arc_fixture_add(&fx, NULL, NULL, NULL);
    arc_put_message(&fx, &message);
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), arc_zone(&fx)), SGL_OK);
    CHECK_EQ("there is a chain", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL),
             SGL_E_MISUSE);
    CHECK_EQ("nothing is pending", sgl_arc_seal_chain(fx.crypto, SGL_LIT("x"), &w.arena, &pending),
             SGL_E_MISUSE);
    CHECK_EQ("nothing is pending", sgl_arc_seal_finish(&pending, SGL_LIT("x"), &sealed),
             SGL_E_MISUSE);
    pending.nothing = false;
    CHECK_EQ("no signature", sgl_arc_seal_chain(fx.crypto, SGL_LIT(""), &w.arena, &pending),
             SGL_E_MISUSE);
    CHECK_EQ(
        "no From",
        sgl_headers_parse(SGL_LIT("To: x\r\n\r\n"), SGL_HEADERS_STRICT, &w.arena, &w.headers, NULL),
        SGL_OK);
    sealer.chain = SGL_ARC_PASS;
    CHECK_EQ("no From", sign(&w, SGL_LIT("To: x\r\n\r\n"), &sealer, &pending, &sealed, NULL),
             SGL_E_SYNTAX);
}

/* More From fields than one signature may name. */
static void too_many_fields(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_sealer sealer = sealer_of(&fx, 1);
    struct sgl_arc_pending pending;

    (void)state;
    for (int i = 0; i < 300; i++)
        sgl_buf_add_cstr(&message, "From: a@a.test\r\n");
    sgl_buf_add_cstr(&message, "\r\nx\r\n");
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), ""), SGL_OK);
    CHECK_EQ("limit", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL),
             SGL_E_LIMIT);
}

/* Of many DKIM signatures the lowest are covered, as many as a verifier looks at. */
static void many_signatures(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_sealer sealer = sealer_of(&fx, 1);
    struct sgl_arc_pending pending;
    size_t covered = 0;

    (void)state;
    for (int i = 0; i < SGL_LIMIT_DKIM_SIGNATURES + 5; i++)
        sgl_buf_add_cstr(&message, "DKIM-Signature: x\r\n");
    sgl_buf_add_cstr(&message, "From: a@a.test\r\n\r\nx\r\n");
    CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), ""), SGL_OK);
    CHECK_EQ("sign", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL), SGL_OK);
    for (const char *at = sgl_cstr(&sealed); (at = strstr(at, "dkim-signature")) != NULL; at++)
        covered++;
    CHECK_EQ("covered", covered, SGL_LIMIT_DKIM_SIGNATURES);
}

/* Random messages: what is sealed once or twice verifies, and nothing below the set is touched. */
static void random_messages(void **state)
{
    static const char *const names[] = {"From", "To",       "Subject", "X-A", "Received",
                                        "Date", "Reply-To", "from",    "CC",  "DKIM-Signature"};
    static const char bytes[] = "ab \t;=(\"\\\r\n.:@,\xc3\xa9";
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 300; round++) {
        sgl_auto(arc_fixture) fx = arc_fixture_init("");
        sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
        const char *zone = arc_zone(&fx);
        sgl_auto(work) w = {.crypto = fx.crypto, .key = fx.key};

        sgl_buf_add_cstr(&message, "From: x@a.test\r\n");
        for (uint32_t i = 0; i < (uint32_t)round % 12; i++) {
            sgl_buf_addf(&message, "%s: ", names[(seed = seed * 1103515245 + 12345) >> 16 & 7]);
            for (uint32_t k = 0; k < (seed >> 20 & 63); k++)
                sgl_buf_add_byte(&message, (uint8_t) "ab  ;=(\".:@,"[(seed >> (k & 15)) % 12]);
            sgl_buf_add_cstr(&message, "\r\n");
        }
        sgl_buf_add_cstr(&message, "\r\n");
        for (uint32_t k = 0; k < (uint32_t)round; k++)
            sgl_buf_add_byte(
                &message,
                (uint8_t)bytes[((seed = seed * 1103515245 + 12345) >> 16) % (sizeof bytes - 1)]);
        sgl_auto(sgl_buf) before = SGL_BUF_INIT(1u << 20);
        sgl_buf_add(&before, sgl_buf_view(&message));
        CHECK_TRUE("sealed", seal_once(&fx, &message, zone, SGL_ARC_NONE));
        CHECK_TRUE("sealed", seal_once(&fx, &message, zone, SGL_ARC_PASS));
        CHECK_TRUE("what was there is as it was",
                   sgl_view_ends(sgl_buf_view(&message), sgl_buf_view(&before)));
        CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), zone), SGL_OK);
        CHECK_EQ("passes", w.arc.result, SGL_ARC_PASS);
        CHECK_EQ("all of it", w.arc.oldest_pass, 0);
    }
}

/* RSA: b= is one word, in a line that SMTP takes; and a DKIM signature below stays as it is. */
static void with_rsa(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
    struct sgl_arc_sealer sealer = sealer_of(&fx, 1);
    struct sgl_arc_pending pending;
    struct sgl_private_key *key = NULL;
    const char *zone = "r._domainkey.s1.test TXT v=DKIM1; p=" RFC8463_RSA_PUBLIC "\n";

    (void)state;
    CHECK_EQ("key", sgl_private_key_import(fx.crypto, SGL_LIT(RFC8463_RSA_PEM), &key), SGL_OK);
    sealer.algorithm = SGL_DKIM_RSA_SHA256;
    sealer.selector = SGL_LIT("r");
    arc_put_message(&fx, &message);
    {
        sgl_auto(work) w = {.crypto = fx.crypto, .key = key};

        CHECK_EQ("judge", judge(&w, sgl_buf_view(&message), zone), SGL_OK);
        CHECK_EQ("sign", sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL),
                 SGL_OK);
    }
    sgl_buf_add(&sealed, sgl_buf_view(&message));
    {
        sgl_auto(work) w = {.crypto = fx.crypto, .key = key};

        CHECK_EQ("judge", judge(&w, sgl_buf_view(&sealed), zone), SGL_OK);
        CHECK_EQ("passes", w.arc.result, SGL_ARC_PASS);
        CHECK_EQ("bits", w.arc.set[0].seal_bits, 1024);
    }
    sgl_private_key_free(key);
}

static void memory_that_ends(void **state)
{
    sgl_auto(arc_fixture) fx = arc_fixture_init(ARC_BODY);
    sgl_auto(sgl_buf) message = SGL_BUF_INIT(1u << 20);
    sgl_auto(work) judged = {.crypto = fx.crypto, .key = fx.key};
    struct sgl_arc_sealer sealer = sealer_of(&fx, 2);

    (void)state;
    sealer.chain = SGL_ARC_PASS;
    sgl_buf_add_cstr(&fx.header, "Authentication-Results: \"mx\\.test\"; arc=pass; spf=pass\r\n");
    arc_fixture_add(&fx, NULL, NULL, NULL);
    arc_put_message(&fx, &message);
    CHECK_EQ("judge", judge(&judged, sgl_buf_view(&message), arc_zone(&fx)), SGL_OK);
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(1u << 20);
        sgl_auto(work) w = judged; /* with memory of its own */
        struct sgl_arc_pending pending = {.instance = 99};
        struct sgl_arc_arrival found;
        enum sgl_status st;

        w.hashes = (struct sgl_dkim_hashes){.count = 0};
        sgl_arena_init(&w.arena, 1u << 20);
        st = sgl_arc_arrival_read(&w.headers, SGL_LIT("mx.test"), &w.arena, &found);
        if (st == SGL_OK)
            st = sign(&w, sgl_buf_view(&message), &sealer, &pending, &sealed, NULL);
        CHECK_EQ("success or no memory", st, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misuse),          cmocka_unit_test(too_many_fields),
        cmocka_unit_test(many_signatures), cmocka_unit_test(random_messages),
        cmocka_unit_test(with_rsa),        cmocka_unit_test(memory_that_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
