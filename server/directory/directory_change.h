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
    struct store_noun row;
    struct directory *d;
    struct directory_change *c;
    const struct noun_kind *kind;
    /* Added, changed: the new one, until it is in its table; removed, changed: the old one, once it has left it. */
    void *noun;
    uint64_t version; /* of the one that is changed or removed; 0: added */
    char *key, *subscription, *value;
    char *owner;    /* whose it is, for the audit */
    json_t *before; /* changed, removed: its document */
    struct store_audit audit;
    char *line;     /* the texts of it */
    char *password; /* credential */
    bool hashed;
    char *context; /* domain: of the selector whose key is being made */
    size_t selector;
    uint8_t mac_key[KEYS_MAC_KEY]; /* key: the secret that is being sealed */
    struct key_secret *fresh;      /* key: whose; NULL: none */
    struct change *next;           /* change_turn.c */
};

/* ---- change_turn.c ---- */

/* true: it may begin. false: change_begin() will be called with it on its loop. */
bool turn_take(struct change *g);
void turn_pass(struct change *g);

/* ---- directory_change.c ---- */

void change_say(struct directory_change *c, enum directory_result result, const char *field,
                const char *format, ...) SGL_PRINTF(4, 5);
void change_no_memory(struct directory_change *c);
/* The ends: done() is called, and the change is gone. change_finish() at once, so not inside of directory_change(); change_refuse() always later. */
void change_finish(struct change *g);
void change_refuse(struct change *g);
void change_store(struct change *g); /* stored, then shown in its table */
void change_begin(struct change *g);
void change_free(struct change *g);
/* false: said. */
bool change_check_name(struct change *g);
bool change_check_free(struct change *g); /* no noun of this kind has g->key */
bool change_check_subscription(struct change *g);
bool change_check_description(struct change *g, sgl_view text);
/* May who asks name this identity for g->subscription?  An operator's own are not there for others. */
bool change_may_name(const struct change *g, const struct identity *who);

/* ---- noun_holder.c ---- */

bool holder_may_go(struct change *g);
/* What the rows of all kinds that hold identities have in common. */
#define HOLDER_ROW                                                                                 \
    .key = holder_key, .version = holder_version, .hidden = holder_hidden,                         \
    .settle = holder_settle, .subscription = holder_subscription, .replaced = holder_replaced,     \
    .may_go = holder_may_go

/* ---- directory_audit.c: g->audit, of what is about to be stored; false: memory has ended ---- */

bool change_audit(struct change *g);

/* ---- noun_password.c: of a noun that begins with a struct credential ---- */

/* The one that was given, or a new one, which is shown this once; false: said. */
bool password_take(struct change *g);
void password_make(struct change *g); /* a row's make() */

/* ---- noun_app_trust.c ---- */

bool app_trusts_from_json(struct app *a, const json_t *json);
json_t *app_trusts_to_json(const struct app *a);
/* false: said. */
bool app_trust_add(struct change *g, struct app *a, const struct app_trust_change *want);
bool app_trust_remove(struct change *g, struct app *a, sgl_view id);

/* ---- noun_identity.c ---- */

/* A label that may be kept; false: said. */
bool change_label_ok(struct directory_change *c, sgl_view label, const char *field);

/* The label of a change, where it gives one; `field` is what a request calls it. false: said. */
bool identity_take_label(struct change *g, struct identity *i, const char *field);

/* The domains that an identity may use must exist and belong to its subscription; false: said. */
bool identity_check_domains(struct change *g, struct identity *i, bool needed);
void identity_no_domains(struct identity *i); /* of a copy that is being changed */
/* The same for a change: domains that are given replace those that it had; none: they stay. */
bool identity_alter(struct change *g, struct identity *i);

#endif
