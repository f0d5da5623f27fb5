/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM signing  [RFC 6376, 8301, 8463].
 *
 * In three steps, because private keys live elsewhere:
 *
 *     sgl_dkim_body_*         while the body goes by: its hash
 *     sgl_dkim_sign_prepare   header + body hash + keys' names  ->  per signature a digest to be signed
 *     ... somebody signs the digests (sgl_private_key_sign, or another process) ...
 *     sgl_dkim_sign_finish    digest's signature  ->  the finished DKIM-Signature field
 *
 * The bytes that are signed are the bytes that must go on the wire: before dot-stuffing, line ends CRLF.  Bare CR and LF are
 * data here; refusing them is the business of whoever takes the message in.
 */
#ifndef SIGILLO_DKIM_H
#define SIGILLO_DKIM_H

#include "sigillo/crypto.h"
#include "sigillo/header.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_dkim_canon { SGL_DKIM_RELAXED, SGL_DKIM_SIMPLE }; /* [RFC 6376 s3.4] */
enum sgl_dkim_algorithm {
    SGL_DKIM_RSA_SHA256 = 1,
    SGL_DKIM_ED25519_SHA256
}; /* rsa-sha1 neither signs nor verifies [RFC 8301 s3.1] */

/* One message may carry this many signatures of ours. */
#define SGL_DKIM_SIGNATURES_MAX 8
/* "DKIM-Signature: ..." with its folds: an RSA-4096 signature, the longest names and h= of a header of ordinary size. */
#define SGL_DKIM_FIELD_MAX 16384

/* ---- canonical forms ---------------------------------------------------------------------------------------------- */

/* Where canonical bytes go: a hash, or a buffer for tests. put() gets stretches of any length; they are borrowed for the call. */
struct sgl_dkim_sink {
    void (*put)(void *ctx, sgl_view bytes);
    void *ctx;
};

/*
 * The canonical form of a body that arrives in pieces.  Memory is bounded by the size of this struct: blanks and empty lines
 * that may turn out to be at the end are a flag and a number.  Any cutting of the same bytes gives the same output.
 */
struct sgl_dkim_body {
    struct sgl_dkim_sink sink;
    enum sgl_dkim_canon canon;
    size_t (*scan)(const uint8_t *bytes, size_t len); /* private: what this processor does best */
    bool pending_cr;                                  /* the last byte was CR: is LF next? */
    bool pending_blank;     /* relaxed: a run of SP and HTAB, not yet known to be trailing */
    uint64_t pending_lines; /* line ends not yet known to be trailing */
    bool any;               /* something was put */
    uint16_t staged_len;    /* short stretches gather here: a hash is fed in useful pieces */
    uint8_t staged[2048];
};

SGL_API void sgl_dkim_body_init(struct sgl_dkim_body *body, enum sgl_dkim_canon canon,
                                struct sgl_dkim_sink sink);
/* The same into a hash, which must be initialised and outlive the body. */
SGL_API void sgl_dkim_body_init_hash(struct sgl_dkim_body *body, enum sgl_dkim_canon canon,
                                     struct sgl_hash *hash);
SGL_API void sgl_dkim_body_feed(struct sgl_dkim_body *body, sgl_view piece);
/* The end of the body: puts what the canonical form still owes [RFC 6376 s3.4.3, s3.4.4]. After it only init may follow. */
SGL_API void sgl_dkim_body_finish(struct sgl_dkim_body *body);
/* All of it in one call: the body hash of a body that is in memory. */
SGL_API enum sgl_status sgl_dkim_body_hash(const struct sgl_crypto *crypto,
                                           enum sgl_dkim_canon canon, sgl_view body,
                                           uint8_t out[SGL_SHA256_SIZE]) SGL_MUST_USE;

/*
 * The canonical form of one whole field (name, colon, value, line end; as in sgl_header.raw), with its CRLF.  [RFC 6376 s3.4.1, s3.4.2]
 * A field whose last line has no line end gets none.
 */
