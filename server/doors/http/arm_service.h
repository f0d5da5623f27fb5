/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of communication services share. */
#ifndef SERVER_DOORS_HTTP_ARM_SERVICE_H
#define SERVER_DOORS_HTTP_ARM_SERVICE_H

#include "arm_internal.h"

/* In the arena; false: answered. */
bool arm_services(struct http_request *r, const struct admin *admin, sgl_view subscription,
                  sgl_view name, struct named_service **out, size_t *count);
/* Begins a request for one; *there: it, in whichever group, or NULL. false: answered. */
bool arm_service_named(struct http_request *r, const struct admin *admin, sgl_view *subscription,
                       struct named_service **there);
void arm_service_not_found(struct http_request *r);
void arm_service_keys_routes(struct http *http, void *ctx);

#endif
