/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/utf8.h"

#include "sigillo/banned.h"

/* Bytes of the character that starts with this one; 0: no character does. */
static size_t length_of(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf) /* c0 and c1 would be longer forms of ASCII */
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 0;
}

size_t sgl_utf8_next(sgl_view v, size_t off, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n;
    uint32_t c;

    if (off >= v.len)
        return 0;
    n = length_of(v.ptr[off]);
    if (n == 0 || n > v.len - off)
        return 0;
    c = n == 1 ? v.ptr[off] : v.ptr[off] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((v.ptr[off + i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (v.ptr[off + i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

bool sgl_utf8_valid(sgl_view v)
{
    size_t off = 0;

    while (off < v.len) {
        uint64_t word;
        uint32_t code;
        size_t n;

        if (v.len - off >= sizeof word) {
            memcpy(&word, v.ptr + off, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                off += sizeof word;
                continue;
            }
        }
        n = sgl_utf8_next(v, off, &code);
        if (n == 0)
            return false;
        off += n;
    }
    return true;
}

size_t sgl_utf8_put(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}
