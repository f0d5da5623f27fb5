/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message from a file or standard input, for the verbs that judge and sign: its header in memory, its body in pieces, so that
 * the size of a message does not matter.
 *
 *     struct mailfile m;
 *     if (!mailfile_open(&m, path, 0, &status)) return status;
 *     ... m.headers ...
 *     while (mailfile_next(&m, &piece)) ...
 *     if (m.failed) ...          the error has been printed
 *     mailfile_done(&m);
 *
 * Files of Unix end lines with LF; what is judged and signed is the message as it travels: LF without CR is read as CRLF.
 */
#ifndef CLI_MAILFILE_H
#define CLI_MAILFILE_H

#include "cli.h"
#include "sigillo/header.h"

enum {
    MAILFILE_TWICE =
        1, /* mailfile_copy() will be called: standard input is kept in a temporary file */
    MAILFILE_STRICT = 2, /* a header that we would not send is refused */
    MAILFILE_BARE = 4,   /* a message may do without a header, or be empty */
};

struct mailfile {
    struct sgl_headers headers; /* points into head */
    struct sgl_arena arena;     /* of the headers */
    struct sgl_buf head;        /* the header, and perhaps the beginning of the body */
    bool lf;                    /* its first line ends in LF alone */
    bool failed;                /* reading failed, said so */
    /* private */
    FILE *file;
    off_t start; /* of the message in the file */
    const char *name;
    bool standard, after_cr, head_given, over;
    uint8_t *raw, *piece;
};

/* path: "-" or NULL is standard input.  false: *status is CLI_USAGE, and what is wrong has been printed: unreadable, not a message, a header too large. */
bool mailfile_open(struct mailfile *m, const char *path, unsigned flags, int *status);
/* The next piece of the body, lines ended by CRLF; false at its end, or when m->failed. */
bool mailfile_next(struct mailfile *m, sgl_view *piece);
/* After the last piece: the whole message, byte for byte as it was. Needs MAILFILE_TWICE. false: said. */
bool mailfile_copy(struct mailfile *m, FILE *to);
/* New fields (lines end with CRLF), with the line ends that the message has. */
void mailfile_put_fields(const struct mailfile *m, sgl_view fields, FILE *to);
void mailfile_done(struct mailfile *m); /* zeroed accepted */

#endif
