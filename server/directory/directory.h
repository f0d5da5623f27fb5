/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nouns an administrator manages, held in memory and kept in the store: subscriptions, domains with their selectors, credentials, access keys; who may send as whom:
 * senders, groups, policies.
 * Look-ups are for any thread and cheap; what they return is a counted, immutable snapshot of one noun.  Changes go to the store first and show in memory when durable.
 */
#ifndef SERVER_DIRECTORY_DIRECTORY_H
#define SERVER_DIRECTORY_DIRECTORY_H

#include <stdatomic.h>

#include "../access/access.h"
#include "../keys/keys.h"
#include "../store/statistics.h"
#include "../store/store.h"
#include "domain.h"
#include "guid.h"

struct directory;

struct subscription {
    _Atomic unsigned refs;
    char *name;
    char *profile;             /* of its limits; "": the default one */
    char guid[GUID_TEXT_SIZE]; /* the tenant, to who knows it by a GUID; never changes */
    int64_t created_at;
    uint64_t version;
};

const char *role_name(enum role role); /* "none", "reader", "owner", "operator" */
bool role_parse(sgl_view name, enum role *out);

enum identity_kind {
    IDENTITY_CREDENTIAL,
    IDENTITY_KEY,
    IDENTITY_LOCAL,
    IDENTITY_SYSTEM,
    IDENTITY_APP,
    IDENTITY_ACCOUNT
};
/* Who is asking. A sender may use only addresses of the domains listed here. */
struct identity {
    _Atomic unsigned refs;
    enum identity_kind kind;
    enum role role;
    struct scopes scopes; /* key: what it may be used for, where that is listed */
    bool any_domain;      /* any domain of its subscription (of all, when subscription is "") */
    bool packed;          /* the texts below stand behind it, in one piece of memory */
    _Atomic bool removed; /* who still holds it may do nothing with it */
    char *name;           /* "credential:app1": as the trail shows it */
    char *subscription; /* "" only for LOCAL and SYSTEM: taken from the domain that is sent from */
    char **domain;      /* domains it may send as */
    size_t domains;
    char *label;   /* key: what its maker called it; may be "" */
    char *profile; /* of limits of its own, beside its subscription's; NULL: none */
    int64_t created_at;
    uint64_t version;
    struct identity *_Atomic
        newer; /* a reference, once it was changed: who still holds this one may do what that one may */
};

enum directory_result {
    DIRECTORY_OK,
    DIRECTORY_INVALID,
    DIRECTORY_EXISTS,
    DIRECTORY_NOT_FOUND,
    DIRECTORY_IN_USE,
    DIRECTORY_CONFLICT, /* somebody else changed or removed it meanwhile */
    DIRECTORY_UNAVAILABLE
};

/* Reads all nouns (synchronously, at start). Starts loading the sealed DKIM keys; directory_ready() once all are in the keys process. */
struct directory *directory_open(struct store *store, struct keys *keys, struct workers *workers,
                                 struct loop *loop, char *why, size_t why_size);
bool directory_ready(const struct directory *d);
void directory_free(struct directory *d); /* after its loop and workers have ended; NULL accepted */

struct domain *
directory_domain(struct directory *d,
                 sgl_view name); /* a reference, or NULL; case and one trailing dot are ignored */
struct subscription *directory_subscription(struct directory *d, sgl_view name);
/* By its name, or by its GUID. */
struct subscription *directory_tenant(struct directory *d, sgl_view name);
void subscription_unref(struct subscription *s);
struct identity *identity_ref(struct identity *i);
void identity_unref(struct identity *i); /* NULL accepted */
/* The profile that it has now; lives as long as it does. */
const char *identity_profile(const struct identity *i);
/* May it use what needs that scope ("mail.send"), as it is now?  The one decision: its scopes, or else its role. [scope.h] */
bool identity_has_scope(const struct identity *i, const char *scope);
/* Is this domain one that the identity may use?  A pure look-up; which addresses of it is for directory_may_send(). */
bool directory_may_use(struct directory *d, const struct identity *who,
                       const struct domain *domain);
/*
 * In the place of that subscription, by its name or GUID: his own is himself; an operator becomes its owner, under his own name.  *out is a reference with OK; NOT_FOUND: there is
 * none that he may act for; UNAVAILABLE: memory has ended.
 */
enum directory_result directory_acting_for(struct directory *d, struct identity *who,
                                           sgl_view subscription, struct identity **out);
