/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the directory, for its own folder. */
#ifndef SERVER_DIRECTORY_DIRECTORY_INTERNAL_H
#define SERVER_DIRECTORY_DIRECTORY_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include <sodium.h>

#include "../loop/scratch.h"
#include "directory.h"
#include "hashing.h"
#include "hmac.h"
#include "json_memory.h"
#include "sigillo/crypto.h"
#include "suppression_set.h"
#include "table.h"

/* Argon2id as its authors and OWASP advise for logins: 19 MiB, 2 passes; about 20 ms of a core. */
#define ARGON_MEMORY     (19u * 1024u * 1024u)
#define ARGON_PASSES     2u
#define SCRAM_ITERATIONS 15000u
#define PASSWORD_MAX     256
#define CACHE_SLOTS      4096
#define CACHE_MS         60000u
#define LOADS_AT_ONCE    16

/* What a noun that holds an identity begins with. */
struct holder {
    struct identity *identity;
    const char
        *name; /* its key in the table: a user name, the id of a key; of the identity's name */
};
/* What crypto_pwhash_str_alg() makes, in less than half of its size. */
struct argon_hash {
    uint8_t salt[16], hash[32];
    uint32_t memory_kib, passes;
};
#define ARGON_TEXT_SIZE crypto_pwhash_STRBYTES
struct credential {
    struct holder holder; /* first: cast from it */
    struct argon_hash argon;
    struct scram_secret scram;
};
struct account {
    struct credential login; /* first: cast from it; its name is the address */
    bool basic, oauth, password;
    uint8_t apps;
    char (*app)[GUID_TEXT_SIZE]; /* so many; NULL: none */
};
/* 32 random bytes. A bearer shows them in base64url, and its hash is kept; who signs needs them as they are, and they are kept sealed. */
struct key_secret {
    uint8_t hash[32];     /* SHA-256 of the base64url text */
    int64_t made_at;      /* 0: there is none */
    bool signs;           /* it was sealed when it was made: those of older stores were not */
    uint8_t *sealed;      /* KEYS_MAC_SEALED bytes; NULL: they stand in the file */
    uint64_t sealed_at;   /* there */
    _Atomic uint32_t day; /* it was used last, since the Epoch; 0: not since the start */
};
struct access_key {
    struct holder holder; /* first: cast from it */
    const struct scratch *file;
    struct key_secret secret[KEY_SECRETS];
    struct key_service *service; /* NULL: it is none */
};
/* What a key has that is a service: key_service.c. */
struct key_service {
    char *name, *facts;
    bool locked;
    bool has[KEY_SECRETS]; /* sealed so that it can be opened */
    uint8_t shown[KEY_SECRETS][KEYS_MAC_SEALED];
};
#define UID_TEXT_SIZE 12
struct local_process {
    struct holder holder; /* first: cast from it */
    uint32_t uid;
    char uid_text[UID_TEXT_SIZE]; /* its second name */
};
struct kept_secret {
    struct app_secret shown;
    uint8_t hash[32];
};
struct app {
    struct holder holder; /* first: cast from it */
    char client_id[GUID_TEXT_SIZE];
    uint8_t secrets;
    struct kept_secret *secret; /* so many; NULL: none */
    struct app_trusts *trusts;  /* a reference; NULL: none */
};

/* A password that was right a moment ago, as a keyed hash; worthless without the process's memory. */
struct cached {
    uint8_t mac[32];
    uint64_t version; /* of the credential it was checked against */
    uint64_t until_ms;
};

#define DIRECTORY_NOUNS 15

struct directory {
    struct store *store;
    struct keys *keys;
    struct workers *workers;
    struct hashing hashing; /* of passwords, on the workers */
    struct loop *loop;
    struct sgl_crypto *crypto;
    struct scratch file; /* sealed keys, which are seldom wanted; written under the lock */

    pthread_rwlock_t lock;               /* the tables */
    struct table table[DIRECTORY_NOUNS]; /* by enum directory_noun */
    struct table
        alias[DIRECTORY_NOUNS]; /* the same nouns by their second names, where they have one */
    struct suppression_set suppressed;
    size_t suppressions_max; /* DIRECTORY_SUPPRESSIONS_KEPT; tests have less */
    size_t resources_max;    /* RESOURCES_MAX; the same */
    size_t suppressions_own;
    struct suppression_set on_lists; /* "SUBSCRIPTION/list:/ADDRESS" of all that are for a list */
    struct table scopes; /* senders by "SUBSCRIPTION/IDENTITY", or "SUBSCRIPTION/@domain" */
    struct table bound;  /* policies by "SUBSCRIPTION/IDENTITY" */
    size_t patterns;     /* policies among them for more than one identity */
    struct access_key *shared[HMAC_SHARED_MAX]; /* the oldest keys that sign; key_shared.c */
    size_t shares, signers;                     /* of them; of all keys that sign */
    _Atomic unsigned hmac_window;               /* seconds */
    _Atomic bool access_unsure; /* memory ended while something was to be shown: all is denied */
    _Atomic bool exact_local_parts;
    _Atomic unsigned accounts_max; /* of a subscription */
    _Atomic bool suppress_many;    /* a large change of suppressions is on its way */
    _Atomic bool suppress_exact;   /* directory_suppress_exact() */
    struct sweep *sweep;           /* the loop's */

