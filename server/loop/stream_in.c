/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that came and that nobody has taken yet. */
#include <assert.h>
#include <stdlib.h>

#include "stream_internal.h"

bool in_append(struct in_buf *b, sgl_view bytes)
{
    if (bytes.len == 0)
        return true;
    if (b->cap - b->len < bytes.len) {
        size_t cap = b->len + bytes.len < 1024 ? 1024 : 2 * (b->len + bytes.len);
        uint8_t *data = realloc(b->data, cap);

        if (data == NULL)
            return false;
        b->data = data;
        b->cap = cap;
    }
    memcpy(b->data + b->len, bytes.ptr, bytes.len);
    b->len += bytes.len;
    return true;
}

void in_keep(struct in_buf *b, size_t taken)
{
    assert(taken <= b->len);
    b->len -= taken;
    if (b->len == 0)
        in_done(b);
    else if (taken > 0)
        memmove(b->data, b->data + taken, b->len);
}

void in_done(struct in_buf *b)
{
    free(b->data);
    *b = (struct in_buf){NULL, 0, 0};
}
