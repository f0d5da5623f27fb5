/* SPDX-License-Identifier: Apache-2.0 */
/* Key records of any kind: a key that is read has bytes or is revoked; what the linter says is printable, and it says something of what cannot be read. */
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/dkim_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sgl_crypto *crypto;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1u << 20);
    sgl_view txt = sgl_view_of(data, size);
    struct sgl_findings findings = {0};
    struct sgl_diag diag = {0};
    struct sgl_dkim_key key;
    enum sgl_status status = sgl_dkim_key_parse(txt, &arena, &key, &diag);

    if (crypto == NULL)
        crypto = sgl_crypto_new();
    if (crypto == NULL || (status != SGL_OK && status != SGL_E_SYNTAX))
        return 0;
    if (status == SGL_OK && key.revoked != (key.bytes.len == 0))
        abort();
    if (status != SGL_OK && diag.what == NULL)
        abort();
    if (sgl_dkim_key_lint(crypto, txt, &arena, &findings) != SGL_OK)
        abort();
    if ((status != SGL_OK) != sgl_findings_have(&findings, "dkim-key-syntax"))
        abort();
    for (const struct sgl_finding *f = findings.first; f != NULL; f = f->next) {
        if (!sgl_ascii_is_printable(f->text) || !sgl_ascii_is_printable(f->mend))
            abort();
    }
    return 0;
}
