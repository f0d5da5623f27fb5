/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens for processes of this machine, as the instance metadata service of a cloud hands them out:
 *
 *   GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=RESOURCE[&client_id=GUID]     Metadata: true
 *
 * The kernel says as which user the process runs; who that is, `sigillo local` says.  Errors are {"error","error_description"}, in the words that clients look for.
 */
#ifndef SERVER_DOORS_HTTP_METADATA_H
#define SERVER_DOORS_HTTP_METADATA_H

#include "../../tokens/tokens.h"
#include "http.h"

struct metadata {
    struct directory *directory;
    struct tokens *tokens;
};
/* On the shell that http_listen_metadata() was called for; *metadata is borrowed for its life. */
void metadata_routes(struct http *http, const struct metadata *metadata);

#endif
