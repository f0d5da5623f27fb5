/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies: never more than was allowed, and the same again. */
#include "../server/gzip/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view in = sgl_view_of(data, size);
    struct sgl_buf small = SGL_BUF_INIT(64), large = SGL_BUF_INIT(1u << 20);
    enum sgl_status a = gunzip(in, &small), b = gunzip(in, &large);

    if (small.len > 64 || !sgl_buf_sane(&small) || !sgl_buf_sane(&large))
        __builtin_trap();
    if (a == SGL_OK && (b != SGL_OK || !sgl_view_eq(sgl_buf_view(&small), sgl_buf_view(&large))))
        __builtin_trap();
    sgl_buf_done(&small);
    sgl_buf_done(&large);
    return 0;
}
