/* SPDX-License-Identifier: Apache-2.0 */
/* gzip [RFC 1952], packed and unpacked in memory: the one place that knows zlib.  Pure. */
#ifndef SERVER_GZIP_GZIP_H
#define SERVER_GZIP_GZIP_H

#include "sigillo/buf.h"

/* Unpacked behind what `out` has; members that stand one behind the other are one text.  SGL_E_SYNTAX: it is none, or not whole; SGL_E_LIMIT: it is more than `out` may have; SGL_E_NOMEM. */
enum sgl_status gunzip(sgl_view in, struct sgl_buf *out) SGL_MUST_USE;
/* The same of the first member; what follows it is not looked at. */
enum sgl_status gunzip_first(sgl_view in, struct sgl_buf *out) SGL_MUST_USE;
/* Does it begin as gzip does? */
bool gzip_is(sgl_view in);
/* Appends one member, without a name and a time: the same bytes for the same text. SGL_E_LIMIT: out is full; SGL_E_NOMEM. */
enum sgl_status gzip(sgl_view in, struct sgl_buf *out) SGL_MUST_USE;

#endif
