/* SPDX-License-Identifier: Apache-2.0 */
/* What a server's certificate says and proves: facts, nothing is refused here.  Texts are printable. */
#ifndef CLI_TLS_CERTIFICATE_H
#define CLI_TLS_CERTIFICATE_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "sigillo/dns.h"
#include "sigillo/limits.h"

#define TLS_NAMES_SHOWN 8
#define TLS_TEXT_SIZE   200

struct tls_certificate {
    char subject[TLS_TEXT_SIZE], issuer[TLS_TEXT_SIZE]; /* CN, else O; "" for neither */
    char name[TLS_NAMES_SHOWN][TLS_TEXT_SIZE];          /* DNS names */
    size_t names, names_more;                           /* shown ones, and others */
    sgl_time not_before, not_after;                     /* 0: can't be read */
    char key[24];                                       /* "RSA", "EC", "ED25519" */
    unsigned key_bits;
    char sha256[65], spki_sha256[65]; /* of the certificate and of its public key, lower-case hex */
    size_t sent;                      /* certificates in the chain that the server sent */
    bool self_signed;
};
/* Foreign bytes as printable ASCII, "\xNN" for the rest; what has no room is left out. */
void tls_text_put(char out[TLS_TEXT_SIZE], sgl_view text);

void tls_certificate_read(struct tls_certificate *out, X509 *leaf, STACK_OF(X509) * sent);

/* What the chain and the name prove by themselves, whoever asks: X509_V_OK, or why not. now 0: the clock. */
int tls_certificate_chain(X509 *leaf, STACK_OF(X509) * sent, X509_STORE *roots, sgl_time now);
/* Is the host named among the DNS names?  CN is none; a star is one whole label  [RFC 8461 s4.2]. */
bool tls_certificate_names(X509 *leaf, const char *host);
/* Does the record stand for this certificate (usage 3), or for one of those sent above it (usage 2)?  [RFC 6698 s2.1] */
bool tls_certificate_matches(X509 *leaf, STACK_OF(X509) * sent, const struct sgl_tlsa *record);

#endif
