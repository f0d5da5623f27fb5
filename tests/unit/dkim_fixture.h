/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages with signatures of any kind, right and wrong: the test writes the field, with "bh=@" and "b=@" where hash and signature belong.
 * The keys are those of RFC 8463, Appendix A.
 */
#ifndef TESTS_UNIT_DKIM_FIXTURE_H
#define TESTS_UNIT_DKIM_FIXTURE_H

#include "check.h"
#include "dkim_vectors.h"
#include "dns_fixture.h"
#include "sigillo/base64.h"
#include "sigillo/dkim_verify.h"

#define DKIM_RSA_KEY     "v=DKIM1; k=rsa; p=" RFC8463_RSA_PUBLIC
#define DKIM_ED25519_KEY "v=DKIM1; k=ed25519; p=" RFC8463_ED25519_PUBLIC

struct dkim_fixture {
    struct sgl_crypto *crypto;
    struct sgl_private_key *rsa, *ed25519;
};

static inline void dkim_fixture_init(struct dkim_fixture *fx)
{
    sgl_auto(sgl_buf) seed = SGL_BUF_INIT(64);

    fx->crypto = sgl_crypto_new();
    if (fx->crypto == NULL ||
        sgl_private_key_import(fx->crypto, SGL_LIT(RFC8463_RSA_PEM), &fx->rsa) != SGL_OK ||
        sgl_base64_decode(SGL_LIT(RFC8463_ED25519_SEED), &seed) != SGL_OK ||
        sgl_private_key_from_seed(fx->crypto, sgl_buf_view(&seed), &fx->ed25519) != SGL_OK)
        fail_msg("fixture: no keys");
}

static inline void dkim_fixture_done(struct dkim_fixture *fx)
{
    sgl_private_key_free(fx->rsa);
    sgl_private_key_free(fx->ed25519);
    sgl_crypto_free(fx->crypto);
}

/* Replaces the first `what` in text; false when it is not there. */
static inline bool dkim_fixture_replace(struct sgl_buf *text, sgl_view what, sgl_view with)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(text->max);
    size_t at = sgl_view_find_view(sgl_buf_view(text), what);

    if (at == text->len)
        return false;
    sgl_buf_add(&out, sgl_view_sub(sgl_buf_view(text), 0, at));
    sgl_buf_add(&out, with);
    sgl_buf_add(&out, sgl_view_from(sgl_buf_view(text), at + what.len));
    sgl_buf_take(text, &out);
    return true;
}

static inline void dkim_fixture_put_hash(struct dkim_fixture *fx, struct sgl_buf *message,
                                         const struct sgl_dkim_tags *tags, sgl_view body)
{
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(64);
    struct sgl_dkim_hashes hashes;
    size_t index = 0;

    sgl_dkim_hashes_init(&hashes, fx->crypto);
    if (sgl_dkim_hashes_want(&hashes, tags->body_canon, tags->length, &index) != SGL_OK)
        fail_msg("fixture: hash");
    sgl_dkim_hashes_feed(&hashes, body);
    if (sgl_dkim_hashes_finish(&hashes) != SGL_OK)
        fail_msg("fixture: hash");
    sgl_base64_encode(&text, sgl_view_of(hashes.want[index].digest, SGL_SHA256_SIZE));
    sgl_dkim_hashes_done(&hashes);
    (void)dkim_fixture_replace(message, SGL_LIT("bh=AAAA"), SGL_LIT("bh=@"));
    (void)dkim_fixture_replace(message, SGL_LIT("@"), sgl_buf_view(&text));
}

