/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes have a text: not much longer than they are, valid where they are, and the same twice. */
#include <stdlib.h>

#include "sigillo/html_text.h"
#include "sigillo/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) once = SGL_BUF_INIT(size * 2 + 16);
    sgl_auto(sgl_buf) twice = SGL_BUF_INIT(size * 2 + 16);
    sgl_view html = sgl_view_of(data, size);

    sgl_html_text(html, &once);
    sgl_html_text(html, &twice);
    if (once.status != SGL_OK || !sgl_view_eq(sgl_buf_view(&once), sgl_buf_view(&twice)))
        abort();
    if (sgl_utf8_valid(html) && !sgl_utf8_valid(sgl_buf_view(&once)))
        abort();
    return 0;
}
