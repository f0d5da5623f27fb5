/* SPDX-License-Identifier: Apache-2.0 */
/* Any header has one author domain or a state that says why not; two From fields never have one. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/dmarc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(32u << 20);
    struct sgl_headers headers;
    enum sgl_dmarc_author state;
    struct sgl_name domain = {{NULL, 0}};

    if (sgl_headers_parse(sgl_view_of(data, size), SGL_HEADERS_TOLERANT, &arena, &headers, NULL) !=
            SGL_OK ||
        sgl_dmarc_author(&headers, &arena, &state, &domain) != SGL_OK)
        return 0;
    if ((state == SGL_DMARC_AUTHOR_OK) != (domain.text.len > 0))
        abort();
    if (state == SGL_DMARC_AUTHOR_OK && (sgl_headers_count(&headers, SGL_LIT("from")) != 1 ||
                                         !sgl_name_ok(domain.text, SGL_NAME_UNDERSCORE)))
        abort();
    return 0;
}
