/* SPDX-License-Identifier: Apache-2.0 */
/* What listing, changing, import and export share about suppressions. */
#ifndef SERVER_DOORS_HTTP_ADMIN_SUPPRESSION_H
#define SERVER_DOORS_HTTP_ADMIN_SUPPRESSION_H

#include "admin_internal.h"
#include "suppression_list.h"

#define ADMIN_SUPPRESSION_KEY_MAX 1024u

/* ---- as they are stored ---- */

struct admin_suppression { /* views into the noun, and into json */
    sgl_view subscription, domain, address, reason, reply;
    bool exact;
    int64_t created_at, expires_at;
    json_t *json; /* the caller's reference */
};
void admin_suppression_read(const struct store_noun *noun, struct admin_suppression *out);
/* The bounds of the keys of a subscription (empty: of all) that a query asks for by domain and after. false: "after" is none of them. */
bool admin_suppression_bounds(struct http_request *r, sgl_view subscription, struct sgl_buf *after,
                              struct sgl_buf *before);

void admin_suppression_change_routes(struct http *http, void *ctx);
void admin_suppression_export_routes(struct http *http, void *ctx);
void admin_suppression_import_routes(struct http *http, void *ctx);

#endif
