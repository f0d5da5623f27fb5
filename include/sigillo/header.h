/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header section of a message as an index over its bytes: nothing is copied, every view points into the message.
 * [RFC 5322 s2.2, s3.6.8; RFC 6532 s3.2]
 */
#ifndef SIGILLO_HEADER_H
#define SIGILLO_HEADER_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"
#include "sigillo/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One field, made only by sgl_headers_parse(). raw is name, colon, value and the line end of its last line. */
struct sgl_header {
    sgl_view raw;
    /* As written; without blanks before the colon (only SGL_HEADERS_TOLERANT lets such through) */
    sgl_view name;
    sgl_view value; /* everything behind the colon, folds included, without the last line end */
};

/* The fields of one message in their order. Lives as long as the message's bytes and the arena it was made in. */
struct sgl_headers {
    struct sgl_header *field;
    size_t count;
    sgl_view section; /* all fields: raw bytes without the blank line */
    size_t body_off;  /* where the body begins in the parsed view; its length when there is none */
    bool has_separator; /* the blank line was there (a message may end with its header) */
    bool eightbit;      /* a byte above 127 in the section: RFC 6532 */
    bool bare_lf;       /* TOLERANT only: at least one line ended in LF alone */
};

enum sgl_headers_rules {
    SGL_HEADERS_STRICT, /* what we accept and send: CRLF, names of printable ASCII, no line over 998, each line a field or a fold */
    SGL_HEADERS_TOLERANT, /* what others send: LF as a line end, blanks before the colon, long lines and names; a line that is no field ends the section */
};

/*
 * Where are the fields of this message?
 *
 * message  header section, or whole message: parsing stops behind the first empty line. Borrowed.
 * out      set only with SGL_OK
 * diag     may be NULL; off is the offset in `message`
 * Returns SGL_OK; SGL_E_SYNTAX: bare CR, bare LF, NUL, missing colon, bad name, a fold before the first field, a name
 * without fields; SGL_E_LIMIT: line, section or number of fields over its maximum (limits.h); SGL_E_NOMEM.
 * Time: linear, one pass. A message of size 0 or one that begins with the blank line gives no fields and SGL_OK.
 */
SGL_API enum sgl_status sgl_headers_parse(sgl_view message, enum sgl_headers_rules rules,
                                          struct sgl_arena *arena, struct sgl_headers *out,
                                          struct sgl_diag *diag) SGL_MUST_USE;

/* First and last field of a name (ASCII case does not matter), or NULL. */
SGL_API const struct sgl_header *sgl_headers_first(const struct sgl_headers *h, sgl_view name);
SGL_API const struct sgl_header *sgl_headers_last(const struct sgl_headers *h, sgl_view name);
/* The next field of that name behind `after`, which is one of h's fields, or NULL to start. */
SGL_API const struct sgl_header *sgl_headers_next(const struct sgl_headers *h, sgl_view name,
                                                  const struct sgl_header *after);
SGL_API size_t sgl_headers_count(const struct sgl_headers *h, sgl_view name);

/* The value with its line ends taken out (the blanks of a fold stay) and blanks at both ends cut. [RFC 5322 s2.2.3] Without a fold it is a view of the value itself. */
SGL_API enum sgl_status sgl_header_unfold(sgl_view value, struct sgl_arena *arena,
                                          sgl_view *out) SGL_MUST_USE;

/* Is this a field name? 1*77 printable ASCII but ":". [RFC 5322 s3.6.8] */
SGL_API bool sgl_header_name_ok(sgl_view name);

/*
 * Writes "Name: value" CRLF, folded at blanks so that lines stay within 78 characters where the value has blanks.
 * The value must be ready (encoded words made); buf->status becomes SGL_E_SYNTAX when name or value cannot stand in a
 * header (bad name, CR, LF, NUL) and SGL_E_LIMIT when a word alone passes 998: header injection ends here. [RFC 5322 s2.1.1]
 */
SGL_API void sgl_header_put(struct sgl_buf *buf, sgl_view name, sgl_view value);

#ifdef __cplusplus
}
#endif
#endif
