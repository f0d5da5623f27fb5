/* SPDX-License-Identifier: Apache-2.0 */
/* Signature fields of any kind: what is read is what may be asked for, printed and hashed; what is refused has a reason. */
#include <stdlib.h>

#include "sigillo/dkim_verify.h"
#include "sigillo/dns_name.h"
#include "sigillo/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_good(sgl_view value, const struct sgl_dkim_tags *tags, enum sgl_dkim_kind kind)
{
    size_t off = (size_t)(tags->b_written.ptr - value.ptr);

    if (!sgl_name_ok(tags->domain, SGL_NAME_HOST) ||
        !sgl_name_ok(tags->selector, SGL_NAME_UNDERSCORE))
        abort();
    if (off == 0 || off > value.len || tags->b_written.len > value.len - off ||
        value.ptr[off - 1] != '=')
        abort();
    if (off + tags->b_written.len < value.len && value.ptr[off + tags->b_written.len] != ';')
        abort();
    if (!sgl_view_ends(tags->identity, tags->domain) || tags->signature.len == 0)
        abort();
    if (kind == SGL_DKIM_ARC_SEAL ? tags->signed_names != 0 : tags->signed_names == 0)
        abort();
    if (tags->signed_names > SGL_LIMIT_DKIM_SIGNED ||
        (kind == SGL_DKIM_SIGNATURE) != (tags->instance == 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_view value = sgl_view_of(data, size);

    for (int kind = SGL_DKIM_SIGNATURE; kind <= SGL_DKIM_ARC_SEAL; kind++) {
        sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1u << 20);
        struct sgl_dkim_tags tags;
        enum sgl_status status =
            sgl_dkim_tags_parse((enum sgl_dkim_kind)kind, value, &arena, &tags, NULL);

        if (status != SGL_OK && status != SGL_E_SYNTAX)
            abort(); /* there is memory enough */
        if ((status == SGL_OK) != (tags.fault == SGL_DKIM_FAULT_NONE) ||
            (status == SGL_OK) != (tags.why[0] == '\0'))
            abort();
        if (status == SGL_OK)
            check_good(value, &tags, (enum sgl_dkim_kind)kind);
    }
    return 0;
}
