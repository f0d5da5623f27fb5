/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of the admin API, for its own files. */
#ifndef SERVER_DOORS_HTTP_ADMIN_INTERNAL_H
#define SERVER_DOORS_HTTP_ADMIN_INTERNAL_H

#include "../../directory/route.h"
#include "admin.h"

#define ADMIN_NO_DOMAIN                                                                            \
    "There is no such domain here; sigillo domain list shows those that are there."

struct sgl_setup;
struct sgl_setup_row;

/* The records that the domain has to publish, a list; NULL: memory ended, or they cannot be named. */
json_t *admin_records_json(const struct admin *admin, const struct domain *domain);
/* GET .../records ?check=true: compared with what is published now, when the answer is there. */
void admin_records_get(struct http_request *r, void *ctx);
/* What a check saw: the zone, the rows with their states, whether all that is required is there. */
json_t *admin_setup_json(const struct sgl_setup *seen);
/* A domain with its selectors and all that is known of it. */
json_t *admin_domain_json(const struct admin *admin, struct domain *domain);
void admin_domain_put_status(json_t *json, const struct admin *admin, struct domain *d);
/* POST .../verify: a check now; answered when it is over. */
void admin_domain_verify(struct http_request *r, void *ctx);
/* What the configuration says of a domain that is added. */
struct admin_change;
struct setup_check;
void admin_new_domain(struct admin_change *n);
/* The domain that the path names, if whoever asks may see it: a reference. NULL: it has been answered. */
struct domain *admin_named_domain(struct http_request *r, const struct admin *admin);
/* Looks at all records of a domain, which `param` of the path names, and answers what answer() makes of it, or why it could not. */
typedef json_t *admin_verified(struct http_request *r, const struct admin *admin,
                               const struct setup_check *c);
void admin_verify(struct http_request *r, const struct admin *admin, const struct domain *d,
                  const char *param, admin_verified *answer);
/* Routes of admin_domain_publish.c and admin_domain_rotation.c. */
void admin_domain_publish(struct http_request *r, void *ctx);
void admin_domain_withdraw(struct http_request *r, const struct admin *admin);
void admin_rotation_get(struct http_request *r, void *ctx);
void admin_rotation_post(struct http_request *r, void *ctx);
void admin_rotation_delete(struct http_request *r, void *ctx);
/* admin_tls.c */
void admin_tls_records(struct http_request *r, void *ctx);
/* admin_domain_sts.c */
json_t *admin_domain_sts_json(const struct admin *admin, const struct domain *d);
void admin_domain_sts_get(struct http_request *r, void *ctx);
void admin_domain_sts_put(struct http_request *r, void *ctx);

/*
 * Who is asking, if his role suffices for this route.  NULL: the refusal has been sent.  A reference.  What this request is refused for from here on goes into the audit, when it would
 * have changed something.
 */
struct identity *admin_who(struct http_request *r, const struct admin *admin);

/* ---- roles ---- */

/* A route and who may use it at least. A route that is not in the table is an operator's only. */
struct admin_access {
    const char *method, *pattern;
    enum role least;
    const char *action; /* what the audit calls it */
};
const struct admin_access *admin_access(const char *method, const char *pattern); /* or NULL */
/* Does his role suffice for this route?  false: the refusal has been sent. */
bool admin_role_fits(struct http_request *r, const struct admin *admin, struct identity *who);
/* The subscription that he is held to; empty: none, he sees all. Borrowed from him. */
sgl_view admin_scope(const struct identity *who);
/* Does he see what is of that subscription? */
bool admin_sees(const struct identity *who, sgl_view subscription);
/* Is what is asked for his?  What he leaves out (empty) becomes his. false: there is no such subscription for him, which has been answered. */
bool admin_take_scope(struct http_request *r, sgl_view scope, sgl_view *subscription);
/*
 * For reads: may he?  false: the refusal has been sent.  *scope: only what is of this subscription is there for him; empty: all.  Lives as long as the request.
 */
