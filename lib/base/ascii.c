/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/ascii.h"

#include "sigillo/banned.h"

bool sgl_ascii_only(sgl_view v)
{
    size_t i = 0;

    for (; v.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, v.ptr + i, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            return false;
    }
    for (; i < v.len; i++) {
        if (v.ptr[i] > 0x7f)
            return false;
    }
    return true;
}

bool sgl_ascii_is_printable(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < 0x20 || v.ptr[i] > 0x7e)
            return false;
    }
    return true;
}
