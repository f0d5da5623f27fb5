/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API of SendGrid, version 3, for programs that were written for it: another language for the message model of api.h, and nothing more.
 *
 *   POST /v3/mail/send   a message for each personalization
 *   GET  /v3/scopes      what the key may do here: send
 *
 * Who asks shows it by an access key, or a token, as a bearer.  Whatever else lies below /v3/ is answered in this API's shape: there is no such thing here.
 */
#ifndef SERVER_DOORS_HTTP_SENDGRID_H
#define SERVER_DOORS_HTTP_SENDGRID_H

#include "api.h"

/* On each door loop's shell, HTTP_PUBLIC; *api is borrowed for its life. */
void sendgrid_routes(struct http *http, const struct api *api);

#endif
