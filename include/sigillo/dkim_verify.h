/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM verification  [RFC 6376 s6, 8301, 8463, 8616].
 *
 *     struct sgl_dkim_hashes hashes; struct sgl_dkim_verifier v;
 *     sgl_dkim_hashes_init(&hashes, crypto);
 *     sgl_dkim_verifier_init(&v, crypto, &options, &headers, &hashes, &arena);   reads the signatures, hashes the header
 *     while (body arrives) sgl_dkim_hashes_feed(&hashes, piece);                  each canonical form is made and hashed once
 *     sgl_dkim_hashes_finish(&hashes);
 *     while (sgl_dkim_verify(&v, dns, &result) == SGL_NEED_DNS) resolve;          restarts: keys and signatures only
 *     sgl_dkim_hashes_done(&hashes);
 *
 * Memory does not grow with the body.  ARC shares the hashes (arc.h).
 */
#ifndef SIGILLO_DKIM_VERIFY_H
#define SIGILLO_DKIM_VERIFY_H

#include "sigillo/dkim_key.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- body hashes --------------------------------------------------------------------------------------------------- */

/* One for each signature that is tried, of DKIM and of ARC. */
#define SGL_DKIM_HASHES_MAX 24
/* l= is absent: all of the body. */
#define SGL_DKIM_ALL UINT64_MAX

/* The hashes of one body that somebody wants: by canonical form and length.  It must stay where it is from the first feed on. */
struct sgl_dkim_hashes {
    const struct sgl_crypto *crypto;
    struct sgl_dkim_hashed {
        enum sgl_dkim_canon canon;
        uint64_t limit; /* canonical bytes that count: l=, or SGL_DKIM_ALL */
        bool reached;   /* the digest is made */
        uint8_t digest[SGL_SHA256_SIZE];
    } want[SGL_DKIM_HASHES_MAX];
    size_t count;
    struct sgl_dkim_form { /* by enum sgl_dkim_canon */
        bool wanted;
        struct sgl_dkim_body body;
        struct sgl_hash hash; /* of all canonical bytes so far: a limit takes a copy */
        uint64_t bytes;       /* canonical bytes so far */
        uint64_t next;        /* the least limit not reached */
    } form[2];
    bool started, finished;
    enum sgl_status status; /* the first failure: SGL_E_NOMEM */
};
/* crypto outlives the hashes. */
SGL_API void sgl_dkim_hashes_init(struct sgl_dkim_hashes *hashes, const struct sgl_crypto *crypto);
SGL_API void sgl_dkim_hashes_done(struct sgl_dkim_hashes *hashes); /* zeroed accepted */
/* *index is the place of its digest; the same wish gives the same index. SGL_E_LIMIT: all places are taken; SGL_E_MISUSE: the body has begun. */
SGL_API enum sgl_status sgl_dkim_hashes_want(struct sgl_dkim_hashes *hashes,
                                             enum sgl_dkim_canon canon, uint64_t limit,
                                             size_t *index) SGL_MUST_USE;
/* The next bytes of the body, lines ended by CRLF, cut anywhere.  Nothing may be wanted any more after the first ones. */
SGL_API void sgl_dkim_hashes_feed(struct sgl_dkim_hashes *hashes, sgl_view piece);
/* Returns hashes->status.  A limit above the body's length gets the digest of all of it: compare with sgl_dkim_hashes_length(). */
SGL_API enum sgl_status sgl_dkim_hashes_finish(struct sgl_dkim_hashes *hashes) SGL_MUST_USE;
/* Canonical length of the body in a form that was wanted. */
SGL_API uint64_t sgl_dkim_hashes_length(const struct sgl_dkim_hashes *hashes,
                                        enum sgl_dkim_canon canon);

/* ---- a signature as data ------------------------------------------------------------------------------------------- */