bool admin_may_read(struct http_request *r, const struct admin *admin, sgl_view *scope);
/* One line in the log for every change. */
void admin_audit(const struct http_request *r, const struct identity *who, const char *what,
                 const char *about, const char *result);

/* ---- members of a JSON body: a mistake is answered, naming the member; then false ---- */

struct admin_member {
    const char *name;
    json_type type; /* JSON_STRING, JSON_TRUE (a boolean), JSON_ARRAY (of strings), JSON_INTEGER */
    bool required;
    const json_t *value; /* out; NULL: not given */
};
/* The body as an object with these members and no others. NULL: answered. The caller owns it; values are borrowed from it. */
json_t *admin_object(struct http_request *r, struct admin_member *member, size_t members);
sgl_view admin_text(const json_t *value); /* empty when NULL */

/* ---- the query of a read: what is not given stays as it is; a mistake is answered, naming it, then false ---- */

bool admin_take_time(struct http_request *r, const char *name, int64_t *ms);
bool admin_take_day(struct http_request *r, const char *name, int64_t *day);  /* since 1970 */
bool admin_take_count(struct http_request *r, const char *name, uint64_t *n); /* 1 to 1000 */
/* ?max= and ?skip= */
bool admin_take_page(struct http_request *r, uint64_t *max, uint64_t *skip);

struct admin_by {
    const char *name;
    int value;
};
/* ?by= one of these, of which the last has no name; the first, when it is not given. NULL: answered with what is wanted. */
const struct admin_by *admin_take_by(struct http_request *r, const struct admin_by *known,
                                     const char *wanted);

/* ---- nouns: a kind is a file and a row ---- */

#define ADMIN_MEMBERS_MAX 14

struct admin_noun;
/* A change of a noun on its way. */
struct admin_change {
    struct directory_change change; /* first: cast from it */
    const struct admin_noun *noun;
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    struct app_change app; /* where the change's own points to */
    struct app_trust_change trust;
    json_t *body; /* the change's views point into it until done */
    char about[80];
    struct sender_change sender; /* of the nouns of these names */
    struct group_change group;
    struct policy_change policy;
    struct account_change account;
    struct key_change key;
    struct local_change local;
    struct service_change service;
    struct resource_change resource;
    sgl_view *member; /* of a group; malloc()ed */
    struct domain_change domain;
    struct branded_link_change branded_link;
    struct route_change route;
};
struct admin_noun {
    enum directory_noun noun;
    const char *name, *plural; /* "domain": in the log; "domains": the member of a listing */
    const char *path, *one;    /* "/admin/v1/domains", "/admin/v1/domains/{name}" */
    const char *param;         /* what names one in a path: "name" */

    /* Read: all are appended by list(), or are the identities of a kind, each by find(). */
    void (*list)(struct directory *d, json_t *to);
    enum identity_kind kind;
    json_t *(*find)(const struct admin *admin, sgl_view name); /* NULL: there is none */
    const char *none;                                          /* ... and the sentence for that */
    void (*show)(struct http_request *r, const struct admin *admin); /* in place of find() */

    /* A request that adds one, if that can be. */
    struct admin_member member[ADMIN_MEMBERS_MAX]; /* the last has no name */
    bool (*take)(struct admin_change *n,
                 const struct admin_member *member); /* into the change; false: answered */
    json_t *(*added)(const struct admin_change *n);  /* the answer; NULL: its name */

    /* A request that changes one, if that can be. */
    struct admin_member change_member[ADMIN_MEMBERS_MAX];
    bool (*take_change)(struct admin_change *n, const struct admin_member *member);
    json_t *(*changed)(const struct admin_change *n);
    void (*take_query)(struct admin_change *n); /* what names one beside its path; may be NULL */
};
extern const struct admin_noun admin_subscriptions, admin_credentials, admin_keys, admin_apps,
    admin_accounts, admin_senders, admin_groups, admin_policies, admin_locals, admin_routes_noun;

