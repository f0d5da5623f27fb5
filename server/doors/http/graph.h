/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail of Microsoft Graph v1.0, for programs that were written for it: another language for the message model of api.h, and nothing more.
 *
 *   POST /v1.0/users/{user}/sendMail   one message, as JSON, or as MIME in base64; {user} is the address that it is from
 *   POST /v1.0/me/sendMail             the same for whoever has an address of its own
 *   .../messages, .../messages/{id}    drafts: made, read, changed, removed, and sent by .../send
 *   .../messages/{id}/attachments      their files, also larger ones, by createUploadSession
 *
 * Who asks shows a token for https://graph.microsoft.com, or an access key as a bearer.
 */
#ifndef SERVER_DOORS_HTTP_GRAPH_H
#define SERVER_DOORS_HTTP_GRAPH_H

#include "../../tokens/tokens.h"
#include "api.h"

struct graph {
    const struct api *api;
    struct tokens *tokens;
    size_t message_size_max;
};

/* On each door loop's shell, HTTP_PUBLIC; *graph is borrowed for its life. */
void graph_routes(struct http *http, const struct graph *graph);

#endif
