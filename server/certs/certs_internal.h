/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the room: certs.c (what is in use), certs_roll.c (what waits, and why), certs_keep.c (what outlives a restart),
 * certs_tlsa.c (records that publish themselves), certs_tlsa_keep.c (which of them are ours). */
#ifndef SERVER_CERTS_CERTS_INTERNAL_H
#define SERVER_CERTS_CERTS_INTERNAL_H

#include <pthread.h>

#include "certs.h"
#include "roll.h"
#include "tlsa.h"

#define CERTS_PORTS_MAX 16

enum told { TOLD_NOTHING, TOLD_SOON, TOLD_OVER };

struct cert {
    char *name;
    struct tls_pair *pair;    /* in use */
    struct tls_pair *offered; /* of the files, and not in use yet; NULL: they are the same */
    enum told told;           /* of the pair in use */
    bool publish;             /* TLSA records of its hosts */
    bool has_next;
    uint8_t next_hash[32]; /* of the key that comes after it */
    struct roll roll;      /* of the key that is offered, else of the next one */
    enum roll_do todo;     /* offered: what it waits for */
    int64_t until_s;
    char host[256]; /* where its record is missing, or could not be asked */
    bool asked;     /* `todo` says something */
    bool kept;      /* the store has the pair that is in use */
    int64_t due_s;  /* to be looked at */
};

struct certs {
    pthread_mutex_t lock; /* over what is below: changed on the main loop, read anywhere */
    struct cert *cert;
    size_t count;
    struct tls_server *server;
    unsigned port[CERTS_PORTS_MAX];
    size_t ports;
    struct certs_parts parts; /* zeroed: nothing is asked, new files are taken at once */
    struct event *timer;
    struct look *look; /* under way */
    struct keep *keep;
    /* records that publish themselves; on the main loop only */
    struct config *config; /* a reference; NULL: nothing is published */
    struct tlsa tlsa;
    struct workers *updaters;
    bool tlsa_stale;   /* the keys or their hosts are others */
    bool tlsa_unknown; /* which records are ours */
    bool tlsa_busy;
};

/* What clients are shown from now on: the pairs in use. false: no memory, nothing has changed. */
bool certs_show(struct certs *c);
/* What is remembered is of the key that is offered, else of the next one; of another it is forgotten. */
void certs_roll_for(struct cert *one);
struct cert *certs_find(const struct certs *c, const char *name);

/* certs_keep.c: the pair in use and what is remembered of the next key go into the store, its key sealed. Not while that is done for another. */
void certs_keep(struct certs *c, const struct cert *one);

/* certs_roll.c: no mail goes to a wildcard, to a name without a dot, or to where policies are served. */
bool certs_is_mail_host(const char *name);

/* certs_tlsa.c: does the next thing that is to be done, if there is one. */
void certs_publish(struct certs *c, int64_t now_s);

/* certs_tlsa_keep.c */
void certs_tlsa_read(struct certs *c); /* at the start */
void certs_tlsa_keep(struct certs *c, struct tlsa_set *s);

#endif