/* Do policies, senders or limits of its own say what it may send, beside its domains? */
bool directory_is_narrowed(struct directory *d, const struct identity *who);
/* May it use all the domains that the other one may?  Of one subscription both. */
bool identity_has_domains_of(const struct identity *who, const struct identity *other);
/* The identity of a full name, "credential:app1", "local:uid=1000", "app:" with a name or a client id: a reference, or NULL. */
struct identity *directory_identity(struct directory *d, sgl_view name);
/* The identity of a credential by its user name, without a password (trusted networks), or NULL. */
struct identity *directory_credential(struct directory *d, sgl_view user);
/* Whoever logs in by that name and a password: a credential, or an account that may: a reference, or NULL. */
struct identity *directory_login(struct directory *d, sgl_view user);
/* Processes of this machine that run as one user, "local:NAME"; by their uid, or by the name: a reference, or NULL. uid may be NULL. */
struct identity *directory_process(struct directory *d, uint32_t uid);
struct identity *directory_process_named(struct directory *d, sgl_view name, uint32_t *uid);
/* By what its tokens know it: another one of the same name or uid, made later, is another. false: it is none, or is gone. */
bool directory_process_guid(struct directory *d, const struct identity *who,
                            char out[GUID_TEXT_SIZE]);
/* By its name and that GUID: a reference, or NULL. */
struct identity *directory_process_of_guid(struct directory *d, sgl_view name, sgl_view guid);
/* A local administrator, "local:uid=N": any domain. NULL when memory ends. */
struct identity *directory_local(uint32_t uid);

/* Why nobody was let in. */
enum login_fault {
    LOGIN_FINE,
    LOGIN_WRONG,        /* no such user, or another password: all the same to who asks */
    LOGIN_EXPIRED,      /* the right secret, too late */
    LOGIN_NO_PASSWORDS, /* an account whose passwords are switched off */
    LOGIN_NO_TOKENS,    /* an account whose tokens are switched off */
    LOGIN_NOT_ALLOWED,  /* an account that does not let this application in */
    LOGIN_NOT_ITS,      /* a name that is not for this application */
};
/* What a user name says of a login that failed, whatever the password was: WRONG or NO_PASSWORDS. */
enum login_fault directory_login_fault(struct directory *d, sgl_view user);

/*
 * Passwords are compared on a worker thread (Argon2id), or at once from a cache of recent successes; same time and answer for unknown users.  A user name that is an application's
 * (app_user.h) goes with one of its secrets: 256 random bits, of which a SHA-256 is compared at once, each time.
 * So is an access key that somebody shows as the password of "apikey".
 */
struct auth_check {
    struct work work;
    struct directory *directory;
    sgl_view user, password;   /* PLAIN, LOGIN; copied by the call, there until done() ends */
    struct identity *identity; /* out: a reference, or NULL = refused */
    enum login_fault fault;    /* out: with NULL */
    bool unavailable;          /* could not be checked: temporary failure */
    void (*done)(struct auth_check *a); /* on the loop given, always later */
    char *copy;
    struct loop_task task;
    struct loop *loop;
    void *private_;
};
void directory_check_password(struct directory *d, struct loop *loop, struct auth_check *a);
/* SCRAM-SHA-256: what the server side needs. Unknown users get a stable fake of the same shape. [RFC 5802] */
struct scram_secret {
    uint8_t salt[16];
    uint32_t iterations;
    uint8_t stored_key[32], server_key[32];
    bool known;
};
void directory_scram(struct directory *d, sgl_view user, struct scram_secret *out);
/* A bearer's key, in one of its forms (key_form.h): SHA-256 of a 256-bit random secret, compared in constant time. NULL = refused. */
struct identity *directory_bearer(struct directory *d, sgl_view token);

/* ---- access keys: each has two secrets, and either proves it, so that one can be replaced while the other is in use ---- */

#define KEY_SECRETS 2
const char *key_secret_name(size_t which); /* "primary", "secondary" */
struct key_facts {
    bool shared; /* a request that is signed with it need not name it (hmac.h) */
    struct key_secret_facts {
        int64_t made_at; /* 0: there is none */
        bool signs;      /* it can sign requests, not only be shown as a bearer's */
        uint32_t day;    /* it was used last, in days since the Epoch; 0: not since the start */
    } secret[KEY_SECRETS];
};
/* By its id: a reference, or NULL. facts may be NULL. */
struct identity *directory_key(struct directory *d, sgl_view id, struct key_facts *facts);