    pthread_mutex_t turn_lock; /* change_turn.c */
    struct change *turn_first, **turn_last;
    bool turn_taken;

    pthread_mutex_t cache_lock;
    struct cached cache[CACHE_SLOTS];
    uint8_t cache_key[32];
    uint8_t fake_key[32];         /* makes the SCRAM answers for users who do not exist */
    struct argon_hash fake_argon; /* what their passwords are compared with */

    struct domain **to_load; /* sealed keys on their way into the keys process; references */
    size_t to_loads, load_next, load_selector;
    _Atomic size_t loading; /* selectors not loaded yet */
    struct event *load_again;
    struct load_op *load_op;
    _Atomic uint64_t hashed, cached, refused;
};

/* ---- change_turn.c ---- */

void turns_init(struct directory *d);
void turns_done(struct directory *d); /* no loop runs any more */

/* ---- noun.c ---- */

char *text_of(sgl_view v); /* a C string; NULL: a NUL within, or no memory */
/* Copies the text to where *to points, and moves that behind it. */
char *text_move(char **to, const char *text);
json_t *base64_json(const uint8_t *bytes, size_t len);
/* A base64 member as malloc()ed bytes of at most max; NULL when it is absent or broken. */
uint8_t *json_base64(const json_t *object, const char *member, size_t max, size_t *len);
bool json_base64_exact(const json_t *object, const char *member, uint8_t *out, size_t size);
bool noun_last_reference(_Atomic unsigned *refs);

/* ---- the kinds of nouns: a file and a row for each ---- */

struct change;
struct noun_kind {
    const char *name;  /* in the store, and to people */
    const char *field; /* the member of a request that names one */

    const char *prefix; /* of the names of the identities that it holds; NULL: it holds none */

    /* In memory: what is in the table, as a pointer. */
    const char *(*key)(
        const void *noun); /* its name in the table and in the store; the noun's own */
    const char *(*alias)(
        const void *noun); /* a second name that finds it and never changes; NULL: none */
    uint64_t *(*version)(void *noun); /* the store's, which decides between two changes */
    void (*free)(void *noun);         /* the table's reference, or all of it; NULL accepted */
    void (*hidden)(
        void *
            noun); /* it has left its table: who still holds it may do nothing more with it. May be NULL */

    /* About to be seen, under the lock: it gives back memory that it need not hold. May be NULL. */
    void (*settle)(struct directory *d, void *noun);

    /* What else has to know of it; under the lock, when it is in its table or leaves it. false: memory has ended. Both may be NULL. */
    bool (*index)(struct directory *d, void *noun);
    void (*unindex)(struct directory *d, void *noun);
    bool decides; /* who may send as whom: when it cannot be seen, nothing may be granted */

    /* In the store: a JSON document. NULL: it cannot be read or written, or memory has ended. */
    void *(*from_json)(const struct store_noun *stored, const json_t *json);
    json_t *(*to_json)(const void *noun);

    /* Whose it is: a subscription's name; "": nobody's but an operator's. NULL: as if that. */
    const char *(*subscription)(const void *noun);
    /* Members of its document that the audit may show, the last one NULL; NULL: none. */
    const char *const *shown;
    const char *unshown; /* what it says when another one changed: "password"; NULL: nothing */

    /* Added: checks what was asked for and makes g->key and g->noun; false: said why not. */
    bool (*prepare)(struct change *g);
    /* Does what takes time, and ends in change_store(), change_finish() or change_refuse(). NULL: nothing does. */
    void (*make)(struct change *g);

    /* Changed: a copy, made under the lock, and what was asked for put into it (g->noun; false: said why not); make() follows. NULL: nothing can be changed. */
    void *(*copy)(const void *noun);
    bool (*alter)(struct change *g);
    void (*replaced)(
        void *old, void *noun); /* under the lock, when the new one is in its table; may be NULL */

