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

void whitelabel_domain_routes(struct http *http, void *ctx);

/* ---- whitelabel_domain_json.c ---- */

json_t *whitelabel_domain_json(const struct admin *admin, struct domain *d, bool is_default);
/* After a check: {"id", "valid", "validation_results"}. */
json_t *whitelabel_validated(struct http_request *r, const struct admin *admin,
                             const struct setup_check *c);
int64_t whitelabel_domain_number(const struct domain *d);

#endif
