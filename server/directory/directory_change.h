/* SPDX-License-Identifier: Apache-2.0 */
/* A change under way, and what the files of the nouns do with it; for this folder. */
#ifndef SERVER_DIRECTORY_DIRECTORY_CHANGE_H
#define SERVER_DIRECTORY_DIRECTORY_CHANGE_H

#include "directory_internal.h"

#define NAME_MAX_LEN 64

struct change {
    struct work work; /* first: cast from it */
    struct keys_op keys;
    struct store_noun_op store;
    struct store_noun noun;
    struct directory *d;
    struct directory_change *c;
    enum directory_verb verb;
    sgl_view kind;
    char *key, *subscription, *value, *password;
    struct subscription *subscription_new; /* exactly one of these when something is added */
    struct domain *domain;
    struct credential *credential;
    struct access_key *access;
    char *context;
    size_t selector; /* being generated */
    bool hashed;
};

/* ---- directory_change.c ---- */

void change_say(struct directory_change *c, enum directory_result result, const char *field,
                const char *format, ...) SGL_PRINTF(4, 5);
void change_no_memory(struct directory_change *c);
/* The ends: done() is called, and the change is gone. Refusing is for the call of directory_change(), finishing for what comes later. */
void change_finish(struct change *g);
void change_refuse(struct change *g);
/* Stored, then shown; the JSON is taken. */
void change_store(struct change *g, json_t *json);
void change_delete(struct change *g, uint64_t version);
/* false: said. */
bool change_check_name(struct change *g);
bool change_check_subscription(struct change *g);

/* ---- the nouns ---- */

void subscription_add(struct change *g);
void domain_add(struct change *g);
void domain_remove(struct change *g);
void credential_add(struct change *g);
void key_add(struct change *g);
/* The domains that an identity may use must exist and belong to its subscription; false: said. */
bool identity_check_domains(struct change *g, struct identity *i);
void identity_remove(struct change *g, bool key);

#endif
