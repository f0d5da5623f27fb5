/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nouns an administrator manages, held in memory and kept in the store: subscriptions, domains with their selectors, credentials, access keys.
 * Look-ups are for any thread and cheap; what they return is a counted, immutable snapshot of one noun.  Changes go to the store first and show in memory when durable.
 */
#ifndef SERVER_DIRECTORY_DIRECTORY_H
#define SERVER_DIRECTORY_DIRECTORY_H

#include "../keys/keys.h"
#include "../store/store.h"

struct directory;

struct selector {
    char *name;
    enum keys_algorithm algorithm;
    bool active;              /* signs */
    uint64_t handle;          /* in the keys process */
    uint8_t *public_key;
    size_t public_len;
};
struct domain {
    _Atomic unsigned refs;
    char *name;               /* A-label, lower case */
    char *subscription;
    struct selector *selector;
    size_t selectors;
    int64_t created_at;
};
enum identity_kind { IDENTITY_CREDENTIAL, IDENTITY_KEY, IDENTITY_LOCAL, IDENTITY_SYSTEM };
/* Who is asking. A sender may use only addresses of the domains listed here. */
struct identity {
    _Atomic unsigned refs;
    enum identity_kind kind;
    char *name;               /* "credential:app1": as the trail shows it */
    char *subscription;
    char **domain;            /* domains it may send as; none for LOCAL admin = any domain of the subscription */
    size_t domains;
    bool any_domain;
};

/* Reads all nouns (synchronously, at start). Starts loading the sealed DKIM keys; directory_ready() once all are in the keys process. */
struct directory *directory_open(struct store *store, struct keys *keys, struct workers *workers, struct loop *loop, char *why, size_t why_size);
bool directory_ready(const struct directory *d);
void directory_free(struct directory *d);

struct domain *directory_domain(struct directory *d, sgl_view name); /* a reference, or NULL */
void domain_unref(struct domain *domain);
struct identity *identity_ref(struct identity *i);
void identity_unref(struct identity *i);
/* The identity of a credential by its user name, without a password (trusted networks), or NULL. */
struct identity *directory_credential(struct directory *d, sgl_view user);

/* Passwords and keys are compared on a worker thread (Argon2id), or at once from a cache of recent successes; same time and answer for unknown users. */
struct auth_check {
    struct work work;
    struct directory *directory;
    sgl_view user, password;      /* PLAIN, LOGIN; copied by the call */
    struct identity *identity;    /* out: a reference, or NULL = refused */
    bool unavailable;             /* could not be checked: temporary failure */
    void (*done)(struct auth_check *a);
    char *copy;
};
void directory_check_password(struct directory *d, struct loop *loop, struct auth_check *a);
/* SCRAM-SHA-256: what the server side needs. Unknown users get a stable fake of the same shape. [RFC 5802] */
struct scram_secret { uint8_t salt[16]; uint32_t iterations; uint8_t stored_key[32], server_key[32]; bool known; };
void directory_scram(struct directory *d, sgl_view user, struct scram_secret *out);
/* A bearer key "sk_<id>_<secret>": SHA-256 of a 256-bit random secret, compared in constant time. NULL = refused. */
struct identity *directory_bearer(struct directory *d, sgl_view token);

#endif
