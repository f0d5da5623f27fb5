/* SPDX-License-Identifier: Apache-2.0 */
/* Quoted-printable. [RFC 2045 s6.7] */
#ifndef SIGILLO_QP_H
#define SIGILLO_QP_H

#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Encodes `data`; lines of at most 76 characters. text: CRLF and LF in the data are line ends and written as CRLF (a
 * lone CR is encoded); otherwise every byte that is not plain is encoded. The result does not end in a line end unless the text does.
 */
SGL_API void sgl_qp_put(struct sgl_buf *buf, sgl_view data, bool text);
/* Bytes that sgl_qp_put() would write. */
SGL_API size_t sgl_qp_size(sgl_view data, bool text);

/*
 * Decodes as RFC 2045 s6.7 tells a robust reader to: blanks at line ends go, a "=" that begins nothing stays as it is.
 * strict: anything wrong sets buf->status to SGL_E_SYNTAX instead. Output is never longer than the input.
 */
SGL_API void sgl_qp_decode(struct sgl_buf *buf, sgl_view data, bool strict);

#ifdef __cplusplus
}
#endif
#endif
