/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648 section 4 (with padding), and its folded form of RFC 2045 section 6.8. */
#ifndef SIGILLO_BASE64_H
#define SIGILLO_BASE64_H

#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Characters for n bytes, padding included; SIZE_MAX when that does not fit a size_t. */
SGL_API size_t sgl_base64_size(size_t n);
/* Appends the encoding of v in one line, without a line end. */
SGL_API void sgl_base64_encode(struct sgl_buf *out, sgl_view v);
/*
 * Appends the encoding in lines of at most `line_max` characters (4 or more; rounded down to a multiple of 4), each
 * ended by CRLF, the last one too.  Nothing for an empty view.  76 is MIME's maximum.
 */
SGL_API void sgl_base64_encode_lines(struct sgl_buf *out, sgl_view v, size_t line_max);

/*
 * Appends the decoded bytes to out.  Strict: no blank, padding present, the unused bits of the last character zero, so that
 * there is exactly one text for each value.
 * Returns SGL_OK; SGL_E_SYNTAX: not base64, out is as before; else what out->status says.
 */
SGL_API enum sgl_status sgl_base64_decode(sgl_view text, struct sgl_buf *out) SGL_MUST_USE;
/* The same for text in which SP, HTAB, CR and LF may stand anywhere (DKIM tags, MIME bodies). */
SGL_API enum sgl_status sgl_base64_decode_fws(sgl_view text, struct sgl_buf *out) SGL_MUST_USE;
/*
 * That, piece by piece: what stands at the front of *text, decoded into `to`, `room` bytes at most (3 or more; rounded down
 * to a multiple of 3); *text moves behind it.  Until it is empty, every piece but the last has as many bytes as room.
 * Returns SGL_OK; SGL_E_SYNTAX: not base64, *text is as before.
 */
SGL_API enum sgl_status sgl_base64_decode_some(sgl_view *text, uint8_t *to, size_t room,
                                               size_t *got) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