/*
 * A service is an access key that has a name, unique in its subscription whatever the case of its letters, and facts, a JSON document that is its manager's.  Its secrets can be read
 * again.  While it is locked, neither of them proves anything.
 */
#define SERVICE_NAME_MAX  63
#define SERVICE_FACTS_MAX (16u * 1024u)
struct named_service {
    sgl_view name, id, facts; /* id: of its key */
    bool locked, shared;
    int64_t created_at;
};
/* Those of a subscription in order of their names; name: that one only, where it is not empty. In the arena; false: memory has ended. */
bool directory_services(struct directory *d, sgl_view subscription, sgl_view name,
                        struct sgl_arena *arena, struct named_service **out, size_t *count);
/* Its two secrets, as who signs wants them. */
struct service_keys {
    struct keys_op op; /* directory's own, as what follows done */
    struct loop *loop;
    void (*done)(struct service_keys *k); /* always later, on loop */
    bool found, fine;                     /* fine: both could be opened */
    char key[KEY_SECRETS][48];            /* base64; the caller wipes it */
    uint8_t sealed[KEY_SECRETS][KEYS_MAC_SEALED];
    char id[32], context[80];
    size_t at;
    struct loop_task task;
    struct keys *keys;
};
void directory_service_keys(struct directory *d, sgl_view subscription, sgl_view name,
                            struct service_keys *k);

/* ---- applications: they prove who they are at the token endpoint ---- */

#define APP_SECRETS_MAX 8
struct app_secret {
    char id[16]; /* its name in lists; not secret */
    int64_t created_at, expires_at;
};
struct app_facts {
    char client_id[GUID_TEXT_SIZE];
    size_t secrets;
    struct app_secret secret[APP_SECRETS_MAX];
};
enum app_login { APP_OK, APP_UNKNOWN, APP_WRONG, APP_EXPIRED };
/*
 * Is this one of the application's secrets?  subscription: where it must be; empty: anywhere.  It takes as long whatever the answer is.
 * *out, a reference, is set with APP_OK only.
 */
enum app_login directory_app_login(struct directory *d, sgl_view client_id, sgl_view subscription,
                                   sgl_view secret, int64_t now, struct identity **out);
/* Whose tokens prove it, too: those that an issuer made for a subject and an audience. Immutable. */
#define APP_TRUSTS_MAX 8
struct app_trust {
    char id[16]; /* its name in lists */
    char *issuer, *subject, *audience;
    bool reusable; /* a token may be shown more than once */
    int64_t created_at;
};
struct app_trusts {
    _Atomic unsigned refs;
    size_t count;
    struct app_trust item[APP_TRUSTS_MAX];
};
struct app_trusts *app_trusts_ref(struct app_trusts *t); /* NULL accepted, as by the other */
void app_trusts_unref(struct app_trusts *t);
/* By its client id in whatever case, in a subscription (empty: in any): a reference, or NULL. *out: another one; NULL: it trusts nobody. */
struct identity *directory_app_trusts(struct directory *d, sgl_view client_id,
                                      sgl_view subscription, struct app_trusts **out);
/* By its name, or by its client id in whatever case: a reference, or NULL. facts may be NULL. */
struct identity *directory_app(struct directory *d, sgl_view name, struct app_facts *facts);
struct identity *directory_app_of_client(struct directory *d, sgl_view client_id,
                                         struct app_facts *facts);

/* ---- high-volume accounts: an application's login that may send as one address only, which is its user name ---- */

#define ACCOUNT_APPS_MAX     10
#define ACCOUNT_ADDRESS_MAX  128
#define ACCOUNTS_MAX_DEFAULT 20 /* of a subscription */
struct account_facts {
    bool basic;    /* it may log in with its password */
    bool oauth;    /* it may log in with a token of an application below */
    bool password; /* it has one */
    size_t apps;
    char app[ACCOUNT_APPS_MAX]
            [GUID_TEXT_SIZE]; /* by their client ids: a new one of the same name is another */
};
/* By its address, in whatever case: a reference, or NULL. facts may be NULL. */
struct identity *directory_account(struct directory *d, sgl_view address,
                                   struct account_facts *facts);
/* The account, if it lets this application log in as it. */
struct identity *directory_account_of_app(struct directory *d, sgl_view address,
                                          const struct identity *app);
/*
 * As whom does an application log in that has shown a token?  As the account of that address, if that lets it in; else as itself: by an address that it may send as, by its own
 * user name (app_user.h), or by none.  A reference, or NULL with *fault.  A pure look-up, any thread.
 */