    /* Changed or removed: the key that a request means, malloc()ed. NULL: as it is given. */
    char *(*key_meant)(const struct change *g);
    /* Removed: whether it may go; false: said why not. May be NULL. */
    bool (*may_go)(struct change *g);
};
extern const struct noun_kind noun_subscription, noun_domain, noun_credential, noun_key, noun_app,
    noun_sender, noun_group, noun_policy, noun_account, noun_local, noun_asm_group, noun_resource,
    noun_pool, noun_branded_link, noun_route;
const struct noun_kind *noun_kind_of(enum directory_noun noun);

/* The kind's own, and what all kinds have in common that hold identities: the member "profile", where it has one. */
json_t *noun_to_json(const struct noun_kind *kind, const void *noun);
/* As it is stored, the whole of it; NULL: memory has ended. */
char *noun_text(const struct noun_kind *kind, const void *noun);
void *noun_from_json(const struct noun_kind *kind, const struct store_noun *stored,
                     const json_t *json);

/* Into its table, and out of it, by all of its names; under the lock. false: no memory, and it is not there. */
bool noun_show(struct directory *d, enum directory_noun which, void *noun);
void *noun_hide(struct directory *d, enum directory_noun which, sgl_view key); /* NULL: not there */

/* "KIND:*" of a kind that holds identities? */
bool noun_is_kind_pattern(sgl_view name);

/* 12 letters and digits that nobody can guess, malloc()ed. */
char *noun_id_new(void);

/* "dkim:example.org:s1": what a sealed private key is bound to. */
char *selector_context(const char *domain, const char *selector);

/* All of a kind in order of their names, as ref() gives them; the caller frees the list. */
void **nouns_referenced(struct directory *d, enum directory_noun noun, void *(*ref)(void *noun),
                        size_t *count);

/* ---- noun_identity.c ---- */

struct identity *identity_new(enum identity_kind kind, const char *prefix, sgl_view name,
                              sgl_view subscription);
struct identity *identity_copy(const struct identity *i);
/* It and its texts move into one piece of memory, if there is one and nobody else holds it; it stays as it is from now on. */
void identity_pack(struct identity **i);
void identity_replaced(struct identity *old, struct identity *newer);
bool identity_domains_from_json(struct identity *i, const json_t *json);
json_t *identity_domains_to_json(const struct identity *i);
/* Adds a domain to its list; false when memory ends. "*" sets any_domain. */
bool identity_add_domain(struct identity *i, sgl_view domain);

/* The member "role", or "admin" of older documents; false: there is no such role. */
bool identity_role_from_json(struct identity *i, const json_t *json);
/* false: memory has ended, and it has none */
bool identity_set_label(struct identity *i, sgl_view label);
bool identity_set_profile(struct identity *i, sgl_view profile); /* false: memory has ended */

/* ---- noun_holder.c: size is that of the kind's struct, which begins with a struct holder ---- */

/* All zero but for its holder; NULL when memory ends. The identity's name is prefix + name. */
void *holder_new(size_t size, enum identity_kind kind, const char *prefix, sgl_view name,
                 sgl_view subscription);
void holder_free(void *noun, size_t size); /* zeroed first: there are secrets; NULL accepted */
void *holder_copy(const void *noun, size_t size);
void holder_settle(struct directory *d, void *noun); /* its texts move together */
/* For rows as they are. */
const char *holder_key(const void *noun);
uint64_t *holder_version(void *noun);
void holder_hidden(void *noun);
const char *holder_subscription(const void *noun); /* "" for an operator's */
void holder_replaced(void *old, void *noun);

/* ---- noun_owned.c: of what begins with a struct owned ---- */

void *owned_ref(void *noun);
const char *owned_key(const void *noun);
uint64_t *owned_version(void *noun);
const char *owned_subscription(const void *noun);
#define OWNED_ROW .key = owned_key, .version = owned_version, .subscription = owned_subscription

/* ---- directory_access.c ---- */

void access_init(struct directory *d);
void access_done(struct directory *d);
/* For the rows of senders and policies as they are. */
bool access_index_sender(struct directory *d, void *sender);
void access_unindex_sender(struct directory *d, void *sender);
/* As it was given: in the case of its letters, where that does not count. Under the lock; NULL: there is none. */
const char *access_known_sender(struct directory *d, sgl_view subscription, sgl_view identity,
                                const struct access_address *a);
bool access_index_policy(struct directory *d, void *policy);
void access_unindex_policy(struct directory *d, void *policy);
/* How many policies are for just this identity. */
size_t access_policies_of(struct directory *d, sgl_view subscription, sgl_view identity);
/* Says by whom it is used; false: by nobody. */
bool access_uses_group(struct directory *d, const char *group_key, char *out, size_t size);
bool access_uses_identity(struct directory *d, const char *subscription, const char *identity,
                          char *out, size_t size);
