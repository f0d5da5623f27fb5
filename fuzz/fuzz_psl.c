/* SPDX-License-Identifier: Apache-2.0 */
/* First line: a name. The rest is a list: the registrable domain is the name's own tail, at a label, and the same when asked again. */
#include <stdlib.h>

#include "sigillo/buf.h"
#include "sigillo/psl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(4096);
    struct sgl_psl *psl = NULL;
    struct sgl_name name, found;
    sgl_view list, line = sgl_view_split(sgl_view_of(data, size), '\n', &list);

    /* Compiled lists come with libpsl; it trusts their insides. */
    if (sgl_view_starts(list, SGL_LIT(".DAFSA")) ||
        sgl_name_parse(line, SGL_NAME_UNDERSCORE | SGL_NAME_ROOT, &arena, NULL, &name) != SGL_OK ||
        sgl_psl_new(list, &psl) != SGL_OK)
        return 0;
    found = sgl_psl_registrable(psl, name);
    if (!sgl_name_is_at_or_below(name, found) ||
        !sgl_name_eq(sgl_psl_registrable(psl, found), found))
        abort();
    if (sgl_psl_is_suffix(psl, name) && !sgl_name_eq(found, name))
        abort();
    sgl_psl_free(psl);
    return 0;
}
