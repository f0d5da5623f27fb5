/* SPDX-License-Identifier: Apache-2.0 */
/* Text other than ASCII in header fields: =?UTF-8?Q?...?= [RFC 2047] */
#ifndef SIGILLO_ENCODED_WORD_H
#define SIGILLO_ENCODED_WORD_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sgl_word_place {
    SGL_WORD_TEXT,   /* unstructured: Subject, Comments */
    SGL_WORD_PHRASE, /* a display name: only the safe characters stay bare [RFC 2047 s5 (3)] */
};

/*
 * Writes `text` (UTF-8) so that it may stand in a header: as it is when it is harmless ASCII, else as encoded words,
 * separated by single blanks (where sgl_header_put() folds). Each is at most 75 characters and holds whole characters
 * only; Q, or B where that is clearly shorter. Bytes that are no UTF-8, and control characters but HTAB, set buf->status to SGL_E_SYNTAX.
 */
SGL_API void sgl_encoded_word_put(struct sgl_buf *buf, sgl_view text, enum sgl_word_place place);

/*
 * The text of a value with its encoded words decoded to UTF-8: UTF-8, US-ASCII, ISO-8859-1 and -15 and Windows-1252 are
 * known, words in other charsets stay as they are. Line ends are taken out; blanks between two words go. [RFC 2047 s6.2]
 * Bytes that would not be UTF-8 become U+FFFD.  The result is never longer than three times the value.
 * Returns SGL_OK, SGL_E_NOMEM, SGL_E_LIMIT (arena).
 */
SGL_API enum sgl_status sgl_encoded_word_decode(sgl_view value, struct sgl_arena *arena,
                                                sgl_view *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
