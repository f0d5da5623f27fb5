/* SPDX-License-Identifier: Apache-2.0 */
#include "name.h"

#include "sigillo/idn.h"

bool name_parse(sgl_view text, unsigned flags, struct sgl_arena *arena, struct sgl_diag *diag,
                struct sgl_name *out)
{
    sgl_view ascii;

    return sgl_idn_to_ascii(text, arena, &ascii) == SGL_OK &&
           sgl_name_parse(ascii, flags | SGL_NAME_FINAL_DOT, arena, diag, out) == SGL_OK;
}
