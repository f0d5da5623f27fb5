/* SPDX-License-Identifier: Apache-2.0 */
/* gzip [RFC 1952], packed and unpacked in memory: the one place that knows zlib.  Pure. */
#ifndef SERVER_GZIP_GZIP_H
#define SERVER_GZIP_GZIP_H

#include "sigillo/buf.h"

/* Unpacked behind what `out` has; members that stand one behind the other are one text.  SGL_E_SYNTAX: it is none, or not whole; SGL_E_LIMIT: it is more than `out` may have; SGL_E_NOMEM. */
enum sgl_status gunzip(sgl_view in, struct sgl_buf *out) SGL_MUST_USE;
/* The same of the first member; what follows it is not looked at. */
enum sgl_status gunzip_first(sgl_view in, struct sgl_buf *out) SGL_MUST_USE;
#define GUNZIP_RATIO_MAX  200 /* bytes out of one, where it is unpacked in pieces: XML has some 30 */
#define GUNZIP_RATIO_FROM ((uint64_t)1 << 20) /* bytes out, from which on that counts */
/*
 * The same in pieces, of gzip or of zlib's form [RFC 1950]; what follows the last member and is none is not looked at.  false of piece(): no more is wanted, SGL_OK.
 * SGL_E_SYNTAX, SGL_E_NOMEM as above; SGL_E_LIMIT: more than max, or GUNZIP_RATIO_MAX.  Pieces may have been given before an error is seen.
 */
enum sgl_status gunzip_each(sgl_view in, uint64_t max, bool (*piece)(void *ctx, sgl_view bytes),
                            void *ctx) SGL_MUST_USE;
/* Does it begin as zlib's form does? */
bool zlib_is(sgl_view in);
/* Does it begin as gzip does? */
bool gzip_is(sgl_view in);
/* Appends one member, without a name and a time: the same bytes for the same text. SGL_E_LIMIT: out is full; SGL_E_NOMEM. */
enum sgl_status gzip(sgl_view in, struct sgl_buf *out) SGL_MUST_USE;
/* One member in pieces, the same way. */
struct gzip_stream;
struct gzip_stream *gzip_new(void); /* NULL: no memory */
enum sgl_status gzip_add(struct gzip_stream *z, sgl_view in, struct sgl_buf *out) SGL_MUST_USE;
enum sgl_status gzip_end(struct gzip_stream *z, struct sgl_buf *out) SGL_MUST_USE;
void gzip_free(struct gzip_stream *z); /* NULL accepted */

#endif
