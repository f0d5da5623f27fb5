/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/base64.h"

#include "dkim_internal.h"

#include "sigillo/limits.h"
#include "sigillo/tags.h"

/* The same with the padding that is missing. */
static enum sgl_status decode_padded(sgl_view text, struct sgl_arena *arena, struct sgl_buf *out)
{
    sgl_auto(sgl_buf) padded = SGL_BUF_INIT(SGL_LIMIT_DKIM_FIELD + 8);
    struct sgl_arena_mark mark = sgl_arena_mark(arena);
    sgl_view squeezed;

    SGL_TRY(sgl_tag_squeeze(text, arena, &squeezed));
    if (squeezed.len % 4 < 2)
        return SGL_E_SYNTAX;
    sgl_buf_add(&padded, squeezed);
    sgl_buf_add(&padded, sgl_view_sub(SGL_LIT("=="), 0, 4 - squeezed.len % 4));
    sgl_arena_rewind(arena, mark);
    SGL_TRY(padded.status);
    return sgl_base64_decode(sgl_buf_view(&padded), out);
}

/*
 * The base64string of RFC 6376 s2.10: blanks anywhere, and the padding may be left out.  What an odd last character cannot hold stays
 * refused: it would be a second text for the same bytes.
 */
enum sgl_status sgl_dkim_base64(sgl_view text, struct sgl_arena *arena, sgl_view *out)
{
    sgl_auto(sgl_buf) bytes = SGL_BUF_INIT(SGL_LIMIT_DKIM_FIELD);
    enum sgl_status status;

    if (text.len > SGL_LIMIT_DKIM_FIELD)
        return SGL_E_SYNTAX;
    status = sgl_base64_decode_fws(text, &bytes);
    if (status == SGL_E_SYNTAX)
        status = decode_padded(text, arena, &bytes);
    SGL_TRY(status);
    return sgl_arena_dup(arena, sgl_buf_view(&bytes), out);
}