struct identity *directory_login_of_app(struct directory *d, struct identity *app, sgl_view user,
                                        enum login_fault *fault);
bool directory_has_apps(struct directory *d);                   /* is there any application? */
void directory_accounts_max(struct directory *d, unsigned max); /* any thread */

/* ---- for listings: calls each() with nouns in order of their names; stops when it returns false. Nothing may be kept without a reference. ---- */
void directory_each_domain(struct directory *d, bool (*each)(void *ctx, struct domain *domain),
                           void *ctx);
void directory_each_subscription(struct directory *d,
                                 bool (*each)(void *ctx, struct subscription *s), void *ctx);
void directory_each_identity(struct directory *d, enum identity_kind kind,
                             bool (*each)(void *ctx, struct identity *i), void *ctx);

/* ---- who may send as whom; resources ---- */

/* What the nouns below begin with: each belongs to a subscription, and is freed with its last reference. */
struct owned {
    _Atomic unsigned refs;
    char *key; /* its name in the store */
    char *subscription;
    int64_t created_at;
    uint64_t version;
};
/* An address, or all of a domain, that may stand in MAIL FROM, From and Sender; of one identity, or of all that may use the domain. Without any there, all addresses may. */
struct sender {
    struct owned owned; /* first; its key: "news@example.org", "*@example.org app:news" */
    char *address;      /* as struct access_address has it */
    char *identity;     /* "" : of the domain */
    char *display;      /* the name that a From without one gets; "": none */
};
/* Addresses and whole domains under a name. */
struct group {
    struct owned owned; /* first; its key: "SUBSCRIPTION/NAME" */
    const char *name;
    char *description;
    struct access_set members;
};
/* What an identity may do as the members of a group: nothing else than that, or anything but that. */
struct policy {
    struct owned owned; /* first; its key: an id that was drawn */
    char *identity;     /* "app:billing", "app:*", "*" */
    char *group, *description;
    char *group_key;
    bool deny;
    struct policy *next; /* directory's own: of the same identity */
};
/* An unsubscribe group: mail that people may leave without leaving the rest; noun_asm.c says how it is a list. */
struct asm_group {
    struct owned owned; /* first; its key: the id in digits */
    uint32_t id;        /* of this server only, never another's */
    char *name, *description;
    bool
        chosen; /* what was said of the default last, and when; directory_asm_is_default() is the answer */
    int64_t default_at;
};
void asm_group_unref(struct asm_group *g);
#define ASM_GROUP_LIST "asm-" /* and the id: its list's name */
/* "asm-42", or "asm-42.example.org": false: it is the name of another list. */
bool asm_group_of_list(sgl_view list, uint32_t *id);
/* Of this subscription: a reference, or NULL. */
struct asm_group *directory_asm_group(struct directory *d, sgl_view subscription, uint32_t id);
bool directory_asm_is_default(struct directory *d, const struct asm_group *g);
void directory_each_asm_group(struct directory *d, bool (*each)(void *ctx, struct asm_group *g),
                              void *ctx);
#define SENDER_DISPLAY_MAX 200
/*
 * The display name that this identity's own sender has, or else the domain's; empty: neither has any.  A pure look-up, any thread; *out lives in the arena. false: memory has ended.
 */
bool directory_display_name(struct directory *d, const struct identity *who,
                            const struct sgl_mailbox *mailbox, struct sgl_arena *arena,
                            sgl_view *out);
/* A host name that one-click links in list mail of a domain begin with, published by its owner as an alias of the server's own. */
struct branded_link {
    struct owned owned; /* first; its key: "SUBSCRIPTION/HOST" */
    char *domain, *subdomain;
    char *host;         /* "SUBDOMAIN.DOMAIN" */
    char *target;       /* where its alias led when that was looked at last; "": there was none */
    int64_t default_at; /* milliseconds, when it was said that it is the default; 0: it is not */
};
void branded_link_unref(struct branded_link *l); /* NULL accepted */
/*
 * The default one of a domain, or of all of the subscription where no domain is given: the one for which that was said last, else the oldest.  A pure look-up, any thread: a
 * reference, or NULL.
 */
struct branded_link *directory_branded_link(struct directory *d, sgl_view subscription,
                                            sgl_view domain);
/* That of a host: a reference, or NULL. */
struct branded_link *directory_branded_link_of(struct directory *d, sgl_view subscription,
                                               sgl_view host);
