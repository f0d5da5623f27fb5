/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in pieces against the slow reference.  The first byte chooses the form, the second the size of the pieces. */
#include <stdlib.h>

#include "../tests/unit/dkim_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) want = SGL_BUF_INIT(SIZE_MAX / 2);
    sgl_auto(sgl_buf) got = SGL_BUF_INIT(SIZE_MAX / 2);
    struct sgl_dkim_body state;
    enum sgl_dkim_canon canon;
    sgl_view body;
    size_t piece;

    if (size < 2)
        return 0;
    canon = data[0] & 1 ? SGL_DKIM_RELAXED : SGL_DKIM_SIMPLE;
    piece = data[1] == 0 ? size : data[1];
    body = sgl_view_of(data + 2, size - 2);
    reference_body(canon, body, &want);
    sgl_dkim_body_init(&state, canon, (struct sgl_dkim_sink){reference_put, &got});
    for (size_t i = 0; i < body.len; i += piece)
        sgl_dkim_body_feed(&state, sgl_view_sub(body, i, piece));
    sgl_dkim_body_finish(&state);
    if (want.status != SGL_OK || got.status != SGL_OK ||
        !sgl_view_eq(sgl_buf_view(&got), sgl_buf_view(&want)))
        abort();
    return 0;
}
