/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 of RFC 3629: shortest form only, no surrogates, nothing above U+10FFFF. */
#ifndef SIGILLO_UTF8_H
#define SIGILLO_UTF8_H

#include "sigillo/view.h"

#ifdef __cplusplus
extern "C" {
#endif

SGL_API bool sgl_utf8_valid(sgl_view v);
/* The character at `off`: its length in bytes (1 to 4) and *code set; 0 when off is at the end or the bytes are not UTF-8. */
SGL_API size_t sgl_utf8_next(sgl_view v, size_t off, uint32_t *code) SGL_MUST_USE;
/* Writes a character, at most U+10FFFF and no surrogate: 1 to 4 bytes, the result. */
SGL_API size_t sgl_utf8_put(uint32_t code, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif
