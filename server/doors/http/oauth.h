/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token service, on the public side  [RFC 6749 s4.4, RFC 8414, RFC 7517]:
 *
 *   GET  /{tenant}/v2.0/.well-known/openid-configuration    POST /{tenant}/oauth2/v2.0/token    GET /{tenant}/discovery/v2.0/keys
 *   GET  /.well-known/openid-configuration                  POST /oauth2/token                  GET /oauth2/keys
 *   GET  /.well-known/oauth-authorization-server
 *
 * The first line is for clients of Microsoft's services, whose authority is pointed here; a tenant is a subscription, by its name or its GUID.  The others are for everybody
 * else.  Errors have the codes (AADSTS...) that programs look for.
 */
#ifndef SERVER_DOORS_HTTP_OAUTH_H
#define SERVER_DOORS_HTTP_OAUTH_H

#include "../../tokens/attempts.h"
#include "../../tokens/federation.h"
#include "../../tokens/tokens.h"
#include "http.h"

struct oauth {
    struct directory *directory;
    struct tokens *tokens;
    struct federation *federation;
    struct attempts attempts; /* wrong secrets at the token endpoint */
    struct attempts shown;    /* wrong keys and tokens at the APIs */
};

/* On each door loop's shell; *oauth is borrowed for its life. Bearers of tokens are known on that shell from then on. */
void oauth_routes(struct http *http, struct oauth *oauth);

#endif
