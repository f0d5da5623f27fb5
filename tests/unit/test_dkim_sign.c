/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "crypto_fixture.h"

#include "dkim_reference.h"
#include "dkim_vectors.h"
#include "fail_alloc.h"
#include "sigillo/base64.h"
#include "sigillo/dkim.h"

static struct sgl_private_key *rsa_key(void)
{
    struct sgl_private_key *key = NULL;

    assert_int_equal(sgl_private_key_import(crypto, SGL_LIT(RFC8463_RSA_PEM), &key), SGL_OK);
    return key;
}

static struct sgl_private_key *ed25519_key(void)
{
    sgl_auto(sgl_buf) seed = SGL_BUF_INIT(64);
    struct sgl_private_key *key = NULL;

    assert_int_equal(sgl_base64_decode(SGL_LIT(RFC8463_ED25519_SEED), &seed), SGL_OK);
    assert_int_equal(sgl_private_key_from_seed(crypto, sgl_buf_view(&seed), &key), SGL_OK);
    return key;
}

/* ---- RFC 8463, Appendix A: body hash and both signatures come out byte for byte ----------------------------------- */

static void check_vector(const char *name, struct sgl_private_key *key, sgl_view field,
                         sgl_view want)
{
    sgl_auto(sgl_buf) input = SGL_BUF_INIT(65536);
    sgl_auto(sgl_buf) b = SGL_BUF_INIT(1024);
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    const struct sgl_dkim_sink sink = {reference_put, &input};
    struct sgl_headers headers;
    uint8_t digest[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    size_t len = 0;

    CHECK_EQ(name,
             sgl_headers_parse(SGL_LIT(RFC8463_HEADER), SGL_HEADERS_STRICT, &arena, &headers, NULL),
             SGL_OK);
    /* h= names the five fields in this order in one signature and in the other; the second round finds nothing more. */
    static const char *const order[] = {"from", "to", "subject", "date", "message-id"};
    for (size_t i = 0; i < 5; i++)
        sgl_dkim_canon_field(SGL_DKIM_RELAXED,
                             sgl_headers_last(&headers, sgl_view_cstr(order[i]))->raw, sink);
    sgl_dkim_canon_field(SGL_DKIM_RELAXED, field, sink);
    CHECK_EQ(name, sgl_sha256(crypto, sgl_buf_view(&input), digest), SGL_OK);
    CHECK_EQ(name, sgl_private_key_sign(crypto, key, digest, signature, &len), SGL_OK);
    sgl_base64_encode(&b, sgl_view_of(signature, len));
    CHECK_VIEW(name, sgl_buf_view(&b), want);
    sgl_private_key_free(key);
}

static void test_rfc8463(void **state)
{
    sgl_auto(sgl_buf) bh = SGL_BUF_INIT(64);
    uint8_t digest[SGL_SHA256_SIZE];

    (void)state;
    assert_int_equal(sgl_dkim_body_hash(crypto, SGL_DKIM_RELAXED, SGL_LIT(RFC8463_BODY), digest),
                     SGL_OK);
    sgl_base64_encode(&bh, sgl_view_of(digest, sizeof digest));
    CHECK_VIEW("bh=", sgl_buf_view(&bh), SGL_LIT(RFC8463_BODY_HASH));
    check_vector("Ed25519 [RFC 8463 s3]", ed25519_key(), SGL_LIT(RFC8463_ED25519_FIELD),
                 SGL_LIT(RFC8463_ED25519_B));
    check_vector("RSA [RFC 6376 s3.3.1]", rsa_key(), SGL_LIT(RFC8463_RSA_FIELD),
                 SGL_LIT(RFC8463_RSA_B));
}

/* ---- a message to sign -------------------------------------------------------------------------------------------- */

struct fixture {
    struct sgl_arena arena;
    struct sgl_headers headers;
    struct sgl_dkim_options options;
    struct sgl_dkim_pending pending[SGL_DKIM_SIGNATURES_MAX];
    struct sgl_diag diag;
};

static void fixture_done(struct fixture *fx)
{
    sgl_arena_done(&fx->arena);
}

static void fixture_init(struct fixture *fx, const char *header)
{
    memset(fx, 0, sizeof *fx);
    sgl_arena_init(&fx->arena, 1u << 20);
    fx->options.now = 1700000000;
    fx->options.valid_s = 604800;
    assert_int_equal(sgl_headers_parse(sgl_view_cstr(header), SGL_HEADERS_STRICT, &fx->arena,
                                       &fx->headers, NULL),
                     SGL_OK);
}

static enum sgl_status prepare(struct fixture *fx, const struct sgl_dkim_signer *signers, size_t n)
{
    static const uint8_t body_hash[SGL_SHA256_SIZE];

    return sgl_dkim_sign_prepare(crypto, &fx->options, &fx->headers, body_hash, signers, n,
                                 &fx->arena, fx->pending, &fx->diag);
}

static const struct sgl_dkim_signer both[] = {
    {SGL_LIT_INIT("example.org"), SGL_LIT_INIT("s1"), SGL_DKIM_RSA_SHA256},
    {SGL_LIT_INIT("example.org"), SGL_LIT_INIT("e1"), SGL_DKIM_ED25519_SHA256},
};

/* The field is written as it always was: what receivers, archives and our own logs see does not change by accident. */
static void test_field(void **state)
{
    static const char want[] =
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1;\r\n"
        " t=1700000000; x=1700604800; h=from:from:subject:subject:date:to:cc:\r\n"
        " reply-to:message-id:mime-version:content-type:content-transfer-encoding:\r\n"
        " list-unsubscribe:list-unsubscribe-post;\r\n"
        " bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;\r\n"
        " b=AQIDBA==\r\n";
    static const uint8_t signature[] = {1, 2, 3, 4};
    sgl_auto(fixture) fx;
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(SGL_DKIM_FIELD_MAX);

    (void)state;
    fixture_init(&fx, "From: a@example.org\r\nSubject: x\r\n");
    assert_int_equal(prepare(&fx, both, 1), SGL_OK);
    assert_int_equal(
        sgl_dkim_sign_finish(&fx.pending[0], sgl_view_of(signature, sizeof signature), &out),
        SGL_OK);
    CHECK_VIEW("the whole field", sgl_buf_view(&out), sgl_view_cstr(want));
}

/* The value of h= without its folds. */
static void names_of(const struct sgl_dkim_pending *pending, struct sgl_buf *out)
{
    size_t start = sgl_view_find_view(pending->field, SGL_LIT("h=")) + 2;
    sgl_view rest = sgl_view_from(pending->field, start);

    for (size_t i = 0; i < rest.len && rest.ptr[i] != ';'; i++) {
        if (rest.ptr[i] > ' ')
            sgl_buf_add_byte(out, rest.ptr[i]);
    }
}

#define TAIL                                                                                       \
    "message-id:mime-version:content-type:content-transfer-encoding:"                              \
    "list-unsubscribe:list-unsubscribe-post"

/* [RFC 6376 s5.4] [RFC 6376 s5.4.1] [RFC 6376 s8.15] [RFC 8058 s4] */
static void test_selection(void **state)
{
    static const struct {
        const char *name, *header, *want;
    } cases[] = {
        {"absent fields are named once, so that none can be added", "From: a@b.test\r\n",
         "from:from:subject:date:to:cc:reply-to:" TAIL},
        {"each instance is named, and once more",
         "To: x@b.test\r\nfrom: a@b.test\r\nTO: y@b.test\r\n",
         "from:from:subject:date:to:to:to:cc:reply-to:" TAIL},
        {"what changes on the way is not named",
         "Received: x\r\nReturn-Path: <>\r\nAuthentication-Results: x\r\nDKIM-Signature: x\r\n"
         "ARC-Seal: x\r\nBcc: x\r\nComments: x\r\nKeywords: x\r\nX-Any: x\r\nFrom: a@b.test\r\n",
         "from:from:subject:date:to:cc:reply-to:" TAIL},
        {"what describes the message is named when it is there",
         "From: a@b.test\r\nSender: s@b.test\r\nIn-Reply-To: <1@b>\r\nReferences: <1@b>\r\n"
         "List-Id: <x>\r\n",
         "from:from:subject:date:to:cc:reply-to:" TAIL ":sender:in-reply-to:references:list-id"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(fixture) fx;
        sgl_auto(sgl_buf) names = SGL_BUF_INIT(4096);

        fixture_init(&fx, cases[i].header);
        CHECK_EQ(cases[i].name, prepare(&fx, both, 1), SGL_OK);
        names_of(&fx.pending[0], &names);
        CHECK_VIEW(cases[i].name, sgl_buf_view(&names), sgl_view_cstr(cases[i].want));
    }
}

/* Instances go in from the last to the first, then the field itself without its line end.  [RFC 6376 s5.4.2, s3.7] */
static void test_digest(void **state)
{
    static const char instances[] = "from:a@b.test\r\nto:second\r\nto:first\r\n";
    static const char simple_instances[] = "From:  a@b.test\r\nTo: second\r\nTo: first\r\n";
    enum sgl_dkim_canon canon = SGL_DKIM_RELAXED;

    (void)state;
    for (int round = 0; round < 2; round++, canon = SGL_DKIM_SIMPLE) {
        sgl_auto(fixture) fx;
        sgl_auto(sgl_buf) input = SGL_BUF_INIT(65536);
        uint8_t want[SGL_SHA256_SIZE];

        fixture_init(&fx, "To: first\r\nFrom:  a@b.test\r\nTo: second\r\n");
        fx.options.header_canon = canon;
        assert_int_equal(prepare(&fx, both, 2), SGL_OK);
        for (int i = 0; i < 2; i++) {
            sgl_buf_reset(&input);
            sgl_buf_add_cstr(&input, round == 0 ? instances : simple_instances);
            sgl_dkim_canon_field(canon, fx.pending[i].field,
                                 (struct sgl_dkim_sink){reference_put, &input});
            assert_true(sgl_view_ends(sgl_buf_view(&input), SGL_LIT("b=")));
            assert_int_equal(sgl_sha256(crypto, sgl_buf_view(&input), want), SGL_OK);
            assert_memory_equal(fx.pending[i].digest, want, sizeof want);
            assert_int_equal(fx.pending[i].algorithm, both[i].algorithm);
        }
    }
}

static void test_canon_names(void **state)
{
    static const struct {
        enum sgl_dkim_canon header, body;
        const char *want;
    } cases[] = {
        {SGL_DKIM_RELAXED, SGL_DKIM_RELAXED, " c=relaxed/relaxed;"},
        {SGL_DKIM_RELAXED, SGL_DKIM_SIMPLE, " c=relaxed/simple;"},
        {SGL_DKIM_SIMPLE, SGL_DKIM_RELAXED, " c=simple/relaxed;"},
        {SGL_DKIM_SIMPLE, SGL_DKIM_SIMPLE, " c=simple/simple;"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(fixture) fx;

        fixture_init(&fx, "From: a@b.test\r\n");
        fx.options.header_canon = cases[i].header;
        fx.options.body_canon = cases[i].body;
        assert_int_equal(prepare(&fx, both, 1), SGL_OK);
        CHECK_TRUE(cases[i].want,
                   sgl_view_find_view(fx.pending[0].field, sgl_view_cstr(cases[i].want)) <
                       fx.pending[0].field.len);
    }
}

static void check_lines(const char *name, sgl_view field)
{
    CHECK_TRUE(name, sgl_view_ends(field, SGL_LIT("\r\n")));
    while (field.len > 0) {
        size_t end = sgl_view_find_view(field, SGL_LIT("\r\n"));

        CHECK_TRUE(name, end > 0 && end <= 78);
        field = sgl_view_from(field, end + 2);
        CHECK_TRUE(name, field.len == 0 || field.ptr[0] == ' ');
    }
}

static void test_folding(void **state)
{
    static uint8_t signature[SGL_SIGNATURE_MAX];

    (void)state;
    for (size_t n = 0; n <= sizeof signature; n++) {
        sgl_auto(fixture) fx;
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(SGL_DKIM_FIELD_MAX);

        fixture_init(&fx, "From: a@b.test\r\nReferences: <1@b>\r\nReferences: <1@b>\r\n");
        assert_int_equal(prepare(&fx, both, 1), SGL_OK);
        assert_int_equal(sgl_dkim_sign_finish(&fx.pending[0], sgl_view_of(signature, n), &out),
                         SGL_OK);
        check_lines("no line passes 78 characters", sgl_buf_view(&out));
    }
}

#define X63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static void test_refuses(void **state)
{
    static const struct {
        const char *name, *header, *domain, *selector;
        enum sgl_status want;
    } cases[] = {
        {"a message without From [RFC 6376 s5.4]", "To: a@b.test\r\n", "b.test", "s", SGL_E_SYNTAX},
        {"no fields at all", "", "b.test", "s", SGL_E_SYNTAX},
        {"a domain of one label [RFC 6376 s3.5]", "From: a\r\n", "test", "s", SGL_E_SYNTAX},
        {"an empty domain", "From: a\r\n", "", "s", SGL_E_SYNTAX},
        {"an empty label", "From: a\r\n", "b..test", "s", SGL_E_SYNTAX},
        {"a last dot", "From: a\r\n", "b.test.", "s", SGL_E_SYNTAX},
        {"a label of 64 characters", "From: a\r\n", X63 "h.test", "s", SGL_E_SYNTAX},
        {"a label of 63 characters is fine", "From: a\r\n", X63 ".test", "s", SGL_OK},
        {"a domain of 255 characters", "From: a\r\n", X63 "." X63 "." X63 "." X63, "s",
         SGL_E_SYNTAX},
        {"a parenthesis in the domain", "From: a\r\n", "b.test(.evil.test", "s", SGL_E_SYNTAX},
        {"a semicolon in the selector", "From: a\r\n", "b.test", "s;d=evil.test", SGL_E_SYNTAX},
        {"a line end in the selector", "From: a\r\n", "b.test", "s\r\nX: y", SGL_E_SYNTAX},
        {"letters beyond ASCII", "From: a\r\n", "b\xc3\xbc.test", "s", SGL_E_SYNTAX},
        {"a hyphen in front", "From: a\r\n", "-b.test", "s", SGL_E_SYNTAX},
        {"an empty selector", "From: a\r\n", "b.test", "", SGL_E_SYNTAX},
        {"a selector may have dots", "From: a\r\n", "b.test", "2026.s1", SGL_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sgl_dkim_signer signer = {
            sgl_view_cstr(cases[i].domain), sgl_view_cstr(cases[i].selector), SGL_DKIM_RSA_SHA256};
        sgl_auto(fixture) fx;

        fixture_init(&fx, cases[i].header);
        CHECK_EQ(cases[i].name, prepare(&fx, &signer, 1), cases[i].want);
        if (cases[i].want != SGL_OK) {
            CHECK_TRUE(cases[i].name, fx.pending[0].field.ptr == NULL);
            CHECK_TRUE(cases[i].name, fx.diag.what != NULL);
        }
    }
}

static void test_misuse(void **state)
{
    static const struct {
        const char *name;
        sgl_time now;
        int64_t valid_s;
        enum sgl_status want;
    } cases[] = {
        {"no expiry", 1, 0, SGL_OK},
        {"twelve digits are the most [RFC 6376 s3.5]", 999999999998, 1, SGL_OK},
        {"thirteen digits", 999999999999, 1, SGL_E_MISUSE},
        {"before 1970", -1, 0, SGL_E_MISUSE},
        {"an expiry in the past", 5, -1, SGL_E_MISUSE},
        {"a sum that overflows", 5, INT64_MAX, SGL_E_MISUSE},
    };
    struct sgl_dkim_signer many[SGL_DKIM_SIGNATURES_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_auto(fixture) fx;

        fixture_init(&fx, "From: a@b.test\r\n");
        fx.options.now = cases[i].now;
        fx.options.valid_s = cases[i].valid_s;
        CHECK_EQ(cases[i].name, prepare(&fx, both, 1), cases[i].want);
    }
    for (size_t i = 0; i <= SGL_DKIM_SIGNATURES_MAX; i++)
        many[i] = both[0];
    sgl_auto(fixture) fx;
    fixture_init(&fx, "From: a@b.test\r\n");
    assert_int_equal(prepare(&fx, many, 0), SGL_E_MISUSE);
    assert_int_equal(prepare(&fx, many, SGL_DKIM_SIGNATURES_MAX + 1), SGL_E_MISUSE);
    assert_int_equal(prepare(&fx, many, SGL_DKIM_SIGNATURES_MAX), SGL_OK);
}

static void test_full_arena(void **state)
{
    (void)state;
    for (size_t max = 0; max < 4096; max += 64) {
        sgl_auto(fixture) fx;
        struct sgl_arena parsed;
        enum sgl_status status;

        fixture_init(&fx, "From: a@b.test\r\n");
        parsed = fx.arena;
        sgl_arena_init(&fx.arena, max);
        status = prepare(&fx, both, 2);
        assert_true(status == SGL_OK || status == SGL_E_LIMIT);
        assert_true((fx.pending[0].field.ptr != NULL) == (status == SGL_OK));
        sgl_arena_done(&parsed);
    }
}

/* Without memory there is a status, no half a signature and no leak. */
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; fail_alloc_round(n); n++) {
        sgl_auto(fixture) fx;
        sgl_auto(sgl_buf) out = SGL_BUF_INIT(SGL_DKIM_FIELD_MAX);
        enum sgl_status status;

        fail_alloc_off(); /* not yet */
        fixture_init(&fx, "From: a@b.test\r\nTo: b@b.test\r\n");
        fail_alloc_on();
        status = prepare(&fx, both, 2);
        if (status == SGL_OK)
            status = sgl_dkim_sign_finish(&fx.pending[0], SGL_LIT("signature"), &out);
        CHECK_EQ("no memory is told", status, fail_alloc_hit() ? SGL_E_NOMEM : SGL_OK);
    }
}

/* [RFC 6376 s3.6.1] [RFC 8463 s4.2] */
static void test_key_record(void **state)
{
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(1024);
    sgl_auto(sgl_buf) public = SGL_BUF_INIT(1024);
    struct sgl_private_key *rsa = rsa_key(), *ed25519 = ed25519_key();

    (void)state;
    assert_int_equal(sgl_private_key_public(rsa, &public), SGL_OK);
    assert_int_equal(sgl_dkim_key_record(SGL_DKIM_RSA_SHA256, sgl_buf_view(&public), &got), SGL_OK);
    CHECK_VIEW("rsa", sgl_buf_view(&got), SGL_LIT("v=DKIM1; k=rsa; p=" RFC8463_RSA_PUBLIC));
    sgl_buf_reset(&got);
    sgl_buf_reset(&public);
    assert_int_equal(sgl_private_key_public(ed25519, &public), SGL_OK);
    assert_int_equal(sgl_dkim_key_record(SGL_DKIM_ED25519_SHA256, sgl_buf_view(&public), &got),
                     SGL_OK);
    CHECK_VIEW("ed25519", sgl_buf_view(&got),
               SGL_LIT("v=DKIM1; k=ed25519; p=" RFC8463_ED25519_PUBLIC));
    sgl_buf_reset(&got);
    assert_int_equal(sgl_dkim_key_record(SGL_DKIM_RSA_SHA256, SGL_LIT(""), &got), SGL_OK);
    CHECK_VIEW("a revoked key has an empty p=", sgl_buf_view(&got), SGL_LIT("v=DKIM1; k=rsa; p="));
    sgl_private_key_free(rsa);
    sgl_private_key_free(ed25519);
}

/* h= that somebody chose. [RFC 6376 s5.4] */
static void test_chosen_names(void **state)
{
    static const sgl_view good[] = {SGL_LIT_INIT("Subject"), SGL_LIT_INIT("X-None"),
                                    SGL_LIT_INIT("from"), SGL_LIT_INIT("FROM")};
    static const sgl_view bad[][2] = {{SGL_LIT_INIT("to"), SGL_LIT_INIT("subject")},
                                      {SGL_LIT_INIT("from"), SGL_LIT_INIT("a b")},
                                      {SGL_LIT_INIT("from"), SGL_LIT_INIT("a;b")},
                                      {SGL_LIT_INIT("from"), SGL_LIT_INIT("")},
                                      {SGL_LIT_INIT("from"), SGL_LIT_INIT("DKIM-signature")}};
    sgl_auto(fixture) fx;

    (void)state;
    fixture_init(&fx, "From: a@b.c\r\nTo: d\r\nSubject: e\r\n");
    fx.options.signed_name = good;
    fx.options.signed_names = 4;
    CHECK_EQ("signed", prepare(&fx, both, 1), SGL_OK);
    CHECK_TRUE("as they were given, and as often",
               sgl_view_find_view(fx.pending[0].field, SGL_LIT("h=Subject:X-None:from:FROM;")) <
                   fx.pending[0].field.len);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fx.options.signed_name = bad[i];
        fx.options.signed_names = 2;
        CHECK_EQ("refused", prepare(&fx, both, 1), SGL_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc8463),     cmocka_unit_test(test_field),
        cmocka_unit_test(test_selection),   cmocka_unit_test(test_digest),
        cmocka_unit_test(test_canon_names), cmocka_unit_test(test_folding),
        cmocka_unit_test(test_refuses),     cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_full_arena),  cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_key_record),  cmocka_unit_test(test_chosen_names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
