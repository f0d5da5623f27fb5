/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as text. */
#ifndef TESTS_UNIT_CRYPTO_KEY_FIXTURE_H
#define TESTS_UNIT_CRYPTO_KEY_FIXTURE_H

#include "check.h"
#include "crypto_fixture.h"
#include "sigillo/base64.h"

static inline void unbase64(const char *text, struct sgl_buf *out)
{
    assert_int_equal(sgl_base64_decode(sgl_view_cstr(text), out), SGL_OK);
}

#endif