enum sgl_dkim_kind {
    SGL_DKIM_SIGNATURE,   /* DKIM-Signature */
    SGL_DKIM_ARC_MESSAGE, /* ARC-Message-Signature: no v=, i= is a number  [RFC 8617 s4.1.2] */
    SGL_DKIM_ARC_SEAL,    /* ARC-Seal: no h=, bh=, c=; cv= instead  [RFC 8617 s4.1.3] */
};
/* Why a signature cannot be used. */
enum sgl_dkim_fault {
    SGL_DKIM_FAULT_NONE,
    SGL_DKIM_FAULT_SYNTAX, /* it breaks the grammar, or is larger than we read */
    SGL_DKIM_FAULT_RULE, /* it can be read, and must be refused: a tag is missing, From is not signed, i= is outside of d= ... */
};
struct sgl_dkim_tags {
    enum sgl_dkim_fault fault;
    const char *why;           /* a static sentence; "" without a fault */
    sgl_view domain, selector; /* d=, s= as A-labels, lower case */
    sgl_view identity;         /* i= decoded; "@d" when absent */
    sgl_view algorithm;        /* a= as written */
    bool algorithm_known;      /* it is one of enum sgl_dkim_algorithm */
    enum sgl_dkim_algorithm alg;
    enum sgl_dkim_canon header_canon, body_canon;
    sgl_view signature;          /* b= decoded */
    sgl_view b;                  /* b= without blanks, as written (header.b) */
    sgl_view b_written;          /* where b= stands in the field: all between "=" and ";" */
    sgl_view body_hash;          /* bh= decoded */
    const sgl_view *signed_name; /* h= */
    size_t signed_names;
    uint64_t length;             /* l=, or SGL_DKIM_ALL */
    sgl_time timestamp, expires; /* t=, x=; -1 when absent */
    unsigned instance;           /* ARC: i= */
    sgl_view chain;              /* ARC-Seal: cv= */
};
/*
 * Reads the value of one signature field  [RFC 6376 s3.5, s6.1.1].
 * value  borrowed: views of the result point into it
 * diag   may be NULL
 * SGL_OK; SGL_E_SYNTAX: unusable; *out is set all the same, with fault and why, and with what was understood till then (algorithm, domain, selector
 * are read first); SGL_E_LIMIT: the arena is full; SGL_E_NOMEM.  Whether algorithm and times are acceptable is not judged here.
 */
SGL_API enum sgl_status sgl_dkim_tags_parse(enum sgl_dkim_kind kind, sgl_view value,
                                            struct sgl_arena *arena, struct sgl_dkim_tags *out,
                                            struct sgl_diag *diag) SGL_MUST_USE;

/* ---- what a signature covers ---------------------------------------------------------------------------------------- */

#define SGL_DKIM_GUESSES 128
/* The fields of a header by name, so that a long h= costs no more than its length.  [RFC 6376 s5.4.2] */
struct sgl_dkim_index {
    const struct sgl_crypto *crypto;
    const struct sgl_headers *headers;
    struct sgl_arena *arena;
    struct sgl_dkim_place *place;     /* private: sorted by name, then by position */
    size_t *taken;                    /* private */
    uint16_t guess[SGL_DKIM_GUESSES]; /* private */
    size_t compared;                  /* names compared so far: tests bound it */
};
/* headers and arena outlive the index. SGL_OK, SGL_E_LIMIT, SGL_E_NOMEM. Time: n log n. */
SGL_API enum sgl_status sgl_dkim_index_init(struct sgl_dkim_index *index,
                                            const struct sgl_crypto *crypto,
                                            const struct sgl_headers *headers,
                                            struct sgl_arena *arena) SGL_MUST_USE;
/*
 * SHA-256 of what a signature covers of the header: for each name of h= its next instance from the bottom, nothing where there is none, then the
 * signature's own field with b= emptied and without its line end  [RFC 6376 s3.7, s5.4.2].  own, of index->headers, is never an instance of h=.
 * tags are those of own.  SGL_OK, SGL_E_LIMIT, SGL_E_NOMEM; the arena is as before.
 */
SGL_API enum sgl_status sgl_dkim_header_digest(struct sgl_dkim_index *index,
                                               const struct sgl_header *own,
                                               const struct sgl_dkim_tags *tags,
                                               uint8_t out[SGL_SHA256_SIZE]) SGL_MUST_USE;
/* Only that last part: the canonical form of a signature field with b= emptied, without its line end. The arena is scratch memory. */
SGL_API enum sgl_status sgl_dkim_put_own_field(enum sgl_dkim_canon canon,
                                               const struct sgl_header *own,
                                               const struct sgl_dkim_tags *tags,
                                               struct sgl_arena *arena,
                                               struct sgl_dkim_sink sink) SGL_MUST_USE;

/* ---- verification -------------------------------------------------------------------------------------------------- */

/* [RFC 8601 s2.7.1] */
enum sgl_dkim_result {
    SGL_DKIM_NONE,
    SGL_DKIM_PASS,
    SGL_DKIM_FAIL, /* the body or the signed fields were changed, or the signature was not made with this key */
    SGL_DKIM_POLICY,    /* it would pass, but we refuse it: l= leaves a tail unsigned */
    SGL_DKIM_NEUTRAL,   /* cannot be processed: syntax, or over our limits */
    SGL_DKIM_TEMPERROR, /* the key could not be looked up */
    SGL_DKIM_PERMERROR, /* no key, revoked, too short, expired, an algorithm that is not accepted */
};
/* "none", "pass", "fail", "policy", "neutral", "temperror", "permerror". */
SGL_API const char *sgl_dkim_result_name(enum sgl_dkim_result result);

/*
 * Public keys that a caller keeps between messages: building one from its record costs a fifth of a signature check.  All members may be
 * zero.  The functions are called from within the check, one at a time for each verifier.
 */