static inline void dkim_fixture_put_signature(struct dkim_fixture *fx, struct sgl_buf *message)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1024);
    uint8_t digest[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    struct sgl_headers headers;
    struct sgl_dkim_index index;
    struct sgl_dkim_tags tags;
    size_t len = 0;

    if (sgl_headers_parse(sgl_buf_view(message), SGL_HEADERS_TOLERANT, &arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, headers.field[0].value, &arena, &tags, NULL) !=
            SGL_OK)
        return; /* a broken field keeps what it has */
    if (sgl_dkim_index_init(&index, fx->crypto, &headers, &arena) != SGL_OK ||
        sgl_dkim_header_digest(&index, &headers.field[0], &tags, digest) != SGL_OK ||
        sgl_private_key_sign(
            fx->crypto,
            tags.algorithm_known && tags.alg == SGL_DKIM_ED25519_SHA256 ? fx->ed25519 : fx->rsa,
            digest, signature, &len) != SGL_OK)
        fail_msg("fixture: signature");
    sgl_base64_encode(&text, sgl_view_of(signature, len));
    (void)dkim_fixture_replace(message, SGL_LIT("b=AAAA"), SGL_LIT("b=%"));
    (void)dkim_fixture_replace(message, SGL_LIT("%"), sgl_buf_view(&text));
}

/* Puts "DKIM-Signature: FIELD" above the message, hash and signature filled in. A field that cannot be read keeps dummies. */
static inline void dkim_fixture_sign(struct dkim_fixture *fx, const char *field,
                                     struct sgl_buf *message)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_auto(sgl_buf) whole = SGL_BUF_INIT(message->max);
    struct sgl_headers headers;
    struct sgl_dkim_tags tags;

    sgl_buf_addf(&whole, "DKIM-Signature: %s\r\n", field);
    (void)dkim_fixture_replace(&whole, SGL_LIT("bh=@"), SGL_LIT("bh=AAAA"));
    (void)dkim_fixture_replace(&whole, SGL_LIT("b=@"), SGL_LIT("b=AAAA"));
    sgl_buf_add(&whole, sgl_buf_view(message));
    if (sgl_headers_parse(sgl_buf_view(&whole), SGL_HEADERS_TOLERANT, &arena, &headers, NULL) !=
        SGL_OK)
        fail_msg("fixture: header");
    if (sgl_dkim_tags_parse(SGL_DKIM_SIGNATURE, headers.field[0].value, &arena, &tags, NULL) ==
        SGL_OK)
        dkim_fixture_put_hash(fx, &whole, &tags,
                              sgl_view_from(sgl_buf_view(&whole), headers.body_off));
    dkim_fixture_put_signature(fx, &whole);
    sgl_buf_take(message, &whole);
}

/* A verification under way. `piece` is the size of the body's pieces, 0: whole. */
struct dkim_run {
    struct sgl_arena arena;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_dkim_verifier verifier;
    struct sgl_dkim_verdicts verdicts;
    int passes;
};

static inline void dkim_run_done(struct dkim_run *run)
{
    sgl_dkim_hashes_done(&run->hashes);
    sgl_arena_done(&run->arena);
}

static inline enum sgl_status dkim_run_start(struct dkim_run *run, const struct sgl_crypto *crypto,
                                             const struct sgl_dkim_verify_options *options,
                                             sgl_view message, size_t piece)
{
    sgl_view body;

    memset(run, 0, sizeof *run);
    sgl_arena_init(&run->arena, 1 << 23);
    sgl_dkim_hashes_init(&run->hashes, crypto);
    SGL_TRY(sgl_headers_parse(message, SGL_HEADERS_TOLERANT, &run->arena, &run->headers, NULL));
    SGL_TRY(sgl_dkim_verifier_init(&run->verifier, crypto, options, &run->headers, &run->hashes,
                                   &run->arena));
    body = sgl_view_from(message, run->headers.body_off);
    if (piece == 0)
        sgl_dkim_hashes_feed(&run->hashes, body);
    for (size_t at = 0; piece > 0 && at < body.len; at += piece)
        sgl_dkim_hashes_feed(&run->hashes, sgl_view_sub(body, at, piece));
    return sgl_dkim_hashes_finish(&run->hashes);
}

static inline enum sgl_status dkim_run_finish(struct dkim_run *run, struct dns_fixture *dns,
                                              enum dns_driver driver)
{
    enum sgl_status st;

    run->verdicts.count = 99;
    while ((st = sgl_dkim_verify(&run->verifier, &dns->dns, &run->verdicts)) == SGL_NEED_DNS) {
        CHECK_TRUE("passes are bounded", ++run->passes <= 11);
        CHECK_EQ("nothing leaks out of a pending pass", run->verdicts.count, 99);
        dns_fixture_step(dns, driver);
    }
    return st;
}

#endif
