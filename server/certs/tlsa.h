/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLSA records that the server publishes itself: which there are to be, which are of keys that were ours and are out of use, and which of those may go.  Pure, but for memory.
 *
 *   wanted -> (in the store) -> in the zone -> not wanted any more -> for twice the TTL -> out of the zone -> forgotten     [RFC 7671 s8.1]
 */
#ifndef SERVER_CERTS_TLSA_H
#define SERVER_CERTS_TLSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLSA_KEYS_MAX 16
#define TLSA_SETS_MAX 1200
#define TLSA_NAME     280

struct tlsa_key {
    uint8_t hash[32];
    bool wanted;
    int64_t gone_s; /* out of use since then; 0: it is not */
};
struct tlsa_set { /* the records at one name, as far as they are ours */
    char name[TLSA_NAME];
    char certificate[80]; /* whose it is: only while that publishes, anything is done */
    struct tlsa_key key[TLSA_KEYS_MAX];
    size_t keys;
    uint32_t ttl_s; /* the longest that was met */
    bool on;        /* its certificate publishes */
    bool kept;      /* the store has it as it is */
    bool there;     /* the zone may have some of it */
    bool proved;    /* the zone had all of it once */
    int64_t due_s;  /* to be looked at */
    unsigned fails;
};
struct tlsa {
    struct tlsa_set *set;
    size_t sets, room;
};

/* All that there is to be, between the two. */
void tlsa_begin(struct tlsa *t);
struct tlsa_want {
    const char *name, *certificate;
    const uint8_t *hash;
    uint32_t ttl_s; /* of new records */
};
/* false: no memory, or too many. */
bool tlsa_want(struct tlsa *t, const struct tlsa_want *w);
/* publishes(): does the certificate of that name? */
void tlsa_end(struct tlsa *t, int64_t now_s,
              bool (*publishes)(const void *ctx, const char *certificate), const void *ctx);

/* NULL: there is none. */
struct tlsa_set *tlsa_find(const struct tlsa *t, const char *name);
/* A new one, empty; NULL: no memory, or too many. */
struct tlsa_set *tlsa_add(struct tlsa *t, const char *name, const char *certificate);
/* May the record of this key be taken away? */
bool tlsa_may_go(const struct tlsa_set *s, const struct tlsa_key *k, int64_t now_s);
/* The next one to do something about; NULL: there is none. */
struct tlsa_set *tlsa_next(const struct tlsa *t, int64_t now_s);

/* What came of an update: `ttl_s` is that of the records in the zone. */
enum tlsa_result { TLSA_DONE, TLSA_REFUSED, TLSA_FAILED };
/* taken: which keys' records were to go; they are forgotten when all went well. Else it is tried again, later each time. */
void tlsa_told(struct tlsa_set *s, enum tlsa_result result, uint32_t ttl_s,
               const bool taken[TLSA_KEYS_MAX], int64_t now_s);
void tlsa_forget(struct tlsa *t, struct tlsa_set *s);
void tlsa_done(struct tlsa *t);

#endif
