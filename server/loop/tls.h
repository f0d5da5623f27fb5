/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS settings, built once and shared by many streams.  A `tls_server` can get another certificate while sessions go on: those that exist keep theirs.
 * Nothing here reads a file: the PEM bytes are read by whoever may (before the sandbox closes, or on reload from the folders that it leaves open).
 */
#ifndef SERVER_LOOP_TLS_H
#define SERVER_LOOP_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "sigillo/buf.h"
#include "sigillo/view.h"

/* ---- a certificate and its key ----------------------------------------------------------------------------------- */

struct tls_pair; /* immutable, counted */

/* PEM: certificate first, then its chain; the key that belongs to it. NULL on a mistake, `why` says which: "certificate: ...", "key: ...". */
struct tls_pair *tls_pair_new(sgl_view certificate_pem, sgl_view key_pem, char *why,
                              size_t why_size);
struct tls_pair *tls_pair_ref(struct tls_pair *p);
void tls_pair_unref(struct tls_pair *p);              /* NULL accepted */
int64_t tls_pair_starts_at(const struct tls_pair *p); /* Unix seconds */
int64_t tls_pair_expires_at(const struct tls_pair *p);
const uint8_t *tls_pair_key_hash(
    const struct tls_pair *p); /* SHA-256 of the public key, as TLSA 3 1 1 has it: 32 bytes */
const X509 *tls_pair_x509(const struct tls_pair *p);
const char *tls_pair_name(const struct tls_pair *p,
                          size_t i); /* its DNS names, lower case; NULL: no more */
enum tls_match { TLS_MATCH_NONE, TLS_MATCH_WILDCARD, TLS_MATCH_EXACT };
/* Would who asks for this host name accept it?  Its DNS names count, CN is none  [RFC 9525 s6.3]. */
enum tls_match tls_pair_match(const struct tls_pair *p, const char *host);
struct tls_tlsa;
/* Does this TLSA record prove it: of usage 3 its own certificate or key, of usage 2 one of its chain?  [RFC 6698 s2.1] */
bool tls_pair_matches(const struct tls_pair *p, const struct tls_tlsa *record);
/* Both as PEM, the certificate with its chain. false: no memory. */
bool tls_pair_export(const struct tls_pair *p, struct sgl_buf *certificate, struct sgl_buf *key);
/* The same hash of a key by itself, private or public, as PEM. */
bool tls_key_hash(sgl_view pem, uint8_t out[32]);

/* ---- servers ---------------------------------------------------------------------------------------------------- */

struct tls_server;

/* Which pair a session shows, its client decides by the host that it names: the name itself before a wildcard; pair[0] without a name, and where none fits. At least one; references are taken. NULL when memory ends. */
struct tls_server *tls_server_of(struct tls_pair *const *pair, size_t pairs);
/* Any thread: sessions from now on choose among these. When memory ends false, and the old ones stay. */
bool tls_server_set(struct tls_server *s, struct tls_pair *const *pair, size_t pairs);
/* With one pair. TLS 1.2 and 1.3, session tickets, no compression, no renegotiation. NULL on a mistake, `why` says which. */
struct tls_server *tls_server_new(sgl_view certificate_pem, sgl_view key_pem, char *why,
                                  size_t why_size);
/* Any thread: sessions from now on use this pair alone. On a mistake false, and what was stays. */
bool tls_server_swap(struct tls_server *s, sgl_view certificate_pem, sgl_view key_pem, char *why,
                     size_t why_size);
/* Any thread: an SSL in the server's role, ready for stream_new() or stream_start_tls(), which take it over. NULL when memory ends. */
SSL *tls_server_session(struct tls_server *s);
/* When the default certificate ends, Unix seconds; for metrics. */
int64_t tls_server_expires_at(struct tls_server *s);
/* Any thread: would who asks for this host name accept the certificate that he is shown?  A look at its names only: CN is none. */
bool tls_server_covers(struct tls_server *s, const char *host);
void tls_server_free(struct tls_server *s);

/* ---- clients ---------------------------------------------------------------------------------------------------- */

