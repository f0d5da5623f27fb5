/* SPDX-License-Identifier: Apache-2.0 */
/* The fast pass and a slow one, byte by byte, agree on what is fine. */
#include <stdlib.h>

#include "sigillo/limits.h"
#include "sigillo/message_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool body_fine(sgl_view v)
{
    size_t run = 0;

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.ptr[i];
        bool crlf = c == '\r' && i + 1 < v.len && v.ptr[i + 1] == '\n';

        if (c == '\0' || (c == '\r' && !crlf) || (c == '\n' && (i == 0 || v.ptr[i - 1] != '\r')))
            return false;
        run = crlf || c == '\n' ? 0 : run + 1;
        if (run > SGL_LIMIT_LINE)
            return false;
    }
    return run == 0 && (v.len == 0 || v.ptr[v.len - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_view in = sgl_view_of(data, size);
    struct sgl_message_report r;

    if (sgl_message_check(in, &arena, &r) != SGL_OK)
        return 0;
    if (r.off > size || sgl_message_fault_text(r.fault) == NULL)
        abort();
    if (r.fault == SGL_MESSAGE_FINE || !r.in_header)
        if ((r.fault == SGL_MESSAGE_FINE) != body_fine(sgl_view_from(in, r.headers.body_off)))
            abort();
    return 0;
}
