/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenDKIM's data sets, as opendkim(8) has them: lists, files of lines, files of patterns.  Pure; who reads the file is files.h.
 *
 *   "example.org, example.net"       a list; so is csl:...
 *   "/etc/opendkim/hosts", file:...  a file: a key a line, blanks, its value; "#" begins a comment
 *   "refile:/etc/opendkim/signing"   the same, and "*" in a key stands for any text
 */
#ifndef MILTER_DATASET_H
#define MILTER_DATASET_H

#include "sigillo/arena.h"

#define DATASET_ROWS_MAX 200000 /* a provider with 100,000 domains has a row for each */
#define DATASET_FILE_MAX ((size_t)32 << 20)

enum dataset_kind {
    DATASET_LIST,
    DATASET_FILE,
    DATASET_PATTERNS,
    DATASET_FOREIGN, /* a database of some kind: not read */
};
struct dataset_name {
    enum dataset_kind kind;
    sgl_view rest; /* the list, or the path */
};
/* What a name like those above means. */
struct dataset_name dataset_name(sgl_view text);

struct dataset_row {
    sgl_view key, value; /* without blanks at their ends; the value may be empty */
    unsigned line;       /* from 1; of a list its place */
};
struct dataset {
    enum dataset_kind kind;
    const struct dataset_row *row;
    size_t rows;
};
struct dataset_fault {
    unsigned line;
    const char *why; /* a static sentence */
};
/*
 * Reads a list or the text of a file; views point into `text`.
 * SGL_OK; SGL_E_SYNTAX: *fault says which line; SGL_E_LIMIT: too many rows, or the arena is full; SGL_E_NOMEM.  out is set with SGL_OK only.
 */
enum sgl_status dataset_read(enum dataset_kind kind, sgl_view text, struct sgl_arena *arena,
                             struct dataset *out, struct dataset_fault *fault) SGL_MUST_USE;

/* The next field of a value, "a:b:c"; *rest has ptr NULL behind the last. */
sgl_view dataset_field(sgl_view value, sgl_view *rest);

/* Does the text match the pattern, in which "*" stands for any text?  Case of ASCII letters makes no difference.  Time: at most the product of the lengths. */
bool dataset_match(sgl_view pattern, sgl_view text);

#endif
