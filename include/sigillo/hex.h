/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as pairs of hexadecimal digits. */
#ifndef SIGILLO_HEX_H
#define SIGILLO_HEX_H

#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends two lower-case digits for each byte. */
SGL_API void sgl_hex_encode(struct sgl_buf *out, sgl_view v);
/* Appends the bytes; digits of either case, nothing else, an even number. SGL_E_SYNTAX leaves out as it was. */
SGL_API enum sgl_status sgl_hex_decode(sgl_view text, struct sgl_buf *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