struct tls_client;

/* How much a connection must prove. */
enum tls_verify {
    TLS_VERIFY_NONE, /* encrypted, whoever it is (opportunistic): the certificate is looked at all the same, and what comes of it refuses nothing */
    TLS_VERIFY_NAME, /* chain to a trusted root and the name in the certificate */
    TLS_VERIFY_DANE, /* the TLSA records given to tls_client_session() decide */
};

/* ca_pem: trusted roots as PEM, or empty: TLS_VERIFY_NAME always fails then. NULL on a mistake or when memory ends. */
struct tls_client *tls_client_new(sgl_view ca_pem, char *why, size_t why_size);
/* Where the system keeps its trusted roots: a path to a PEM bundle. */
const char *tls_system_ca_file(void);

struct tls_tlsa { /* one usable TLSA record [RFC 7672 s3.1]: usage 2 or 3 */
    uint8_t usage, selector, matching;
    sgl_view data;
};
struct tls_sessions { /* who hears of sessions that can be resumed, and may copy them */
    void (*made)(void *ctx, SSL_SESSION *session);
    void *ctx;
};
struct tls_target {
    enum tls_verify verify;
    const char *
        name; /* SNI and reference identity; an A-label without the last dot. NULL: no SNI (an address) */
    const char *const *more_name; /* more reference identities (DANE-TA: the next-hop domain) */
    size_t more_names;
    const struct tls_tlsa *tlsa;
    size_t tlsas;
    SSL_SESSION *resume; /* of a handshake that proved the same; NULL */
    const struct tls_sessions
        *sessions; /* NULL: nobody. Must live as long as the SSL, or until tls_client_silence() */
};
/* Any thread: an SSL in the client's role. NULL when memory ends, or when under TLS_VERIFY_DANE no record could be used (*dane_usable, if given, says how many were). */
SSL *tls_client_session(struct tls_client *c, const struct tls_target *target, size_t *dane_usable);
/* No session is told any more. */
void tls_client_silence(SSL *ssl);
/* After a handshake that may have asked for less: what TLS_VERIFY_NAME would say of the certificate: X509_V_OK, or why not (X509_V_ERR_...). */
long tls_client_would_accept(struct tls_client *c, SSL *ssl, const char *name);
void tls_client_free(struct tls_client *c);

/* ---- both: what was agreed, for trails and Received ------------------------------------------------------------- */

/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; static strings, never NULL. */
const char *tls_version_text(const SSL *ssl);
const char *tls_cipher_text(const SSL *ssl);
/* After a handshake with TLS_VERIFY_NAME or _DANE went wrong: "certificate has expired", "no matching DANE TLSA records". Static; never NULL. */
const char *tls_verify_text(const SSL *ssl);

/* ---- clients: what was seen of the server ------------------------------------------------------------------------ */

#define TLS_NAMES_MAX 8
#define TLS_NAME_SIZE 96

/* A copy, for evidence: it outlives the SSL. */
struct tls_seen {
    const char *version, *cipher; /* as above; "" before the handshake was through */
    char group[24];               /* of the key exchange, "x25519", or "" */
    long
        verify; /* X509_V_OK: the certificate proves what was asked of it, a name with TLS_VERIFY_NONE and a name; else why not */
    bool resumed; /* a session of before: the rest is what its full handshake showed */
    bool matched; /* TLS_VERIFY_DANE: by the TLSA record of these numbers */
    uint8_t usage, selector, matching;
    char sha256[65]; /* of the certificate's DER, lower-case hex; "": none was shown */
    /* DNS names of the certificate: printable ASCII without quotes; one that is cut ends in ".." */
    char name[TLS_NAMES_MAX][TLS_NAME_SIZE];
    unsigned names, more_names; /* more: how many others there are */
};
/* After a handshake, also after one that ended because of the certificate. */
void tls_see(const SSL *ssl, struct tls_seen *out);
/* Its digest and its names: into what is zeroed. */
void tls_see_certificate(const X509 *certificate, struct tls_seen *out);

#endif
