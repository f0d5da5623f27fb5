/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a message of somebody else, as an index over its bytes: nothing is copied, and what is broken is read as far as it goes.  [RFC 2045, RFC 2046 s5.1]
 * A message within the message (message/rfc822) is a part, and not looked into.
 */
#ifndef SIGILLO_MIME_H
#define SIGILLO_MIME_H

#include "sigillo/header.h"
#include "sigillo/param.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sgl_mime_part {
    sgl_view type; /* "text/plain": lower case; where none can be read, what RFC 2046 presumes */
    struct sgl_param_value content_type; /* its parameters; none where it cannot be read */
    sgl_view filename;                   /* UTF-8; of the disposition, else of the type; or empty */
    sgl_view encoding;                   /* Content-Transfer-Encoding in lower case; empty: none */
    struct sgl_headers headers;
    sgl_view body;  /* as it stands in the message, still encoded */
    unsigned depth; /* 0: the message itself */
    size_t parent;  /* index of the multipart around it; its own index at depth 0 */
    bool multipart; /* those that it has follow it */
};

/*
 * All parts in their order, each multipart before what is in it.
 *
 * message  borrowed; lines end in CRLF or LF
 * *out     in the arena, at least 1
 * SGL_OK; SGL_E_LIMIT: more than SGL_LIMIT_MIME_PARTS, deeper than SGL_LIMIT_MIME_DEPTH, a header over its limits, or the arena is full; SGL_E_SYNTAX: the message has no header
 * that can be read; SGL_E_NOMEM.  Time: the length for each level.
 */
SGL_API enum sgl_status sgl_mime_walk(sgl_view message, struct sgl_arena *arena,
                                      const struct sgl_mime_part **out, size_t *count) SGL_MUST_USE;
/*
 * Appends what the body says: base64 and quoted-printable decoded, other encodings as they are.
 * SGL_OK; SGL_E_SYNTAX: it is no base64; SGL_E_LIMIT: out is full; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_mime_decode(const struct sgl_mime_part *part,
                                        struct sgl_buf *out) SGL_MUST_USE;
/*
 * The same as UTF-8, whatever its charset, with LF as line ends.  Charsets are known as by sgl_encoded_word_decode(); in another one ASCII and what is UTF-8 stays.  What
 * is no character becomes U+FFFD, and *replaced is set then.  The text takes up to three times the bytes of the body.
 */
SGL_API enum sgl_status sgl_mime_text(const struct sgl_mime_part *part, struct sgl_buf *out,
                                      bool *replaced) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
