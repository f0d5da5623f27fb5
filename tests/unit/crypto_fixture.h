/* SPDX-License-Identifier: Apache-2.0 */
/* One struct sgl_crypto for the tests of a file: a group set-up and a group tear-down. */
#ifndef TESTS_UNIT_CRYPTO_FIXTURE_H
#define TESTS_UNIT_CRYPTO_FIXTURE_H

#include "check.h"
#include "sigillo/crypto.h"

static struct sgl_crypto *crypto;

static inline int setup(void **state)
{
    (void)state;
    crypto = sgl_crypto_new();
    return crypto == NULL;
}

static inline int teardown(void **state)
{
    (void)state;
    sgl_crypto_free(crypto);
    return 0;
}

#endif
