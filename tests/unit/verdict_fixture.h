/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are signed and sealed for a test, and the zone that goes with them.  One Ed25519 key serves everybody: its record is in struct signer,
 * to be published at SELECTOR._domainkey.DOMAIN.
 */
#ifndef TESTS_UNIT_VERDICT_FIXTURE_H
#define TESTS_UNIT_VERDICT_FIXTURE_H

#include "check.h"
#include "dns_fixture.h"
#include "sigillo/base64.h"
#include "sigillo/verdict.h"

/* For sgl_auto(). */
static inline void sgl_verdict_state_done(struct sgl_verdict_state *v)
{
    sgl_verdict_end(v);
}

struct signer {
    struct sgl_crypto *crypto;
    struct sgl_private_key *key;
    char record[128]; /* "v=DKIM1; k=ed25519; p=..." */
};

static inline void signer_init(struct signer *s)
{
    sgl_auto(sgl_buf) public = SGL_BUF_INIT(256);
    sgl_auto(sgl_buf) record = SGL_BUF_INIT(128);
    uint8_t seed[32];

    memset(seed, 7, sizeof seed);
    s->crypto = sgl_crypto_new();
    if (s->crypto == NULL ||
        sgl_private_key_from_seed(s->crypto, sgl_view_of(seed, 32), &s->key) != SGL_OK ||
        sgl_private_key_public(s->key, &public) != SGL_OK ||
        sgl_dkim_key_record(SGL_DKIM_ED25519_SHA256, sgl_buf_view(&public), &record) != SGL_OK)
        fail_msg("fixture: no key");
    memcpy(s->record, record.data, record.len);
    s->record[record.len] = '\0';
}

static inline void signer_done(struct signer *s)
{
    sgl_private_key_free(s->key);
    sgl_crypto_free(s->crypto);
}

/* Where the body begins. */
static inline size_t body_off(const struct sgl_buf *message)
{
    sgl_view v = sgl_buf_view(message);
    size_t off = sgl_view_find_view(v, SGL_LIT("\r\n\r\n"));

    return off == v.len ? off : off + 4;
}

static inline void put_in_front(struct sgl_buf *message, const struct sgl_buf *fields)
{
    sgl_auto(sgl_buf) whole = SGL_BUF_INIT(64u << 20);

    sgl_buf_add(&whole, sgl_buf_view(fields));
    sgl_buf_add(&whole, sgl_buf_view(message));
    if (whole.status != SGL_OK)
        fail_msg("fixture: too long");
    sgl_buf_take(message, &whole);
}

static inline size_t signer_sign(const struct signer *s, const uint8_t *digest, uint8_t *out)
{
    size_t len = 0;

    if (sgl_private_key_sign(s->crypto, s->key, digest, out, &len) != SGL_OK)
        fail_msg("fixture: cannot sign");
    return len;
}

/* Adds a DKIM-Signature in front of a message with CRLF. */
static inline void sign_message(const struct signer *s, struct sgl_buf *message, const char *domain,
                                const char *selector)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    sgl_auto(sgl_buf) field = SGL_BUF_INIT(1 << 16);
    struct sgl_dkim_options options = {.now = 1700000000};
    struct sgl_dkim_signer signer = {sgl_view_cstr(domain), sgl_view_cstr(selector),
                                     SGL_DKIM_ED25519_SHA256};
    struct sgl_dkim_pending pending;
    struct sgl_headers headers;
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    sgl_view body = sgl_view_from(sgl_buf_view(message), body_off(message));

    if (sgl_headers_parse(sgl_buf_view(message), SGL_HEADERS_TOLERANT, &arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dkim_body_hash(s->crypto, SGL_DKIM_RELAXED, body, hash) != SGL_OK ||
        sgl_dkim_sign_prepare(s->crypto, &options, &headers, hash, &signer, 1, &arena, &pending,
                              NULL) != SGL_OK ||
        sgl_dkim_sign_finish(&pending,
                             sgl_view_of(signature, signer_sign(s, pending.digest, signature)),
                             &field) != SGL_OK)
        fail_msg("fixture: cannot sign");
    put_in_front(message, &field);
}

/* Adds one ARC set by `domain`, which says `results`; chain: the state of those below it. */
static inline void seal_message(const struct signer *s, struct sgl_buf *message, const char *domain,
                                const char *authserv_id, const char *results,
                                enum sgl_arc_result chain)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4u << 20);
    sgl_auto(sgl_buf) fields = SGL_BUF_INIT(1 << 16);
    struct sgl_arc_sealer sealer = {.domain = sgl_view_cstr(domain),
                                    .selector = SGL_LIT("arc"),
                                    .authserv_id = sgl_view_cstr(authserv_id),
                                    .algorithm = SGL_DKIM_ED25519_SHA256,
                                    .results = sgl_view_cstr(results),
                                    .chain = chain,
                                    .now = 1700000000};
    sgl_auto(sgl_dkim_hashes) hashes = {0};
    struct sgl_dkim_verify_options options = {.now = 1700000000};
    struct sgl_arc_verifier verifier;
    struct sgl_arc_pending pending;
    struct sgl_headers headers;
    uint8_t hash[SGL_SHA256_SIZE], b[SGL_SIGNATURE_MAX];
    sgl_view body = sgl_view_from(sgl_buf_view(message), body_off(message));

    sgl_dkim_hashes_init(&hashes, s->crypto);
    if (sgl_headers_parse(sgl_buf_view(message), SGL_HEADERS_TOLERANT, &arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dkim_body_hash(s->crypto, SGL_DKIM_RELAXED, body, hash) != SGL_OK ||
        sgl_arc_verifier_init(&verifier, s->crypto, &options, &headers, &hashes, &arena) !=
            SGL_OK ||
        sgl_arc_seal_message(s->crypto, &sealer, &headers, hash, &verifier.arc, &arena, &pending,
                             NULL) != SGL_OK ||
        sgl_arc_seal_chain(s->crypto, sgl_view_of(b, signer_sign(s, pending.digest, b)), &arena,
                           &pending) != SGL_OK ||
        sgl_arc_seal_finish(&pending, sgl_view_of(b, signer_sign(s, pending.digest, b)), &fields) !=
            SGL_OK)
        fail_msg("fixture: cannot seal");
    put_in_front(message, &fields);
}

#endif
