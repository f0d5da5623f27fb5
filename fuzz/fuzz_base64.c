/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes strictly encodes to the same text again; nothing that fails leaves bytes behind. */
#include <stdlib.h>

#include "sigillo/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sgl_status in_pieces(sgl_view text, struct sgl_buf *out)
{
    uint8_t piece[7];
    size_t got;

    while (text.len > 0) {
        SGL_TRY(sgl_base64_decode_some(&text, piece, sizeof piece, &got));
        sgl_buf_add(out, sgl_view_of(piece, got));
    }
    return SGL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) plain = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) loose = SGL_BUF_INIT(1 << 20);
    sgl_auto(sgl_buf) pieces = SGL_BUF_INIT(1 << 20);
    sgl_view in = sgl_view_of(data, size);
    enum sgl_status st = sgl_base64_decode(in, &plain), st_fws = sgl_base64_decode_fws(in, &loose);

    if (!sgl_buf_sane(&plain) || !sgl_buf_sane(&loose))
        abort();
    if (in_pieces(in, &pieces) != st_fws ||
        (st_fws == SGL_OK && !sgl_view_eq(sgl_buf_view(&pieces), sgl_buf_view(&loose))))
        abort();
    if (st == SGL_OK) {
        sgl_base64_encode(&text, sgl_buf_view(&plain));
        if (!sgl_view_eq(sgl_buf_view(&text), in) || st_fws != SGL_OK)
            abort();
    } else if (plain.len != 0) {
        abort();
    }
    return 0;
}
