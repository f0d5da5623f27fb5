/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes have parts or are refused; each lies inside of the one around it. */
#include <stdlib.h>

#include "sigillo/limits.h"
#include "sigillo/mime.h"
#include "sigillo/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(sgl_view v, sgl_view of)
{
    return v.len == 0 || (v.ptr >= of.ptr && v.ptr + v.len <= of.ptr + of.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 24);
    const struct sgl_mime_part *part;
    size_t count;

    if (sgl_mime_walk(sgl_view_of(data, size), &arena, &part, &count) != SGL_OK)
        return 0;
    if (count == 0 || count > SGL_LIMIT_MIME_PARTS)
        abort();
    for (size_t i = 0; i < count; i++) {
        sgl_auto(sgl_buf) body = SGL_BUF_INIT(size + 1), text = SGL_BUF_INIT(3 * size + 1);
        bool replaced;
        const struct sgl_mime_part *p = &part[i];

        if (p->depth > SGL_LIMIT_MIME_DEPTH || (i > 0 && p->parent >= i) ||
            (i > 0 && part[p->parent].depth + 1 != p->depth) ||
            (i > 0 && !part[p->parent].multipart) || !inside(p->body, part[p->parent].body))
            abort();
        if (sgl_mime_decode(p, &body) == SGL_E_LIMIT ||
            sgl_mime_text(p, &text, &replaced) == SGL_E_LIMIT ||
            !sgl_utf8_valid(sgl_buf_view(&text)))
            abort();
    }
    return 0;
}
