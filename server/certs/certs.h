/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's certificates: those of the configuration, which of them are in use, and what a client is shown.  Built before the doors, given new files whenever there are some.
 */
#ifndef SERVER_CERTS_CERTS_H
#define SERVER_CERTS_CERTS_H

#include "../config/config.h"
#include "../loop/tls.h"

struct certs;
struct keys;
struct loop;
struct resolver;
struct store;

#define CERTS_DEFAULT "default" /* what the one of tls_certificate is called */

/* One as the configuration has it: files and what stood in them. */
struct certs_files {
    const char *name; /* CERTS_DEFAULT, or the section's */
    const char *certificate, *key, *next_key;
    const char *certificate_pem, *key_pem, *next_key_pem;
    bool publish; /* their TLSA records */
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
void certs_offer(struct certs *certs, struct config *c);

/*
 * Another key waits until it is published where others prove us by DANE: then new files are not taken at once.  What the old one was outlives a restart; the store has it, its key sealed.
 *
 *   files with another key -> offered --(the records of all hosts have it, for twice the TTL; or nobody has records; or the old one is over)--> in use
 */
struct certs_parts {
    struct loop *loop, *outgoing; /* the main one; the resolver's */
    struct resolver *resolver;
    struct store *store;
    struct keys *keys;
};
/* Before any loop runs and the doors are opened: what was in use before, where the files have another key now. keys_loop: the keys client's, which is run meanwhile. */
void certs_restore(struct certs *c, struct store *store, struct keys *keys, struct loop *keys_loop);
/* Before the loops run: from here on DNS is asked, and TLSA records are published where that is asked for. */
bool certs_start(struct certs *c, const struct certs_parts *parts, struct config *config);
struct certs_waiting {
    const char *certificate;
    const struct tls_pair *pair; /* that waits */
    const char *why;             /* a sentence */
    int64_t until_s;
};
/* Any thread. each() must not call back. */
void certs_each_waiting(struct certs *c, void (*each)(void *ctx, const struct certs_waiting *w),
                        void *ctx);
/* Where mail is taken: 25, which may be another program's with the same certificate, and the SMTP doors with TLS. How many. */
size_t certs_ports(const struct config *config, unsigned *port, size_t max);
int64_t certs_waiting(struct certs *c); /* any thread: how many wait */

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
