/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 64 bytes at a time: which are CR, LF, NUL, and is one above 127?  The masks have bit i for byte i.  One of the two
 * forms below is compiled; both are tested by the same rows.
 */
#ifndef LIB_MAIL_SCAN_INTERNAL_H
#define LIB_MAIL_SCAN_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

struct sgl_scan_masks {
    uint64_t cr, lf, nul;
    bool eightbit;
};

#if defined(__SSE2__)

#include <emmintrin.h>

static inline uint64_t sgl_scan_equal(const __m128i v[4], char c)
{
    const __m128i want = _mm_set1_epi8(c);
    uint64_t m0 = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[0], want));
    uint64_t m1 = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[1], want));
    uint64_t m2 = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[2], want));
    uint64_t m3 = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[3], want));

    return m0 | m1 << 16 | m2 << 32 | m3 << 48;
}

static inline struct sgl_scan_masks sgl_scan_64(const uint8_t *p)
{
    struct sgl_scan_masks m;
    __m128i v[4];

    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    m.cr = sgl_scan_equal(v, '\r');
    m.lf = sgl_scan_equal(v, '\n');
    m.nul = sgl_scan_equal(v, '\0');
    m.eightbit =
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(v[0], v[1]), _mm_or_si128(v[2], v[3]))) != 0;
    return m;
}

#else

static inline struct sgl_scan_masks sgl_scan_64(const uint8_t *p)
{
    struct sgl_scan_masks m = {0, 0, 0, false};

    for (int i = 0; i < 64; i++) {
        m.cr |= (uint64_t)(p[i] == '\r') << i;
        m.lf |= (uint64_t)(p[i] == '\n') << i;
        m.nul |= (uint64_t)(p[i] == '\0') << i;
        m.eightbit |= p[i] >= 0x80;
    }
    return m;
}

#endif
#endif