SGL_API void sgl_dkim_canon_field(enum sgl_dkim_canon canon, sgl_view raw,
                                  struct sgl_dkim_sink sink);

/* ---- signing ------------------------------------------------------------------------------------------------------- */

/* Whose signature. Names are ASCII (A-labels); they are checked. */
struct sgl_dkim_signer {
    sgl_view domain, selector;
    enum sgl_dkim_algorithm algorithm;
};

struct sgl_dkim_options {
    enum sgl_dkim_canon header_canon, body_canon; /* zeroed: relaxed/relaxed */
    sgl_time now;                                 /* t= */
    int64_t valid_s;                              /* x= is now + valid_s; 0: no x= */
    /* h=, each name as often as it shall stand there; NULL: our choice (below) */
    const sgl_view *signed_name;
    size_t signed_names;
};

/* A signature in the making. Views point into the arena given to prepare. */
struct sgl_dkim_pending {
    enum sgl_dkim_algorithm algorithm;
    uint8_t digest[SGL_SHA256_SIZE]; /* sign this: SHA-256 of the signing input */
    sgl_view field;                  /* the field up to and with "b=", folded, without line end */
};

/*
 * What has to be signed, for each of `count` signers of one message?
 *
 * headers    the message's fields; at least one From  [RFC 6376 s5.4]
 * body_hash  of the body in options->body_canon
 * out        count entries, in the order of signers; untouched unless SGL_OK
 * diag       may be NULL
 *
 * Signed are the fields that say who wrote what to whom (From, To, Subject, ... List-Unsubscribe): each instance, and the names of
 * `oversigned` fields once more than they stand there, so that nobody can add one later  [RFC 6376 s8.15].  Never Received,
 * Return-Path, Authentication-Results and others that change on the way.  No l=  [RFC 6376 s8.2].  options->signed_name replaces this choice: From must be
 * among the names, DKIM-Signature must not (two signatures of ours would cover each other).
 *
 * Returns SGL_OK; SGL_E_MISUSE: count is 0 or over SGL_DKIM_SIGNATURES_MAX, or a time is negative or has more than 12 digits;
 * SGL_E_SYNTAX: no From, a domain or selector that is no DNS name, or names that cannot be signed; SGL_E_LIMIT: the field would be longer than SGL_DKIM_FIELD_MAX,
 * or the arena is full; SGL_E_NOMEM.  The header is canonicalised and hashed once for all signers.
 */
SGL_API enum sgl_status
sgl_dkim_sign_prepare(const struct sgl_crypto *crypto, const struct sgl_dkim_options *options,
                      const struct sgl_headers *headers, const uint8_t body_hash[SGL_SHA256_SIZE],
                      const struct sgl_dkim_signer *signers, size_t count, struct sgl_arena *arena,
                      struct sgl_dkim_pending *out, struct sgl_diag *diag) SGL_MUST_USE;

/* Appends "DKIM-Signature: ... b=...\r\n", lines of at most 78 characters, ready to stand above the message. Returns out->status. */
SGL_API enum sgl_status sgl_dkim_sign_finish(const struct sgl_dkim_pending *pending,
                                             sgl_view signature, struct sgl_buf *out) SGL_MUST_USE;

/* ---- key records --------------------------------------------------------------------------------------------------- */

/*
 * Appends the TXT record's text for a public key: "v=DKIM1; k=rsa; p=MIIB..."  [RFC 6376 s3.6.1, RFC 8463 s4.2].
 * public_key: as sgl_private_key_public() gives it; empty writes a revoked key ("p=").  In a zone file the text is cut into strings of at most 255.
 */
SGL_API enum sgl_status sgl_dkim_key_record(enum sgl_dkim_algorithm algorithm, sgl_view public_key,
                                            struct sgl_buf *out) SGL_MUST_USE;

/* "rsa-sha256" or "ed25519-sha256". */
SGL_API const char *sgl_dkim_algorithm_name(enum sgl_dkim_algorithm algorithm);

#ifdef __cplusplus
}
#endif
#endif
