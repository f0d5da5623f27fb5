/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Authenticated Received Chain  [RFC 8617]: what earlier hands found, each sealed by the next.
 *
 * A chain that passes proves who handled the message, nothing more.  It may change a DMARC result only where the receiver trusts the sealers.
 */
#ifndef SIGILLO_ARC_H
#define SIGILLO_ARC_H

#include "sigillo/authres.h"
#include "sigillo/dkim_verify.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_arc_result { SGL_ARC_NONE, SGL_ARC_PASS, SGL_ARC_FAIL }; /* [RFC 8617 s4.4] */
SGL_API const char *sgl_arc_result_name(enum sgl_arc_result result);

struct sgl_arc_set {
    unsigned instance;
    const struct sgl_header *results, *message, *seal; /* AAR, AMS, AS */
    struct sgl_dkim_tags message_tags, seal_tags;
    sgl_view authserv; /* behind "i=N;" */
    sgl_view payload;  /* the AAR's value behind "i=N;": an Authentication-Results value */
    enum sgl_dkim_result seal_result, message_result; /* NONE: not tried */
    unsigned seal_bits;
};
struct sgl_arc {
    enum sgl_arc_result result;
    const char *reason;   /* a static sentence, "" for PASS and NONE */
    unsigned at;          /* the instance at fault; 0: none */
    unsigned oldest_pass; /* [RFC 8617 s5.2 step 5]: 0 when all message signatures pass */
    const struct sgl_arc_set
        *set; /* in the order of instances; as far as the structure could be read */
    size_t sets;
    sgl_view chain; /* cv= of the newest seal */
};

struct sgl_arc_verifier {
    const struct sgl_crypto *crypto;
    struct sgl_dkim_verify_options options; /* now is not used: ARC has no expiry */
    const struct sgl_headers *headers;
    const struct sgl_dkim_hashes *hashes;
    struct sgl_arena *arena;
    struct sgl_arc_checked *checked; /* private */
    struct sgl_arc arc;              /* what is known without DNS */
    bool decided;
};

/* As sgl_dkim_verifier_init(): reads the sets, checks the structure, says which body hashes are wanted (newest sets first), hashes the fields. */
SGL_API enum sgl_status sgl_arc_verifier_init(struct sgl_arc_verifier *v,
                                              const struct sgl_crypto *crypto,
                                              const struct sgl_dkim_verify_options *options,
                                              const struct sgl_headers *headers,
                                              struct sgl_dkim_hashes *hashes,
                                              struct sgl_arena *arena) SGL_MUST_USE;
/* After the hashes are finished. A key that cannot be looked up fails the chain  [RFC 8617 s5.2.1]. */
SGL_API enum sgl_status sgl_arc_verify(struct sgl_arc_verifier *v, struct sgl_dns *dns,
                                       struct sgl_arc *out) SGL_MUST_USE;

/* ---- trust --------------------------------------------------------------------------------------------------------- */

struct sgl_arc_trust {
    const sgl_view *sealer; /* domains, A-labels; a sealer's d= must be one of them */
    size_t sealers;
};
/*
 * What a trusted chain says about the message when it entered it: the results of the oldest instance such that it and every newer set was sealed by a
 * trusted sealer.  false: the chain does not pass, or the newest sealer is not trusted.
 */
SGL_API bool sgl_arc_trusted(const struct sgl_arc *arc, const struct sgl_arc_trust *trust,
                             const struct sgl_arc_set **out);

/* ---- sealing ------------------------------------------------------------------------------------------------------- */

struct sgl_arc_sealer {
    sgl_view domain, selector, authserv_id; /* ASCII */
    enum sgl_dkim_algorithm algorithm;
    sgl_view
        results; /* what this hand found, on arrival: an Authentication-Results value without authserv-id ("spf=pass ...; dkim=..."); empty: "none" */
    enum sgl_arc_result chain; /* of the message as it arrived */
    const sgl_view *
        signed_name; /* h= of the AMS; NULL: our choice (never Authentication-Results, ARC-*, Received, Return-Path) */
    size_t signed_names;
    sgl_time now;
};
/* In two signatures: first the AMS's digest is signed, then the AS's, which covers it. */
struct sgl_arc_pending {
    bool
        nothing; /* the chain is closed (newest cv=fail, or 50 sets): add nothing  [RFC 8617 s5.1] */
    unsigned instance;
    enum sgl_dkim_algorithm algorithm;
    uint8_t digest[SGL_SHA256_SIZE]; /* sign this */
    sgl_view results, message, seal; /* fields; message and seal up to "b=" until signed */
    const struct sgl_headers *headers;
    const struct sgl_arc_set *set;
    size_t sets;
    enum sgl_arc_result chain;
};
/* body_hash: relaxed, of the message as it leaves. arc: the verdict on the message as it arrived (its sets are sealed again). */
SGL_API enum sgl_status
sgl_arc_seal_message(const struct sgl_crypto *crypto, const struct sgl_arc_sealer *sealer,
                     const struct sgl_headers *headers, const uint8_t body_hash[SGL_SHA256_SIZE],
                     const struct sgl_arc *arc, struct sgl_arena *arena,
                     struct sgl_arc_pending *out, struct sgl_diag *diag) SGL_MUST_USE;
/* Takes the AMS's signature, gives the AS's digest in out->digest. */
SGL_API enum sgl_status sgl_arc_seal_chain(const struct sgl_crypto *crypto, sgl_view signature,
                                           struct sgl_arena *arena,
                                           struct sgl_arc_pending *pending) SGL_MUST_USE;
/* Takes the AS's signature: appends ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results, to stand above the message. */
SGL_API enum sgl_status sgl_arc_seal_finish(const struct sgl_arc_pending *pending,
                                            sgl_view signature, struct sgl_buf *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
