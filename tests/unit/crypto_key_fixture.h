/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of keys sign and read. */
#ifndef TESTS_UNIT_CRYPTO_KEY_FIXTURE_H
#define TESTS_UNIT_CRYPTO_KEY_FIXTURE_H

#include "check.h"
#include "crypto_fixture.h"
#include "sigillo/base64.h"

static inline void unbase64(const char *text, struct sgl_buf *out)
{
    assert_int_equal(sgl_base64_decode(sgl_view_cstr(text), out), SGL_OK);
}

static const uint8_t digest[SGL_SHA256_SIZE] = {1, 2, 3};
static const uint8_t other[SGL_SHA256_SIZE] = {1, 2, 4};

#endif
