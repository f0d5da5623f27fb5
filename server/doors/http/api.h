/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public API for applications, below /v1, for the bearer of an access key:
 *
 *   POST /v1/messages         one message: JSON, or message/rfc822 with its envelope in ?from= and ?to=
 *   GET  /v1/messages/{id}    what became of it: recipients, attempts, trail; only of the key's own subscription
 *   GET  /openapi.json        the description of all this (OpenAPI 3.1), for everybody
 *
 * A request is taken whole or refused whole, with a problem document (RFC 9457) that names the member and the rule.
 */
#ifndef SERVER_DOORS_HTTP_API_H
#define SERVER_DOORS_HTTP_API_H

#include "../../audit/audit.h"
#include "../../queue/queue.h"
#include "http.h"

struct templates;

struct api {
    struct directory *directory;
    struct admission *admission;
    struct store *store;
    struct workers *workers;
    struct queue *queue;   /* to be looked at when something is let go */
    size_t recipients_max; /* to, cc and bcc together */
    struct audit *audit;   /* of what was refused; NULL: that is not kept */
    struct templates *templates;
};

/* On each door loop's shell, HTTP_PUBLIC; *api is borrowed for its life. */
void api_routes(struct http *http, const struct api *api);

#endif
