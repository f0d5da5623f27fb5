/* SPDX-License-Identifier: Apache-2.0 */
/* What tls.c (clients, what was agreed), tls_pair.c and tls_server.c have in common. */
#ifndef SERVER_LOOP_TLS_INTERNAL_H
#define SERVER_LOOP_TLS_INTERNAL_H

#include "tls.h"

/* Formats the reason, and forgets what OpenSSL remembers of it. */
void tls_say(char *why, size_t why_size, const char *format, ...) SGL_PRINTF(3, 4);
const char *tls_reason(void); /* OpenSSL's, for tls_say() */
int tls_no_passphrase(char *buf, int size, int writing, void *arg);
BIO *tls_bio(sgl_view bytes);
SSL_CTX *tls_new_ctx(const SSL_METHOD *method);

struct tls_pair {
    _Atomic unsigned refs;
    SSL_CTX *ctx; /* with the certificate, its chain and the key */
    int64_t starts_at, expires_at;
    uint8_t key_hash[32];
    char **name; /* DNS names, lower case: "mx.example.org", "*.example.org" */
    size_t names;
};
SSL_CTX *tls_new_server_ctx(void);

#endif
