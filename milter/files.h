/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a configuration: read from the disk by the process that may, or taken out of a bundle that this process sends to one that may not.
 * The same code reads the same names in both, and finds the same bytes.
 */
#ifndef MILTER_FILES_H
#define MILTER_FILES_H

#include "sigillo/buf.h"

struct files_entry;
struct files {
    struct files_entry *entry;
    size_t entries, room;
    bool closed; /* what is not there already does not exist */
};
#define FILES_BUNDLE_MAX ((size_t)256 << 20)

/*
 * The contents of a file; they live as long as `f`.  A file that was read before is not read again.
 * secret   group and others may neither read nor write it
 * false: why says what is wrong, with the path.
 */
bool files_get(struct files *f, const char *path, size_t max, bool secret, sgl_view *out, char *why,
               size_t why_size);
/* Everything as one run of bytes; false: no memory, or more than FILES_BUNDLE_MAX. */
bool files_put(const struct files *f, struct sgl_buf *out);
/* From such a run; *f is closed.  false: it is none. */
bool files_take(sgl_view bundle, struct files *f);
/* Overwrites what was read, and frees it. Zeroed accepted. */
void files_done(struct files *f);

#endif
