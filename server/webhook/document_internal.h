/* SPDX-License-Identifier: Apache-2.0 */
/* The document in parts: document.c (the frame), document_header.c (fields), document_verdict.c (what the judge said), document_parts.c (texts and attachments). */
#ifndef SERVER_WEBHOOK_DOCUMENT_INTERNAL_H
#define SERVER_WEBHOOK_DOCUMENT_INTERNAL_H

#include "document.h"
#include "json_out.h"
#include "sigillo/header.h"

struct document {
    const struct document_mail *mail;
    struct sgl_arena *arena;
    struct sgl_buf *out;
    struct sgl_headers headers;
    const char *problem; /* NULL: none */
    bool truncated, replaced;
    bool no_memory;
};

/* A member from a field's value; all of them are "null" or empty where there is no such field. */
void document_put_header(struct document *d);
void document_put_verdict(struct document *d);
void document_put_parts(struct document *d);

/* What a field means to us could not be found out: true when that was for want of memory. */
bool document_failed(struct document *d, enum sgl_status status);

#endif
