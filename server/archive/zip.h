/* SPDX-License-Identifier: Apache-2.0 */
/* The first file of a zip archive, unpacked as a stream: the one place that knows libarchive.  Pure: names in the archive are never looked at. */
#ifndef SERVER_ARCHIVE_ZIP_H
#define SERVER_ARCHIVE_ZIP_H

#include "sigillo/view.h"

#define ZIP_ENTRIES_MAX 10 /* folders and empty files before it; senders put one file */

/* Does it begin as zip does? */
bool zip_is(sgl_view in);
/*
 * What the first file says that has anything in it, piece by piece; false of piece(): no more is wanted, SGL_OK.
 *
 * SGL_OK; SGL_E_SYNTAX: no zip, damaged, encrypted, packed by anything but deflate, without a file; SGL_E_LIMIT: more than max bytes, or more than 200 for each one of the archive;
 * SGL_E_NOMEM.  *why: a static clause, "" where there is nothing to say.  Pieces may have been given before an error is seen.
 */
enum sgl_status zip_first(sgl_view in, uint64_t max, bool (*piece)(void *ctx, sgl_view bytes),
                          void *ctx, const char **why) SGL_MUST_USE;

#endif
