/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a client sends as XOAUTH2 or OAUTHBEARER: what is taken is clean, and a refusal is one line of JSON. */
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/sasl.h"
#include "sigillo/smtp_command.h"
#include "sigillo/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(sgl_view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (sgl_ascii_is_control(v.ptr[i]))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_buf) out = SGL_BUF_INIT(1 << 16);
    unsigned mechanism = size % 2 == 0 ? SGL_SASL_XOAUTH2 : SGL_SASL_OAUTHBEARER;
    sgl_view message = sgl_view_of(data, size);
    struct sgl_sasl_bearer b;

    sgl_sasl_bearer_init(&b, mechanism);
    if (sgl_sasl_bearer_step(&b, true, message) == SGL_SASL_CHECK) {
        clean(sgl_buf_view(&b.user));
        clean(b.token);
        if (!sgl_utf8_valid(sgl_buf_view(&b.user)) || b.token.len > size ||
            (mechanism == SGL_SASL_XOAUTH2 && b.user.len == 0) || data[size - 1] != 1)
            abort();
        if (sgl_sasl_bearer_refuse(&b, message, message, &out) == SGL_SASL_CHALLENGE)
            clean(sgl_buf_view(&out));
        if (sgl_sasl_bearer_step(&b, true, message) == SGL_SASL_CHECK)
            abort();
    }
    sgl_sasl_bearer_done(&b);
    return 0;
}
