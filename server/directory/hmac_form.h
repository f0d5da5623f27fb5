/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a signed request (hmac.h): its fields, and the text that is signed; pure. */
#ifndef SERVER_DIRECTORY_HMAC_FORM_H
#define SERVER_DIRECTORY_HMAC_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "sigillo/buf.h"
#include "sigillo/view.h"

#define HMAC_SIZE 32

/* "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=BASE64": these two members in either order, and nothing else. */
bool hmac_authorization_parse(sgl_view value, uint8_t signature[HMAC_SIZE]);
/* "Mon, 05 Jan 2026 10:20:30 GMT", and no other way to write it. */
bool hmac_date_parse(sgl_view value, int64_t *time);
/* The base64 of 32 bytes, and of nothing else. */
bool hmac_base64_parse(sgl_view value, uint8_t out[HMAC_SIZE]);

struct hmac_text {
    sgl_view method, target, date, host, content_sha256;
};
/* Appends the text that is signed; false: a part of it is missing, or could be read as another part. Whether it fits says the buffer. */
bool hmac_text_put(const struct hmac_text *t, struct sgl_buf *out);

#endif
