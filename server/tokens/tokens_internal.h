/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the tokens' room, for its own folder. */
#ifndef SERVER_TOKENS_TOKENS_INTERNAL_H
#define SERVER_TOKENS_TOKENS_INTERNAL_H

#include <cjose/cjose.h>
#include <pthread.h>

#include "ring.h"
#include "tokens.h"

#define TOKEN_KEY_KIND "token-key" /* of the noun */
#define POINT_SIZE     65
#define SEEN_SLOTS     4096
#define TOKEN_LOCAL    "local" /* the claim that names a local process, in a token for one */

/* One of our keys: the private half sealed, the public one for everybody. */
struct token_key {
    char id[GUID_TEXT_SIZE]; /* kid, and the noun's key */
    int64_t made_at;
    uint64_t version;
    uint64_t handle; /* in the keys process; 0: not there */
    bool refused;    /* the keys process cannot open it, and never will */
    uint8_t point[POINT_SIZE];
    uint8_t *sealed;
    size_t sealed_len;
    cjose_jwk_t *jwk;
};

/* What goes on with the keys: one step at a time, on the room's loop. */
struct tending {
    struct keys_op keys; /* first: cast from it */
    struct store_noun_op store;
    struct store_noun row;
    struct store_audit audit;
    struct token_key *key; /* that is being made */
    char *value;
    char context[64];
    char over[GUID_TEXT_SIZE]; /* the key that goes */
    char object[64];           /* of the line in the audit */
    bool busy;
};

struct tokens {
    struct loop *loop;
    struct store *store;
    struct keys *keys;
    struct directory *directory;
    char *url;
    pthread_rwlock_t lock; /* the keys */
    struct token_key *key[RING_MAX];
    size_t count;
    struct tending tending;
    struct event *timer;
    pthread_mutex_t seen_lock;
    uint8_t seen[SEEN_SLOTS][32]; /* SHA-256 of tokens whose signature was right */
    _Atomic uint64_t issued, accepted, refused;
};

/* ---- token_key.c ---- */

void token_key_free(struct token_key *k); /* NULL accepted */
/* From its noun; NULL: it cannot be read, or no memory. */
struct token_key *token_key_from_noun(const struct store_noun *noun);
char *
token_key_value(const struct token_key *k); /* the noun's value, malloc()ed; NULL: no memory */
/* Takes over what the keys process made: false, no memory. */
bool token_key_take(struct token_key *k, const struct keys_op *op);
void token_key_context(const struct token_key *k, char out[64]);
json_t *token_key_public(const struct token_key *k); /* as a JWK; NULL: no memory */

/* ---- tend.c ---- */

bool tend_start(struct tokens *t, char *why, size_t why_size);
void tend_stop(struct tokens *t);
/* Under the lock: what ring.h wants. */
void tend_ring(const struct tokens *t, struct ring_key ring[RING_MAX]);

/* ---- tokens.c ---- */

const char *tokens_resource(const struct tokens *t, enum token_audience audience);

#endif