/* In the order of their hosts, for each subscription. */
void directory_each_branded_link(struct directory *d,
                                 bool (*each)(void *ctx, struct branded_link *l), void *ctx);
/* What programs that manage a cloud want to find again as they left it, and what nothing here is made of: a document of theirs under a name. */
struct resource {
    struct owned owned; /* first; its key: "SUBSCRIPTION/TYPE/NAME" in lower case */
    char *name;         /* "TYPE/NAME", as it was given */
    char *facts;        /* JSON */
};
#define RESOURCE_NAME_MAX  400
#define RESOURCE_FACTS_MAX (16u * 1024u)
#define RESOURCES_MAX      10000 /* of a subscription: all are in memory */
void resource_unref(struct resource *r);
/* Addresses to send from, under a name that their subscription has given them; whether it may send from there is the configuration's to say. */
#define POOL_ADDRESSES_MAX  100
#define POOL_NAME_MIN       2
#define POOL_NAME_MAX       64
#define DIRECTORY_POOLS_MAX 100 /* of a subscription */
struct pool {
    struct owned owned; /* first; its key: an id that was drawn */
    char *path;         /* "SUBSCRIPTION/NAME" */
    const char *name;
    char *address[POOL_ADDRESSES_MAX];
    size_t addresses;
};
void pool_unref(struct pool *p);
/* By its name, of this subscription: a reference, or NULL. A pure look-up, any thread. */
struct pool *directory_pool(struct directory *d, sgl_view subscription, sgl_view name);
void directory_each_pool(struct directory *d, bool (*each)(void *ctx, struct pool *p), void *ctx);
/* A reference, or NULL. */
struct resource *directory_resource(struct directory *d, sgl_view subscription, sgl_view name);
void directory_each_resource(struct directory *d, bool (*each)(void *ctx, struct resource *r),
                             void *ctx);
void sender_unref(struct sender *s); /* NULL accepted, as by the others */
void group_unref(struct group *g);
void policy_unref(struct policy *p);
struct group *directory_group(struct directory *d, sgl_view subscription, sgl_view name);
void directory_each_sender(struct directory *d, bool (*each)(void *ctx, struct sender *s),
                           void *ctx);
void directory_each_group(struct directory *d, bool (*each)(void *ctx, struct group *g), void *ctx);
void directory_each_policy(struct directory *d, bool (*each)(void *ctx, struct policy *p),
                           void *ctx);

struct directory_access {
    bool granted;
    enum access_rule rule;
    char policy[32];                  /* its id, when one decided; else "" */
    char group[80];                   /* its group */
    char member[ACCESS_TEXT_MAX + 2]; /* the member of the group, or the sender, that matched */
};
/*
 * The one decision for every door and field: may this identity send as this mailbox?  A pure look-up, any thread.  *domain is a reference when it is granted, else untouched;
 * it may be NULL.  Nothing that is missing grants anything.
 */
bool directory_may_send(struct directory *d, const struct identity *who,
                        const struct sgl_mailbox *mailbox, struct domain **domain,
                        struct directory_access *out);
/* Do letters of local parts match in their own case only?  Not so at first. Any thread, any time. */
void directory_exact_local_parts(struct directory *d, bool exact);

#define DIRECTORY_MEMBERS_MAX  10000 /* of a group */
#define DIRECTORY_POLICIES_MAX 100   /* of an identity */
struct sender_change {
    sgl_view identity; /* empty: of the domain */
    sgl_view display;  /* ptr NULL: as it was, or none */
};
struct group_change {
    sgl_view description; /* ptr NULL: as it was */
    bool replace;         /* changed: `add` is all of them now */
    const sgl_view *add, *drop;
    size_t adds, drops;
};
struct policy_change {
    sgl_view identity, group, description;
    bool deny;
};

#define DIRECTORY_ASM_GROUPS_MAX  200 /* of a subscription */
#define ASM_GROUP_NAME_MAX        30  /* characters */
#define ASM_GROUP_DESCRIPTION_MAX 100
enum asm_default { ASM_DEFAULT_AS_IT_IS, ASM_DEFAULT_YES, ASM_DEFAULT_NO };
struct asm_group_change {
    sgl_view name,
        description; /* changed: ptr NULL: as it was; of a subscription all names differ */
    enum asm_default is_default;
};

/* ---- changes ---- */

