/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From opendkim.conf and opendmarc.conf to a configuration of ours, which uses their tables where they are.  Pure: texts in, a text out, and a note for every line that could
 * not be taken over as it was.
 */
#ifndef MILTER_IMPORT_H
#define MILTER_IMPORT_H

#include "sigillo/arena.h"
#include "sigillo/buf.h"

#define IMPORT_FILE_MAX ((size_t)1 << 20)

struct import_note {
    const char *file;
    unsigned line;
    sgl_view key;
    const char *why;
    sgl_view value; /* what of the value is meant; may be empty */
};
struct import_notes {
    const struct import_note *item;
    size_t count;
};
struct import_source {
    const char *file; /* its name, for the notes; NULL: there is none */
    sgl_view text;
};
struct import_fault {
    const char *file;
    unsigned line;
    const char *why;
};
/*
 * out     the configuration's text is added; limit it to IMPORT_FILE_MAX * 4
 * SGL_OK; SGL_E_SYNTAX: a line is none, *fault says which; SGL_E_LIMIT, SGL_E_NOMEM.  out and notes are set with SGL_OK only.
 */
enum sgl_status import_make(const struct import_source *opendkim,
                            const struct import_source *opendmarc, struct sgl_arena *arena,
                            struct sgl_buf *out, struct import_notes *notes,
                            struct import_fault *fault) SGL_MUST_USE;

#endif
