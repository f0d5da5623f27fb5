/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a BIMI record or refused; what was read is written so that it reads the same. */
#include <stdlib.h>

#include "sigillo/bimi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) put = SGL_BUF_INIT(1 << 20);
    sgl_view text = sgl_view_of(data, size);
    struct sgl_findings findings = {0};
    struct sgl_bimi_record r, again;
    bool good = sgl_bimi_parse(text, &arena, &r, NULL) == SGL_OK;

    if (sgl_bimi_lint(text, &arena, &findings) != SGL_OK || (findings.errors == 0) != good)
        abort();
    if (!good)
        return 0;
    if (!sgl_bimi_is_record(text) || r.declined != (r.location.len == 0))
        abort();
    r.avatar = sgl_view_of(NULL, 0); /* any value is read, but only two are written */
    if (sgl_bimi_put(&r, &put) != SGL_OK ||
        sgl_bimi_parse(sgl_buf_view(&put), &arena, &again, NULL) != SGL_OK ||
        !sgl_view_eq(again.location, r.location) || !sgl_view_eq(again.authority, r.authority))
        abort();
    return 0;
}
