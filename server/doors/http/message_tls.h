/* SPDX-License-Identifier: Apache-2.0 */
/* What a message asks of TLS, in JSON: "tls": "optional" or "verified", and "require_tls": true; what it does not ask is not there. */
#ifndef SERVER_DOORS_HTTP_MESSAGE_TLS_H
#define SERVER_DOORS_HTTP_MESSAGE_TLS_H

#include <jansson.h>

#include "../../store/store.h"

void message_tls_show(const struct store_message *m, json_t *json);

#endif
