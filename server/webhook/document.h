/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message that arrived, as the JSON document that a webhook gets; docs/inbound.md has its members.  Pure.
 *
 * Any message has a document: what cannot be read is null, "problem" says why, and the whole message is always there as "raw".
 */
#ifndef SERVER_WEBHOOK_DOCUMENT_H
#define SERVER_WEBHOOK_DOCUMENT_H

#include <stdint.h>

#include "sigillo/arena.h"
#include "sigillo/buf.h"

#define DOCUMENT_TEXT_MAX                                                                          \
    ((size_t)1 << 20) /* of all texts, encoded; what is larger is an attachment */
#define DOCUMENT_CONTENT_MAX                                                                       \
    ((size_t)10 << 20) /* of all attachments, decoded; the others are in raw only */
#define DOCUMENT_ARENA ((size_t)16 << 20)

struct document_mail {
    const char *id;             /* of this delivery, the same at each attempt */
    int64_t at_ms;              /* wall milliseconds: when it arrived */
    sgl_view route, pattern;    /* "r_...", "sales@example.org" */
    sgl_view recipient, sender; /* mailboxes of the envelope; sender empty: the null sender */
    sgl_view ip;
    sgl_view raw; /* with the fields that reception put on top */
};
/* So many bytes at most. */
size_t document_size_max(size_t raw_len);
/* SGL_OK; SGL_E_NOMEM; SGL_E_LIMIT: out is smaller than document_size_max(). The arena is of DOCUMENT_ARENA; what it cannot hold is a problem of the document. */
enum sgl_status document_put(const struct document_mail *m, struct sgl_arena *arena,
                             struct sgl_buf *out);

#endif
