/* SPDX-License-Identifier: Apache-2.0 */
#include "dkim_internal.h"

static bool ends_stretch(const uint8_t *p, size_t n, size_t i)
{
    if (p[i] == '\t')
        return true;
    return p[i] == ' ' && (i + 1 == n || sgl_dkim_is_blank(p[i + 1]) || p[i + 1] == '\r');
}

/* Is there a SP or HTAB in the word?  A byte that is zero borrows from its top bit. */
static bool has_blank(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    uint64_t sp = w ^ (ones * 0x20), ht = w ^ (ones * 0x09);

    return ((((sp - ones) & ~sp) | ((ht - ones) & ~ht)) & tops) != 0;
}

size_t sgl_dkim_scan_portable(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        uint64_t word;
        size_t end = n;

        if (n - i >= sizeof word) {
            memcpy(&word, p + i, sizeof word);
            end = i + sizeof word;
            if (!has_blank(word))
                i = end;
        }
        for (; i < end; i++) {
            if (ends_stretch(p, n, i))
                return i;
        }
    }
    return n;
}
