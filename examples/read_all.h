/* SPDX-License-Identifier: Apache-2.0 */
/* A whole file, for programs that are only examples. */
#ifndef EXAMPLES_READ_ALL_H
#define EXAMPLES_READ_ALL_H

#include <sigillo/buf.h>
#include <stdbool.h>
#include <stdio.h>

/* Appends a file, or standard input for NULL. false: it cannot be read, or is larger than the buffer may get. */
static inline bool read_all(const char *path, struct sgl_buf *out)
{
    FILE *f = path == NULL ? stdin : fopen(path, "rb");
    char piece[1 << 14];
    size_t n;
    bool ok;

    if (f == NULL)
        return false;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        sgl_buf_add(out, sgl_view_of(piece, n));
    ok = !ferror(f) && out->status == SGL_OK;
    if (path != NULL)
        fclose(f);
    return ok;
}

#endif
