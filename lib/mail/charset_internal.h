/* SPDX-License-Identifier: Apache-2.0 */
/* The few charsets that old header fields need. */
#ifndef LIB_MAIL_CHARSET_INTERNAL_H
#define LIB_MAIL_CHARSET_INTERNAL_H

#include "sigillo/view.h"

enum sgl_charset {
    SGL_CHARSET_OTHER,
    SGL_CHARSET_UTF8, /* and US-ASCII */
    SGL_CHARSET_LATIN1,
    SGL_CHARSET_LATIN9,
    SGL_CHARSET_WINDOWS_1252,
};

enum sgl_charset sgl_charset_find(sgl_view name);
/* Bytes of the charset as UTF-8; what is nothing becomes U+FFFD. out has room for 3 * v.len; the length is returned. */
size_t sgl_charset_to_utf8(enum sgl_charset charset, sgl_view v, uint8_t *out);

#endif
