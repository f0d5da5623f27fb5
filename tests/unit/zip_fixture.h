/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives as a test wants them, true or not. */
#ifndef TESTS_UNIT_ZIP_FIXTURE_H
#define TESTS_UNIT_ZIP_FIXTURE_H

#include <stdlib.h>
#include <zlib.h>

#include "sigillo/buf.h"

enum { ZIP_STORED = 0, ZIP_DEFLATED = 8, ZIP_LZMA = 14, ZIP_ENCRYPTED = 1, ZIP_SIZE_BEHIND = 8 };
#define ZIP_ZERO UINT64_MAX /* declared: none */

struct zip_file {
    const char *name;
    sgl_view data;
    uint16_t method, flags;
    uint64_t declared; /* its size in the header; 0: the true one */
};

static inline void zip_put(struct sgl_buf *out, uint64_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        sgl_buf_add_byte(out, (uint8_t)(n >> (8 * i)));
}

static inline void zip_deflate(struct sgl_buf *out, sgl_view data)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data.ptr, .avail_in = (uInt)data.len};
    size_t room;

    if (deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    room = deflateBound(&z, data.len);
    if (sgl_buf_reserve(out, room) != SGL_OK)
        abort();
    z.next_out = out->data + out->len;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    out->len += room - z.avail_out;
    (void)deflateEnd(&z);
}

/* One local header and its data; an archive that is read from the front has no need of the rest. */
static inline void zip_add(struct sgl_buf *out, const struct zip_file *file)
{
    sgl_auto(sgl_buf) packed = SGL_BUF_INIT(64u << 20);

    if (file->method == ZIP_DEFLATED)
        zip_deflate(&packed, file->data);
    else
        sgl_buf_add(&packed, file->data);
    sgl_buf_add(out, SGL_LIT("PK\x03\x04\x14\x00"));
    zip_put(out, file->flags, 2);
    zip_put(out, file->method, 2);
    zip_put(out, 0, 4);
    zip_put(out, crc32(0, file->data.ptr, (uInt)file->data.len), 4);
    zip_put(out, packed.len, 4);
    zip_put(out,
            file->declared == ZIP_ZERO ? 0
            : file->declared != 0      ? file->declared
                                       : file->data.len,
            4);
    zip_put(out, strlen(file->name), 2);
    zip_put(out, 0, 2);
    sgl_buf_add_cstr(out, file->name);
    sgl_buf_add(out, sgl_buf_view(&packed));
}

/* The end of an archive whose directory is empty. */
static inline void zip_end(struct sgl_buf *out)
{
    sgl_buf_add(out, SGL_LIT("PK\x05\x06"));
    zip_put(out, 0, 8);
    zip_put(out, 0, 8);
    zip_put(out, 0, 2);
}

#endif
