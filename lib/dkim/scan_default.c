/* SPDX-License-Identifier: Apache-2.0 */
/* Where there is no faster scan. */
#include "dkim_internal.h"

size_t sgl_dkim_scan(const uint8_t *p, size_t n)
{
    return sgl_dkim_scan_portable(p, n);
}
