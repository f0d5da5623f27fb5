/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes, signatures and their keys.  The only door to libcrypto: everything else in the library sees these types.
 *
 * A `struct sgl_crypto` holds the algorithms, looked up once; it is made by the caller, never changes afterwards and may be
 * shared by threads.  So may keys.  A `struct sgl_hash` belongs to one thread.
 * Where random bytes are needed (generating a key, blinding an RSA signature) libcrypto's own generator gives them.
 */
#ifndef SIGILLO_CRYPTO_H
#define SIGILLO_CRYPTO_H

#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SGL_SHA256_SIZE 32

/* Sizes of RSA keys that are signed with and verified against  [RFC 8301 s3.2]; above the maximum only CPU time is bought. */
#define SGL_RSA_BITS_MIN 1024
#define SGL_RSA_BITS_MAX 4096
/* The longest signature: RSA-4096. */
#define SGL_SIGNATURE_MAX (SGL_RSA_BITS_MAX / 8)

struct sgl_crypto;

/* NULL when memory ends or libcrypto has no SHA-256. */
SGL_API struct sgl_crypto *sgl_crypto_new(void) SGL_MUST_USE;
/* After the last use of hashes and keys made with it. NULL accepted. */
SGL_API void sgl_crypto_free(struct sgl_crypto *crypto);

/* ---- SHA-256, HMAC, PBKDF2 --------------------------------------------------------------------------------------- */

/*
 * A SHA-256 in progress.  Like a buffer it remembers its first failure, which sgl_hash_final() reports.
 * Zeroed, it is valid to pass to sgl_hash_done().
 */
struct sgl_hash {
    void *state;
    const struct sgl_crypto *crypto;
    enum sgl_status status; /* SGL_OK or SGL_E_NOMEM */
};

/* hash: the caller's; done() frees what it holds, in whatever state it is. */
SGL_API void sgl_hash_init(struct sgl_hash *hash, const struct sgl_crypto *crypto);
SGL_API void sgl_hash_done(struct sgl_hash *hash);
SGL_API void sgl_hash_add(struct sgl_hash *hash, sgl_view bytes);
/* Writes the digest and leaves the hash empty, ready for the next input. out is untouched unless SGL_OK. */
SGL_API enum sgl_status sgl_hash_final(struct sgl_hash *hash,
                                       uint8_t out[SGL_SHA256_SIZE]) SGL_MUST_USE;
/* *to (initialised) becomes a second hash in the state of *from. */
SGL_API void sgl_hash_copy(struct sgl_hash *to, const struct sgl_hash *from);

SGL_API enum sgl_status sgl_sha256(const struct sgl_crypto *crypto, sgl_view bytes,
                                   uint8_t out[SGL_SHA256_SIZE]) SGL_MUST_USE;
/* HMAC-SHA-256  [RFC 2104]. Compare results with sgl_view_eq_secret(). */
SGL_API enum sgl_status sgl_hmac_sha256(const struct sgl_crypto *crypto, sgl_view key,
                                        sgl_view bytes, uint8_t out[SGL_SHA256_SIZE]) SGL_MUST_USE;
/* PBKDF2 with HMAC-SHA-256, 32 bytes out: SCRAM's Hi()  [RFC 8018 s5.2, RFC 5802 s2.2]. iterations >= 1, else SGL_E_MISUSE. */
SGL_API enum sgl_status sgl_pbkdf2_sha256(const struct sgl_crypto *crypto, sgl_view password,
                                          sgl_view salt, unsigned iterations,
                                          uint8_t out[SGL_SHA256_SIZE]) SGL_MUST_USE;

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

/* P256 signs tokens (ES256); it is no type of DKIM. */
enum sgl_key_type { SGL_KEY_RSA = 1, SGL_KEY_ED25519, SGL_KEY_P256 };

#define SGL_P256_POINT_SIZE     65 /* a public key: 4, x, y */
#define SGL_P256_SIGNATURE_SIZE 64 /* r, s */

struct sgl_private_key;
struct sgl_public_key;

/* bits: RSA only, 2048..SGL_RSA_BITS_MAX in steps of 8 (else SGL_E_MISUSE); ignored for the others. RSA-2048 takes 50 to 300 ms. */
SGL_API enum sgl_status sgl_private_key_generate(const struct sgl_crypto *crypto,
                                                 enum sgl_key_type type, unsigned bits,
                                                 struct sgl_private_key **out) SGL_MUST_USE;
