/* SPDX-License-Identifier: Apache-2.0 */
/* Where there is no faster scan. */
#include "dkim_internal.h"

sgl_dkim_scanner *sgl_dkim_best_scan(void)
{
    return sgl_dkim_scan_portable;
}
