/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a webhook, as the Standard Webhooks specification has it: "v1," and the base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY". Pure. */
#ifndef SERVER_WEBHOOK_SIGN_H
#define SERVER_WEBHOOK_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "sigillo/view.h"

#define SIGN_SIZE (3 + 44 + 1)

void sign_webhook(const uint8_t *secret, size_t secret_len, const char *id, int64_t timestamp,
                  sgl_view body, char out[SIGN_SIZE]);

#endif