bool access_uses_domain(struct directory *d, const char *subscription, const char *domain,
                        char *out, size_t size);

/* ---- argon.c ---- */

/* "$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH"; false: it is none, or of other sizes, and *out is as it was. */
bool argon_parse(sgl_view text, struct argon_hash *out);
void argon_text(const struct argon_hash *a, char out[ARGON_TEXT_SIZE]);

/* ---- noun_password.c ---- */

bool password_from_json(struct credential *c, const json_t *json);
bool password_to_json(const struct credential *c, json_t *json); /* adds its members */

/* ---- key_secret.c ---- */

/* 32 new bytes: their hash, and their two texts. Not sealed yet. */
void key_secret_make(struct key_secret *s, uint8_t bytes[KEYS_MAC_KEY], int64_t now);
bool key_secret_seal(struct key_secret *s, sgl_view sealed); /* false: memory has ended */
/* What is there; NULL: it is not as it should be, or memory has ended. */
bool key_secret_from_json(struct key_secret *s, const json_t *json);
json_t *key_secret_to_json(const struct key_secret *s, const struct scratch *file);
/* Its sealed bytes leave memory, if that can be. */
void key_secret_spill(struct key_secret *s, struct scratch *file);
bool key_secret_copy(struct key_secret *to, const struct key_secret *from); /* false: no memory */
void key_secret_done(struct key_secret *s);
/* The sealed bytes; false: they cannot be read. */
bool key_secret_sealed(const struct key_secret *s, const struct scratch *file,
                       uint8_t out[KEYS_MAC_SEALED]);
void key_secret_used(struct key_secret *s, int64_t now);
#define KEY_CONTEXT_SIZE 64
/* "hmac:01ftz85b24zv:primary": what it is sealed for. */
void key_secret_context(const char *id, size_t which, char out[KEY_CONTEXT_SIZE]);

/* ---- suppression_sender.c: "@news@example.org", of a domain of the subscription ---- */

bool sender_list_ok(struct directory *d, sgl_view subscription, sgl_view list);

/* ---- key_service.c ---- */

struct key_service *key_service_new(sgl_view name, sgl_view facts); /* NULL: memory has ended */
struct key_service *key_service_copy(const struct key_service *s);
void key_service_free(struct key_service *s);                  /* NULL accepted */
struct key_service *key_service_from_json(const json_t *json); /* NULL: it is none */
json_t *key_service_to_json(const struct key_service *s);
/* "shown:01ftz85b24zv:primary": what a secret is sealed for, beside its own seal. */
void key_service_context(const char *id, size_t which, char out[KEY_CONTEXT_SIZE]);
/* Under the lock. */
struct access_key *key_service_find(const struct directory *d, sgl_view subscription,
                                    sgl_view name);
/* Does neither of its secrets prove anything? */
bool key_is_locked(const struct access_key *k);

/* ---- key_shared.c: the keys that are tried when nothing says which; under the lock ---- */

bool key_share(struct directory *d, void *key);   /* for the row as it is: always true */
void key_unshare(struct directory *d, void *key); /* it is in no table any more */
bool key_is_shared(const struct directory *d, const struct access_key *k);

/* ---- noun_account.c: under the lock ---- */

const struct account *account_find(const struct directory *d, sgl_view address);

/* ---- directory_login.c ---- */

struct app_user;
struct identity *login_by_secret(struct directory *d, const struct app_user *user, sgl_view secret,
                                 int64_t now, enum login_fault *fault);

/* ---- noun_app.c: directory_app_login() without counting ---- */

enum app_login app_login(struct directory *d, sgl_view client_id, sgl_view subscription,
                         sgl_view secret, int64_t now, struct identity **out);

/* ---- directory_auth.c ---- */

bool password_hash(struct directory *d, sgl_view password, struct credential *out);
void cache_forget(struct directory *d);

/* ---- suppressions: a word in the set is the reason, and whether the entry is of one spelling ---- */

#define SUPPRESSION_REASON_MASK 7u
#define SUPPRESSION_WORD_EXACT  8u

/* ---- directory_sweep.c ---- */

/* The key of an entry goes, or went, into the set: is it for a list?  Then its address is noted. false: memory has ended. Under the lock. */
bool suppression_note_list(struct directory *d, sgl_view key);
bool suppressions_read(struct directory *d, char *why, size_t why_size); /* at start */
void sweep_free(struct directory *d);

/* ---- directory_load.c ---- */

bool loads_start(struct directory *d);
void loads_stop(struct directory *d);

#endif
