/* SPDX-License-Identifier: Apache-2.0 */
/* Values are UTF-8; a value that can be written is read back. */
#include <stdlib.h>

#include "sigillo/param.h"
#include "sigillo/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_auto(sgl_buf) buf = SGL_BUF_INIT(1 << 20);
    sgl_view in = sgl_view_of(data, size);
    struct sgl_param_value v;

    if (sgl_param_parse(in, &arena, &v, NULL) == SGL_OK)
        for (size_t i = 0; i < v.count; i++)
            if (!sgl_utf8_valid(v.param[i].value))
                abort();
    if (size > 1500)
        return 0;
    sgl_buf_add_cstr(&buf, "attachment");
    sgl_param_put(&buf, SGL_LIT("filename"), in);
    if (buf.status != SGL_OK)
        return 0;
    if (sgl_param_parse(sgl_buf_view(&buf), &arena, &v, NULL) != SGL_OK) {
        if (arena.status == SGL_OK && size < 1000)
            abort();
        return 0;
    }
    if (!sgl_view_eq(sgl_param_get(&v, SGL_LIT("filename")), in))
        abort();
    return 0;
}