struct sgl_dkim_key_cache {
    void *ctx;
    /* The key of this type and these bytes (p= decoded), or NULL. It must live until the next call of find or keep. */
    const struct sgl_public_key *(*find)(void *ctx, enum sgl_key_type type, sgl_view bytes);
    /* Offers a key that was not found: true takes it over (sgl_public_key_free), false leaves it. bytes are borrowed for the call. */
    bool (*keep)(void *ctx, enum sgl_key_type type, sgl_view bytes, struct sgl_public_key *key);
};

struct sgl_dkim_verify_options {
    sgl_time now;          /* for x= and t=; when the message was received */
    int64_t clock_skew_s;  /* how far t= may lie in the future; 0: 300 s */
    bool partial_body_ok;  /* let l= below the body's length pass; default: POLICY */
    unsigned rsa_bits_min; /* 0: 1024; less is taken for 1024  [RFC 8301 s3.2] */
    const struct sgl_dkim_key_cache *keys; /* may be NULL */
};

struct sgl_dkim_verdict { /* of one signature */
    enum sgl_dkim_result result;
    const char *reason;             /* a static sentence for people; "" for PASS */
    struct sgl_dkim_tags tags;      /* zeroed parts where the field could not be read */
    unsigned key_bits;              /* 0: no key was seen */
    bool testing;                   /* t=y stands in the key: no difference to the result */
    bool secure;                    /* the key's answer was validated by DNSSEC */
    uint64_t unsigned_tail;         /* canonical bytes of the body behind l=; 0 without l= */
    const struct sgl_header *field; /* NULL where only a key was asked for */
};

/*
 * Is this signature of this digest made with one of these keys?  [RFC 6376 s6.1.2 steps 3 to 8, s6.1.3 step 4]
 *
 * options  rsa_bits_min and keys are used
 * keys     what sgl_dkim_key_find() gave: each is tried till one passes
 * verdict  its tags are read; result, reason, key_bits, testing and secure are set, with SGL_OK only; result is PASS, FAIL, TEMPERROR or PERMERROR
 * SGL_OK, SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_dkim_check_key(const struct sgl_crypto *crypto,
                                           const struct sgl_dkim_verify_options *options,
                                           const struct sgl_dkim_key_answer *keys,
                                           const uint8_t digest[SGL_SHA256_SIZE],
                                           struct sgl_dkim_verdict *verdict) SGL_MUST_USE;

struct sgl_dkim_checked { /* private: what is known of one signature besides DNS */
    bool decided;         /* the verdict is known */
    size_t hash;          /* index of its body hash */
    uint8_t digest[SGL_SHA256_SIZE];
};
struct sgl_dkim_verifier {
    const struct sgl_crypto *crypto;
    struct sgl_dkim_verify_options options;
    const struct sgl_dkim_hashes *hashes;
    struct sgl_arena *arena;
    struct sgl_dkim_checked *checked;
    struct sgl_dkim_verdict *verdict;
    size_t count;
    size_t ignored; /* signatures above SGL_LIMIT_DKIM_SIGNATURES */
};

/*
 * Reads all DKIM-Signature fields of a message, says which body hashes are wanted, and hashes the signed fields.
 *
 * headers, hashes, arena   outlive the verifier; hashes has not begun
 * SGL_OK, also for a message without a signature or with hostile ones; SGL_E_LIMIT, SGL_E_NOMEM.
 * Time: linear in the header's size for each of at most SGL_LIMIT_DKIM_TRIED signatures.
 */
SGL_API enum sgl_status sgl_dkim_verifier_init(struct sgl_dkim_verifier *v,
                                               const struct sgl_crypto *crypto,
                                               const struct sgl_dkim_verify_options *options,
                                               const struct sgl_headers *headers,
                                               struct sgl_dkim_hashes *hashes,
                                               struct sgl_arena *arena) SGL_MUST_USE;

struct sgl_dkim_verdicts {
    /* In the order of the fields, first field of the message first */
    const struct sgl_dkim_verdict *item;
    size_t count;
    size_t ignored; /* signatures that were not looked at: above SGL_LIMIT_DKIM_SIGNATURES */
    size_t passes;  /* items with the result PASS */
};
/*
 * After the hashes are finished: every signature's verdict.  Signatures whose key is known are checked once, however often this is called.
 * dns    asked: one TXT for each signature that is tried, all in the first pass
 * out    set only with SGL_OK; lives in the verifier's arena
 * SGL_OK; SGL_NEED_DNS; SGL_E_MISUSE: the hashes are not finished; SGL_E_LIMIT; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_dkim_verify(struct sgl_dkim_verifier *v, struct sgl_dns *dns,
                                        struct sgl_dkim_verdicts *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
