/* SPDX-License-Identifier: Apache-2.0 */
/* What import.c (reading, writing) and its tables import_opendkim.c and import_opendmarc.c share. */
#ifndef MILTER_IMPORT_INTERNAL_H
#define MILTER_IMPORT_INTERNAL_H

#include "dataset.h"
#include "import.h"

struct import_line {
    sgl_view key, value;
    unsigned line;
    bool used;
};
struct import_file {
    const char *name; /* NULL: there is none */
    struct import_line *line;
    size_t lines;
};
struct importing {
    struct sgl_arena *arena;
    struct sgl_buf *out;
    struct import_note *note;
    size_t notes, room;
    enum sgl_status status;
};

/* The last line of that key, marked as used; NULL: none. */
const struct import_line *import_find(struct import_file *f, const char *key);
/* "true", "yes", "1", as both programs read it; otherwise when the line is not there. */
bool import_flag(struct import_file *f, const char *key, bool otherwise);
void import_note(struct importing *i, const struct import_file *f, const struct import_line *l,
                 const char *why, sgl_view value);
/* `key = "value"`, and `key = {"a", "b"}` of items separated by commas (blanks around them go). */
void import_put(struct importing *i, const char *key, sgl_view value);
void import_put_list(struct importing *i, const char *key, sgl_view items);

/* How a line of theirs becomes one of ours. */
enum import_kind {
    IMPORT_TEXT,    /* as it is */
    IMPORT_DATASET, /* a list, a file or patterns; databases are not read */
    IMPORT_LIST,    /* only where it is a list */
    IMPORT_FLAG,
    IMPORT_SECONDS,
    IMPORT_NOT, /* `ours` says why not */
};
struct import_row {
    const char *key;
    enum import_kind kind;
    const char *ours;
};
void import_rows(struct importing *i, struct import_file *f, const struct import_row *row,
                 size_t rows);

void import_opendkim(struct importing *i, struct import_file *f);
/* dkim: what opendkim.conf says counts first. */
void import_opendmarc(struct importing *i, struct import_file *f, struct import_file *dkim);
/* Socket, UserID, UMask, AuthservID. */
void import_process(struct importing *i, struct import_file *f);

#endif