enum directory_noun {
    DIRECTORY_SUBSCRIPTION,
    DIRECTORY_DOMAIN,
    DIRECTORY_CREDENTIAL,
    DIRECTORY_KEY,
    DIRECTORY_APP,
    DIRECTORY_SENDER,
    DIRECTORY_GROUP,
    DIRECTORY_POLICY,
    DIRECTORY_ACCOUNT,
    DIRECTORY_LOCAL,
    DIRECTORY_ASM_GROUP,
    DIRECTORY_RESOURCE,
    DIRECTORY_POOL,
    DIRECTORY_BRANDED_LINK,
    DIRECTORY_ROUTE,
};
enum directory_verb { DIRECTORY_ADD, DIRECTORY_CHANGE, DIRECTORY_REMOVE };
const char *directory_verb_word(enum directory_verb verb); /* "add", "change", "remove" */

struct app_trust_change {
    sgl_view issuer, subject, audience;
    bool reusable;
};
/* What becomes of the secrets of an application, and of whom it trusts; one that is added gets a secret. */
struct app_change {
    bool no_secret;         /* added: without any */
    bool secret_add;        /* changed: one more; shown this once in `secret`, named in `id` */
    int64_t secret_until;   /* of the one that is made, Unix seconds; 0: a year from now */
    sgl_view secret_remove; /* changed: the id of the one that goes; empty: none */
    const struct app_trust_change *trust_add; /* changed: one more, named in `id`; NULL: none */
    sgl_view trust_remove; /* changed: the id of the one that goes; empty: none */
};

struct local_change {
    int64_t uid; /* added; it stays the same for good */
};

enum key_rotate { KEY_KEEP, KEY_ROTATE, KEY_ROTATE_PRIMARY, KEY_ROTATE_SECONDARY };
/* One that is added gets its primary secret. */
struct key_change {
    enum key_rotate rotate; /* KEY_ROTATE: the one that is not there, else the older one */
    struct scopes
        scopes; /* listed: these and no others, which goes with no role; else none, or as they were */
    const struct service_change *service; /* NULL: it is none, or stays as it is */
};
/* Added: a service, which has both secrets. Changed: its domains are all that are given, also none. */
struct service_change {
    sgl_view name;  /* added */
    sgl_view facts; /* ptr NULL: as they were */
    bool locked;
};

/* Its name: "TYPE/NAME"; unique in its subscription, whatever the case of its letters. */
struct resource_change {
    sgl_view facts;
};

/* Added: empty, by the change's name; changed: one thing at a time, or several. */
struct pool_change {
    sgl_view rename;    /* ptr NULL: as it was */
    sgl_view add, drop; /* an address, as config_address_text() has it; ptr NULL: none */
};

#define DIRECTORY_BRANDED_LINKS_MAX 100 /* of a subscription */
/* Changed, removed: the change's name is its host. */
struct branded_link_change {
    sgl_view domain;    /* added: one of the subscription */
    sgl_view subdomain; /* added: one label; empty: "links" */
    bool set_default, is_default;
    sgl_view target; /* ptr NULL: as it was */
};

enum account_way { ACCOUNT_AS_IT_IS, ACCOUNT_ON, ACCOUNT_OFF };
/* Its address is the change's name, what people call it the label; one that is added has a password where `basic` is on. */
struct account_change {
    enum account_way basic,
        oauth; /* added, and not said: as the subscription has no applications, and on */
    const sgl_view *allow, *forbid; /* applications, by name or client id */
    size_t allows, forbids;
};

