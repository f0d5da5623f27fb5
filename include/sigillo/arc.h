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
/* "none", "pass", "fail". */
SGL_API const char *sgl_arc_result_name(enum sgl_arc_result result);

/* One set. As far as the structure could be read: a field that is missing is NULL, its tags are zeroed. */
struct sgl_arc_set {
    unsigned instance;
    const struct sgl_header *results, *message, *seal; /* AAR, AMS, AS */
    struct sgl_dkim_tags message_tags, seal_tags;
    sgl_view chain;    /* cv= of the seal, as written */
    sgl_view authserv; /* behind "i=N;", unquoted; empty where it cannot be read */
    sgl_view payload;  /* the AAR's value behind "i=N;": an Authentication-Results value */
    enum sgl_dkim_result seal_result, message_result; /* NONE: not tried */
    unsigned seal_bits; /* of the key of the seal; 0: no key was seen */
};
struct sgl_arc {
    enum sgl_arc_result result;
    const char *reason; /* a static sentence, "" for PASS and NONE */
    const char *detail; /* what the check of that signature said; "" where none was checked */
    unsigned at;        /* the instance at fault; 0: none */
    /* [RFC 8617 s5.2 step 5]: 0 when all message signatures pass, or the chain does not */
    unsigned oldest_pass;
    const struct sgl_arc_set *set; /* in the order of instances; those of which anything is there */
    size_t sets;
    sgl_view chain; /* cv= of the newest seal */
    /* The structure holds: the sets are 1, 2, 3 ..., all complete, "none" and then "pass" */
    bool sound;
};

/* ---- validation ---------------------------------------------------------------------------------------------------- */

struct sgl_arc_verifier {
    const struct sgl_crypto *crypto;
    struct sgl_dkim_verify_options options; /* now is not used: ARC has no expiry */
    const struct sgl_dkim_hashes *hashes;
    struct sgl_arena *arena;
    struct sgl_arc_checked *checked; /* private */
    struct sgl_dkim_index index;     /* private */
    struct sgl_arc_set *set;         /* private */
    struct sgl_arc arc;              /* what is known without DNS */
    bool decided;
    /*
     * Set it behind init to leave the message signatures alone: for one who changed the message since it arrived, and knows from then that the
     * newest of them did verify.
     */
    bool seals_only;
};

/*
 * Reads the sets, checks the structure [RFC 8617 s5.2 steps 1 to 3], says which body hashes are wanted.
 *
 * headers, hashes, arena   outlive the verifier; hashes has not begun
 * Newest sets first: where the places of `hashes` are all taken, older message signatures are not tried, and oldest_pass ends there.
 * SGL_OK, also for a hostile chain; SGL_E_LIMIT, SGL_E_NOMEM.  Time: linear in the header's size.
 */
SGL_API enum sgl_status sgl_arc_verifier_init(struct sgl_arc_verifier *v,
                                              const struct sgl_crypto *crypto,
                                              const struct sgl_dkim_verify_options *options,
                                              const struct sgl_headers *headers,
                                              struct sgl_dkim_hashes *hashes,
                                              struct sgl_arena *arena) SGL_MUST_USE;
/*
 * After the hashes are finished: the state of the chain.  A key that cannot be looked up fails it for good  [RFC 8617 s5.2.1]: there is no
 * temporary state.  Each signature is checked once, however often this is called: at most 2 * N checks, newest first, none behind the first failure that
 * decides.
 *
 * dns    asked: the newest set's two keys first, and the keys of all other sets together once these two signatures hold
 * out    set only with SGL_OK; its sets live in the verifier's arena
 * SGL_OK; SGL_NEED_DNS; SGL_E_MISUSE: the hashes are not finished; SGL_E_LIMIT: the arena is full; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_arc_verify(struct sgl_arc_verifier *v, struct sgl_dns *dns,
                                       struct sgl_arc *out) SGL_MUST_USE;

/* ---- trust --------------------------------------------------------------------------------------------------------- */

struct sgl_arc_trust {
    const sgl_view *sealer; /* domains, A-labels; a sealer's d= must be one of them, case aside */
    size_t sealers;
};
/*
 * What a trusted chain says about the message when it entered it: the results of the oldest instance such that it and every newer set was sealed by a
 * trusted sealer.  false: the chain does not pass, or the newest sealer is not trusted; *out is untouched.
 */
SGL_API bool sgl_arc_trusted(const struct sgl_arc *arc, const struct sgl_arc_trust *trust,
                             const struct sgl_arc_set **out);

/* ---- sealing ------------------------------------------------------------------------------------------------------- */

