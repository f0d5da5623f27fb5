/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API of Azure Communication Services Email, for programs that were written for it: another language for the message model of api.h, and nothing more.
 *
 *   POST /emails:send              one message, taken as an operation; sent once for each Operation-Id
 *   GET  /emails/operations/{id}   what became of it
 *
 * Who asks shows it by a signature made with an access key (directory/hmac.h), by a token for https://communication.azure.com/, or by an access key as a bearer.
 */
#ifndef SERVER_DOORS_HTTP_ACS_H
#define SERVER_DOORS_HTTP_ACS_H

#include "../../tokens/tokens.h"
#include "api.h"

struct sgl_crypto;

struct acs {
    const struct api *api;
    struct tokens *tokens;
    struct sgl_crypto *crypto;
};

/* On each door loop's shell, HTTP_PUBLIC; *acs is borrowed for its life. */
void acs_routes(struct http *http, const struct acs *acs);

#endif
