/* SPDX-License-Identifier: Apache-2.0 */
#include "sigillo/diag.h"

#include "sigillo/banned.h"

void sgl_diag_set(struct sgl_diag *diag, const char *what, const char *rule, sgl_view input,
                  size_t off)
{
    sgl_view near;

    if (diag == NULL || diag->what != NULL)
        return;
    near = sgl_view_sub(input, off, sizeof diag->near);
    diag->what = what;
    diag->rule = rule;
    diag->off = off;
    diag->near_len = (uint8_t)near.len;
    if (near.len > 0)
        memcpy(diag->near, near.ptr, near.len);
}
