/* SPDX-License-Identifier: Apache-2.0 */
#include "netstring.h"

#define DIGITS_MAX 9

enum netstring netstring_read(sgl_view bytes, size_t max, sgl_view *out, size_t *used)
{
    size_t len = 0, digits = 0;

    while (digits < bytes.len && bytes.ptr[digits] >= '0' && bytes.ptr[digits] <= '9') {
        if (digits == DIGITS_MAX)
            return NETSTRING_TOO_LONG;
        len = len * 10 + (size_t)(bytes.ptr[digits++] - '0');
    }
    if (digits > 1 && bytes.ptr[0] == '0') /* one way to write a number */
        return NETSTRING_BROKEN;
    if (len > max)
        return NETSTRING_TOO_LONG;
    if (digits == bytes.len)
        return NETSTRING_MORE;
    if (digits == 0 || bytes.ptr[digits] != ':')
        return NETSTRING_BROKEN;
    if (bytes.len - digits - 1 <= len)
        return NETSTRING_MORE;
    if (bytes.ptr[digits + 1 + len] != ',')
        return NETSTRING_BROKEN;
    *out = sgl_view_sub(bytes, digits + 1, len);
    *used = digits + len + 2;
    return NETSTRING_OK;
}

void netstring_put(struct sgl_buf *out, sgl_view data)
{
    sgl_buf_add_u64(out, data.len);
    sgl_buf_add_byte(out, ':');
    sgl_buf_add(out, data);
    sgl_buf_add_byte(out, ',');
}
