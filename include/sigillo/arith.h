/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and products of sizes that come from outside. */
#ifndef SIGILLO_ARITH_H
#define SIGILLO_ARITH_H

#include "sigillo/view.h"

#ifdef __cplusplus
extern "C" {
#endif

/* true and *out set when a + b fits; false and *out untouched when it does not. */
static inline SGL_MUST_USE bool sgl_add_size(size_t a, size_t b, size_t *out)
{
    size_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

/* The same for a * b. */
static inline SGL_MUST_USE bool sgl_mul_size(size_t a, size_t b, size_t *out)
{
    size_t product;

    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

#ifdef __cplusplus
}
#endif
#endif
