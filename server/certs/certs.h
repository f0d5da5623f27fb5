/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's certificates: those of the configuration, which of them are in use, and what a client is shown.  Built before the doors, given new files whenever there are some.
 */
#ifndef SERVER_CERTS_CERTS_H
#define SERVER_CERTS_CERTS_H

#include "../config/config.h"
#include "../loop/tls.h"

struct certs;

#define CERTS_DEFAULT "default" /* what the one of tls_certificate is called */

/* One as the configuration has it: files and what stood in them. */
struct certs_files {
    const char *name; /* CERTS_DEFAULT, or the section's */
    const char *certificate, *key, *next_key;
    const char *certificate_pem, *key_pem, *next_key_pem;
};
/* The i-th, the default first; false: no more. */
bool certs_files(const struct config *c, size_t i, struct certs_files *out);

/* Can all of them be used?  false: `why` names the key of the configuration that is wrong. */
bool certs_check(const struct config *c, char *why, size_t why_size);

/* The same of one. */
bool certs_files_check(const struct certs_files *f, char *why, size_t why_size);

/* NULL on a mistake. */
struct certs *certs_new(const struct config *c, char *why, size_t why_size);
/* NULL: there are none. It stays the same one for as long as `certs` lives. */
struct tls_server *certs_server(struct certs *c);
/* Other files: what can be used takes the place of what is in use; the rest is told in the log and stays. On the main loop. */
void certs_offer(struct certs *certs, const struct config *c);
/* Tells of those that end soon, and of those that are over: once each. On the main loop, now and then. */
void certs_tend(struct certs *c, int64_t now_s);
void certs_free(struct certs *c); /* NULL accepted */

/* ---- TLSA records: 3 1 1 of these keys  [RFC 7671 s5.1, s8.1] ---- */

enum certs_key_use { CERTS_KEY_USED, CERTS_KEY_NEXT };
struct certs_key {
    const char *certificate;     /* its name */
    const struct tls_pair *pair; /* that has it, or is in use before it */
    enum certs_key_use use;
    const uint8_t *hash; /* SHA-256 of the public key: 32 bytes */
};
/* Any thread.  host: only the keys of the certificate that who asks for it is shown; NULL: of all. each() must not call back. */
void certs_each_key(struct certs *c, const char *host,
                    void (*each)(void *ctx, const struct certs_key *key), void *ctx);

/* Any thread; for metrics: when the first of them ends (0: there are none), and how many are over. */
int64_t certs_expire_at(struct certs *c);
int64_t certs_expired(struct certs *c, int64_t now_s);

#endif
