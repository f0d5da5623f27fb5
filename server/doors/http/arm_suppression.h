/* SPDX-License-Identifier: Apache-2.0 */
/* What suppression lists and their addresses share: both are resources of a domain, "TYPE/DOMAIN/..." */
#ifndef SERVER_DOORS_HTTP_ARM_SUPPRESSION_H
#define SERVER_DOORS_HTTP_ARM_SUPPRESSION_H

#include "arm_internal.h"

#define ARM_LISTS     "suppressionLists"
#define ARM_ADDRESSES "suppressionListAddresses"
#define ARM_DOMAIN_   ARM_GROUP "emailServices/{service}/domains/{name}"

/* A request for a list, or for an address of one. */
struct arm_suppressed {
    sgl_view subscription, domain; /* in the arena, as what follows */
    sgl_view list,
        address; /* "TYPE/DOMAIN/LIST", "TYPE/DOMAIN/LIST/ADDRESS"; without the last part where the path has none */
};
/* Who asks may, and the domain is there. false: answered. */
bool arm_suppressed_begin(struct http_request *r, const struct admin *admin,
                          struct arm_suppressed *out);
/* Its facts; a new reference, or NULL: it is not there. */
json_t *arm_facts(const struct admin *admin, sgl_view subscription, sgl_view name);
/* Below this path: those of which each() says no end it. */
struct arm_walk {
    const char *subscription;
    sgl_view below;                                              /* "TYPE/DOMAIN/" */
    bool (*each)(void *ctx, sgl_view name, const json_t *facts); /* name: its last part */
    void *ctx;
};
void arm_walk(const struct admin *admin, const struct arm_walk *walk);
/* The id, name and type of a resource below the domain of the path, with these properties, taken. */
json_t *arm_below_json(struct http_request *r, sgl_view name, const char *type, json_t *properties);
/* "2026-11-22T12:09:03Z", now. */
json_t *arm_now(void);
void arm_missing(struct http_request *r, const char *field, const char *detail);
bool arm_refuse(struct http_request *r, int status, const char *field, const char *detail);
/* Facts as text, in the arena. false: answered. */
bool arm_dump(struct http_request *r, const json_t *facts, sgl_view *text);

void arm_suppression_address_routes(struct http *http, void *ctx);

#endif
