/* SPDX-License-Identifier: Apache-2.0 */
/* As scan_sse2.c, 32 bytes at a time, for processors that say at run time that they can. */
#include <immintrin.h>

#include "dkim_internal.h"

#define STEP 32
#define AVX2 __attribute__((target("avx2")))

/* Bytes of p[0..32) at which the stretch ends become 0xff; reads p[32] too. */
AVX2 static inline __m256i ends(const uint8_t *p)
{
    const __m256i sp = _mm256_set1_epi8(' '), ht = _mm256_set1_epi8('\t');
    const __m256i cr = _mm256_set1_epi8('\r');
    __m256i here = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i next = _mm256_loadu_si256((const __m256i *)(const void *)(p + 1));
    __m256i blank = _mm256_or_si256(_mm256_cmpeq_epi8(next, sp), _mm256_cmpeq_epi8(next, ht));
    __m256i follows = _mm256_or_si256(blank, _mm256_cmpeq_epi8(next, cr));

    return _mm256_or_si256(_mm256_cmpeq_epi8(here, ht),
                           _mm256_and_si256(_mm256_cmpeq_epi8(here, sp), follows));
}

AVX2 size_t sgl_dkim_scan_avx2(const uint8_t *p, size_t n)
{
    size_t i = 0;

    /* Four blocks share one test as long as nothing is found. */
    while (n - i > 4 * STEP) {
        __m256i a = ends(p + i), b = ends(p + i + STEP);
        __m256i c = ends(p + i + 2 * STEP), d = ends(p + i + 3 * STEP);

        if (_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d))) !=
            0)
            break;
        i += 4 * STEP;
    }
    while (n - i > STEP) {
        unsigned mask = (unsigned)_mm256_movemask_epi8(ends(p + i));

        if (mask != 0)
            return i + (size_t)__builtin_ctz(mask);
        i += STEP;
    }
    return i + sgl_dkim_scan_sse2(p + i, n - i);
}

sgl_dkim_scanner *sgl_dkim_best_scan(void)
{
    return __builtin_cpu_supports("avx2") ? sgl_dkim_scan_avx2 : sgl_dkim_scan_sse2;
}
