/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a TLS-RPT record or refused; what was read is written so that it reads the same. */
#include <stdlib.h>

#include "sigillo/limits.h"
#include "sigillo/tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_auto(sgl_buf) put = SGL_BUF_INIT(1 << 20);
    sgl_view text = sgl_view_of(data, size);
    struct sgl_findings findings = {0};
    struct sgl_tlsrpt_record r, again;
    bool good = sgl_tlsrpt_parse(text, &arena, &r, NULL) == SGL_OK;

    if (sgl_tlsrpt_lint(text, &arena, &findings) != SGL_OK || (findings.errors == 0) != good)
        abort();
    if (!good)
        return 0;
    if (!sgl_tlsrpt_is_record(text) || r.count == 0 || r.count > SGL_LIMIT_TLSRPT_URIS ||
        sgl_tlsrpt_put(&r, &put) != SGL_OK ||
        sgl_tlsrpt_parse(sgl_buf_view(&put), &arena, &again, NULL) != SGL_OK ||
        again.count != r.count)
        abort();
    for (size_t i = 0; i < r.count; i++) {
        sgl_view uri = r.rua[i].text;
        struct sgl_mailbox to;

        if ((sgl_tlsrpt_mailbox(uri, &arena, &to) == SGL_OK) !=
            (r.rua[i].scheme == SGL_TLSRPT_MAILTO))
            abort();

        if (uri.ptr < data || uri.ptr + uri.len > data + size ||
            !sgl_view_eq(uri, again.rua[i].text))
            abort();
    }
    return 0;
}
