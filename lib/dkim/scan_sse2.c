/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16 bytes at a time, each compared together with its right-hand neighbour: a second load, one byte further on, gives the
 * neighbours.
 */
#include <emmintrin.h>

#include "dkim_internal.h"

#define STEP 16

/* Bytes of p[0..16) at which the stretch ends become 0xff; reads p[16] too. */
static inline __m128i ends(const uint8_t *p)
{
    const __m128i sp = _mm_set1_epi8(' '), ht = _mm_set1_epi8('\t'), cr = _mm_set1_epi8('\r');
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
    __m128i blank = _mm_or_si128(_mm_cmpeq_epi8(next, sp), _mm_cmpeq_epi8(next, ht));
    __m128i follows = _mm_or_si128(blank, _mm_cmpeq_epi8(next, cr));

    return _mm_or_si128(_mm_cmpeq_epi8(here, ht), _mm_and_si128(_mm_cmpeq_epi8(here, sp), follows));
}

size_t sgl_dkim_scan_sse2(const uint8_t *p, size_t n)
{
    size_t i = 0;

    /* Four blocks share one test as long as nothing is found. */
    while (n - i > 4 * STEP) {
        __m128i a = ends(p + i), b = ends(p + i + STEP);
        __m128i c = ends(p + i + 2 * STEP), d = ends(p + i + 3 * STEP);

        if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) != 0)
            break;
        i += 4 * STEP;
    }
    while (n - i > STEP) {
        unsigned mask = (unsigned)_mm_movemask_epi8(ends(p + i));

        if (mask != 0)
            return i + (size_t)__builtin_ctz(mask);
        i += STEP;
    }
    return i + sgl_dkim_scan_portable(p + i, n - i);
}