#define DIRECTORY_DOMAINS_MAX 100
/* A noun is added, changed (what is not given stays as it was) or removed; between two changes the store decides: the later one is refused with DIRECTORY_CONFLICT. */
struct directory_change {
    enum directory_noun noun;
    enum directory_verb verb;
    struct loop *loop;
    void (*done)(
        struct directory_change
            *c); /* always later, on loop; the change is durable and visible when result is OK */
    void *ctx;
    /* in; what is pointed to is borrowed until done() */
    sgl_view actor, peer; /* for the audit: who asks, and from where; empty: the server itself */
    sgl_view
        within; /* only nouns of this subscription are there to be added, changed, removed; empty: all */
    sgl_view
        name; /* subscription, domain, credential user name or key id; a key that is added: its label, may be empty */
    sgl_view subscription; /* empty: "default" */
    sgl_view domain
        [DIRECTORY_DOMAINS_MAX]; /* credential, key: domains it may send as; at least one. "*": any of its subscription */
    size_t domains;
    enum role role; /* key, app: with one it needs no domain */
    sgl_view
        password; /* credential: empty: one is made when it is added, and when it is changed with password_new */
    bool password_new;
    sgl_view label;   /* key that is changed, app; ptr NULL: as it was */
    uint64_t version; /* change, remove: only if it is this one; 0: whichever it is now */
    bool ed25519;     /* domain: one more selector with Ed25519, which signs, too */
    const struct domain_change *domain_change; /* domain; NULL: a custom one is added */
    sgl_view
        profile; /* subscription, or an identity that is changed (ptr NULL: as it was): of its limits; the caller knows that there is such a one */
    const struct app_change *app;       /* app; may be NULL */
    const struct sender_change *sender; /* of the nouns of these names; NULL for all others */
    const struct group_change *group;
    const struct policy_change *policy;
    const struct account_change *account;
    const struct key_change *key;
    const struct local_change *local;
    const struct resource_change *resource;
    const struct pool_change *pool; /* changed, removed: `within` says whose, and is needed */
    const struct branded_link_change *branded_link;
    const struct route_change *route;         /* route.h */
    const struct asm_group_change *asm_group; /* changed, removed: `name` is its id */
    /* out */
    enum directory_result result;
    char field[32];        /* what is wrong, when not OK */
    char why[240];         /* one sentence, printable */
    char secret[128];      /* the password or key, shown this once */
    char canonical[256];   /* domain: its name as it is kept */
    char access_key[48];   /* the same one in base64, as programs that sign want it */
    char dotted[128];      /* and as programs for SendGrid want it: "SG.<id>.<secret>" */
    const char *which;     /* key: "primary", "secondary": the secret that was made; else NULL */
    char id[32];           /* a key that is added: its name in lists, and in "sk_<id>_<secret>" */
    struct loop_task task; /* directory's own, as is private_ */
    void *private_;
};
/* On any thread. */
void directory_change(struct directory *d, struct directory_change *c);

/* ---- suppression: addresses that are not sent to (docs/suppression.md) ---- */

/*
 * For all mail of a subscription, or for that of one of its domains only.  An entry covers its address however the ASCII letters of the local part are spelled; or, if it was
 * made so, its own spelling only.  In memory there is a hash of each; what else is known is read from the store, as nouns of the kind "suppression" whose key is
 * "SUBSCRIPTION/DOMAIN/ADDRESS" (DOMAIN empty: all mail) and whose value is
 *
 *   {"reason":"hard-bounce","status":"5.1.1","reply":"550 5.1.1 no such user","exact":1,"created_at":N,"expires_at":N}      expires_at 0: never; status, reply and exact may be left out
 */
#define SUPPRESSION_KIND "suppression"

enum suppression_reason {
    SUPPRESSION_HARD_BOUNCE,
    SUPPRESSION_COMPLAINT,
    SUPPRESSION_UNSUBSCRIBE,
    SUPPRESSION_MANUAL,
    SUPPRESSION_INVALID, /* no mail can go there: no such domain, or a null MX */
    SUPPRESSION_BLOCKED, /* a receiver refused a message, and not because of the address: kept to be known, and stops nothing */
};
#define SUPPRESSION_REASON_BIT(reason) (1u << (reason))
#define SUPPRESSION_PASS_LISTS         0x80u /* beside these bits: who unsubscribed from a list, too */
bool suppression_reason_stops(enum suppression_reason reason);
const char *suppression_reason_name(enum suppression_reason reason); /* "hard-bounce" ... */
/* As the reason of a recipient's state: "suppressed: the recipient complained" */
const char *suppression_reason_text(enum suppression_reason reason);
/* As which statistic a recipient counts that is not sent to for that. */
enum statistic suppression_reason_drop(enum suppression_reason reason);
bool suppression_reason_parse(sgl_view name, enum suppression_reason *out);

/* A pure look-up, any thread: is this address, as admission has it, suppressed for mail of this domain? The same as the one below, with nothing passed over. */
bool directory_suppressed(struct directory *d, const struct domain *domain, sgl_view address,
                          int64_t now, enum suppression_reason *reason);

enum suppression_spelling { SUPPRESSION_AS_CONFIGURED, SUPPRESSION_ANY, SUPPRESSION_EXACT };
struct suppression_question {
    sgl_view subscription;
    sgl_view domain; /* or the list's id: whose mail it is */
    sgl_view address;
    int64_t now;
    unsigned
        passed; /* bits, 1 << reason: entries for these reasons are passed over; those for a list only with SUPPRESSION_PASS_LISTS, too */
};
bool directory_suppressed_now(struct directory *d, const struct suppression_question *q,
                              enum suppression_reason *reason);
