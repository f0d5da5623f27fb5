/* SPDX-License-Identifier: Apache-2.0 */
/* A message that is judged, then sealed. */
#ifndef TESTS_UNIT_ARC_SEAL_FIXTURE_H
#define TESTS_UNIT_ARC_SEAL_FIXTURE_H

#include "arc_fixture.h"
#include "check.h"
#include "dns_fixture.h"
#include "sigillo/arc.h"
#include "sigillo/limits.h"

struct work {
    struct sgl_crypto *crypto;
    struct sgl_private_key *key;
    struct sgl_arena arena;
    struct sgl_headers headers;
    struct sgl_dkim_hashes hashes;
    struct sgl_arc_verifier v;
    struct sgl_arc arc;
};

static inline void work_done(struct work *w)
{
    sgl_dkim_hashes_done(&w->hashes);
    sgl_arena_done(&w->arena);
}

/* The verdict on a message, keys of sN.test known. */
static inline enum sgl_status judge(struct work *w, sgl_view message, const char *zone)
{
    sgl_auto(dns_fixture) dns = dns_fixture_init("a.test", zone);
    const struct sgl_dkim_verify_options options = {0};
    enum sgl_status st;

    sgl_arena_init(&w->arena, 8u << 20);
    SGL_TRY(sgl_headers_parse(message, SGL_HEADERS_STRICT, &w->arena, &w->headers, NULL));
    sgl_dkim_hashes_init(&w->hashes, w->crypto);
    SGL_TRY(sgl_arc_verifier_init(&w->v, w->crypto, &options, &w->headers, &w->hashes, &w->arena));
    sgl_dkim_hashes_feed(&w->hashes, sgl_view_from(message, w->headers.body_off));
    SGL_TRY(sgl_dkim_hashes_finish(&w->hashes));
    while ((st = sgl_arc_verify(&w->v, &dns.dns, &w->arc)) == SGL_NEED_DNS)
        dns_fixture_answer(&dns);
    return st;
}

static inline enum sgl_status sign(struct work *w, sgl_view message,
                                   const struct sgl_arc_sealer *sealer,
                                   struct sgl_arc_pending *pending, struct sgl_buf *out,
                                   struct sgl_diag *diag)
{
    uint8_t hash[SGL_SHA256_SIZE], signature[SGL_SIGNATURE_MAX];
    size_t len;

    SGL_TRY(sgl_dkim_body_hash(w->crypto, SGL_DKIM_RELAXED,
                               sgl_view_from(message, w->headers.body_off), hash));
    SGL_TRY(sgl_arc_seal_message(w->crypto, sealer, &w->headers, hash, &w->arc, &w->arena, pending,
                                 diag));
    if (pending->nothing)
        return SGL_OK;
    SGL_TRY(sgl_private_key_sign(w->crypto, w->key, pending->digest, signature, &len));
    SGL_TRY(sgl_arc_seal_chain(w->crypto, sgl_view_of(signature, len), &w->arena, pending));
    SGL_TRY(sgl_private_key_sign(w->crypto, w->key, pending->digest, signature, &len));
    return sgl_arc_seal_finish(pending, sgl_view_of(signature, len), out);
}

/* What the ordinary sealer of instance n is. */
static inline struct sgl_arc_sealer sealer_of(struct arc_fixture *fx, unsigned n)
{
    struct sgl_arc_sealer sealer = {.selector = SGL_LIT("k"),
                                    .authserv_id = SGL_LIT("mx.test"),
                                    .algorithm = SGL_DKIM_ED25519_SHA256,
                                    .results = SGL_LIT("spf=pass smtp.mailfrom=a.test"),
                                    .now = 12345};
    sgl_auto(sgl_buf) name = SGL_BUF_INIT(64);

    sgl_buf_addf(&name, "s%u.test", n);
    arc_must(sgl_arena_dup(&fx->arena, sgl_buf_view(&name), &sealer.domain));
    return sealer;
}

/* One more set of ours on a message; false: nothing was added. */
static inline bool seal_once(struct arc_fixture *fx, struct sgl_buf *message, const char *zone,
                             enum sgl_arc_result want)
{
    sgl_auto(work) w = {.crypto = fx->crypto, .key = fx->key};
    sgl_auto(sgl_buf) sealed = SGL_BUF_INIT(4u << 20);
    struct sgl_arc_pending pending;
    struct sgl_arc_sealer sealer;

    CHECK_EQ("judge", judge(&w, sgl_buf_view(message), zone), SGL_OK);
    CHECK_EQ("chain", w.arc.result, want);
    sealer = sealer_of(fx, w.arc.sets == 0 ? 1 : w.arc.set[w.arc.sets - 1].instance + 1);
    sealer.chain = w.arc.result;
    CHECK_EQ("sign", sign(&w, sgl_buf_view(message), &sealer, &pending, &sealed, NULL), SGL_OK);
    if (pending.nothing) {
        CHECK_EQ("nothing is nothing", sealed.len, 0);
        return false;
    }
    sgl_buf_add(&sealed, sgl_buf_view(message));
    CHECK_EQ("fits", sealed.status, SGL_OK);
    sgl_buf_take(message, &sealed);
    return true;
}

#endif
