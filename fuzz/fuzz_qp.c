/* SPDX-License-Identifier: Apache-2.0 */
/* Binary data comes back as it was; lines stay within 76; the size foretold is the size written. */
#include <stdlib.h>

#include "sigillo/qp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view in = sgl_view_of(data, size);

    for (int text = 0; text <= 1; text++) {
        sgl_auto(sgl_buf) buf = SGL_BUF_INIT(1 << 22);
        sgl_auto(sgl_buf) back = SGL_BUF_INIT(1 << 22);
        sgl_view rest;

        sgl_qp_put(&buf, in, text != 0);
        if (buf.status != SGL_OK)
            return 0;
        if (sgl_qp_size(in, text != 0) != buf.len)
            abort();
        for (rest = sgl_buf_view(&buf); rest.len > 0;)
            if (sgl_view_split(rest, '\n', &rest).len > 77)
                abort();
        sgl_qp_decode(&back, sgl_buf_view(&buf), true);
        if (back.status != SGL_OK || (!text && !sgl_view_eq(sgl_buf_view(&back), in)))
            abort();
    }
    {
        sgl_auto(sgl_buf) loose = SGL_BUF_INIT(1 << 22);

        sgl_qp_decode(&loose, in, false);
        if (loose.len > size)
            abort();
    }
    return 0;
}
