/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/hex.h"

#include "sigillo/arith.h"
#include "sigillo/ascii.h"
#include "sigillo/banned.h"

void sgl_hex_encode(struct sgl_buf *out, sgl_view v)
{
    static const char digits[] = "0123456789abcdef";
    size_t size;

    if (!sgl_mul_size(v.len, 2, &size))
        size = SIZE_MAX;
    if (sgl_buf_reserve(out, size) != SGL_OK)
        return;
    for (size_t i = 0; i < v.len; i++) {
        out->data[out->len++] = (uint8_t)digits[v.ptr[i] >> 4];
        out->data[out->len++] = (uint8_t)digits[v.ptr[i] & 15];
    }
}

enum sgl_status sgl_hex_decode(sgl_view text, struct sgl_buf *out)
{
    if (text.len % 2 != 0)
        return SGL_E_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        if (sgl_ascii_hex_value(text.ptr[i]) < 0)
            return SGL_E_SYNTAX;
    }
    SGL_TRY(sgl_buf_reserve(out, text.len / 2));
    for (size_t i = 0; i < text.len; i += 2)
        out->data[out->len++] =
            (uint8_t)(sgl_ascii_hex_value(text.ptr[i]) << 4 | sgl_ascii_hex_value(text.ptr[i + 1]));
    return SGL_OK;
}
