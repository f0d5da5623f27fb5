/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_DOORS_HTTP_WHITELABEL_INTERNAL_H
#define SERVER_DOORS_HTTP_WHITELABEL_INTERNAL_H

#include "admin_internal.h"

/* The number of a resource, from what never changes of it. */
int64_t whitelabel_number(const char *kind, const char *name, int64_t made_at);
/* user_id of a subscription. */
int64_t whitelabel_user(const struct admin *admin, const char *subscription);
/* An optional number of the query. false: answered. */
bool whitelabel_integer(struct http_request *r, const char *name, int64_t least, int64_t most,
                        int64_t *out);

/* Does the query ask for the caller's own?  Of another user there are none: what is a subscription's is its own. */
bool whitelabel_is_user(struct http_request *r, const struct identity *who);

/* ---- changes: done() and what it answers with are the resource's own; the rest is as the admin API has it ---- */

/* Within the caller's subscription. Takes the reference. NULL: answered. */
struct admin_change *whitelabel_call_new(struct http_request *r, const struct admin *admin,
                                         struct identity *who, enum directory_noun noun,
                                         enum directory_verb verb);
void whitelabel_call_free(struct admin_change *n);
/* It is about that one, of which a copy is kept; for the audit, too. false: answered, and freed. */
bool whitelabel_call_about(struct admin_change *n, const char *name);
/* The body, an object. false: answered. */
bool whitelabel_take_body(struct admin_change *n);
/* A member of the body of that type, or NULL, also for null. *fine: false: answered. */
const json_t *whitelabel_member(const struct admin_change *n, const char *name, bool string,
                                bool *fine);

void whitelabel_domain_routes(struct http *http, void *ctx);
void whitelabel_link_routes(struct http *http, void *ctx);

/* ---- whitelabel_domain_json.c ---- */

json_t *whitelabel_domain_json(const struct admin *admin, struct domain *d, bool is_default);
/* After a check: {"id", "valid", "validation_results"}. */
json_t *whitelabel_validated(struct http_request *r, const struct admin *admin,
                             const struct setup_check *c);
int64_t whitelabel_domain_number(const struct domain *d);

/* ---- whitelabel_link_check.c ---- */

/* POST .../{id}/validate, of a link that the caller may see. */
void whitelabel_link_validate(struct http_request *r, const struct admin *admin,
                              const struct identity *who, const struct branded_link *l);
bool whitelabel_link_is_valid(const struct admin *admin, const struct branded_link *l);
int64_t whitelabel_link_number(const struct branded_link *l);

#endif
