/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON written as it comes, without a document in memory [RFC 8259].  Foreign bytes are always a string: control characters are escaped, what is no UTF-8 becomes U+FFFD.  Pure.
 *
 *     json_out_open(out, "data", '{'); json_out_string(out, "text", text); json_out_close(out, '}');
 *
 * key NULL: an element of an array.  A comma is put where one is needed.
 */
#ifndef SERVER_WEBHOOK_JSON_OUT_H
#define SERVER_WEBHOOK_JSON_OUT_H

#include "sigillo/buf.h"

void json_out_open(struct sgl_buf *out, const char *key, char bracket); /* '{' or '[' */
void json_out_close(struct sgl_buf *out, char bracket);
void json_out_string(struct sgl_buf *out, const char *key, sgl_view text);
void json_out_text(struct sgl_buf *out, const char *key,
                   sgl_view text); /* null where it is empty */
void json_out_base64(struct sgl_buf *out, const char *key, sgl_view bytes);
void json_out_u64(struct sgl_buf *out, const char *key, uint64_t n);
void json_out_bool(struct sgl_buf *out, const char *key, bool value);
void json_out_nothing(struct sgl_buf *out, const char *key); /* null */

#endif