/*
 * In place of a domain: "list:" and a list's id in lower case: for mail of that list only.  A pure look-up, any thread: is the address suppressed for it?  For other mail see above.
 */
#define SUPPRESSION_LIST "list:"
/* What stands behind "list:" for a list of this id: that of a group is the same for all domains. */
sgl_view directory_list_scope(sgl_view list);
bool directory_unsubscribed(struct directory *d, const struct suppression_question *q,
                            enum suppression_reason *reason);
/*
 * The list of a sender: SUPPRESSION_LIST, "@" and the address that From has, in lower case; an address of it is suppressed for mail from there only.  A pure look-up, any thread: is it?
 */
#define SUPPRESSION_SENDER "@"
#define SENDER_LIST_MAX    128 /* of the sender's address */
bool directory_left_sender(struct directory *d, const struct suppression_question *q,
                           sgl_view header_from, enum suppression_reason *reason);
/* Is there any list at all for which the address may be suppressed?  Yes may be wrong, no is not: a look at which list it is can be saved. */
bool directory_may_be_unsubscribed(struct directory *d, sgl_view subscription, sgl_view address);

/*
 * Is there an entry for just this: the domain, "list:" and the scope of a list, or "", all mail?  Also one that stops nothing, if `passed` does not have it.
 */
bool directory_suppression_listed(struct directory *d, const struct suppression_question *q,
                                  enum suppression_reason *reason);

struct suppression {
    sgl_view address;
    sgl_view domain; /* only for mail from it; empty: as the whole call */
    enum suppression_reason reason;
    enum suppression_spelling spelling; /* when it is added */
    sgl_view status;                    /* "5.1.1", or empty */
    sgl_view
        reply; /* what caused it: at most 500 bytes are kept, control characters become blanks */
    int64_t created_at; /* wall seconds; 0: now */
    int64_t expires_at; /* wall seconds; 0: never */
};
#define DIRECTORY_SUPPRESSIONS_MAX  100000   /* in one change */
#define DIRECTORY_SUPPRESSIONS_KEPT 10000000 /* of all subscriptions: 256 MiB */
#define DIRECTORY_SUPPRESSIONS_OWN                                                                 \
    1000000 /* of these, left for what the server adds itself: one click, hard bounces */
/*
 * Several at once: all are checked before the first is stored, and all are stored together.  What is not there cannot be removed.  A change of more than 1,000 takes tens of
 * megabytes until it is stored: while one is on its way, another is refused as UNAVAILABLE.
 */
struct directory_suppress {
    bool remove;
    bool keep;             /* who is suppressed already stays as it is; else it is replaced */
    unsigned reasons;      /* removed: only entries of these, SUPPRESSION_REASON_BIT(); 0: of any */
    bool absent_ok;        /* removed: what is not there is passed over */
    sgl_view subscription; /* empty: "default" */
    sgl_view domain;       /* empty: all of its mail */
    const struct suppression *item; /* these, and what they point to, are copied by the call */
    size_t items;
    struct loop *loop;
    void (*done)(struct directory_suppress *s); /* always later, on loop */
    void *ctx;
    sgl_view actor,
        peer; /* for the audit: who asks, and from where; empty: the server itself, which the trail of a message tells of */
    /* out */
    enum directory_result result;
    size_t wrong;   /* which one, when not OK */
    char field[32]; /* "address", "domain", "subscription", "expires_at", ... */
    char why[240];
    size_t fresh;          /* so many were not there before; removed: so many were */
    struct loop_task task; /* directory's own, as is private_ */
    void *private_;
};
void directory_suppress(struct directory *d, struct directory_suppress *s); /* any thread */

/* How new entries are made that do not say it: of one spelling, or of any (the default). */
void directory_suppress_exact(struct directory *d, bool exact);
/* On the directory's loop, from time to time: entries that are over are forgotten, and leave the store. */
void directory_sweep(struct directory *d);

struct directory_stats {
    size_t domains, credentials, keys, apps, subscriptions, selectors_loading;
    size_t suppressions, suppression_bytes;
    uint64_t passwords_hashed, passwords_cached, passwords_refused;
};
void directory_stats(struct directory *d, struct directory_stats *out);

#endif
