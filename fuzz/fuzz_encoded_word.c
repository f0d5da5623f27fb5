/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding gives UTF-8; what is encoded is ASCII without line ends and decodes to the same text. */
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/encoded_word.h"
#include "sigillo/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 22);
    sgl_view in = sgl_view_of(data, size), out;

    if (sgl_encoded_word_decode(in, &arena, &out) == SGL_OK &&
        (!sgl_utf8_valid(out) || out.len > 3 * size))
        abort();
    for (int place = SGL_WORD_TEXT; place <= SGL_WORD_PHRASE; place++) {
        sgl_auto(sgl_buf) buf = SGL_BUF_INIT(1 << 20);

        sgl_encoded_word_put(&buf, in, (enum sgl_word_place)place);
        if (buf.status != SGL_OK)
            continue;
        for (size_t i = 0; i < buf.len; i++)
            if (buf.data[i] >= 0x80 || (sgl_ascii_is_control(buf.data[i]) && buf.data[i] != '\t'))
                abort();
        if (sgl_encoded_word_decode(sgl_buf_view(&buf), &arena, &out) == SGL_OK &&
            !sgl_view_eq(out, in))
            abort();
    }
    return 0;
}
