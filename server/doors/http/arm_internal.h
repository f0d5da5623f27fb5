/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API in the words of Azure's resource manager, api-version 2025-09-01, for what manages the e-mail domains of Azure Communication Services: domains with their verification,
 * and sender user names.  The subscription of a path is one of ours, by its tenant id or its name; the resource group and the e-mail service in it name nothing here.
 */
#ifndef SERVER_DOORS_HTTP_ARM_INTERNAL_H
#define SERVER_DOORS_HTTP_ARM_INTERNAL_H

#include "admin_internal.h"

/* From here on this request's problems have Azure's shape. */
void arm_begin(struct http_request *r);
/* The subscription that the path names, if `who` sees it: a reference. NULL: it has been answered. */
struct subscription *arm_subscription(struct http_request *r, const struct admin *admin,
                                      const struct identity *who);
/* The domain that the path names, in the subscription that it names: a reference. NULL: answered, with 204 if it is to be removed. */
struct domain *arm_domain(struct http_request *r, const struct admin *admin);
/* A copy that lives as long as the request. false: answered. */
bool arm_keep(struct http_request *r, const char *text, sgl_view *out);
/* The path of the request up to what stands behind its domain; in the arena. */
json_t *arm_id(struct http_request *r, const char *domain, sgl_view username);

void arm_domain_routes(struct http *http, void *ctx);
void arm_sender_routes(struct http *http, void *ctx);

#endif