/* What this hand wrote down when the message arrived. */
struct sgl_arc_arrival {
    /* "arc=none; spf=pass smtp.mailfrom=...": of all fields, first field first, as written but on one line; empty: there are none */
    sgl_view results;
    size_t fields;    /* that bear the name */
    bool chain_known; /* an arc= stands there */
    /* The first one says this; other words than none and pass count as fail */
    enum sgl_arc_result chain;
};
/*
 * The results of all Authentication-Results fields that bear authserv_id (case aside): what one set combines  [RFC 8617 s4.1.1].  Fields of that name that come
 * from outside must be gone by then (authres.h).  A field that is cut off within a comment or a quoted string is left out.
 * SGL_OK, SGL_E_LIMIT, SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_arc_arrival_read(const struct sgl_headers *headers,
                                             sgl_view authserv_id, struct sgl_arena *arena,
                                             struct sgl_arc_arrival *out) SGL_MUST_USE;

struct sgl_arc_sealer {
    sgl_view domain, selector; /* A-labels */
    sgl_view authserv_id;      /* letters, digits and other characters that need no quotes */
    enum sgl_dkim_algorithm algorithm;
    /* What this hand found, on arrival: an Authentication-Results value without authserv-id ("spf=pass ...; dkim=..."), on one line; empty: "none" */
    sgl_view results;
    enum sgl_arc_result chain;   /* of the message as it arrived */
    const sgl_view *signed_name; /* h= of the AMS, in this order; NULL: our choice, see below */
    size_t signed_names;
    sgl_time now;
};
/* In two signatures: first the AMS's digest is signed, then the AS's, which covers it. */
struct sgl_arc_pending {
    /* The chain is closed (newest cv=fail, or 50 sets): add nothing  [RFC 8617 s5.1] */
    bool nothing;
    unsigned instance;
    enum sgl_dkim_algorithm algorithm;
    uint8_t digest[SGL_SHA256_SIZE]; /* sign this */
    enum sgl_arc_result chain;       /* what cv= says */
    sgl_view results, message, seal; /* fields with their line ends; b= is empty until signed */
    size_t message_b, seal_b;        /* private: where it goes */
    const struct sgl_arc_set *set;   /* private: what the seal covers beside its own set */
    size_t sets;
};
/*
 * The new set up to its first signature  [RFC 8617 s5.1].
 *
 * headers     of the message as it leaves: everything else has been added
 * body_hash   relaxed, of the body as it leaves
 * arc         the verdict on the chain; its sets are sealed again. sealer->chain may say more: that it passed when it arrived and was changed here since.  cv=pass
 *             is written only where arc->sound
 * out         untouched unless SGL_OK; views live in the arena
 * diag        may be NULL
 *
 * Our choice of signed fields: those that a reader sees or that tell how to read the body, each instance and one more, and the DKIM-Signature fields
 * (at most SGL_LIMIT_DKIM_SIGNATURES).  Tags stand in alphabetical order, and the only blanks are folds behind ";" and within h=.
 * A seal with cv=fail covers its own set only  [RFC 8617 s5.1.2].
 *
 * SGL_OK; SGL_E_SYNTAX: a name that is none, results that cannot stand in a header, no From, From not among signed_name, or a field that no AMS may cover
 * there [RFC 8617 s4.1.2]; SGL_E_MISUSE: chain is NONE although there are sets; SGL_E_LIMIT: a field gets too long; SGL_E_NOMEM.
 */
SGL_API enum sgl_status
sgl_arc_seal_message(const struct sgl_crypto *crypto, const struct sgl_arc_sealer *sealer,
                     const struct sgl_headers *headers, const uint8_t body_hash[SGL_SHA256_SIZE],
                     const struct sgl_arc *arc, struct sgl_arena *arena,
                     struct sgl_arc_pending *out, struct sgl_diag *diag) SGL_MUST_USE;
/*
 * Takes the AMS's signature, gives the AS's digest in pending->digest.
 * SGL_OK; SGL_E_MISUSE: nothing is pending, an empty signature, or one over SGL_SIGNATURE_MAX bytes; SGL_E_LIMIT, SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_arc_seal_chain(const struct sgl_crypto *crypto, sgl_view signature,
                                           struct sgl_arena *arena,
                                           struct sgl_arc_pending *pending) SGL_MUST_USE;
/*
 * Takes the AS's signature: appends ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results, to stand above the message.
 * SGL_OK; SGL_E_MISUSE as above; SGL_E_LIMIT, SGL_E_NOMEM from the buffer.
 */
SGL_API enum sgl_status sgl_arc_seal_finish(const struct sgl_arc_pending *pending,
                                            sgl_view signature, struct sgl_buf *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
