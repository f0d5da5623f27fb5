/* SPDX-License-Identifier: Apache-2.0 */
/* Any first bytes: what is told of them lies within them, and more bytes never take back what was told. */
#include <stdlib.h>

#include "../server/doors/http/http_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head whole, part;

    http_head_read(sgl_view_of(data, size), &whole);
    if (whole.target.ptr != NULL && (whole.target.ptr < data || whole.target.len > size))
        abort();
    for (size_t n = 0; n < size && n < 200; n++) {
        http_head_read(sgl_view_of(data, n), &part);
        if ((part.target.ptr != NULL && !sgl_view_eq(part.target, whole.target)) ||
            (part.content != 0 && part.content != whole.content))
            abort();
    }
    return 0;
}
