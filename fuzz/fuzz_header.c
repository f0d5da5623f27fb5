/* SPDX-License-Identifier: Apache-2.0 */
/* Fields lie within the section, in order, without gaps; what is strictly fine is so tolerantly, too. */
#include <stdlib.h>

#include "sigillo/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sgl_headers *h, size_t size)
{
    const uint8_t *at = h->section.ptr;

    if (h->body_off > size)
        abort();
    for (size_t i = 0; i < h->count; i++) {
        const struct sgl_header *f = &h->field[i];

        if (f->raw.ptr != at || f->value.ptr < f->raw.ptr ||
            f->value.ptr + f->value.len > f->raw.ptr + f->raw.len)
            abort();
        at += f->raw.len;
    }
    if (h->count > 0 && at != h->section.ptr + h->section.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 20);
    struct sgl_headers strict, loose;
    sgl_view in = sgl_view_of(data, size), out;
    enum sgl_status st = sgl_headers_parse(in, SGL_HEADERS_STRICT, &arena, &strict, NULL);

    if (sgl_headers_parse(in, SGL_HEADERS_TOLERANT, &arena, &loose, NULL) == SGL_OK)
        check(&loose, size);
    if (st != SGL_OK)
        return 0;
    check(&strict, size);
    for (size_t i = 0; i < strict.count; i++)
        if (sgl_header_unfold(strict.field[i].value, &arena, &out) == SGL_OK && out.len > size)
            abort();
    if (strict.bare_lf)
        abort();
    return 0;
}
