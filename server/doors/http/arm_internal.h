/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API in the words of Azure's resource manager, api-version 2025-09-01, for what manages Azure Communication Services: services, domains with their verification, sender user
 * names.  The subscription of a path is one of ours, by its tenant id or its name; what stands before a domain names nothing here.
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

/* ---- arm_resource.c: what resources are described by; it is kept as it was given ---- */

#define ARM_GROUP                                                                                  \
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Communication/"
#define ARM_SUBSCRIPTION "/subscriptions/{subscription}/providers/Microsoft.Communication/"

/* The members of PUT and of PATCH, of which arm_take_facts() makes facts. */
#define ARM_PUT_MEMBERS                                                                            \
    {.name = "location", .type = JSON_STRING, .required = true},                                   \
        {.name = "tags", .type = JSON_OBJECT}, {.name = "properties", .type = JSON_OBJECT},        \
    {                                                                                              \
        .name = "identity", .type = JSON_OBJECT                                                    \
    }
#define ARM_PATCH_MEMBERS                                                                          \
    {.name = "tags", .type = JSON_OBJECT}, {.name = "properties", .type = JSON_OBJECT},            \
    {                                                                                              \
        .name = "identity", .type = JSON_OBJECT                                                    \
    }
/* A property that may be given; one whose value is an array is one of strings. */
struct arm_property {
    const char *name;
    json_type type;
    bool kept; /* else it is what is read, and is not looked at */
};
/* JSON in the arena; `before`: of the one that is changed, or NULL. *facts: a reference more for the caller. false: answered. */
bool arm_take_facts(struct admin_change *n, const json_t *before, const struct admin_member *member,
                    const struct arm_property *known, json_t **facts, sgl_view *text);
/* The resource as JSON without its own properties, which are `properties`, taken. */
json_t *arm_resource_json(struct http_request *r, const char *type, sgl_view name, sgl_view facts,
                          json_t *properties);
/* Is it in the group that the path names, if it names any? */
bool arm_in_group(struct http_request *r, sgl_view facts);
/* A list, page by page. Takes it. */
void arm_reply_list(struct http_request *r, const struct admin *admin, json_t *list);

void arm_mail_routes(struct http *http, void *ctx);
void arm_suppression_routes(struct http *http, void *ctx);
void arm_service_routes(struct http *http, void *ctx);
void arm_domain_routes(struct http *http, void *ctx);
void arm_sender_routes(struct http *http, void *ctx);

#endif