/*
 * One unencrypted private key from PEM ("PRIVATE KEY" or "RSA PRIVATE KEY") or from DER (PKCS#8 or PKCS#1), told apart by themselves.
 * SGL_E_SYNTAX: no such key, another algorithm, or an RSA size outside SGL_RSA_BITS_MIN..MAX; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_private_key_import(const struct sgl_crypto *crypto, sgl_view pem_or_der,
                                               struct sgl_private_key **out) SGL_MUST_USE;
/* The same for a P-256 key, and for nothing else: where keys of DKIM are wanted, it is none. */
SGL_API enum sgl_status sgl_private_key_import_p256(const struct sgl_crypto *crypto,
                                                    sgl_view pem_or_der,
                                                    struct sgl_private_key **out) SGL_MUST_USE;
/* An Ed25519 key from its 32-byte seed  [RFC 8032 s5.1.5]; SGL_E_SYNTAX when seed.len is not 32. */
SGL_API enum sgl_status sgl_private_key_from_seed(const struct sgl_crypto *crypto, sgl_view seed,
                                                  struct sgl_private_key **out) SGL_MUST_USE;
/* Appends PKCS#8: DER, or PEM text. Private bytes: the caller wipes the buffer. */
SGL_API enum sgl_status sgl_private_key_export_der(const struct sgl_private_key *key,
                                                   struct sgl_buf *out) SGL_MUST_USE;
SGL_API enum sgl_status sgl_private_key_export_pem(const struct sgl_private_key *key,
                                                   struct sgl_buf *out) SGL_MUST_USE;
/* One of its own, as it was when it was made: an RSA key that signs gathers numbers that speed up its next signatures, and twice its memory. */
SGL_API enum sgl_status sgl_private_key_dup(const struct sgl_private_key *key,
                                            struct sgl_private_key **out) SGL_MUST_USE;
SGL_API void sgl_private_key_free(struct sgl_private_key *key);

SGL_API enum sgl_key_type sgl_private_key_type(const struct sgl_private_key *key);
SGL_API unsigned
sgl_private_key_bits(const struct sgl_private_key *key); /* RSA: size of the modulus; else 256 */
/* Appends what a DKIM key record publishes: RSA as SubjectPublicKeyInfo DER, Ed25519 as its 32 raw bytes  [RFC 8463 s4.2];
   P-256 as its uncompressed point  [RFC 5480 s2.2]. */
SGL_API enum sgl_status sgl_private_key_public(const struct sgl_private_key *key,
                                               struct sgl_buf *out) SGL_MUST_USE;

/*
 * Signs a SHA-256 digest: RSA with PKCS#1 v1.5 and its DigestInfo  [RFC 8017 s8.2], Ed25519 over the digest as its message
 * [RFC 8463 s3], P-256 as r and s  [RFC 7518 s3.4].  out has room for SGL_SIGNATURE_MAX bytes; *out_len is set with SGL_OK only.  About 240 us for RSA-2048, 45 us for Ed25519.
 */
SGL_API enum sgl_status sgl_private_key_sign(const struct sgl_crypto *crypto,
                                             const struct sgl_private_key *key,
                                             const uint8_t digest[SGL_SHA256_SIZE], uint8_t *out,
                                             size_t *out_len) SGL_MUST_USE;

/*
 * A public key as a key record holds it: RSA as SubjectPublicKeyInfo or RSAPublicKey DER  [RFC 6376 s3.6.1], Ed25519 as 32 raw bytes, P-256 as its
 * uncompressed point.
 * SGL_E_SYNTAX: not such a key; RSA smaller than SGL_RSA_BITS_MIN or larger than SGL_RSA_BITS_MAX, or an exponent that is even, 1, or longer than
 * 32 bits; SGL_E_NOMEM.  About 3 us.
 */
SGL_API enum sgl_status sgl_public_key_parse(const struct sgl_crypto *crypto,
                                             enum sgl_key_type type, sgl_view bytes,
                                             struct sgl_public_key **out) SGL_MUST_USE;
/* Bits of the modulus in an RSA public key of any size, also one that sgl_public_key_parse() refuses for it; 0: the bytes are no such key. */
SGL_API unsigned sgl_rsa_public_bits(sgl_view bytes);
SGL_API void sgl_public_key_free(struct sgl_public_key *key);
SGL_API unsigned sgl_public_key_bits(const struct sgl_public_key *key);
/* SGL_OK and *valid: does the signature match the digest?  A signature of the wrong length is not valid, never an error. */
SGL_API enum sgl_status sgl_public_key_verify(const struct sgl_crypto *crypto,
                                              const struct sgl_public_key *key,
                                              const uint8_t digest[SGL_SHA256_SIZE],
                                              sgl_view signature, bool *valid) SGL_MUST_USE;

/* Overwrites memory that held a secret; never optimised away. */
SGL_API void sgl_wipe(void *memory, size_t size);

#ifdef __cplusplus
}
#endif
#endif
