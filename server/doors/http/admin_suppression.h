/* SPDX-License-Identifier: Apache-2.0 */
/* What listing, changing, and the two ways of CSV share about suppressions. */
#ifndef SERVER_DOORS_HTTP_ADMIN_SUPPRESSION_H
#define SERVER_DOORS_HTTP_ADMIN_SUPPRESSION_H

#include "admin_internal.h"

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

/* ---- as they are given: members of JSON, columns of CSV, parameters of a query ---- */

enum admin_suppression_part {
    SUPPRESSION_ADDRESS,
    SUPPRESSION_DOMAIN,
    SUPPRESSION_REASON,
    SUPPRESSION_CASE_SENSITIVE,
    SUPPRESSION_CREATED_AT,
    SUPPRESSION_EXPIRES_AT,
    SUPPRESSION_REPLY,
    SUPPRESSION_PARTS
};
extern const char *const admin_suppression_part[SUPPRESSION_PARTS]; /* "address" ... */
/* One part into *to, borrowed; an empty one changes nothing. NULL, or the rule that it breaks. */
const char *admin_suppression_take(enum admin_suppression_part part, sgl_view text,
                                   struct suppression *to);

void admin_suppression_change_routes(struct http *http, void *ctx);
void admin_suppression_export_routes(struct http *http, void *ctx);
void admin_suppression_import_routes(struct http *http, void *ctx);

#endif
