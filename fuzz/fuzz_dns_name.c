/* SPDX-License-Identifier: Apache-2.0 */
/* A name that parses parses again to itself; no wire form makes an invalid name. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/dns_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(1 << 16);
    sgl_view in = sgl_view_of(data, size);
    struct sgl_name name, again;
    size_t used;

    for (unsigned flags = 0; flags < 16; flags++) {
        if (sgl_name_parse(in, flags, &arena, NULL, &name) != SGL_OK || sgl_name_is_root(name))
            continue;
        if (sgl_name_parse(name.text, flags, &arena, NULL, &again) != SGL_OK ||
            !sgl_name_eq(name, again))
            abort();
    }
    for (unsigned flags = SGL_NAME_UNDERSCORE; flags <= SGL_NAME_ANY; flags <<= 3) {
        if (sgl_name_from_wire(in, flags, &arena, &used, &name) == SGL_OK &&
            (used > size || (!sgl_name_is_root(name) && !sgl_name_ok(name.text, flags))))
            abort();
    }
    return 0;
}
