/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an HTML document, for people whose programs show no HTML. */
#ifndef SIGILLO_HTML_TEXT_H
#define SIGILLO_HTML_TEXT_H

#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Appends what a reader would see: lines where blocks and <br> begin them, items with an asterisk, the address of a link behind its words, the words that stand for a picture.
 * What is no HTML is text.  out->status says whether there was room.  Time grows with the length of the HTML.
 */
SGL_API void sgl_html_text(sgl_view html, struct sgl_buf *out);

#ifdef __cplusplus
}
#endif
#endif