/* Whole requests, for a kind whose routes are its own: the caller checked, the work done, answered, logged. */
void admin_noun_add(struct http_request *r, const struct admin *admin,
                    const struct admin_noun *noun);
void admin_noun_change(struct http_request *r, const struct admin *admin,
                       const struct admin_noun *noun);
void admin_noun_remove(struct http_request *r, const struct admin *admin,
                       const struct admin_noun *noun);
/* The member "version" of a change, which may be NULL; false: answered. */
bool admin_take_version(struct admin_change *n, const json_t *version);
/* ---- identities, in the file of credentials and keys ---- */

json_t *admin_identity_json(const struct identity *i);
/* Where programs that sign their requests send them: "https://mail.example.org/". A key that is not tried by itself has its id before the host. */
void admin_put_endpoint(const struct admin *admin, const char *id, bool shared,
                        struct sgl_buf *out);
/* Members of a request, into the change; false: answered. */
bool admin_take_domains(struct admin_change *n, const json_t *list);
bool admin_take_role(struct admin_change *n, const json_t *role); /* NULL: as it is */
/* The limits of its own: a profile's name, "" for none; NULL: as they are. */
bool admin_take_profile(struct admin_change *n, const json_t *profile);
json_t *admin_profile_json(const struct identity *i);
/* Domains that are given are at least one: none at all would mean that nothing changes. */
bool admin_change_domains(struct admin_change *n, const json_t *list);
/* At least one of the first `wanted` members is there. */
bool admin_anything_given(struct admin_change *n, const struct admin_member *member, size_t wanted);

/* Is this a limit profile's name, or empty (the default one)?  false: answered. */
bool admin_profile_known(struct http_request *r, const struct admin *admin, sgl_view name);
/* A subscription with its limits, and what counts against them now. */
json_t *admin_subscription_json(const struct admin *admin, const struct subscription *s);

void admin_domain_routes(struct http *http, void *ctx);
void admin_suppression_routes(struct http *http, void *ctx);
void admin_policy_routes(struct http *http, void *ctx);
void admin_route_routes(struct http *http, const struct admin *admin);
/* A result as the word of a problem ("not-found") and as a status. */
const char *admin_result_word(enum directory_result result);
int admin_result_status(enum directory_result result);

/* ---- figures, times, strings ---- */

/* "2026-11-22T12:09:03.123Z"; milliseconds only when ms is not a whole second. NULL for 0. */
json_t *admin_time(int64_t ms);
/* The other way: RFC 3339, or seconds since 1970, or a span before now: "90s", "15m", "2h", "3d". */
bool admin_time_parse(sgl_view text, int64_t now_ms, int64_t *ms);
json_t *admin_json_view(sgl_view v); /* a string; bytes that are no UTF-8 become "?" */

/* The description of all routes, OpenAPI 3.1: admin_openapi.json. */
extern const unsigned char admin_openapi_json[];
extern const size_t admin_openapi_json_len;

void admin_audit_routes(struct http *http, const struct admin *admin);
void admin_reports_sent_routes(struct http *http, const struct admin *admin);
void admin_nouns_routes(struct http *http, const struct admin *admin);
void admin_doors_routes(struct http *http, void *ctx);
void admin_guard_routes(struct http *http, const struct admin *admin);
void admin_reputation_routes(struct http *http, const struct admin *admin);
/* The addresses complained about mail of the domain. Nothing happens where that is none. */
void admin_guard_complaints(const struct admin *admin, sgl_view domain,
                            const struct suppression *item, size_t items);
void admin_limits_routes(struct http *http, const struct admin *admin);
void admin_messages_routes(struct http *http, const struct admin *admin);
void admin_send_routes(struct http *http, const struct admin *admin);
void admin_transit_routes(struct http *http, const struct admin *admin);
void admin_dmarc_routes(struct http *http, const struct admin *admin);

#endif
