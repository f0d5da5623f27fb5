/* SPDX-License-Identifier: Apache-2.0 */
/* Macro strings over values that a client chose: names are names, explanations are one printable line, and what is refused is never expanded. */
#include <stdlib.h>

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "spf_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the macro string, the rest are the values. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    sgl_view rest = sgl_view_of(data, size), text = sgl_view_split(rest, '\n', &rest), out;
    struct spf_values values = {.address = SGL_LIT("192.0.2.1"), .version = SGL_LIT("ip6")};
    struct sgl_name name;
    size_t off = 0;

    values.local = sgl_view_split(rest, '\n', &rest);
    values.sender = values.domain = values.validated = sgl_view_split(rest, '\n', &rest);
    values.helo = values.receiver = values.sender_domain = rest;
    if (sgl_spf_domain_spec_fault(text, &off) == NULL) {
        if (sgl_spf_macro_fault(text, SPF_TERM, &off) != NULL)
            abort();
        if (sgl_spf_expand_name(text, &values, &arena, &name) == SGL_OK &&
            (sgl_name_is_root(name) || !sgl_name_ok(name.text, SGL_NAME_ANY)))
            abort();
    }
    if (off > text.len)
        abort();
    if (sgl_spf_macro_fault(text, SPF_TERM, &off) == NULL &&
        sgl_spf_macro_fault(text, SPF_EXPLANATION, &off) != NULL)
        abort();
    if (sgl_spf_macro_fault(text, SPF_EXPLANATION, &off) != NULL)
        return 0;
    if (sgl_spf_expand_text(text, &values, &arena, &out) != SGL_OK)
        return 0;
    if (!sgl_ascii_is_printable(out) || out.len > SGL_LIMIT_SPF_EXPLANATION)
        abort();
    if (sgl_spf_macro_letters(text) == 0 && sgl_view_find(text, '%') == text.len &&
        !sgl_view_eq(out, sgl_view_sub(text, 0, SGL_LIMIT_SPF_EXPLANATION)))
        abort();
    return 0;
}
