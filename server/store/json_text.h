/* SPDX-License-Identifier: Apache-2.0 */
/* The small JSON objects of the trail, written without a document model. */
#ifndef SERVER_STORE_JSON_TEXT_H
#define SERVER_STORE_JSON_TEXT_H

#include "sigillo/buf.h"

/* One member of an object that began with '{': a comma if needed, "key":"value". Empty values are left out. */
void json_text_member(struct sgl_buf *out, const char *key, sgl_view value);
void json_text_number(struct sgl_buf *out, const char *key, int64_t value);

#endif
