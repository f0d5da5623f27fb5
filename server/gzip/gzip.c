/* SPDX-License-Identifier: Apache-2.0 */
#define ZLIB_CONST
#include "gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib's way to say: gzip, and nothing else */
#define EITHER      (32 + MAX_WBITS) /* gzip or zlib's own form, as it begins */
#define MEMORY      8                /* zlib's preset */
#define PIECE       (16u * 1024)

static void *z_alloc(void *ctx, unsigned count, unsigned size)
{
    (void)ctx;
    return calloc(count, size);
}

static void z_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static z_stream stream_of(sgl_view in)
{
    return (z_stream){
        .next_in = in.ptr, .avail_in = (uInt)in.len, .zalloc = z_alloc, .zfree = z_free};
}

/* Not a piece more than `out` has room for. */
static enum sgl_status inflate_some(z_stream *z, struct sgl_buf *out, bool *ended)
{
    uint8_t piece[PIECE];
    int got;

    z->next_out = piece;
    z->avail_out = sizeof(piece);
    got = inflate(z, Z_NO_FLUSH);
    sgl_buf_add(out, sgl_view_of(piece, sizeof(piece) - z->avail_out));
    *ended = got == Z_STREAM_END;
    if (got == Z_MEM_ERROR)
        return SGL_E_NOMEM;
    if (got != Z_OK && got != Z_STREAM_END) /* Z_BUF_ERROR: it ends before it should */
        return SGL_E_SYNTAX;
    return out->status;
}

/* Members stand one behind the other, and are one text. [RFC 1952 s2.2] */
static enum sgl_status inflate_all(z_stream *z, struct sgl_buf *out, bool first_only)
{
    enum sgl_status status = SGL_OK;
    bool ended = false;

    while (status == SGL_OK && !(ended && (first_only || z->avail_in == 0))) {
        if (ended && inflateReset(z) != Z_OK)
            return SGL_E_SYNTAX;
        status = inflate_some(z, out, &ended);
    }
    return status;
}

static enum sgl_status unpack(sgl_view in, struct sgl_buf *out, bool first_only)
{
    z_stream z = stream_of(in);
    enum sgl_status status;

    if (in.len > UINT32_MAX)
        return SGL_E_LIMIT;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return SGL_E_NOMEM;
    status = inflate_all(&z, out, first_only);
    (void)inflateEnd(&z);
    return status;
}

enum sgl_status gunzip(sgl_view in, struct sgl_buf *out)
{
    return unpack(in, out, false);
}

enum sgl_status gunzip_first(sgl_view in, struct sgl_buf *out)
{
    return unpack(in, out, true);
}

/* Does another member follow? */
static bool goes_on(z_stream *z)
{
    return gzip_is(sgl_view_of(z->next_in, z->avail_in)) && inflateReset(z) == Z_OK;
}

static enum sgl_status each_piece(z_stream *z, uint64_t max,
                                  bool (*piece)(void *ctx, sgl_view bytes), void *ctx)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(PIECE);
    uint64_t got = 0, taken = z->avail_in;
    bool ended = false;

    while (!ended || goes_on(z)) {
        sgl_buf_reset(&out);
        SGL_TRY(inflate_some(z, &out, &ended));
        got += out.len;
        if (got > max || (got > GUNZIP_RATIO_FROM && got / GUNZIP_RATIO_MAX > taken - z->avail_in))
            return SGL_E_LIMIT;
        if (out.len > 0 && !piece(ctx, sgl_buf_view(&out)))
            return SGL_OK;
    }
    return SGL_OK;
}

enum sgl_status gunzip_each(sgl_view in, uint64_t max, bool (*piece)(void *ctx, sgl_view bytes),
                            void *ctx)
{
    z_stream z = stream_of(in);
    enum sgl_status status;

    if (in.len > UINT32_MAX)
        return SGL_E_LIMIT;
    if (inflateInit2(&z, EITHER) != Z_OK)
        return SGL_E_NOMEM;
    status = each_piece(&z, max, piece, ctx);
    (void)inflateEnd(&z);
    return status;
}

/* With a window of 32 KiB, as everybody writes it: a letter may begin as the others do. [RFC 1950 s2.2] */
bool zlib_is(sgl_view in)
{
    return in.len > 2 && in.ptr[0] == 0x78 &&
           (in.ptr[1] == 0x01 || in.ptr[1] == 0x5e || in.ptr[1] == 0x9c || in.ptr[1] == 0xda);
}

bool gzip_is(sgl_view in)
{
    return sgl_view_starts(in, SGL_LIT("\x1f\x8b"));
}

/* ---- packing ---- */

struct gzip_stream {
    z_stream z;
};

struct gzip_stream *gzip_new(void)
{
    struct gzip_stream *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->z = stream_of(sgl_view_of(NULL, 0));
    if (deflateInit2(&s->z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY,
                     Z_DEFAULT_STRATEGY) == Z_OK)
        return s;
    free(s);
    return NULL;
}

static enum sgl_status deflate_some(struct gzip_stream *s, int flush, struct sgl_buf *out)
{
    uint8_t piece[PIECE];

    do {
        s->z.next_out = piece;
        s->z.avail_out = sizeof(piece);
        (void)deflate(&s->z, flush); /* no room, or the end: both are seen below */
        sgl_buf_add(out, sgl_view_of(piece, sizeof(piece) - s->z.avail_out));
    } while (s->z.avail_out == 0 && out->status == SGL_OK);
    return out->status;
}

enum sgl_status gzip_add(struct gzip_stream *s, sgl_view in, struct sgl_buf *out)
{
    if (in.len > UINT32_MAX)
        return SGL_E_LIMIT;
    s->z.next_in = in.ptr;
    s->z.avail_in = (uInt)in.len;
    return deflate_some(s, Z_NO_FLUSH, out);
}

enum sgl_status gzip_end(struct gzip_stream *s, struct sgl_buf *out)
{
    return deflate_some(s, Z_FINISH, out);
}

void gzip_free(struct gzip_stream *s)
{
    if (s == NULL)
        return;
    (void)deflateEnd(&s->z);
    free(s);
}

enum sgl_status gzip(sgl_view in, struct sgl_buf *out)
{
    struct gzip_stream *s = gzip_new();
    enum sgl_status status;

    if (s == NULL)
        return SGL_E_NOMEM;
    status = gzip_add(s, in, out);
    if (status == SGL_OK)
        status = gzip_end(s, out);
    gzip_free(s);
    return status;
}
